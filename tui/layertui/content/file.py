"""A file of an image as a file object."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from layertui.model.errors import LayertuiError

if TYPE_CHECKING:
    from layertui.content.read import Contents


class ContentFile(io.RawIOBase):
    """A file's content as a file object: read, seek and tell, without an end of the layer in memory.

    A read that meets damage gives what comes before it; the next one raises
    :class:`LayertuiError`. Of use to one thread at a time.
    """

    def __init__(self, contents: Contents, event: int, size: int) -> None:
        super().__init__()
        self.size = size
        """Bytes."""
        self._contents = contents
        self._event = event
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def pread(self, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset``, wherever the position is; less only at the end."""
        return self._contents.read(self._event, offset, length)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        done = 0
        try:
            for piece in self._contents.pieces(self._event, self._position, len(view)):
                view[done : done + len(piece)] = piece
                done += len(piece)
        except LayertuiError:
            if not done:
                raise
        self._position += done
        return done
