"""Decode values that Go programs write to their databases."""

from __future__ import annotations

from datetime import datetime, timedelta

YEAR_1 = datetime(1, 1, 1)


def uvarint(data: bytes) -> int:
    """Return the value of Go's ``binary.Uvarint``; -1 if it is malformed."""
    value = 0
    for place, byte in enumerate(data[:10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value
    return -1


def varint(data: bytes) -> int:
    """Return the value of Go's ``binary.Varint`` of a size; -1 if it is malformed."""
    value = uvarint(data)
    return value >> 1 if value >= 0 and not value & 1 else -1


def go_time(data: bytes) -> str | None:
    """Return the RFC 3339 form of Go's ``time.Time.MarshalBinary``; ``None`` if it is malformed."""
    if len(data) not in (15, 16) or data[0] not in (1, 2):
        return None
    seconds, nanoseconds = int.from_bytes(data[1:9], "big"), int.from_bytes(data[9:13], "big")
    try:
        whole = (YEAR_1 + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return None
    return f"{whole}.{nanoseconds:09}".rstrip("0").rstrip(".") + "Z"
