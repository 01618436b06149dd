"""Archives that arrive by a pipe: ``-``, ``/dev/stdin``, a FIFO, ``<(docker save app)``.

An archive is read at many places and by several processes, a pipe once and from front to back. What arrives is
therefore written to a file in the cache directory that has no name: however this process ends, the kernel
deletes it. It is opened as ``/proc/PID/fd/N`` (proc_pid_fd(5)), also by worker processes.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.model import system
from layertui.model.errors import LayertuiError, NoImage, NotFound
from layertui.model.job import Job

if TYPE_CHECKING:
    from typing import IO


STANDARD_INPUT = "-"
MAX_PIPED_BYTES = 64 << 30
"""Largest archive that is taken from a pipe."""
PIPE_CHUNK = 1 << 20
BLOCK = 512
"""Bytes that decide whether this may be an archive: a header of tar(5)."""

_lock = threading.Lock()
_copies: dict[str, str] = {}
_names: dict[str, str] = {}
_open: list[IO[bytes]] = []
_standard_input = 0


def keep_standard_input(location: str | None) -> None:
    """Keep standard input readable here after descriptor 0 has become something else.

    Raises :class:`LayertuiError` if it is the location of an image, and a terminal.
    """
    global _standard_input
    if location == STANDARD_INPUT and os.isatty(0):
        raise _no_image(location)
    _standard_input = os.dup(0)


def copy_of(location: str, job: Job = Job.NONE) -> str:
    """Return the path of the file with what a pipe delivers; any other location unchanged.

    A location is read once, however often it is asked for. Raises :class:`LayertuiError` if nothing
    that could be an archive arrives, or it cannot be kept; :class:`Cancelled`.
    """
    inherited = re.fullmatch(r"/dev/stdin|(?:/dev/fd|/proc/self/fd)/(\d+)", location)
    if not inherited and location != STANDARD_INPUT and not _is_stream(location):
        return location
    with _lock:
        if location not in _copies:
            # Not by its path: a socket cannot be opened again, and in another process it leads elsewhere.
            number = int(inherited[1] or 0) if inherited else 0 if location == STANDARD_INPUT else None
            _copies[location] = _arrived(location, number, job)
        return _copies[location]


def name_of(path: str) -> str:
    """Return what the user calls the pipe that a file is a copy of; empty if it is none."""
    return _names.get(path, "")


@contextmanager
def named(path: str) -> Iterator[None]:
    """Name the pipe in errors about its copy."""
    try:
        yield
    except LayertuiError as error:
        name = name_of(path)
        if not name or type(error) not in (LayertuiError, NoImage, NotFound):
            raise
        parts = (error.what, error.why, error.remedy)
        raise type(error)(*(part.replace(path, name) for part in parts)) from error


def _arrived(location: str, number: int | None, job: Job) -> str:
    """Return the path of what can be read from an inherited descriptor, or by opening a location."""
    shown = "standard input" if location == STANDARD_INPUT else location
    try:
        if number is None:
            descriptor = os.open(location, system.READ | system.NO_TERMINAL)
        else:
            descriptor = os.dup(number or _standard_input)
    except OSError as error:
        raise LayertuiError(f"cannot read {shown}", error.strerror or str(error)) from error
    try:
        if path := _path_of(descriptor):
            return path
        path = str(_copied(descriptor, shown, job))
        _names[path] = shown
        return path
    finally:
        os.close(descriptor)


def _is_stream(location: str) -> bool:
    try:
        mode = Path(location).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _path_of(descriptor: int) -> str:
    """Return the path of an open file or directory, which can be opened again; empty for anything else."""
    with suppress(OSError):
        path = os.path.realpath(f"/dev/fd/{descriptor}")
        facts = os.fstat(descriptor)
        is_lasting = stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)
        if is_lasting and os.path.samestat(Path(path).stat(), facts):
            return path
    return ""


def _copied(descriptor: int, shown: str, job: Job) -> Path:
    """Return the file with all bytes of a pipe."""
    if os.isatty(descriptor):
        raise _no_image(shown)
    head = b""
    while len(head) < BLOCK and (data := _read(descriptor, BLOCK - len(head), shown)):
        head += data
    if not head:
        raise LayertuiError(f"{shown} is empty", "", "check the command that writes to it")
    if not _is_archive(head):
        raise NoImage(f"{shown} is not an image", "what arrives is not a tar archive")
    from layertui.cache.directory import ROOM_STEP, cache_directory, check_room
    from layertui.text.format import size_text

    if not Path("/proc/self/fd").exists():
        raise LayertuiError(f"{shown} is a pipe", "there is no /proc to keep it in", "save it to a file")
    import tempfile

    folder, done, data = cache_directory() / "piped", 0, head
    file = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (open as long as the process runs)
        while data:
            if done % ROOM_STEP < len(data):
                check_room(folder)
            if done + len(data) > MAX_PIPED_BYTES:
                limit = size_text(MAX_PIPED_BYTES)
                raise LayertuiError(f"{shown} is too large", f"more than {limit}", "save it to a file")
            file.write(data)
            done += len(data)
            job.check()
            job.report(done)
            data = _read(descriptor, PIPE_CHUNK, shown)
        file.flush()
        _open.append(file)
        return Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    except BaseException as error:
        if file is not None:
            with suppress(OSError):  # what is still buffered cannot be written
                file.close()
        if not isinstance(error, OSError):
            raise
        raise LayertuiError(
            f"cannot keep what arrives from {shown}",
            f"{error.strerror or error} after {size_text(done)}",
            f"its copy goes to {folder}, XDG_CACHE_HOME names another place",
        ) from error


def _read(descriptor: int, length: int, shown: str) -> bytes:
    try:
        return os.read(descriptor, length)
    except OSError as error:
        raise LayertuiError(f"cannot read {shown}", error.strerror or str(error)) from error


def _no_image(terminal: str) -> LayertuiError:
    return LayertuiError(
        f"{terminal} is a terminal", "no image arrives from it", "write docker save IMAGE | layertui -"
    )


def _is_archive(head: bytes) -> bool:
    """Return whether bytes may begin an archive, compressed or not."""
    from layertui.layers.compression.format import compression_of

    if compression_of(head):
        return True
    import tarfile

    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True
