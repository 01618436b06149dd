"""Gives what is new its name in an open directory: all at once, and over something else only if it may."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}


def put(directory: int, name: bytes, make: Callable[[bytes, int], None], force: bool) -> None:
    """Have ``make`` make something under a name in a directory; with ``force`` in place of a file of that name.

    ``make`` raises ``FileExistsError`` if the name is taken. Raises ``OSError``.
    """
    try:
        make(name, directory)
    except FileExistsError:
        if not force:
            raise
        hidden = _hidden_name()
        make(hidden, directory)
        try:
            os.rename(hidden, name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(hidden, dir_fd=directory)


class NewFile:
    """A file that has no name until it is whole, so that nothing is left of one that never is.

    Where a file system has no such files it has a hidden name.
    """

    def __init__(self, directory: int) -> None:
        """Raises ``OSError``."""
        self._directory = os.dup(directory)
        self._hidden = b""
        flags = os.O_WRONLY | os.O_CLOEXEC
        try:
            self.descriptor = os.open(".", flags | os.O_TMPFILE, 0o600, dir_fd=directory)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                os.close(self._directory)
                raise
            self._hidden = _hidden_name()
            self.descriptor = os.open(self._hidden, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory)

    def name(self, name: bytes, directory: int) -> None:
        """Give it its name. Raises ``FileExistsError`` if that is taken, ``OSError`` otherwise."""
        if not self._hidden:
            os.link(path_of_descriptor(self.descriptor), name, dst_dir_fd=directory)
            return
        try:
            os.link(self._hidden, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.access(name, os.F_OK, dir_fd=directory, follow_symlinks=False):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            os.rename(self._hidden, name, src_dir_fd=directory, dst_dir_fd=directory)

    def close(self) -> None:
        """Nothing is left of it now unless it has a name."""
        os.close(self.descriptor)
        if self._hidden:
            with suppress(OSError):
                os.unlink(self._hidden, dir_fd=self._directory)
        os.close(self._directory)


def make_empty(name: bytes, directory: int) -> None:
    """An empty file."""
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=directory))


def path_of_descriptor(descriptor: int) -> str:
    """A path that names what a descriptor does (proc_pid_fd(5))."""
    return f"/proc/self/fd/{descriptor}"


def _hidden_name() -> bytes:
    return b".layertui-" + secrets.token_hex(8).encode()
