"""Parse limits: sizes, ratios, growth."""

from __future__ import annotations

import re
from typing import Any

_PREFIXES = "kmgtpe"
_UNIT_BYTES = {
    "": 1,
    "b": 1,
    **{f"{prefix}{end}": 1000**power for power, prefix in enumerate(_PREFIXES, 1) for end in ("", "b")},
    **{f"{prefix}i{end}": 1024**power for power, prefix in enumerate(_PREFIXES, 1) for end in ("", "b")},
}
_SIZE_TEXT = re.compile(r"((?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?)\s*([^\d.,]*)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Size(int):
    """Bytes."""


class Ratio(float):
    """From 0 to 1."""


class Growth:  # no dataclass, which msgspec would want as a table
    """The allowed growth over a baseline: bytes, or percent of it."""

    def __init__(self, text: str, size: int | None, percent: float | None) -> None:
        self.text = text
        """As written."""
        self.size = size
        self.percent = percent

    def allows(self, before: int, after: int) -> bool:
        """Return whether a growth from ``before`` to ``after`` bytes is within the limit."""
        limit = self.size if self.percent is None else before * self.percent / 100
        return after - before <= (limit or 0)


def parse_size(value: object) -> Size:
    """Parse a number of bytes, or text like ``20 MB`` (decimal) or ``20MiB``, as dive does (go-humanize).

    Commas only group thousands: dive reads ``1,5 MB`` as 15 MB, ten times what it may mean.
    Raises ``ValueError`` with what is expected.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Size(value)
    match = _SIZE_TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
    digits = match[1].replace(",", "") if match else ""
    unit = _UNIT_BYTES.get(match[2].strip().lower()) if match else None
    if unit is None or not _DECIMAL.fullmatch(digits) or float(digits) * unit >= 1 << 64:
        raise ValueError(f'{_shown(value)} is not a size: expected bytes, or like "20 MB" or "1.5 GiB"')
    return Size(float(digits) * unit)


def parse_ratio(value: Any) -> Ratio:
    """Parse a number from 0 to 1, or the text of one. Raises ``ValueError`` with what is expected."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        number = Ratio(value)
        if 0 <= number <= 1:
            return number
    raise ValueError(f"{_shown(value)} is not a ratio: expected a number from 0 to 1, 0.95 for 95%")


def parse_growth(value: object) -> Growth:
    """Parse a size, or text like ``5%``. Raises ``ValueError`` with what is expected."""
    if isinstance(value, str) and value.rstrip().endswith("%"):
        number = value.rstrip()[:-1].rstrip()
        if _DECIMAL.fullmatch(number) and 0 <= float(number) < float("inf"):
            return Growth(f"{number}%", None, float(number))
    try:
        size = parse_size(value)
    except ValueError:
        raise ValueError(f'{_shown(value)} is not a growth: expected like "5%" or "10 MB"') from None
    return Growth(value if isinstance(value, str) else f"{value} B", size, None)


def _shown(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
