"""An entry's metadata as the screens write it."""

import stat
from datetime import timedelta

from layertui.union.entry import EPOCH, Entry

_TYPE_BITS = {
    "file": stat.S_IFREG,
    "directory": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "char": stat.S_IFCHR,
    "block": stat.S_IFBLK,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}


def permissions(entry: Entry) -> str:
    """Type and mode as ``ls -l`` writes them: ``-rw-r--r--``."""
    return stat.filemode(_TYPE_BITS[entry.type] | entry.mode)


def owner(entry: Entry) -> str:
    """``1000:1000``."""
    return f"{entry.uid}:{entry.gid}"


def moment(entry: Entry) -> str:
    """When it was last modified, in UTC to the second; seconds since 1970 where no calendar reaches."""
    try:
        when = EPOCH + timedelta(seconds=entry.mtime)
    except OverflowError:
        return f"{entry.mtime} s"
    return f"{when:%Y-%m-%d %H:%M:%S}".rjust(19, "0")


def exact_size(size: int) -> str:
    """``1,204 bytes``."""
    return f"{size:,} byte" + ("" if size == 1 else "s")
