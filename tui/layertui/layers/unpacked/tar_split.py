"""Unpacked layers with a tar-split record: the listing, and the tar reassembled.

The record (github.com/vbatts/tar-split, ``tar/storage``) is one JSON object per line: raw bytes of
the tar (type 2: headers and padding), and in place of each file's content its name and size
(type 1). Together with the unpacked files it yields the tar again, byte for byte.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from layertui.layers.compression.format import Damaged
from layertui.layers.tar.header import SIZE_FIELD, TAR_BLOCK
from layertui.layers.tar.scanner import scan
from layertui.layers.unpacked.overlay_marks import apply_overlay_marks
from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError
from layertui.model.image import Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import LayerIndex, key_of
from layertui.model.regular_file import open_regular

MAX_LINE = 16 << 20
"""Bytes of a line: a segment contains a header with its extensions, at most 1 MiB in any tar that is read."""
MAX_CONTENT = (1 << 63) - 1
"""Largest size of a file that Linux knows (``loff_t``)."""
CONTENT_CHUNK = 1 << 20
EMPTY_SPARSE_MAP = b"0\n".ljust(TAR_BLOCK, b"\0")
"""A sparse map without extents (GNU tar, "Storing Sparse Files", PAX Format 1.0)."""


class NotRecorded(LayertuiError):
    """The tar cannot be reassembled from the record and the files."""


class Content(NamedTuple):
    """A file's content in the tar."""

    key: bytes
    size: int
    """Size of the file."""
    stored: int
    """Its bytes in the tar: a sparse file's extents, and its map if that precedes them."""
    has_map: bool = False


def pieces(record: Path) -> Iterator[bytes | Content]:
    """Yield the tar from start to end.

    Raises :class:`Damaged` where the record is damaged, and :class:`LayertuiError` if it cannot be
    opened.
    """
    try:
        segment = b""
        with open_regular(record) as file, gzip.open(file) as lines:
            # After a power failure; gzip takes it for an empty stream.
            if not os.fstat(file.fileno()).st_size:
                raise Damaged("its tar-split record is damaged: it is empty")
            while line := lines.readline(MAX_LINE):
                piece = _piece(line)
                if isinstance(piece, Content):
                    yield _as_stored(piece, segment)
                elif piece:
                    segment = piece
                    yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Damaged(f"its tar-split record is damaged: {error}") from error
    except OSError as error:
        raise LayertuiError(f"cannot read {record}", error.strerror or str(error)) from error


def _piece(line: bytes) -> bytes | Content | None:
    try:
        value = json.loads(line)
        kind, size = value["type"], value.get("size") or 0
        if kind == 2:
            return base64.b64decode(value.get("payload") or "", validate=True)
        if kind != 1 or not isinstance(size, int) or not 0 <= size <= MAX_CONTENT:
            raise ValueError("a line of an unknown type or an impossible size")
        if raw := value.get("name_raw"):  # names that are not UTF-8
            name = base64.b64decode(raw, validate=True).decode("utf-8", "surrogateescape")
        else:
            name = str(value["name"]) if size else ""  # old records have every entry, most without a name
        return Content(key_of(name), size, size) if size else None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise Damaged(f"its tar-split record is damaged: {error}") from error


def _as_stored(content: Content, segment: bytes) -> Content:
    """Return a content with its size in the tar, from its header at the end of the last segment.

    The record has a sparse file's full size, and not its extents.
    """
    if b"GNU.sparse." not in segment:
        return content
    field = segment[-TAR_BLOCK:][SIZE_FIELD]
    try:
        octal = int(field.strip(b" \0") or b"0", 8) if field[:1] < b"\x80" else -1
        stored = octal if octal >= 0 else int.from_bytes(field[1:], "big")
    except ValueError as error:
        raise Damaged(f"its tar-split record is damaged: {error}") from error
    return content._replace(stored=stored, has_map=b"GNU.sparse.major=1\n" in segment)


class PiecesWindow:
    """A tar in pieces for the scanner; contents, which it does not read, are zeros.

    Sparse maps before them, which a record lacks too, are empty.
    """

    def __init__(self, tar: Iterator[bytes | Content], job: Job = Job.NONE) -> None:
        self._pieces = tar
        self._check = job.check
        self._data = b""
        self._base = 0
        self._end = 0
        """Offset of the next piece in the tar."""
        self._map = -1
        """Offset of the last content passed, if a sparse map precedes it."""
        self.end = -1

    def at(self, offset: int, length: int) -> tuple[bytes, int]:
        self._check()
        data = bytearray(self._data[max(offset - self._base, 0) :])
        while len(data) < length:
            position = offset + len(data)
            if position < self._end:  # in a content that was passed
                blank = min(self._end - position, length - len(data))
                data += EMPTY_SPARSE_MAP if position == self._map else bytes(blank)
                continue
            piece = next(self._pieces, None)
            if piece is None:
                self.end = self._end
                break
            if isinstance(piece, Content):
                self._map = self._end if piece.has_map else -1
                self._end += piece.stored
            else:
                data += piece[position - self._end :]
                self._end += len(piece)
        self._data, self._base = bytes(data), offset
        return self._data, 0


@dataclass(frozen=True, slots=True)
class RecordedDirectory(Unpacked):
    """A directory with the record of the tar that was unpacked into it.

    The record lists the layer, the directory has the contents, together with those of the layers
    below where the driver keeps whole trees (vfs).
    """

    record: Path
    directory: Path
    contents: Unpacked | None = None
    """Opens the files if the directory does not contain them by name."""
    is_overlaid: bool = False
    """Whether containers see it through overlayfs, to which some entries are whiteouts (see :mod:`.overlay_marks`)."""

    @property
    def location(self) -> str:
        return str(self.directory)

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        index = scan(PiecesWindow(pieces(self.record), job), job)
        for number, extra in index.extra.items():
            if extra.sparse == ():  # unknown, see PiecesWindow
                index.extra[number] = extra._replace(sparse=None, stored=-1)
        if self.is_overlaid:
            apply_overlay_marks(index)
        return index

    def open(self, key: bytes, size: int, stamp: int = 0) -> Blob:
        return self.contents.open(key, size) if self.contents else DirectoryBlob(self.directory, key, size)

    def tar(self) -> Iterator[bytes]:
        """See :class:`layertui.model.image.Unpacked`; pieces of at most 1 MiB."""
        for piece in pieces(self.record):
            if not isinstance(piece, Content):
                yield piece
                continue
            if piece.has_map or piece.stored != piece.size:
                why = "the record lacks the map of a sparse file"
                raise NotRecorded(f"{self.record} does not cover the whole tar", why)
            blob = self.open(piece.key, piece.size)
            done = 0
            while done < piece.size:
                data = blob.pread(CONTENT_CHUNK, done)
                if not data:
                    raise LayertuiError(f"{blob.location} is shorter than in its layer")
                done += len(data)
                yield data
