"""One path in one layer, as shown to users and printed as JSON."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from layertui.model.numbers import LayerNumber

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ENTRY_TYPES = ("file", "file", "symlink", "char", "block", "directory", "fifo", "socket")
"""Type name by kind; a hardlink is a file."""


class Entry(NamedTuple):
    """A path with all its metadata; a hardlink has the type, metadata and size of its target."""

    path: str
    type: str
    mode: int
    """Permission bits including setuid, setgid and sticky."""
    uid: int
    gid: int
    size: int
    """Bytes of a file's content; 0 for anything else."""
    mtime: int
    mtime_ns: int
    linkname: str | None
    """A symlink's target as stored."""
    layer: LayerNumber
    """Number of the originating layer, 1 at the base."""
    implied: bool
    """Whether the directory has no entry of its own and exists only because of paths below it."""
    xattrs: Mapping[str, bytes]
    hardlink: str | None
    """Another path that shares the file, which comes before it in the layers; ``None`` if there is none."""
    device: tuple[int, int] | None

    def to_json(self) -> dict[str, Any]:
        """Return the entry's JSON fields."""
        fields: dict[str, Any] = {
            "path": self.path,
            "type": self.type,
            "mode": f"{self.mode:04o}",
            "uid": self.uid,
            "gid": self.gid,
            "size": self.size,
            "mtime": rfc3339(self.mtime, self.mtime_ns),
            "linkname": self.linkname,
            "layer": self.layer,
            "implied": self.implied,
            "xattrs": {name: base64.b64encode(value).decode() for name, value in self.xattrs.items()},
            "hardlink": self.hardlink,
        }
        if self.device is not None:
            fields["device"] = list(self.device)
        return fields


def rfc3339(seconds: int, nanoseconds: int = 0) -> str | None:
    """Format a time in UTC, with a fraction only if it is not zero; ``None`` outside the years 1 to 9999."""
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + "Z"
