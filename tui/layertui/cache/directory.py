"""Files of the cache: written atomically, locked while they are made, evicted when unused.

A folder of the cache contains

``KEY``
    A complete entry. Its access time is that of its last use.
``.new-RANDOM``
    A file that is being written, under flock(2) by the process that writes it.
``.lock-HASH``
    A lock, under flock(2) by the process that holds it, whose ID it contains. Deleted on release.

The kernel drops the flock of a process that ends, however it ends. A hidden file without one was therefore
left by a killed process, and :func:`evict`, which follows every write, deletes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.model import system
from layertui.model.digest import sha256_hex
from layertui.model.errors import LayertuiError
from layertui.model.job import Job

if TYPE_CHECKING:
    from typing import BinaryIO


RECENT = 60
"""Seconds since the last use of an entry in which it is not evicted: a process may be about to open it."""

MIN_FREE = 1 << 30
"""Bytes that stay free on the disk, or a tenth of a small one."""
ROOM_STEP = 32 << 20
"""Bytes written to a file between checks of the free space."""

POLL = 0.001, 0.05
"""Seconds between two attempts to take a lock: the first pause, and the longest, to which pauses double."""

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What flock(2) fails with on filesystems that do not support it."""


def cache_directory() -> Path:
    """Return the cache directory, ``$XDG_CACHE_HOME/layertui`` on Linux; it need not exist."""
    if sys.platform == "linux":  # as platformdirs, which imports as much as an image takes to open
        base = os.environ.get("XDG_CACHE_HOME", "").strip()
        return Path(base or os.path.expanduser("~/.cache"), "layertui")  # noqa: PTH111  # works without a home
    from platformdirs import user_cache_path

    return user_cache_path("layertui", appauthor=False)


class UnpublishedFile:
    """A file that is being written."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        """Temporary, until :meth:`publish`."""
        self.size = 0
        """Bytes written."""
        self._file = file
        self._checked = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. Raises :class:`OSError`, also before the disk is full."""
        self.size += len(data)
        if self.size - self._checked > ROOM_STEP:
            self._checked = self.size
            check_room(self.path.parent)
        self._file.write(data)

    def flush(self) -> None:
        """Let others who open :attr:`path` read what has been written so far."""
        self._file.flush()

    def publish(self, target: Path) -> None:
        """Move the complete file to its place, where it replaces an earlier one."""
        self._file.flush()
        self.path.replace(target)


