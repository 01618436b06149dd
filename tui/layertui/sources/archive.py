"""Files of an image in a tar archive; apart from :mod:`layertui.sources.files` for its imports."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import accumulate

from layertui import TYPE_CHECKING
from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.sparse import segments, sparse_map_error
from layertui.layers.tar.header import TAR_BLOCK, is_header
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow
from layertui.model.blob import Blob, FileBlob, LocalFile
from layertui.model.errors import LayertuiError, NoImage
from layertui.model.layer_index import Extra, Kind, LayerIndex, key_of, path_of
from layertui.model.typed import NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAX_LINKS = 40
"""Links that are followed for one member."""


class ArchiveFiles:
    """The members of a tar, which may be compressed as a whole.

    Raises :class:`LayertuiError` if the file is not a tar or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._original = LocalFile(path)
        self.state = self._original.state
        self.damage = ""
        self._plain: FileBlob | None = None
        index = self._members()
        if not index.count and self.damage:
            raise LayertuiError(f"cannot read {path}", self.damage)
        if not index.count and index.damage:
            raise _no_image(path)
        cut = next((warning.text for warning in index.warnings if warning.code == "no-end"), "")
        self.damage = self.damage or index.damage or cut
        self._files: dict[str, _Member] = {}
        self._links: dict[str, str] = {}
        for number, key in enumerate(index.entry_keys()):
            name = path_of(key)[1:]
            kind = index.kind[number]
            self._files.pop(name, None)  # the last entry of a name counts
            self._links.pop(name, None)
            if kind == Kind.FILE:
                self._files[name] = _Member(index.offset[number], index.size[number], index.extra.get(number))
            elif kind == Kind.SYMLINK:
                target = index.links[index.link[number]].decode("utf-8", "surrogateescape")
                self._links[name] = posixpath.join("/", posixpath.dirname(name), target)
            elif kind == Kind.HARDLINK:
                self._links[name] = path_of(index.links[index.link[number]])

    def _members(self) -> LayerIndex:
        """Return the members. Of what is compressed and no image, this list is kept in place of the plain copy."""
        original = self._original
        if not compression_of(original.pread(6, 0)):
            return scan(PlainWindow(self._contents()))
        from layertui.cache.archives import archive_key
        from layertui.cache.indexes import IndexCache
        from layertui.layers.codec import pack_index, unpack_index_checked

        lists, key = IndexCache(), f"archive-{archive_key(original)}"
        if (known := lists.read(key, unpack_index_checked)) is not None:
            return known
        blob = self._contents()
        index = scan(PlainWindow(blob))
        if not any(name in IMAGE_KEYS or LEGACY.fullmatch(name) for name in index.entry_keys()):
            blob.path.unlink(missing_ok=True)  # it is open
            if not self.damage and not index.damage:
                lists.write(key, pack_index(index))
        return index

    def _contents(self) -> FileBlob:
        """Return the uncompressed archive, from a plain copy if it is compressed."""
        if self._plain is None:
            original, size = self._original, None
            what = f"{self.path} is empty"
            if compression_of(original.pread(6, 0)):
                from layertui.cache.archives import plain_copy

                copy = plain_copy(original, _decompress)
                self.damage, size = copy.damage, copy.size
                # Members of a truncated archive reach beyond the copy.
                original = LocalFile(copy.path, is_cached=True, size=copy.size)
                what = f"{self.path} is empty when decompressed"
            self._plain = FileBlob(original, size=size)
            if not self._plain.size and not self.damage:
                raise LayertuiError(what)
        return self._plain

    def names(self) -> list[str]:
        return [*self._files, *self._links]

    def legacy_layers(self) -> Sequence[str]:
        # Archives since Docker 1.10 have them too, which is all that is left of one without its end.
        documents = () if self.damage else self._files
        return [name.removesuffix("/json") for name in documents if LEGACY.fullmatch(key_of(name))]

    def get(self, name: str) -> Blob | None:
        name = path_of(key_of(name))[1:]
        for _ in range(MAX_LINKS):
            if name in self._files:
                return self._blob(self._files[name])
            if name not in self._links:
                return None
            name = path_of(key_of(self._links[name]))[1:]
        return None

    def _blob(self, member: _Member) -> Blob:
        extra = member.extra
        if extra is None or extra.sparse is None:
            return _part(self._contents(), member.offset, member.size)
        return SparseBlob(_part(self._contents(), member.offset, extra.stored), member.size, extra.sparse)


def _part(blob: FileBlob, offset: int, size: int) -> FileBlob:
    file, _ = blob.file
    return FileBlob(file, offset, size)


class _Member(NamedTuple):
    """Where an archive stores a file."""

    offset: int
    size: int
    extra: Extra | None


class SparseBlob(Blob):
    """A file of which an archive stores the extents and not the holes."""

    size = 0

    def __init__(self, stored: FileBlob, size: int, extents: Sequence[tuple[int, int]]) -> None:
        """``extents`` are (offset, length) in the file, in order; ``stored`` is all of them in a row."""
        self.size = size
        self._stored = stored
        self._extents = extents
        self._starts = [start for start, _length in extents]
        self._wrong = sparse_map_error(extents, stored.size)
        self._places = list(accumulate((length for _start, length in extents), initial=0))

    @property
    def location(self) -> str:
        return f"{self._stored.location}, sparse"

    def pread(self, length: int, offset: int) -> bytes:
        if self._wrong:
            raise LayertuiError(
                f"cannot read {self.location}", self._wrong, "it is damaged: download it again"
            )
        end = min(offset + length, self.size)
        first = max(bisect_right(self._starts, offset) - 1, 0)
        extents = self._extents[first : bisect_left(self._starts, end)]
        pieces = []
        for segment in segments(extents, offset, end):
            piece = bytes(segment.length)
            if segment.stored >= 0:
                piece = self._stored.pread(segment.length, self._places[first] + segment.stored)
            pieces.append(piece)
            if len(piece) < segment.length:
                break  # the archive ends early
        return b"".join(pieces)


IMAGE_KEYS = (b"manifest.json", b"index.json", b"repositories")
"""Members of which each archive of an image has one."""
LEGACY = re.compile(rb"[0-9a-f]{64}\0json")
"""The document of a layer: Docker up to 1.9 has nothing else beside the layers of images that were saved by ID."""


def _decompress(file: LocalFile, write: Callable[[bytes], None]) -> str:
    """Write what a file decompresses to; return the damage that ends it early.

    Raises :class:`NoImage` before anything is written if that is not a tar.
    """
    from layertui.layers.compression.stream import STORED_CHUNK, DecompressedStream

    with closing(DecompressedStream(FileBlob(file))) as stream:
        try:
            head = b""
            while len(head) < TAR_BLOCK and (piece := stream.read(STORED_CHUNK)):
                head += piece
            if len(head) >= TAR_BLOCK and not is_header(head[:TAR_BLOCK]):
                raise _no_image(file.path)
            write(head)
            while piece := stream.read(STORED_CHUNK):
                write(piece)
        except Damaged as damage:
            return str(damage)
    return ""


def _no_image(path: Path) -> NoImage:
    return NoImage(f"{path} is not an image", "neither a tar archive nor a directory")
