"""zstd (RFC 8878) by the library at hand: zstandard, or Python's own from 3.14 on.

Neither is imported before it is used: most commands start without.
"""

from __future__ import annotations

from functools import cache

from layertui import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


INSTALL = "pip install 'layertui[fast]'"
"""What installs a library where there is none."""


class ZstdError(Exception):
    """Bytes that are not zstd, or damaged."""


class NoLibrary(Exception):
    """Neither library is there."""

    def __init__(self) -> None:
        super().__init__(f"zstd needs Python 3.14 or the package zstandard ({INSTALL})")


@cache
def zstandard() -> Any:
    """Return the package zstandard; ``None`` if it is not installed."""
    try:
        import zstandard
    except ImportError:
        return None
    return zstandard


@cache
def _standard_library() -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14 (PEP 784)
    except ImportError:
        raise NoLibrary from None
    return zstd


def is_available() -> bool:
    """Return whether there is a library."""
    try:
        return bool(zstandard() or _standard_library())
    except NoLibrary:
        return False


class FrameDecoder:
    """Decompresses one frame as its bytes come."""

    def __init__(self, window: int) -> None:
        """``window`` is the largest that is accepted, in bytes, a power of two. Raises :class:`NoLibrary`."""
        if library := zstandard():
            self._decoder = library.ZstdDecompressor(max_window_size=window).decompressobj()
            self._error = library.ZstdError
        else:
            library = _standard_library()
            limit = {library.DecompressionParameter.window_log_max: window.bit_length() - 1}
            self._decoder, self._error = library.ZstdDecompressor(options=limit), library.ZstdError

    def decompress(self, data: bytes) -> bytes:
        """Return all that the frame's next bytes decompress to. Raises :class:`ZstdError`."""
        try:
            content: bytes = self._decoder.decompress(data)
        except self._error as error:
            raise ZstdError(str(error)) from error
        return content


def compress(data: bytes) -> bytes:
    """Return one frame, fast to write, that says its content's size. Raises :class:`NoLibrary`."""
    if library := zstandard():
        packed: bytes = library.ZstdCompressor(level=1).compress(data)
    else:
        packed = _standard_library().compress(data, level=1)
    return packed


def decompress(data: bytes | memoryview, most: int) -> bytes:
    """Return the content of a frame that says its size, which is not 0.

    Raises :class:`ZstdError`, also for more than ``most`` bytes, and :class:`NoLibrary`.
    """
    library = zstandard() or _standard_library()
    try:
        if zstandard():
            size = library.frame_content_size(data)
            unpack = library.ZstdDecompressor().decompress
        else:
            size = library.get_frame_info(data).decompressed_size or 0
            unpack = library.decompress
        if not 0 < size <= most:
            raise ZstdError("of unknown or excessive size")
        content: bytes = unpack(data)
    except library.ZstdError as error:
        raise ZstdError(str(error)) from error
    return content
