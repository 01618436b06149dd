"""Layers with a table of contents, listed and read without the rest of their bytes.

eStargz (stargz-snapshotter: docs/estargz.md) and zstd:chunked (containers/storage:
pkg/chunked) put the same JSON near the end of the layer: every entry, and for files where in
the layer the compressed parts of their content begin and what digests they have. The manifest
has the digest of the table. That the table matches the tar is the claim of the caller built it:
only reading the whole layer would verify it.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import tarfile
import threading
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from layertui.layers.tar.scanner import scan
from layertui.model.blob import Blob
from layertui.model.digest import check_digest
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex, LayerWarning, key_of, path_of

ESTARGZ_ANNOTATION = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED_PREFIXES = ("io.github.containers.zstd-chunked", "io.containers.zstd-chunked")
"""Prefixes of zstd:chunked annotations, since and before containers/storage 1.46."""
FOOTER_SIZE = 51
"""Bytes at the end of an eStargz layer: an empty gzip member with the offset of the table."""
MAX_TABLE = 256 << 20
"""Maximum size of the JSON."""
MAX_CHUNK = 256 << 20
"""Bytes of a file that may be compressed in one chunk; writers use at most 4 MiB by default."""
TAR_TYPES_OF_TOC = {
    "dir": tarfile.DIRTYPE,
    "reg": tarfile.REGTYPE,
    "hardlink": tarfile.LNKTYPE,
    "symlink": tarfile.SYMTYPE,
    "char": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
}
GZIP_MEMBER = 31
"""zlib's ``wbits`` for a gzip member."""


class Chunk(NamedTuple):
    """A separately compressed part of a file's content."""

    start: int
    """In the file."""
    size: int
    stored: int
    """Its offset in the layer."""
    stored_end: int
    digest: str
    """Of the uncompressed bytes; empty if the table lacks it."""


class TocLayer(Unpacked):
    """A layer that is read by its table of contents; safe to share between threads."""

    def __init__(self, blob: Blob, descriptor: Descriptor) -> None:
        self._blob = blob
        self._annotations = descriptor.annotations
        self._entries: list[dict[str, Any]] | None = None
        self._chunks: dict[bytes, list[Chunk]] = {}
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return self._blob.location

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        """Return the entries by the rules for tars: the table is laid out as a tar without contents."""
        index = index_of(self._table(), self._name, job)
        text = "listed by its table of contents: the layer itself was not read or verified"
        index.warnings.append(LayerWarning("table-of-contents", b"", text))
        return index

    def open(self, key: bytes, size: int, stamp: int = 0) -> Blob:
        """Open a file's content; each chunk is verified against its digest in the table."""
        self._table()
        return _TocBlob(self._blob, path_of(key), size, self._chunks.get(key, []))

    def _table(self) -> list[dict[str, Any]]:
        with self._lock:
            if self._entries is None:
                with one_line_errors(self._name):
                    table = json.loads(_read_table(self._blob, self._annotations, self._name))
                    self._chunks = _chunks(table["entries"], self._blob.size)
                    self._entries = table["entries"]
            return self._entries or []

    @property
    def _name(self) -> str:
        return f"the table of contents of {self.location}"


@contextmanager
def one_line_errors(what: str) -> Iterator[None]:
    """Turn the exceptions that a malformed table raises into one :class:`LayertuiError`."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise LayertuiError(f"{what} cannot be read", str(error)) from error
    except (zlib.error, tarfile.TarError, RecursionError) as error:
        raise LayertuiError(f"{what} cannot be read", str(error)) from error


def has_table(descriptor: Descriptor) -> bool:
    """Return whether a layer's annotations have a table of contents and its digest."""
    names = descriptor.annotations
    return ESTARGZ_ANNOTATION in names or any(
        f"{each}.manifest-checksum" in names for each in CHUNKED_PREFIXES
    )


def _read_table(blob: Blob, annotations: Mapping[str, str], what: str) -> bytes:
    if ESTARGZ_ANNOTATION in annotations:
        footer = blob.pread(FOOTER_SIZE, blob.size - FOOTER_SIZE)
        # The offset is in the header's extra field: "SG", its length, 16 hex digits, STARGZ.
        if footer[12:16] != b"SG\x16\x00" or footer[32:38] != b"STARGZ":
            raise LayertuiError(f"{what} cannot be read", "the layer lacks the footer with its offset")
        start = int(footer[16:32], 16)
        packed = _inflate(blob.pread(blob.size - FOOTER_SIZE - start, start), MAX_TABLE)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            file = archive.extractfile("stargz.index.json")
            data = file.read() if file else b""
        check_digest(data, annotations[ESTARGZ_ANNOTATION], what)
        return data
    prefix = next(each for each in CHUNKED_PREFIXES if f"{each}.manifest-checksum" in annotations)
    start, length, size, _kind = map(int, annotations[f"{prefix}.manifest-position"].split(":"))
    if not 0 < size <= MAX_TABLE or length > MAX_TABLE:
        raise LayertuiError(f"{what} cannot be read", f"it claims {size:,} bytes")
    packed = blob.pread(length, start)
    check_digest(packed, annotations[f"{prefix}.manifest-checksum"], what)
    return _inflate(packed, size)


