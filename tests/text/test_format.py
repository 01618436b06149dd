"""Numbers and times as text."""

import random

import humanize
import pytest

from layertui.commands.output import created_cell
from layertui.text.format import age_text, parse_time, rate_text, share_text, short_size, size_text, wait_text


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_its_offset_puts_out_of_the_calendar_is_shown_as_it_is(text: str) -> None:
    """RFC 3339 has years 0 to 9999, a calendar in UTC (datetime.MINYEAR) 1 to 9999."""
    assert parse_time(text) is None
    assert age_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:00",
        "1970-01-01T00:00:00Z",
        "1970-01-01T01:00:00+01:00",
    ],
)
def test_the_time_of_builders_that_record_none_is_unknown(text: str) -> None:
    """Docker 28 prints N/A for both."""
    assert age_text(text) == "unknown"
    assert created_cell(text) == created_cell(None) == "N/A"
    assert "years ago" in age_text("1970-01-01T00:00:01Z")


def test_times_are_in_utc() -> None:
    moment = parse_time("2026-11-24T01:30:00+02:00")
    assert moment is not None and moment.isoformat() == "2026-11-23T23:30:00+00:00"


@pytest.mark.parametrize(
    ("part", "total", "expected"),
    [(0, 10, "0%"), (1, 1000, "<1%"), (5, 10, "50%"), (999, 1000, ">99%"), (10, 10, "100%"), (0, 0, "0%")],
)
def test_shares(part: int, total: int, expected: str) -> None:
    assert share_text(part, total) == expected


def test_short_sizes_rates_and_waits() -> None:
    sizes = [0, 999, 4_060, 9_949, 9_950, 999_499, 999_500, 123_456_789]
    assert [short_size(size) for size in sizes] == [
        "0 B", "999 B", "4.1 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "123 MB",
    ]  # fmt: skip
    assert rate_text(4_100_000.0) == "4.1 MB/s"
    waits = (0.2, 16, 89.5, 100, 3600, 7200)
    assert list(map(wait_text, waits)) == ["1 s", "16 s", "90 s", "2 min", "60 min", "2 h"]


def test_sizes_are_those_of_humanize() -> None:
    chance = random.Random(1)
    sizes = [int(10 ** chance.uniform(3, 18)) for _ in range(2000)]
    edges = [10**power + less for power in range(3, 19) for less in (-6, -1, 0, 1)]
    for size in sizes + [edge for edge in edges if edge >= 1000]:
        assert size_text(size) == humanize.metric(size, "B")
