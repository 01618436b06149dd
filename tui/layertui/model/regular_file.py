"""Open files of stores, which may be anything where a regular file is expected."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.model import system

if TYPE_CHECKING:
    from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, without waiting for the writer of a FIFO or reading a device.

    Raises ``OSError`` for anything else, as for a file that cannot be opened.
    """
    descriptor = os.open(path, system.READ | system.NO_TERMINAL | system.NO_WAITING)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
