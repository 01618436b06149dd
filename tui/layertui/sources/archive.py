"""Files of an image in a tar archive; apart from :mod:`layertui.sources.files` for its imports."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.compression.stream import STORED_CHUNK, DecompressedStream
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow
from layertui.model.blob import Blob, FileBlob, LocalFile
from layertui.model.errors import LayertuiError, NoImage
from layertui.model.layer_index import Kind, key_of, path_of

MAX_LINKS = 40
"""Links that are followed for one member."""


class ArchiveFiles:
    """The members of a tar, which may be compressed as a whole.

    Raises :class:`LayertuiError` if the file is not a tar or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._plain = original = LocalFile(path)
        self.state = original.state
        self.damage = ""
        head = original.pread(6, 0)
        if compression_of(head):
            from layertui.cache.archives import plain_copy

            copy, self.damage = plain_copy(original, _decompress)
            self._plain = LocalFile(copy, is_cached=True)
        blob = FileBlob(self._plain)
        if not blob.size:
            raise LayertuiError(
                f"{path} is empty" if not compression_of(head) else f"{path} is empty when decompressed"
            )
        index = scan(PlainWindow(blob))
        if not index.count and index.damage:
            raise NoImage(f"{path} is not an image", "neither a tar archive nor a directory")
        cut = next((warning.text for warning in index.warnings if warning.code == "no-end"), "")
        self.damage = self.damage or index.damage or cut
        self._files: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        for number, key in enumerate(index.entry_keys()):
            name = path_of(key)[1:]
            kind = index.kind[number]
            self._files.pop(name, None)  # the last entry of a name counts
            self._links.pop(name, None)
            if kind == Kind.FILE:
                self._files[name] = (index.offset[number], index.size[number])
            elif kind == Kind.SYMLINK:
                target = index.links[index.link[number]].decode("utf-8", "surrogateescape")
                self._links[name] = posixpath.join("/", posixpath.dirname(name), target)
            elif kind == Kind.HARDLINK:
                self._links[name] = path_of(index.links[index.link[number]])

    def names(self) -> list[str]:
        return [*self._files, *self._links]

    def get(self, name: str) -> Blob | None:
        name = path_of(key_of(name))[1:]
        for _ in range(MAX_LINKS):
            if name in self._files:
                offset, size = self._files[name]
                return FileBlob(self._plain, offset, size)
            if name not in self._links:
                return None
            name = path_of(key_of(self._links[name]))[1:]
        return None


def _decompress(file: LocalFile, write: Callable[[memoryview], None]) -> str:
    """Write what a file decompresses to; return the damage that ends it early."""
    buffer = bytearray(STORED_CHUNK)
    with closing(DecompressedStream(FileBlob(file))) as stream:
        try:
            while count := stream.readinto(buffer):
                write(memoryview(buffer)[:count])
        except Damaged as damage:
            return str(damage)
    return ""
