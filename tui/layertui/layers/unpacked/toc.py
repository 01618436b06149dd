"""Layers with a table of contents, listed and read without the rest of their bytes.

eStargz (stargz-snapshotter: docs/estargz.md) and zstd:chunked (containers/storage:
pkg/chunked) put the same JSON near the end of the layer: every entry, and for files where in
the layer the compressed parts of their content begin and what digests they have. The manifest
has the digest of the table. That the table matches the tar is a claim of its builder: only reading the whole
layer would verify it.
"""

from __future__ import annotations

import threading
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from layertui.layers.compression.format import Damaged
from layertui.layers.compression.members import Members
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow
from layertui.layers.unpacked.toc_table import MAX_TABLE, TocEntry, index_of, parse_table
from layertui.model.blob import Blob, BytesBlob
from layertui.model.digest import check_digest
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Kind, LayerIndex, LayerWarning, key_of, path_of

ESTARGZ_ANNOTATION = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED_PREFIXES = ("io.github.containers.zstd-chunked", "io.containers.zstd-chunked")
"""Prefixes of zstd:chunked annotations, since and before containers/storage 1.46."""
FOOTER_SIZE = 51
"""Bytes at the end of an eStargz layer: an empty gzip member with the offset of the table."""
TABLE_KEY = b"stargz.index.json"
"""The table of an eStargz layer, alone in a tar."""
MAX_CHUNK = 256 << 20
"""Bytes of a file that may be compressed in one chunk; writers use at most 4 MiB by default."""
TABLE_STEP = 1 << 16
"""Bytes of a table of contents decompressed at once."""
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
        self._entries: Sequence[TocEntry] | None = None
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

    def _table(self) -> Sequence[TocEntry]:
        with self._lock:
            if self._entries is None:
                data = _read_table(self._blob, self._annotations, self._name)
                entries = parse_table(data, self._name)
                self._chunks = _chunks(entries, self._blob.size)
                self._entries = entries
            return self._entries

    @property
    def _name(self) -> str:
        return f"the table of contents of {self.location}"


def has_table(descriptor: Descriptor) -> bool:
    """Return whether a layer's annotations have a table of contents and its digest."""
    names = descriptor.annotations
    return ESTARGZ_ANNOTATION in names or any(
        f"{each}.manifest-checksum" in names for each in CHUNKED_PREFIXES
    )


def _read_table(blob: Blob, annotations: Mapping[str, str], what: str) -> bytes:
    try:
        if ESTARGZ_ANNOTATION in annotations:
            return _read_estargz(blob, annotations[ESTARGZ_ANNOTATION], what)
        prefix = next(each for each in CHUNKED_PREFIXES if f"{each}.manifest-checksum" in annotations)
        position = annotations.get(f"{prefix}.manifest-position", "")
        start, length, size, _kind = map(int, position.split(":"))
        if not 0 < size <= MAX_TABLE:
            raise ValueError(f"it claims {size:,} bytes, more than {MAX_TABLE:,} are not read")
        packed = _stored(blob, start, length)
        check_digest(packed, annotations[f"{prefix}.manifest-checksum"], what)
        return _inflate(packed, size)
    except (ValueError, zlib.error) as error:
        raise LayertuiError(f"{what} cannot be read", str(error)) from error


def _read_estargz(blob: Blob, digest: str, what: str) -> bytes:
    footer = blob.pread(FOOTER_SIZE, blob.size - FOOTER_SIZE) if blob.size > FOOTER_SIZE else b""
    # The offset is in the header's extra field: "SG", its length, 16 hex digits, STARGZ.
    if footer[12:16] != b"SG\x16\x00" or footer[32:38] != b"STARGZ":
        raise ValueError("the layer lacks the footer with its offset")
    start = int(footer[16:32], 16)
    packed = _stored(blob, start, blob.size - FOOTER_SIZE - start)
    tar = BytesBlob(_inflate(packed, MAX_TABLE), what)
    index = scan(PlainWindow(tar))
    for number, key in enumerate(index.entry_keys()):
        if key == TABLE_KEY and index.kind[number] == Kind.FILE and number not in index.extra:
            data = tar.pread(index.size[number], index.offset[number])
            check_digest(data, digest, what)
            return data
    raise ValueError("it is not in its tar")


def _stored(blob: Blob, start: int, length: int) -> bytes:
    """Return the compressed table. Raises ``ValueError`` if it cannot be that."""
    if start < 0 or length <= 0 or start + length > blob.size:
        raise ValueError("it is not within the layer")
    if length > MAX_TABLE:
        raise ValueError(f"it has {length:,} bytes, more than {MAX_TABLE:,} are not read")
    return blob.pread(length, start)


def _inflate(data: bytes, size: int) -> bytes:
    """Decompress up to ``size`` bytes of a gzip member, or of zstd frames. Raises ``ValueError``, :class:`zlib.error`."""
    if data.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(GZIP_MEMBER).decompress(data, size)
    content = bytearray()
    frames = Members(BytesBlob(data, "table of contents"), "zstd", TABLE_STEP)
    try:
        while len(content) < size and (piece := frames.read(size - len(content))):
            content += piece
    except Damaged as error:
        raise ValueError(str(error)) from error
    return bytes(content)


def _chunks(entries: Sequence[TocEntry], end: int) -> dict[bytes, list[Chunk]]:
    """Return the chunks of every file, in order. A chunk ends at the latest where the next of any file begins."""
    starts = sorted({entry.offset for entry in entries if entry.offset} | {end})
    following = dict(pairwise(starts))
    found: dict[bytes, list[Chunk]] = {}
    sizes: dict[bytes, int] = {}
    for entry in entries:
        key = key_of(entry.name)
        if entry.type == "reg":
            found[key], sizes[key] = [], entry.size
        if entry.type in ("reg", "chunk") and entry.offset and key in found:
            size = entry.chunk_size or sizes[key] - entry.chunk_offset
            digest = entry.chunk_digest or (entry.digest if size == sizes[key] else "")
            found[key].append(
                Chunk(entry.chunk_offset, size, entry.offset, following.get(entry.offset, end), digest)
            )
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
            if chunk is None or not chunk.start <= offset < chunk.start + chunk.size:
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
