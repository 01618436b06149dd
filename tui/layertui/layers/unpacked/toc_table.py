"""The table of contents of eStargz and zstd:chunked layers, and of composefs: JSON with all entries.

The fields are those of estargz's ``TOCEntry`` (stargz-snapshotter: docs/estargz.md), which containers/storage
has extended (pkg/chunked/internal/minimal). They are untrusted: the builder may have written anything.
"""

from __future__ import annotations

import base64
import tarfile
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from layertui.layers.tar.scanner import scan
from layertui.layers.unpacked.tar_split import MAX_CONTENT, Content, PiecesWindow
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex

MAX_TABLE = 150 << 20
"""Largest table, in bytes, compressed or not: ``maxTocSize`` of containers/storage (pkg/chunked)."""
TAR_TYPES_OF_TOC = {
    "dir": tarfile.DIRTYPE,
    "reg": tarfile.REGTYPE,
    "hardlink": tarfile.LNKTYPE,
    "symlink": tarfile.SYMTYPE,
    "char": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


class TocEntry(msgspec.Struct, rename="camel", gc=False):
    """An entry, or a further chunk of a file (type ``chunk``)."""

    name: str
    type: str
    size: int = 0
    """Of a file."""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link_name: str = ""
    dev_major: int = 0
    dev_minor: int = 0
    modtime: str = ""
    """RFC 3339."""
    xattrs: dict[str, str] | None = None
    """Base64 by name."""
    offset: int = 0
    """In the layer."""
    chunk_offset: int = 0
    """In the file."""
    chunk_size: int = 0
    """0 for what is left of the file."""
    chunk_digest: str = ""
    digest: str = ""
    """Of a file's whole content."""


class _Table(msgspec.Struct):
    entries: list[TocEntry]


_decoder = msgspec.json.Decoder(_Table)  # compiled once: two threads that compile one type crash msgspec 0.22


def parse_table(data: bytes, what: str) -> Sequence[TocEntry]:
    """Return the entries of a table; ``what`` names it in errors. Raises :class:`LayertuiError`."""
    try:
        entries = _decoder.decode(data).entries
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LayertuiError(f"{what} cannot be read", str(error)) from error
    for entry in entries:
        numbers = entry.size, entry.offset, entry.chunk_offset, entry.chunk_size
        if min(numbers) < 0 or max(numbers) > MAX_CONTENT:
            raise LayertuiError(f"{what} cannot be read", f"{entry.name} has an impossible size or offset")
    return entries


def index_of(entries: Sequence[TocEntry], what: str, job: Job = Job.NONE) -> LayerIndex:
    """Return the index of a table's entries, by the rules for tars. Raises :class:`Cancelled`.

    What prevents reading further is in its ``damage``. Raises :class:`LayertuiError` if nothing can be read.
    """
    index = scan(PiecesWindow(_as_tar(entries, what), job))
    index.tar_size = 0
    return index


def _as_tar(entries: Sequence[TocEntry], what: str) -> Iterator[bytes | Content]:
    for entry in entries:
        if entry.type in TAR_TYPES_OF_TOC:
            try:
                info = _member(entry)
                yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            except (ValueError, ArithmeticError, tarfile.TarError) as error:
                raise LayertuiError(f"{what} cannot be read", f"{entry.name}: {error}") from error
            if info.size:
                yield Content(b"", info.size, -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(entry: TocEntry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.name)
    info.type = TAR_TYPES_OF_TOC[entry.type]
    info.size = entry.size if entry.type == "reg" else 0
    info.mode, info.uid, info.gid = entry.mode & 0o7777, entry.uid, entry.gid
    info.linkname = entry.link_name
    info.devmajor, info.devminor = entry.dev_major, entry.dev_minor
    if entry.modtime:
        info.mtime = int(datetime.fromisoformat(entry.modtime).timestamp())
    info.pax_headers = {
        f"SCHILY.xattr.{name}": base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
        for name, value in (entry.xattrs or {}).items()
    }
    return info
