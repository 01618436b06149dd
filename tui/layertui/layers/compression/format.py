"""Compression formats of layers, recognized by their first bytes."""

from __future__ import annotations

SIGNATURES = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
)
"""How compressed streams begin. Media types and file names are not consulted: both are often wrong."""
SKIPPABLE = b"\x2a\x4d\x18"
"""What follows the first byte, 0x50 to 0x5f, of a zstd frame without content (RFC 8878, 3.1.2)."""
INFLATED_BLOCK = 1 << 18
"""Bytes decompressed at once: few enough to be scanned while they are in the processor's cache."""


class Damaged(Exception):
    """The stored bytes cannot be decompressed, or not any further."""


class Unsupported(Damaged):
    """The stored bytes are well-formed, but layertui does not decompress them."""


def compression_of(head: bytes) -> str:
    """Return ``gzip``, ``zstd``, ``bzip2`` or ``xz``; empty for anything else, uncompressed or not.

    ``head`` is the first 6 bytes at least, or all there are.
    """
    for magic, name in SIGNATURES:
        if head.startswith(magic):
            return name
    if is_skippable_frame(head):  # zstd:chunked layers may begin with one
        return "zstd"
    return ""


def is_skippable_frame(head: bytes) -> bool:
    """Return whether a zstd skippable frame begins here."""
    return len(head) >= 4 and head[1:4] == SKIPPABLE and head[0] & 0xF0 == 0x50
