"""File-system trees as plain facts: one that lies on disk, and one that layers merge to."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from layertui.model.numbers import ROOT, Event, LayerNumber
from layertui.union.model import LayerUnion

TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}
HOST_XATTRS = ("trusted.", "security.selinux")
"""What the file system that holds a tree adds to it."""


@dataclass(frozen=True)
class Facts:
    """What is compared of a path."""

    type: str
    mode: int | None
    """``None`` for symlinks, which have none on Linux."""
    owner: tuple[int, int]
    size: int
    mtime: tuple[int, int] | None
    """``None`` for directories: unpacking into them changes it."""
    linkname: str | None
    device: tuple[int, int] | None
    xattrs: tuple[tuple[str, bytes], ...]
    links: tuple[str, ...]
    """All paths that are the same file, if there are several."""
    content: bytes | None


def on_disk(root: Path) -> dict[str, Facts]:
    """The tree below a directory; needs to be read as root."""
    stats: dict[str, os.stat_result] = {}
    links = defaultdict(list)
    todo = [root]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                name = "/" + os.path.relpath(entry.path, root)
                stats[name] = status
                links[status.st_dev, status.st_ino].append(name)
                if stat.S_ISDIR(status.st_mode):
                    todo.append(Path(entry.path))
    tree: dict[str, Facts] = {}
    for name, status in stats.items():
        same = tuple(sorted(links[status.st_dev, status.st_ino]))
        # Files of many names, as busybox has hundreds, are read once.
        first = tree.get(same[0])
        tree[name] = first if first is not None else _facts(f"{root}{name}", status, same)
    return tree


def _facts(path: str, status: os.stat_result, links: tuple[str, ...]) -> Facts:
    type_ = TYPES[stat.S_IFMT(status.st_mode)]
    xattrs = {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in os.listxattr(path, follow_symlinks=False)
        if not name.startswith(HOST_XATTRS)
    }
    is_device = type_ in ("char", "block")
    return Facts(
        type=type_,
        mode=None if type_ == "symlink" else stat.S_IMODE(status.st_mode),
        owner=(status.st_uid, status.st_gid),
        size=status.st_size if type_ == "file" else 0,
        mtime=None if type_ == "directory" else divmod(status.st_mtime_ns, 1_000_000_000),
        linkname=os.readlink(path) if type_ == "symlink" else None,  # noqa: PTH115 (a Path tidies it up)
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if is_device else None,
        xattrs=tuple(sorted(xattrs.items())),
        links=links if len(links) > 1 else (),
        content=Path(path).read_bytes() if type_ == "file" else None,
    )


def merged(union: LayerUnion, layer: int, read: Callable[[Event], bytes]) -> dict[str, Facts]:
    """The merged tree at a layer; ``read`` gives the content that an event stands for."""
    events = {
        union.path(node): event
        for node in union.descendants(ROOT)
        if (event := union.at(node, LayerNumber(layer))) >= 0
    }
    links = defaultdict(list)
    for path, event in sorted(events.items()):
        links[union.ev_inode[event]].append(path)
    contents: dict[Event, bytes] = {}
    tree = {}
    for path, event in events.items():
        inode = union.ev_inode[event]
        entry = union.entry(event)
        same = tuple(links[inode])
        if entry.type == "file" and inode not in contents:
            contents[inode] = read(event)
        tree[path] = Facts(
            type=entry.type,
            mode=None if entry.type == "symlink" else entry.mode,
            owner=(entry.uid, entry.gid),
            size=entry.size,
            mtime=None if entry.type == "directory" else (entry.mtime, entry.mtime_ns),
            linkname=entry.linkname,
            device=entry.device,
            xattrs=tuple(sorted(entry.xattrs.items())),
            links=same if len(same) > 1 else (),
            content=contents.get(inode),
        )
    return tree


def assert_same(ours: dict[str, Facts], theirs: dict[str, Facts]) -> None:
    """Compare two trees, naming the first few paths on which they differ."""
    differing = [
        f"{path!r}:\n  ours   {ours.get(path)}\n  theirs {theirs.get(path)}"
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path)
    ]
    assert not differing, f"{len(differing)} paths differ\n" + "\n".join(differing[:5])
