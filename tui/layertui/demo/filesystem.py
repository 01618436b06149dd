"""An in-memory file system whose changes become layers, as with overlayfs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from layertui.demo.tar import TarMember, write_tar

DIRECTORY, FILE, HARDLINK, SYMLINK, FIFO = "5", "0", "1", "2", "6"


@dataclass(slots=True)
class Inode:
    """An inode; hardlinks share one."""

    type: str
    mode: int
    mtime: int
    data: bytes = b""
    target: str = ""
    uid: int = 0
    gid: int = 0
    xattrs: dict[str, bytes] = field(default_factory=dict)


class Filesystem:
    """Methods are named after shell commands; :meth:`commit` returns the changes as the tar of a layer.

    Paths are relative to the root. As in an overlay's upper directory, whatever is changed
    is stored whole together with the directories above it, and making or removing a path
    gives its directory a new mtime.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        """The mtime of changes, in seconds since 1970."""
        self._inodes: dict[str, Inode] = {"": Inode(DIRECTORY, 0o755, now)}
        self._lower: dict[str, Inode] = {}
        self._changed: set[str] = set()
        self._removed: set[str] = set()

    def read(self, path: str) -> str:
        """Return a file's text."""
        return self._inodes[path].data.decode()

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        """Create a directory and its parents; existing ones are left as they are."""
        if path not in self._inodes:
            self._make(path, Inode(DIRECTORY, mode, self.now))

    def write(self, path: str, data: bytes | str, mode: int | None = None) -> None:
        """Create (0644) or overwrite a file; without ``mode`` an existing one is kept."""
        content = data.encode() if isinstance(data, str) else data
        if path in self._inodes:
            inode = self._copy_up(path)
            inode.data, inode.mtime = content, self.now
            inode.mode = inode.mode if mode is None else mode
        else:
            self._make(path, Inode(FILE, 0o644 if mode is None else mode, self.now, content))

    def symlink(self, path: str, target: str) -> None:
        """Create a symlink, replacing an existing one (``ln -sfn``)."""
        if path in self._inodes:
            self.remove(path)
        self._make(path, Inode(SYMLINK, 0o777, self.now, target=target))

    def link(self, path: str, target: str) -> None:
        """Create a hardlink to a file."""
        inode = self._copy_up(target)
        self._make(path, inode)

    def fifo(self, path: str, mode: int) -> None:
        self._make(path, Inode(FIFO, mode, self.now))

    def chmod(self, path: str, mode: int) -> None:
        self._copy_up(path).mode = mode

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Change the owner of a path and all below it; paths with that owner are stored again, too."""
        for below in [path, *self._below(path)]:
            inode = self._copy_up(below)
            inode.uid, inode.gid = uid, gid

    def touch(self, path: str) -> None:
        self._copy_up(path).mtime = self.now

    def setcap(self, path: str, capability: bytes) -> None:
        """Set ``security.capability``: ``struct vfs_cap_data`` (linux/capability.h)."""
        self._copy_up(path).xattrs["security.capability"] = capability

    def remove(self, path: str) -> None:
        """Remove a path and all below it."""
        for gone in [path, *self._below(path)]:
            del self._inodes[gone]
            self._changed.discard(gone)
            self._removed.add(gone)
        parent = self._copy_up(_parent(path))
        parent.mtime = self.now

    def move(self, old: str, new: str) -> None:
        """Rename a file; the layer stores it again under its new name."""
        inode = self._copy_up(old)
        self.remove(old)
        self._make(new, inode)

    def commit(self) -> bytes:
        """Return the changes since the last commit as a layer."""
        tar = write_tar(self._members())
        # Later changes must not reach into what layers below hold.
        self._lower = dict(self._inodes)
        self._changed.clear()
        self._removed.clear()
        return tar

    def _below(self, path: str) -> list[str]:
        return [other for other in self._inodes if other.startswith(path + "/")]

    def _make(self, path: str, inode: Inode) -> None:
        parent = _parent(path)
        self.mkdir(parent)
        self._copy_up(parent).mtime = self.now
        self._inodes[path] = inode
        self._changed.add(path)

    def _copy_up(self, path: str) -> Inode:
        """Return the inode of a path for a change in the next layer."""
        if path not in self._changed:
            if path:
                self._copy_up(_parent(path))
            self._changed.add(path)
            if self._lower.get(path) is self._inodes[path]:
                inode = self._inodes[path]
                self._inodes[path] = replace(inode, xattrs=dict(inode.xattrs))
        return self._inodes[path]

    def _members(self) -> Iterator[TarMember]:
        paths: dict[int, str] = {}  # where each inode is stored
        for path in sorted((self._changed | self._removed) - {""}, key=lambda path: path.split("/")):
            if path in self._changed:
                inode = self._inodes[path]
                first = paths.setdefault(id(inode), path)
                yield _member(path, inode, first)
                if inode.type == DIRECTORY and self._hides(path) and self._lower[path].type == DIRECTORY:
                    yield TarMember(f"{path}/.wh..wh..opq", FILE, 0o644, self.now)
            elif self._hides(path):
                parent, _, name = path.rpartition("/")
                yield TarMember(f"{parent}/.wh.{name}".lstrip("/"), FILE, 0o644, self.now)

    def _hides(self, path: str) -> bool:
        """Return whether a removed path needs a whiteout: none of its parents has one."""
        parent = _parent(path)
        return path in self._removed and path in self._lower and parent not in self._removed


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _member(path: str, inode: Inode, first: str) -> TarMember:
    name = f"{path}/" if inode.type == DIRECTORY else path
    member = TarMember(
        name,
        inode.type,
        inode.mode,
        inode.mtime,
        inode.data,
        inode.target,
        inode.uid,
        inode.gid,
        inode.xattrs,
    )
    if first != path:
        member = replace(member, type=HARDLINK, data=b"", target=first)
    return member
