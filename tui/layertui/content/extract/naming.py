"""Create files under their names atomically in an open directory, replacing others only if allowed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}


def put(directory: int, name: bytes, make: Callable[[bytes, int], None], force: bool) -> None:
    """Call ``make(name, directory)``; with ``force``, replace an existing file of that name atomically.

    ``make`` raises ``FileExistsError`` if the name exists. Raises ``OSError``.
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


class UnnamedFile:
    """A file without a name until it is complete (``O_TMPFILE``), so that an aborted one leaves nothing.

    On file systems without such files it has a hidden name.
    """

    def __init__(self, directory: int) -> None:
        """Raise ``OSError``."""
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
        """Link the file to its name. Raises ``FileExistsError`` if that exists, ``OSError`` otherwise."""
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
        """Close the file; without a name it is deleted."""
        os.close(self.descriptor)
        if self._hidden:
            with suppress(OSError):
                os.unlink(self._hidden, dir_fd=self._directory)
        os.close(self._directory)


def make_empty(name: bytes, directory: int) -> None:
    """Create an empty file."""
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=directory))


def path_of_descriptor(descriptor: int) -> str:
    """Return a path that refers to an open file (proc_pid_fd(5))."""
    return f"/proc/self/fd/{descriptor}"


def _hidden_name() -> bytes:
    return b".layertui-" + secrets.token_hex(8).encode()
