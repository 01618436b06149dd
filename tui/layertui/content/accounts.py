"""Names of users and groups from an image's own /etc/passwd and /etc/group."""

from __future__ import annotations

MAX_ACCOUNTS_BYTES = 1 << 20
"""Bytes read of each of the two files."""


def account_names(data: bytes) -> dict[int, str]:
    """Return names by ID (passwd(5), group(5)); the first of each ID, as in the C library."""
    names: dict[int, str] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(":")
        if len(fields) >= 3 and fields[0] and fields[2].isascii() and fields[2].isdigit():
            names.setdefault(int(fields[2]), fields[0])
    return names
