"""Detect concurrent modification: a running container goes on writing to its directory.

An unpacked layer is shown as it was at one moment, or with a warning that it is not. A file is
compared by its stamp, a tree by a :class:`TreeWatch`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Collection, Iterator

from layertui.model.layer_index import LayerWarning

CHANGED = "changed-while-read"
"""Code of the warning that a layer was modified while it was read."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.EINVAL)
"""Errors of paths that have been deleted, or replaced by another type (readlink(2))."""


def changed_while_read(keys: Collection[bytes]) -> Iterator[LayerWarning]:
    """Yield one warning for all paths of a layer, if any, that were modified or deleted during the scan."""
    if keys:
        others = f", like {len(keys) - 1:,} more" if len(keys) > 1 else ""
        text = f"changed while the layer was read{others}: the listing may mix old and new, reload the image"
        yield LayerWarning(CHANGED, next(iter(keys)), text)


def stamp_of(status: os.stat_result) -> int:
    """Return 64 bits that differ once a file or directory is replaced or modified: content, names or metadata.

    Programs cannot set the time of the last status change (inode(7), ``st_ctime``). It is as fine as the
    kernel's clock: of two changes within some milliseconds the second may go unnoticed.
    """
    facts = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return hash(facts) & ((1 << 64) - 1)


class TreeWatch:
    """Notices changes while a tree is walked, at the cost of one more lstat of each directory.

    Without changes, the listing shows the tree as it was when the walk began: no entry had been
    modified since when it was read, and no directory, and so no name, when all had been listed.
    Later changes to a file are noticed when it is opened.
    """

    def __init__(self) -> None:
        self.changed: dict[bytes, None] = {}
        """Keys of modified entries, in the order in which they were noticed."""
        self._began = time.time_ns()
        self._directories: list[tuple[bytes, bytes, int]] = []

    def status(self, key: bytes, path: bytes) -> os.stat_result:
        """Return the status of an entry. Raises ``OSError``."""
        status = os.lstat(path)
        if self._began < status.st_ctime_ns <= time.time_ns():  # later than now: the clock was wrong
            self.changed[key] = None
        return status

    def will_list(self, key: bytes, path: bytes, status: os.stat_result) -> None:
        """Remember a directory; to be called before it is listed."""
        self._directories.append((key, path, stamp_of(status)))

    def look_back(self) -> None:
        """Compare all directories; to be called when the last has been listed."""
        for key, path, stamp in self._directories:
            try:
                if stamp_of(os.lstat(path)) == stamp:
                    continue
            except OSError:
                pass  # it was deleted, or a directory above it
            self.changed[key] = None
