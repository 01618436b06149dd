"""What not every system has: names of POSIX that archives, layouts and registries are read without."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file's bytes for reading."""
WRITE = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NO_TERMINAL = getattr(os, "O_NOCTTY", 0)
NO_WAITING = getattr(os, "O_NONBLOCK", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
DIRECTORY = getattr(os, "O_DIRECTORY", 0)

_seeking = threading.Lock()


def pread(descriptor: int, length: int, offset: int) -> bytes:
    """Return up to ``length`` bytes from ``offset`` (pread(2)); threads may share the descriptor."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    with _seeking:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


def return_free_memory() -> None:
    """Return the freed memory of this process to the system, where the C library can (malloc_trim(3))."""
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def usable_processors() -> int:
    """Return how many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_name() -> str:
    """Return the kernel's name of this machine's architecture (uname(2)), as ``platform.machine``."""
    if hasattr(os, "uname"):
        return os.uname().machine
    import platform  # takes longer to import

    return platform.machine()


def own_uid() -> int | None:
    """Return the user ID that files are opened with; ``None`` where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else None
