"""Files of the final tree with unusual permissions, or with an owner that the image does not know."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from layertui.content.accounts import MAX_ACCOUNTS_BYTES, account_names
from layertui.content.read import Contents
from layertui.content.xattrs import describe
from layertui.model.entry import Entry
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import ROOT, Event, Node
from layertui.union.model import LayerUnion

CAPABILITIES = "security.capability"
"""The attribute with a file's capabilities (capabilities(7))."""
PASSWD = "/etc/passwd"
_SETUID, _SETGID, _STICKY, _WORLD_WRITABLE = 0o4000, 0o2000, 0o1000, 0o002


class Right(StrEnum):
    """What is unusual about a path."""

    SETUID = "setuid"
    """A file that runs as its owner."""
    SETGID = "setgid"
    """A file that runs as its group. Directories with this bit are left out: it grants no rights."""
    CAPABILITIES = "capabilities"
    WRITABLE = "world-writable"
    """A file that anyone may write, or a directory without sticky bit, where anyone may replace files."""
    UNKNOWN_OWNER = "unknown owner"
    """Its UID has no entry in the image's passwd file."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One unusual path."""

    right: Right
    event: Event
    entry: Entry
    capabilities: str = ""
    """As ``getcap`` prints them."""
    paths: int = 1
    """With an unknown owner: the number of paths at and below this one with the same UID."""

    def to_json(self) -> dict[str, Any]:
        """Return the row as the command line prints it."""
        return {
            "right": str(self.right),
            "path": self.entry.path,
            "layer": self.entry.layer,
            "type": self.entry.type,
            "mode": f"{self.entry.mode:04o}",
            "uid": self.entry.uid,
            "gid": self.entry.gid,
            "capabilities": self.capabilities,
            "paths": self.paths,
        }


def permissions(union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> Sequence[Permission]:
    """Return all unusual paths of the final tree, by right and then in the order of the tree.

    Reads the image's passwd file, no other content. A path may have several rows.
    Raises :class:`Cancelled`.
    """
    if not union.layers:
        return ()
    found: list[Permission] = []
    users = _users(union, contents, job)
    strangers: dict[Node, int] = {}
    """Row of each node whose owner is unknown."""
    check = job.check
    for node, event in zip(union.subtree(ROOT), union.last, strict=True):
        check()
        entry = union.ev_entry[event] if event >= 0 else -1  # no event: the root where no layer is
        if entry < 0:
            continue
        inode = union.ev_inode[event]
        index, number = union.indexes[union.ev_layer[inode] - 1], union.ev_entry[inode]
        kind, mode, uid = union.ev_kind[event], index.mode[number], index.uid[number]
        if kind == Kind.FILE:
            rights = [
                right for right, bit in ((Right.SETUID, _SETUID), (Right.SETGID, _SETGID)) if mode & bit
            ]
            extra = index.extra.get(number)
            if extra is not None and CAPABILITIES in extra.xattrs:
                text = describe(CAPABILITIES, extra.xattrs[CAPABILITIES])
                found.append(Permission(Right.CAPABILITIES, event, union.entry(event), text))
            if mode & _WORLD_WRITABLE:
                rights.append(Right.WRITABLE)
            found += [Permission(right, event, union.entry(event)) for right in rights]
        elif kind == Kind.DIRECTORY and mode & (_WORLD_WRITABLE | _STICKY) == _WORLD_WRITABLE:
            found.append(Permission(Right.WRITABLE, event, union.entry(event)))
        if uid not in users:
            # One row for a whole directory of that user.
            row = strangers.get(union.parent[node], -1)
            if row >= 0 and found[row].entry.uid == uid:
                found[row] = replace(found[row], paths=found[row].paths + 1)
            else:
                row = len(found)
                found.append(Permission(Right.UNKNOWN_OWNER, event, union.entry(event)))
            strangers[node] = row
    order = list(Right)
    return sorted(found, key=lambda row: order.index(row.right))


def _users(union: LayerUnion, contents: Contents, job: Job) -> set[int]:
    """Return the UIDs that the image knows; root is always one."""
    users = {0}
    with suppress(LayertuiError):  # without a readable passwd file only root is known
        event = union.at(union.resolve(PASSWD, union.layers), union.layers)
        users.update(account_names(contents.read(event, 0, MAX_ACCOUNTS_BYTES, job)))
    return users
