"""Whose files are that engines without root's privileges keep (user_namespaces(7), subuid(5))."""

from __future__ import annotations

import pwd
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))
MAX_ID = 1 << 32


class Range(NamedTuple):
    """IDs that follow each other."""

    outside: int
    inside: int
    length: int


@dataclass(frozen=True, slots=True)
class Owners:
    """Which users and groups of a container those are that files lie there with."""

    uids: tuple[Range, ...]
    """In order of the IDs outside."""
    gids: tuple[Range, ...]

    def inside(self, uid: int, gid: int) -> tuple[int, int] | None:
        """``None`` if one of them is nobody in the container."""
        user, group = _inside(self.uids, uid), _inside(self.gids, gid)
        return None if user is None or group is None else (user, group)


def owners_of(store: Path) -> Owners | None:
    """Those of a directory that an engine keeps its layers in; ``None`` if it is root's.

    Whoever it belongs to is root in the containers, the subordinate IDs of that user on this
    machine are all others, from 1 upwards.
    """
    try:
        status = store.stat()
    except OSError:
        return None
    if status.st_uid == 0:
        return None
    return Owners(
        _ranges(status.st_uid, status.st_uid, SUBORDINATE[0]),
        _ranges(status.st_gid, status.st_uid, SUBORDINATE[1]),
    )


def _ranges(own: int, uid: int, file: Path) -> tuple[Range, ...]:
    names = {str(uid)}
    with suppress(KeyError):  # a user of another machine
        names.add(pwd.getpwuid(uid).pw_name)
    found = [Range(own, 0, 1)]
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
                found.append(Range(outside, inside, count))
                inside += count
    return tuple(sorted(found))


def _inside(ranges: tuple[Range, ...], identity: int) -> int | None:
    at = bisect_right(ranges, identity, key=lambda each: each.outside) - 1
    if at < 0 or identity >= ranges[at].outside + ranges[at].length:
        return None
    return ranges[at].inside + identity - ranges[at].outside
