"""Limits as people write them."""

from __future__ import annotations

import pytest

from layertui.gate.limits import parse_growth, parse_ratio, parse_size


@pytest.mark.parametrize(
    "text, size",
    [
        # As go-humanize reads them, which dive uses: decimal and binary units, in any case.
        ("20MB", 20_000_000),
        ("20Mb", 20_000_000),
        ("20 MiB", 20 << 20),
        ("1.5kb", 1500),
        ("1,000,000", 1_000_000),
        ("32.025kB", 32_025),
        ("1,000.5 kB", 1_000_500),
        (".1MB", 100_000),
        ("2 g", 2_000_000_000),
        ("2gi", 2 << 30),
        ("7 b ", 7),
        (7, 7),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "value",
    [
        "", "-5", "+5kB", "20 XB", "20MBs", "1e6", "0x10", "1.5.5k", "20 M B", "1_000", "５0kB", "17EiB", "9" * 400,
        "1,5 MB", "1,50", ",5", "12,3456", "1,000,0", -1, True, 1.5, [],
    ],
)  # fmt: skip
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="is not a size: expected bytes"):
        parse_size(value)


def test_ratios() -> None:
    assert [parse_ratio(value) for value in ("0.95", ".5", "5e-1", "0.", 1, 0.2)] == [
        0.95,
        0.5,
        0.5,
        0,
        1,
        0.2,
    ]
    for value in ("20%", " 0.9", "nan", "inf", "-0.1", "1.1", "", 2, True, float("nan"), None):
        with pytest.raises(ValueError, match="is not a ratio: expected a number from 0 to 1"):
            parse_ratio(value)


def test_growth() -> None:
    five = parse_growth("5 %")
    assert five.allows(1000, 1050) and not five.allows(1000, 1051) and five.allows(1000, 10)
    assert five.allows(0, 0) and not five.allows(0, 1)
    kilobyte = parse_growth("1 kB")
    assert kilobyte.allows(5, 1005) and not kilobyte.allows(5, 1006)
    assert not parse_growth(0).allows(5, 6)
    for value in ("%", "-1%", "inf%", "much", True):
        with pytest.raises(ValueError, match="is not a growth"):
            parse_growth(value)
