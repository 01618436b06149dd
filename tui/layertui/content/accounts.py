"""Users and groups, as an image's own files name them."""

from __future__ import annotations

MAX_ACCOUNTS_BYTES = 1 << 20
"""Bytes that are read of ``/etc/passwd`` and ``/etc/group``."""


def account_names(data: bytes) -> dict[int, str]:
    """Names by number (passwd(5), group(5)), the first of each number as the C library has it."""
    names: dict[int, str] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(":")
        if len(fields) >= 3 and fields[0] and fields[2].isascii() and fields[2].isdigit():
            names.setdefault(int(fields[2]), fields[0])
    return names