def _inflate(data: bytes, size: int) -> bytes:
    """Decompress up to ``size`` bytes of a gzip member, or of zstd frames."""
    if data.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(GZIP_MEMBER).decompress(data, size)
    import zstandard

    try:
        return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read(size)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _chunks(entries: list[dict[str, Any]], end: int) -> dict[bytes, list[Chunk]]:
    """Return the chunks of every file, in order. A chunk ends at the latest where the next of any file begins."""
    starts = sorted({each["offset"] for each in entries if each.get("offset")} | {end})
    following = dict(pairwise(starts))
    found: dict[bytes, list[Chunk]] = {}
    sizes: dict[bytes, int] = {}
    for entry in entries:
        key = key_of(entry["name"])
        if entry["type"] == "reg":
            found[key], sizes[key] = [], entry.get("size", 0)
        if entry["type"] in ("reg", "chunk") and entry.get("offset") and key in found:
            start, stored = entry.get("chunkOffset", 0), entry["offset"]
            size = entry.get("chunkSize") or sizes[key] - start
            digest = entry.get("chunkDigest") or (entry.get("digest", "") if size == sizes[key] else "")
            found[key].append(Chunk(start, size, stored, following.get(stored, end), digest))
    return found


class _TocBlob(Blob):
    """A file's content, read chunk by chunk."""

    size = 0

    def __init__(self, layer: Blob, path: str, size: int, chunks: list[Chunk]) -> None:
        self.size = size
        self._layer = layer
        self._path = path
        self._chunks = chunks
        self._last: tuple[Chunk, bytes] | None = None

    @property
    def location(self) -> str:
        return f"{self._path} in {self._layer.location}"

    @property
    def is_local(self) -> bool:
        return self._layer.is_local

    def pread(self, length: int, offset: int) -> bytes:
        data, end = b"", min(offset + length, self.size)
        while offset < end:
            at = bisect_right(self._chunks, offset, key=lambda chunk: chunk.start) - 1
            chunk = self._chunks[at] if at >= 0 else None
            if chunk is None or offset >= chunk.start + chunk.size:
                raise LayertuiError(
                    f"cannot read {self.location}", f"the table does not cover byte {offset:,}"
                )
            piece = self._inflated(chunk)[offset - chunk.start :][: end - offset]
            data += piece
            offset += len(piece)
        return data

    def _inflated(self, chunk: Chunk) -> bytes:
        if self._last is None or self._last[0] != chunk:
            if not 0 < chunk.size <= MAX_CHUNK:
                raise LayertuiError(
                    f"cannot read {self.location}", f"one of its chunks claims {chunk.size:,} bytes"
                )
            # Incompressible data grows slightly; bytes between chunks are not needed.
            span = min(chunk.stored_end - chunk.stored, 2 * chunk.size + 4096)
            try:
                data = _inflate(self._layer.pread(span, chunk.stored), chunk.size)
            except (ValueError, zlib.error) as error:
                raise LayertuiError(f"cannot read {self.location}", str(error)) from error
            if chunk.digest:
                check_digest(data, chunk.digest, self.location)
            if len(data) < chunk.size:
                raise LayertuiError(f"cannot read {self.location}", "it ends early")
            self._last = chunk, data
        return self._last[1]


def index_of(entries: list[dict[str, Any]], what: str, job: Job = Job.NONE) -> LayerIndex:
    """Return the index of a table's entries; ``what`` names it in errors. Raises :class:`Cancelled`."""
    with one_line_errors(what):
        headers = _Headers(entries, job)
    index = scan(headers)
    index.tar_size = 0
    return index


class _Headers:
    """A table of contents as a tar whose contents are holes (:class:`layertui.layers.tar.window.Window`)."""

    def __init__(self, entries: list[dict[str, Any]], job: Job) -> None:
        self._check = job.check
        self._starts: list[int] = []
        self._blocks: list[bytes] = []
        end = 0
        for entry in entries:
            self._check()
            if entry.get("type") in TAR_TYPES_OF_TOC:
                info = _member(entry)
                block = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
                self._starts.append(end)
                self._blocks.append(block)
                end += len(block) + -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        self._starts.append(end)
        self._blocks.append(bytes(2 * tarfile.BLOCKSIZE))
        self.end = end + 2 * tarfile.BLOCKSIZE

    def at(self, offset: int, length: int) -> bytes:
        self._check()
        number = bisect_right(self._starts, offset) - 1
        return self._blocks[number][offset - self._starts[number] :]


def _member(entry: Mapping[str, Any]) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry["name"])
    info.type = TAR_TYPES_OF_TOC[entry["type"]]
    info.size = entry.get("size", 0) if entry["type"] == "reg" else 0
    info.mode, info.uid, info.gid = entry.get("mode", 0) & 0o7777, entry.get("uid", 0), entry.get("gid", 0)
    info.linkname = entry.get("linkName", "")
    info.devmajor, info.devminor = entry.get("devMajor", 0), entry.get("devMinor", 0)
    if entry.get("modtime"):
        info.mtime = int(datetime.fromisoformat(entry["modtime"]).timestamp())
    try:
        for name, value in (entry.get("xattrs") or {}).items():
            plain = base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
            info.pax_headers = {**info.pax_headers, f"SCHILY.xattr.{name}": plain}
    except binascii.Error as error:
        raise ValueError(f"an extended attribute of {entry['name']}: {error}") from error
    return info