def check_room(folder: Path) -> None:
    """Raise :class:`OSError` if little is free where a folder is: what is cached must not fill a disk."""
    import shutil  # imports the libraries of all formats of archives

    disk = shutil.disk_usage(folder)
    least = min(MIN_FREE, disk.total // 10)
    if disk.free < least:
        raise OSError(errno.ENOSPC, f"less than {least:,} bytes would stay free on the disk")


@contextmanager
def new_file(folder: Path, prefix: str = ".new-", mode: int = 0o600) -> Iterator[UnpublishedFile]:
    """Create a file in a folder; it is deleted at the end unless it has been published.

    Raises :class:`OSError`.
    """
    path, descriptor = _create(folder, prefix, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield UnpublishedFile(path, file)
    finally:
        path.unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes) -> None:
    """Write an entry of the cache, completely or not at all. Raises :class:`OSError`."""
    with new_file(path.parent) as file:
        file.write(data)
        file.publish(path)


def save(path: Path, data: bytes) -> None:
    """Write a file of the user's atomically; what is not a regular file (``/dev/stdout``) is written to.

    Raises :class:`LayertuiError`; an earlier file is then unchanged.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        target = path.resolve()  # a symlink stays one
        with new_file(target.parent, f".{target.name}.", 0o666) as file:
            file.write(data)
            file.publish(target)
    except OSError as error:
        raise LayertuiError(f"cannot write {path}", error.strerror or str(error)) from error


@contextmanager
def lock(folder: Path, name: str, job: Job = Job.NONE) -> Iterator[None]:
    """Hold a lock that one thread of all processes can hold at a time, after waiting for it.

    For work that must not be done twice at once because it is expensive, not because it would be wrong: on
    a filesystem without flock(2), or if the holder is stopped (Ctrl+Z), no process waits. Not reentrant.
    Raises :class:`OSError` if the folder cannot be written to, :class:`Cancelled` while waiting.
    """
    path = folder / f".lock-{sha256_hex(name.encode())}"
    pause, longest = POLL
    while (descriptor := _try_lock(path)) is None and not _is_stopped(path):
        job.check()
        time.sleep(pause)
        pause = min(2 * pause, longest)
    try:
        yield
    finally:
        if descriptor is not None:
            path.unlink(missing_ok=True)  # before others can take it: they notice, and create another
            os.close(descriptor)


def own_file(path: Path) -> os.stat_result | None:
    """Return the facts of an entry; ``None`` if there is none that can be trusted and read.

    In a cache directory that others can write to, what users other than root put there is not trusted. What
    root has written there (``sudo -E``) may not be readable, and is replaced then.
    """
    try:
        facts = path.lstat()
    except OSError:
        return None
    is_own = stat.S_ISREG(facts.st_mode) and facts.st_uid in (0, system.own_uid() or 0)
    return facts if is_own and os.access(path, os.R_OK) else None


def use(path: Path) -> bool:
    """Record that an entry is used now; return whether there is one.

    Its modification time does not change: the index of a layer is stored under it (see
    :func:`layertui.layers.cache_keys.cache_key`).
    """
    facts = own_file(path)
    if facts is None:
        return False
    with contextlib.suppress(OSError):  # a read-only cache is of use too
        os.utime(path, ns=(time.time_ns(), facts.st_mtime_ns), follow_symlinks=False)
    return True


def evict(folder: Path, limit: int, keep: Path) -> None:
    """Delete the entries of a folder that were not used for the longest time, down to ``limit`` bytes in all.

    Neither ``keep``, which was just written, nor any that was used in the last :data:`RECENT` seconds. Also
    deletes what killed processes left. Another process may do the same at the same time.
    """
    entries: list[tuple[float, int, str]] = []
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            with contextlib.suppress(OSError):  # deleted by another process
                if entry.name.startswith("."):
                    _delete_abandoned(Path(entry.path))
                else:
                    facts = entry.stat(follow_symlinks=False)
                    entries.append((facts.st_atime, facts.st_size, entry.path))
    total = sum(size for _, size, _ in entries)
    now = time.time()
    for used, size, path in sorted(entries):
        if total <= limit:
            break
        if path != str(keep) and not 0 <= now - used < RECENT:
            with contextlib.suppress(OSError):
                Path(path).unlink()
            total -= size


def _create(folder: Path, prefix: str, mode: int) -> tuple[Path, int]:
    """Create a file and take its flock."""
    while True:
        path = folder / f"{prefix}{os.urandom(8).hex()}"
        descriptor = os.open(path, system.WRITE | os.O_CREAT | os.O_EXCL, mode)
        with contextlib.suppress(OSError):  # not supported
            _flock(descriptor)
        if _is_at(path, descriptor):
            return path, descriptor
        os.close(descriptor)  # deleted by another process, to which it looked abandoned before the flock


def _try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock; ``None`` if another does."""
    while True:
        # Not through a symlink: what it leads to would be overwritten.
        descriptor = os.open(path, system.WRITE | os.O_CREAT | system.NO_LINK, 0o600)
        try:
            _flock(descriptor, waits=False)
            if _is_at(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            if error.errno in (*NO_LOCKS, errno.ENOSPC, errno.EDQUOT):
                return descriptor
            os.close(descriptor)
            raise
        os.close(descriptor)  # released, and thereby deleted, between open and flock


def _flock(descriptor: int, waits: bool = True) -> None:
    """Take the flock of a file. Raises :class:`OSError`; with an error of :data:`NO_LOCKS` where there is none."""
    try:
        import fcntl
    except ImportError:
        raise OSError(errno.ENOSYS, "this system has no flock") from None
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether a path still leads to an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_stopped(path: Path) -> bool:
    """Return whether the process that holds a lock is stopped (proc_pid_stat(5)); False where unknown."""
    try:
        process = int(path.read_bytes())
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, ValueError):
        return False
    return state in (b"T", b"t")


def _delete_abandoned(path: Path) -> None:
    """Delete a hidden file unless a process holds its flock. Raises :class:`OSError`, also if one does."""
    # Writable, as NFS requires for an exclusive flock.
    descriptor = os.open(path, system.WRITE | system.NO_LINK | system.NO_WAITING)
    try:
        _flock(descriptor, waits=False)
        if _is_at(path, descriptor):
            path.unlink()
    finally:
        os.close(descriptor)
