"""Map host UIDs and GIDs in rootless stores to container IDs (user_namespaces(7), subuid(5))."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))
MAX_ID = 1 << 32


class IdRange(NamedTuple):
    """Consecutive IDs on the host and in the container."""

    outside: int
    inside: int
    length: int


@dataclass(frozen=True, slots=True)
class IdMapping:
    """Container IDs of host IDs."""

    uids: tuple[IdRange, ...]
    """In the order of host IDs."""
    gids: tuple[IdRange, ...]

    def inside(self, uid: int, gid: int) -> tuple[int, int] | None:
        """Return the container's user and group; ``None`` if one of them is not mapped."""
        user, group = _inside(self.uids, uid), _inside(self.gids, gid)
        return None if user is None or group is None else (user, group)


def id_mapping_of(store: Path) -> IdMapping | None:
    """Return the mapping of a rootless engine's store; ``None`` for one that belongs to root.

    The store's owner is root in the containers; the subordinate IDs of that user on this
    machine are mapped from 1 upwards.
    """
    try:
        status = store.stat()
    except OSError:
        return None
    if status.st_uid == 0:
        return None
    return IdMapping(
        _ranges(status.st_uid, status.st_uid, SUBORDINATE[0]),
        _ranges(status.st_gid, status.st_uid, SUBORDINATE[1]),
    )


def _ranges(own: int, uid: int, file: Path) -> tuple[IdRange, ...]:
    import pwd

    names = {str(uid)}
    with suppress(KeyError):  # a user of another machine
        names.add(pwd.getpwuid(uid).pw_name)
    ranges = [IdRange(own, 0, 1)]
    inside = 1
    try:
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, *numbers = line.strip().split(":")
        if name in names and len(numbers) == 2 and all(number.isdecimal() for number in numbers):
            outside, count = map(int, numbers)
            if 0 < count <= MAX_ID and outside < MAX_ID:
                ranges.append(IdRange(outside, inside, count))
                inside += count
    return tuple(sorted(ranges))


def _inside(ranges: tuple[IdRange, ...], outside: int) -> int | None:
    at = bisect_right(ranges, outside, key=lambda span: span.outside) - 1
    if at < 0 or outside >= ranges[at].outside + ranges[at].length:
        return None
    return ranges[at].inside + outside - ranges[at].outside
