"""A layer that lies unpacked in a directory, as the overlay file system keeps it.

What hides paths of the layers below is spelled otherwise than in a tar (Linux,
Documentation/filesystems/overlayfs.rst): a character device 0:0, or an empty file with the
attribute ``overlay.whiteout``, stands for a whiteout, the attribute ``overlay.opaque`` for an
opaque one.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from layertui.layers.unpacked.change_detection import GONE, Watch, changed_while_read, stamp_of
from layertui.layers.unpacked.id_mapping import Owners
from layertui.layers.unpacked.overlayfs import (
    data_of,
    directories_of,
    is_whiteout,
    may_read_trusted,
    names_in,
    own,
    shown,
    xattrs_of,
)
from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.layers.whiteout import parse_whiteout
from layertui.model.errors import LayertuiError
from layertui.model.image import Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Extra, Kind, LayerIndex, LayerWarning, path_of
from layertui.text.format import count_text

KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.CHAR,
    stat.S_IFBLK: Kind.BLOCK,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
}
OVERRIDES = (
    "security.fuseoverlayfs.override_stat",
    "user.containers.override_stat",
    "user.fuseoverlayfs.override_stat",
)
"""Attributes that hold owner, mode and type of what lies there with others; a layer uses the one that its root has
(fuse-overlayfs, direct.c; containers/storage, ``force_mask``)."""
OVERRIDE = re.compile(rb"(\d{1,10}):(\d{1,10}):([0-7]{1,7})(?::(\w+)(?:-(\d{1,9})-(\d{1,9}))?)?")
"""``UID:GID:MODE``, the mode octal; newer ones end in a type, ``file`` or ``block-8-1``."""
OVERRIDDEN_KINDS = {b"char": Kind.CHAR, b"block": Kind.BLOCK, b"pipe": Kind.FIFO, b"socket": Kind.SOCKET}
"""Types that lie there as empty files."""
DEFAULT_ROOTS = ((0o755, 0, 0), (0o555, 0, 0))
"""Mode and owner that Docker, and Podman, give to a root about which the layer says nothing."""
BETWEEN = 512
"""Entries between two reports."""
USER_MARKS = frozenset(f"user.overlay.{name}" for name in ("opaque", "whiteout", "redirect", "metacopy"))
"""Of mounts with ``userxattr``, as users make them. Root's own show them as any attribute, and whoever runs in a
container there can set them (overlayfs.rst)."""
XATTRS_UNKNOWN = "xattrs-unknown"
"""Code of the warning that attributes cannot be read."""
UNKNOWN = (
    "which directories are opaque or were moved, and which files are whiteouts or metadata alone, is unknown "
    "where that is noted there"
)


@dataclass(frozen=True, slots=True)
class UnpackedDirectory(Unpacked):
    """A directory as what a layer is read from."""

    path: Path
    whiteout_names: bool = False
    """Whether files named ``.wh.NAME`` hide NAME, as AUFS and fuse-overlayfs have it."""
    below: tuple[Path, ...] = ()
    """Directories of the layers below, the nearest first: where what was moved here, or copied up in part, still lies."""
    owners: Owners | None = None
    """Whose the files are, if not of those that they lie there with."""

    @property
    def location(self) -> str:
        return str(self.path)

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        return scan_directory(self.path, job, self.whiteout_names, self.below, self.owners)

    def open(self, key: bytes, size: int, stamp: int = 0) -> DirectoryBlob:
        here = (self.path, key)
        found = (data_of((self.path, *self.below), key) if self.below else None) or here
        return DirectoryBlob(*found, size, stamp if found == here else 0)


def scan_directory(
    root: Path,
    job: Job = Job.NONE,
    whiteout_names: bool = False,
    below: tuple[Path, ...] = (),
    owners: Owners | None = None,
    is_whole: bool = False,
) -> LayerIndex:
    """The entries of an overlay's upper (or lower) directory, depth first, names in byte order.

    ``is_whole`` says that it is none of these but a whole tree: nothing in it stands for
    something else, and its root is among the entries in any case.

    What cannot be listed stands in the index's ``damage``, what changes meanwhile (:class:`Watch`)
    in a warning. Reports the number of entries. Raises :class:`LayertuiError` if the
    directory itself cannot be read, and :class:`Cancelled`.
    """
    return _Scan(root, job, whiteout_names, below, owners, is_whole).run()


class _Facts(NamedTuple):
    """What a file is."""

    kind: Kind
    owner: tuple[int, int, int]
    """Mode, user and group."""
    device: tuple[int, int]


class _Scan:
    def __init__(
        self,
        root: Path,
        job: Job,
        whiteout_names: bool,
        below: tuple[Path, ...],
        owners: Owners | None,
        is_whole: bool,
    ) -> None:
        self._root = os.fsencode(root)
        self._stack = (root, *below)
        self._job = job
        self._whiteout_names = whiteout_names
        self._owners = owners
        self._is_whole = is_whole
        self._strangers = 0
        """Entries of users who are nobody in the container."""
        self._index = LayerIndex()
        self._keys: list[bytes] = []
        self._first: dict[tuple[int, int], bytes] = {}
        self._unlisted: list[str] = []
        self._unread: dict[bytes, str] = {}
        """Why attributes of an entry cannot be read."""
        self._user_marks: list[bytes] = []
        """Entries with marks of a user's mount, in what root's daemon has made."""
        self._is_roots = not is_whole and _owner_of(root.parent) == 0
        self._watch = Watch()
        self._override = ""
        """The attribute that owners are read from; empty where they are those of the files."""

    def run(self) -> LayerIndex:
        index = self._index
        try:
            status = self._watch.status(b"", self._root)
            xattrs = self._xattrs(b"", self._root)
            self._override = next((name for name in OVERRIDES if name in xattrs), "")
            owner = self._facts(xattrs, status).owner
            self._strangers = 0  # it is counted once it is added
            if owner not in DEFAULT_ROOTS or self._is_whole:
                self._add(b"", self._root, status, False)
            elif own(xattrs, "opaque") == b"y":
                self._append(b"", Kind.OPAQUE, status)
            paths = self._listed(b"", self._root, status)
        except OSError as error:
            shown = os.fsdecode(self._root)
            raise LayertuiError(f"cannot read {shown}", error.strerror or str(error)) from error
        self._walk(paths)
        self._watch.look_back()
        index.count = len(self._keys)
        index.keys = b"/".join(self._keys)
        if self._strangers:
            self._warn(
                "owner-unknown",
                b"",
                f"{self._strangers:,} entries belong to users of the host of whom it is not known who they are in "
                "the container: shown as they lie there",
            )
        # Of a whole tree they tell nothing, and without root's privileges they were not written either.
        if not self._is_whole and self._owners is None and not may_read_trusted():
            self._warn(
                XATTRS_UNKNOWN,
                b"",
                f"without root's privileges attributes in trusted. cannot be read: {UNKNOWN}",
            )
        if self._unread:
            count, first = count_text(len(self._unread), "path"), next(iter(self._unread.values()))
            what = "" if self._is_whole else f": {UNKNOWN}"
            self._warn(XATTRS_UNKNOWN, b"", f"attributes of {count} cannot be read, {first}{what}")
        if self._user_marks:
            self._warn(
                "user-marks",
                b"",
                f"{path_of(self._user_marks[0])}{_and_more(len(self._user_marks) - 1)} marked in user.overlay., which is "
                "followed here as by mounts with userxattr; others ignore it and show what it hides",
            )
        index.warnings += changed_while_read(self._watch.changed)
        if self._unlisted:
            index.damage = f"{len(self._unlisted)} directories cannot be read, {self._unlisted[0]}"
        return index

    def _walk(self, paths: list[tuple[bytes, bytes]]) -> None:
        # Names still to come, the next one last: the key of the directory, the name, where it lies,
        # and whether that is in a directory that was moved here.
        waiting = [(b"", name, path, False) for name, path in reversed(paths)]
        while waiting:
            if len(self._keys) % BETWEEN == 0:
                self._tell()
            above, name, path, moved = waiting.pop()
            key = above + b"\0" + name if above else name
            try:
                status = self._watch.status(key, path)
                is_directory, moved = self._add(key, path, status, moved)
                below = self._listed(key, path, status, moved) if is_directory else []
            except OSError as error:
                if error.errno in GONE:
                    self._watch.changed[key] = None
                else:
                    self._unlisted.append(f"{path_of(key)}: {error.strerror}")
                continue
            waiting += [(key, name, path, moved) for name, path in reversed(below)]

    def _listed(
        self, key: bytes, path: bytes, status: os.stat_result, moved: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """The names in a directory, and where each lies: of one that was moved here, that may be below."""
        self._watch.will_list(key, path, status)
        where = directories_of(self._stack, key) if moved else [path]
        return sorted(names_in(where).items())

    def _tell(self) -> None:
        self._job.check()
        self._job.report(len(self._keys))

    def _add(self, key: bytes, path: bytes, status: os.stat_result, moved: bool) -> tuple[bool, bool]:
        """Write one entry down: whether it is a directory, and whether what the layers below have in it counts."""
        xattrs = self._xattrs(key, path)
        kind, owner, device = self._facts(xattrs, status)
        if not self._is_whole and is_whiteout(status, xattrs):
            if not moved:  # else what it hides is not taken from below
                self._append(key, Kind.WHITEOUT, status)
            return False, False
        if self._whiteout_names and (whiteout := parse_whiteout(key)) is not None:
            hides, hidden = whiteout
            self._append(hidden, hides, status)
            return False, False
        if self._is_whole:
            pass
        elif kind == Kind.DIRECTORY:
            moved = self._redirected(key, xattrs, status, moved)
        elif own(xattrs, "metacopy") is not None and data_of(self._stack, key) is None:
            self._warn(
                "overlay-metacopy",
                key,
                "only its metadata lies in this layer: its content is that of the layers below, "
                "which is shown as zeros",
            )
        link = b""
        if kind != Kind.DIRECTORY and status.st_nlink > 1:
            first = self._first.setdefault((status.st_dev, status.st_ino), key)
            if first is not key:
                kind, link = Kind.HARDLINK, first
        if kind == Kind.SYMLINK:
            link = os.readlink(path)  # noqa: PTH115 (bytes)
        self._append(key, kind, status, link, owner)
        visible = dict(shown(xattrs)) if kind != Kind.HARDLINK else {}
        is_device = kind in (Kind.CHAR, Kind.BLOCK)
        if visible or is_device:
            self._index.extra[len(self._keys) - 1] = Extra(visible, device if is_device else None)
        return kind == Kind.DIRECTORY, moved

    def _xattrs(self, key: bytes, path: bytes) -> dict[str, bytes]:
        """The attributes of an entry that can be read."""
        xattrs, unread = xattrs_of(path)
        if unread is not None:
            if unread.errno in GONE:
                raise unread
            self._unread[key] = f"{path_of(key)}: {unread.strerror}"
        if self._is_roots and not USER_MARKS.isdisjoint(xattrs):
            self._user_marks.append(key)
        return xattrs

    def _redirected(self, key: bytes, xattrs: dict[str, bytes], status: os.stat_result, moved: bool) -> bool:
        """Whether the layers below have a part of a directory under another name, which so becomes one of this layer."""
        if own(xattrs, "opaque") == b"y":  # ``x`` only says that it may hold whiteouts that are files
            if not moved:
                self._append(key, Kind.OPAQUE, status)
            return False
        redirect = own(xattrs, "redirect")
        if redirect is None or moved:
            return moved
        if len(directories_of(self._stack, key)) < 2:
            where = redirect.decode("utf-8", "surrogateescape")
            self._warn(
                "overlay-redirect",
                key,
                f"was moved from {where}: what the layers below have there is not shown here",
            )
        # What they have under its own name is hidden in any case.
        self._append(key, Kind.OPAQUE, status)
        return True

    def _facts(self, xattrs: dict[str, bytes], status: os.stat_result) -> _Facts:
        kind = KINDS[stat.S_IFMT(status.st_mode)]
        device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        match = OVERRIDE.match(xattrs.pop(self._override, b""))
        if not match or max(map(int, match.groups()[:2])) >= 1 << 32:
            known = self._owners.inside(status.st_uid, status.st_gid) if self._owners else None
            self._strangers += self._owners is not None and known is None
            return _Facts(
                kind, (stat.S_IMODE(status.st_mode), *(known or (status.st_uid, status.st_gid))), device
            )
        uid, gid, mode, name, major, minor = match.groups()
        owner = (int(mode, 8) & 0o7777, int(uid), int(gid))
        return _Facts(
            OVERRIDDEN_KINDS.get(name, kind), owner, (int(major), int(minor)) if major and minor else device
        )

    def _append(
        self,
        key: bytes,
        kind: Kind,
        status: os.stat_result,
        link: bytes = b"",
        owner: tuple[int, int, int] | None = None,
    ) -> None:
        index = self._index
        self._keys.append(key)
        index.kind.append(kind)
        mode, uid, gid = owner or (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
        index.mode.append(mode)
        index.uid.append(uid)
        index.gid.append(gid)
        index.size.append(status.st_size if kind == Kind.FILE else 0)
        seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
        index.mtime.append(seconds)
        index.mtime_ns.append(nanoseconds)
        index.offset.append(0)
        index.link.append(len(index.links) if link else -1)
        index.stamp.append(stamp_of(status) if kind == Kind.FILE else 0)
        if link:
            index.links.append(link)

    def _warn(self, code: str, key: bytes, text: str) -> None:
        if len(self._index.warnings) < 1000:
            self._index.warnings.append(LayerWarning(code, key, text))


def _owner_of(directory: Path) -> int:
    """The user whose a directory is, of which a daemon makes one for each layer; -1 if that cannot be told."""
    try:
        return directory.stat().st_uid
    except OSError:
        return -1


def _and_more(others: int) -> str:
    return f" and {count_text(others, 'other path')} are" if others else " is"
