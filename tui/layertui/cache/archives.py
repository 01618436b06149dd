"""Archives that are compressed as a whole, decompressed once and kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from layertui.layers.codec import cache_directory
from layertui.layers.compression.format import Damaged
from layertui.layers.compression.stream import CHUNK, Stream
from layertui.model.blob import FileBlob
from layertui.model.errors import LayertuiError

MAX_BYTES = 16 << 30
"""What all spooled archives may take together; the one just made always stays."""


def spooled(path: Path) -> tuple[Path, str]:
    """A plain copy of a compressed file, and what keeps it from being whole (else empty).

    Raises :class:`LayertuiError` if the file cannot be read or the copy cannot be written.
    """
    folder = cache_directory() / "spool"
    try:
        facts = path.stat()
        identity = (os.path.realpath(path), facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
        target = folder / hashlib.sha256(repr(identity).encode("utf-8", "surrogateescape")).hexdigest()
        if target.exists():
            os.utime(target)
            return target, ""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
            try:
                damage = _copy(path, file.fileno())
                file.close()
                if damage:  # not found again: the next one who opens it shall hear of the damage too
                    target = target.with_suffix(".damaged")
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        _shrink(folder, target)
    except OSError as error:
        raise LayertuiError(
            f"cannot decompress {path}", error.strerror or str(error), f"its plain copy goes to {folder}"
        ) from error
    return target, damage


def _copy(path: Path, target: int) -> str:
    stream = Stream(FileBlob(path))
    buffer = bytearray(CHUNK)
    try:
        while count := stream.readinto(buffer):
            view = memoryview(buffer)[:count]
            while view:
                view = view[os.write(target, view) :]
    except Damaged as damage:
        return str(damage)
    finally:
        stream.close()
    return ""


def _shrink(folder: Path, keep: Path) -> None:
    with os.scandir(folder) as entries:
        files = [(entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in entries]
    total = sum(size for _, size, _ in files)
    for _, size, name in sorted(files):
        if total <= MAX_BYTES:
            break
        if name != str(keep):
            with contextlib.suppress(OSError):
                Path(name).unlink()
            total -= size
