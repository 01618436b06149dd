"""What changes while it is read: a container that runs goes on writing into its directory.

Whatever is shown of a layer that lies unpacked is of one moment, or it is said that it is not.
Of a file that moment is known by its stamp, of a tree by a :class:`Watch`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Collection, Iterator

from layertui.model.layer_index import LayerWarning

CHANGED = "changed-while-read"
"""Code of the warning that not all of a layer is of one moment."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.EINVAL)
"""What the kernel says of paths that are not there any more, or are of another type by now (readlink(2))."""


def changed_while_read(keys: Collection[bytes]) -> Iterator[LayerWarning]:
    """The one warning for all paths of a layer, if any, that changed or went while it was listed."""
    if keys:
        others = f", as did {len(keys) - 1:,} more" if len(keys) > 1 else ""
        text = f"changed while the layer was read{others}: what is shown may be of several moments, read the image again"
        yield LayerWarning(CHANGED, next(iter(keys)), text)


def stamp_of(status: os.stat_result) -> int:
    """64 bits that are others once a file or a directory is another one, or was changed: its content, names or metadata.

    Nobody can set the time of the last change (inode(7), ``st_ctime``). It is as fine as the
    kernel's clock: of two changes within some milliseconds the second may go unseen.
    """
    facts = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return hash(facts) & ((1 << 64) - 1)


class Watch:
    """Notices what changes while a tree is walked, for the price of one more look at each directory.

    If nothing does, the tree was as it was seen when the walk began: nothing of what was seen had
    changed since, nor had any directory, and so its names, when all had been listed. What
    changes later than it is seen is noticed when it is read.
    """

    def __init__(self) -> None:
        self.changed: dict[bytes, None] = {}
        """Keys of what did, in the order in which it was noticed."""
        self._began = time.time_ns()
        self._directories: list[tuple[bytes, bytes, int]] = []

    def status(self, key: bytes, path: bytes) -> os.stat_result:
        """What the kernel says of an entry. Raises ``OSError``."""
        status = os.lstat(path)
        if self._began < status.st_ctime_ns <= time.time_ns():  # later than now by a clock that is wrong
            self.changed[key] = None
        return status

    def will_list(self, key: bytes, path: bytes, status: os.stat_result) -> None:
        """To be told of every directory before it is listed."""
        self._directories.append((key, path, stamp_of(status)))

    def look_back(self) -> None:
        """To be called when all have been listed."""
        for key, path, stamp in self._directories:
            try:
                if stamp_of(os.lstat(path)) == stamp:
                    continue
            except OSError:
                pass  # it went, or what it was in
            self.changed[key] = None
