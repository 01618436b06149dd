"""A layer unpacked in a directory, in the format of overlay file systems.

Whiteouts differ from those of a tar (Linux, Documentation/filesystems/overlayfs.rst): a character
device 0:0, or an empty file with the attribute ``overlay.whiteout``, is a whiteout; the attribute
``overlay.opaque`` marks an opaque directory.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from layertui.layers.unpacked.change_detection import GONE, TreeWatch, changed_while_read, stamp_of
from layertui.layers.unpacked.id_mapping import IdMapping
from layertui.layers.unpacked.overlayfs import (
    find_data,
    is_metacopy,
    is_opaque,
    is_whiteout,
    may_read_trusted,
    merged_directories,
    merged_names,
    overlay_xattr,
    visible_xattrs,
    xattrs_of,
)
from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.layers.whiteout import parse_whiteout
from layertui.model.errors import LayertuiError
from layertui.model.image import Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Extra, Kind, LayerIndex, LayerWarning, path_of
from layertui.text.format import count_text

KIND_OF_FORMAT = {
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
"""Attributes with the owner, mode and type that a file has in the container; a layer uses the one that its root has
(fuse-overlayfs, direct.c; containers/storage, ``force_mask``)."""
OVERRIDE = re.compile(rb"(\d{1,10}):(\d{1,10}):([0-7]{1,7})(?::(\w+)(?:-(\d{1,9})-(\d{1,9}))?)?")
"""``UID:GID:MODE``, the mode octal; newer ones end in a type, ``file`` or ``block-8-1``."""
OVERRIDDEN_KINDS = {b"char": Kind.CHAR, b"block": Kind.BLOCK, b"pipe": Kind.FIFO, b"socket": Kind.SOCKET}
"""Types that are stored as empty files."""
DEFAULT_ROOTS = ((0o755, 0, 0), (0o555, 0, 0))
"""Mode and owner that Docker, and Podman, give to a root that the layer does not contain."""
ENTRIES_PER_REPORT = 512
"""Entries between two reports of progress."""
MAX_WARNINGS = 1000
USER_MARKS = frozenset(f"user.overlay.{name}" for name in ("opaque", "whiteout", "redirect", "metacopy"))
"""Of mounts with ``userxattr``, as unprivileged users make them. Root's mounts show them as ordinary attributes, and
a container there can set them (overlayfs.rst)."""
XATTRS_UNKNOWN = "xattrs-unknown"
"""Code of the warning that attributes cannot be read."""
MARKS_UNKNOWN = (
    "opaque and moved directories, whiteouts and metadata-only files that are marked there are not recognized"
)


@dataclass(frozen=True, slots=True)
class UnpackedDirectory(Unpacked):
    """A directory that a layer is read from: an overlay's upper (or lower) one, or a whole tree."""

    path: Path
    whiteout_names: bool = False
    """Whether files named ``.wh.NAME`` hide NAME, as for AUFS and fuse-overlayfs."""
    below: tuple[Path, ...] = ()
    """Directories of the layers below, the nearest first: they have the contents of redirected directories and of
    metadata-only files."""
    id_mapping: IdMapping | None = None
    """Maps the files' owners to those in the container."""
    is_whole: bool = False
    """Whether it is a whole tree: nothing in it marks anything else, and its root is always an entry."""

    @property
    def location(self) -> str:
        return str(self.path)

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        """Return the entries, depth first, names in byte order.

        What cannot be listed is in the index's ``damage``, what changes meanwhile (:class:`TreeWatch`) in
        a warning. Reports the number of entries. Raises :class:`LayertuiError` if the directory itself
        cannot be read, and :class:`Cancelled`.
        """
        return _DirectoryScan(self, job).run()

    def open(self, key: bytes, size: int, stamp: int = 0) -> DirectoryBlob:
        here = (self.path, key)
        found = (find_data((self.path, *self.below), key) if self.below else None) or here
        return DirectoryBlob(*found, size, stamp if found == here else 0)


class _FileFacts(NamedTuple):
    """A file as the container sees it."""

    kind: Kind
    owner: tuple[int, int, int]
    """Mode, user and group."""
    device: tuple[int, int]


class _DirectoryScan:
    def __init__(self, directory: UnpackedDirectory, job: Job) -> None:
        self._directory = directory
        self._root = os.fsencode(directory.path)
        self._stack = (directory.path, *directory.below)
        self._job = job
        self._is_whole = directory.is_whole
        self._unmapped = 0
        """Entries whose owner has no ID in the container."""
        self._index = LayerIndex()
        self._keys: list[bytes] = []
        self._first: dict[tuple[int, int], bytes] = {}
        """The first key of each file, by device and inode."""
        self._unlisted: list[str] = []
        self._unread: dict[bytes, str] = {}
        """Why attributes of an entry cannot be read."""
        self._user_marks: list[bytes] = []
        """Entries with marks of an unprivileged mount, in a store that belongs to root."""
        self._is_roots = not directory.is_whole and _owner_of(directory.path.parent) == 0
        self._watch = TreeWatch()
        self._override = ""
        """The attribute that owners are read from; empty where they are those of the files."""

    def run(self) -> LayerIndex:
        index = self._index
        try:
            status = self._watch.status(b"", self._root)
            xattrs = self._xattrs(b"", self._root)
            self._override = next((name for name in OVERRIDES if name in xattrs), "")
            owner = self._facts(xattrs, status).owner
            self._unmapped = 0  # _add counts it
            if owner not in DEFAULT_ROOTS or self._is_whole:
                self._add(b"", self._root, status, False)
            elif is_opaque(xattrs):
                self._append(b"", Kind.OPAQUE, status)
            paths = self._listed(b"", self._root, status)
        except OSError as error:
            location = self._directory.location
            raise LayertuiError(f"cannot read {location}", error.strerror or str(error)) from error
        self._walk(paths)
        self._watch.look_back()
        index.count = len(self._keys)
        index.keys = b"/".join(self._keys)
        self._warnings()
        if self._unlisted:
            count = count_text(len(self._unlisted), "directory", "directories")
            index.damage = f"{count} cannot be read, {self._unlisted[0]}"
        return index

    def _warnings(self) -> None:
        if self._unmapped:
            count = count_text(self._unmapped, "entry", "entries")
            text = f"{count} of host users that have no ID in the container: shown with their host IDs"
            self._warn("owner-unknown", b"", text)
        # Marks do not matter in a whole tree, and a rootless engine cannot have written any in trusted.*
        if not self._is_whole and self._directory.id_mapping is None and not may_read_trusted():
            text = f"trusted.* attributes cannot be read without root privileges: {MARKS_UNKNOWN}"
            self._warn(XATTRS_UNKNOWN, b"", text)
        if self._unread:
            count, first = count_text(len(self._unread), "path"), next(iter(self._unread.values()))
            what = "" if self._is_whole else f": {MARKS_UNKNOWN}"
            self._warn(XATTRS_UNKNOWN, b"", f"attributes of {count} cannot be read ({first}){what}")
        if self._user_marks:
            others = len(self._user_marks) - 1
            which = f" and {count_text(others, 'other path')} have" if others else " has"
            text = (
                f"{path_of(self._user_marks[0])}{which} user.overlay.* marks: applied here, as by mounts with "
                "userxattr; other mounts ignore them and show what they hide"
            )
            self._warn("user-marks", b"", text)
        self._index.warnings += changed_while_read(self._watch.changed)

    def _walk(self, paths: list[tuple[bytes, bytes]]) -> None:
        # Names still to be read, the next one last: the key of the directory, the name, its path,
        # and whether that is in a directory that was moved here.
        waiting = [(b"", name, path, False) for name, path in reversed(paths)]
        while waiting:
            if len(self._keys) % ENTRIES_PER_REPORT == 0:
                self._job.check()
                self._job.report(len(self._keys))
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
        """Return the names in a directory and their paths: in one that was moved here, these may be below."""
        self._watch.will_list(key, path, status)
        return sorted(merged_names(merged_directories(self._stack, key) if moved else [path]).items())

    def _add(self, key: bytes, path: bytes, status: os.stat_result, moved: bool) -> tuple[bool, bool]:
        """Append one entry; return whether it is a directory, and whether it includes entries of layers below."""
        xattrs = self._xattrs(key, path)
        kind, owner, device = self._facts(xattrs, status)
        if not self._is_whole and is_whiteout(status, xattrs):
            if not moved:  # else the listing leaves out what it hides
                self._append(key, Kind.WHITEOUT, status)
            return False, False
        if self._directory.whiteout_names and (whiteout := parse_whiteout(key)) is not None:
            hides, hidden = whiteout
            self._append(hidden, hides, status)
            return False, False
        if self._is_whole:
            pass
        elif kind == Kind.DIRECTORY:
            moved = self._redirected(key, xattrs, status, moved)
        elif is_metacopy(xattrs) and find_data(self._stack, key) is None:
            text = "metadata-only copy: the content is in a layer below, and shown as zeros here"
            self._warn("overlay-metacopy", key, text)
        link = b""
        if kind != Kind.DIRECTORY and status.st_nlink > 1:
            first = self._first.setdefault((status.st_dev, status.st_ino), key)
            if first is not key:
                kind, link = Kind.HARDLINK, first
        if kind == Kind.SYMLINK:
            link = os.readlink(path)  # noqa: PTH115 (bytes)
        self._append(key, kind, status, link, owner)
        visible = dict(visible_xattrs(xattrs)) if kind != Kind.HARDLINK else {}
        is_device = kind in (Kind.CHAR, Kind.BLOCK)
        if visible or is_device:
            self._index.extra[len(self._keys) - 1] = Extra(visible, device if is_device else None)
        return kind == Kind.DIRECTORY, moved

    def _xattrs(self, key: bytes, path: bytes) -> dict[str, bytes]:
        """Return the readable attributes of an entry."""
        xattrs, unread = xattrs_of(path)
        if unread is not None:
            if unread.errno in GONE:
                raise unread
            self._unread[key] = f"{path_of(key)}: {unread.strerror}"
        if self._is_roots and not USER_MARKS.isdisjoint(xattrs):
            self._user_marks.append(key)
        return xattrs

    def _redirected(self, key: bytes, xattrs: dict[str, bytes], status: os.stat_result, moved: bool) -> bool:
        """Append an opaque marker where needed; return whether a directory includes entries of layers below.

        Such a directory was moved: the layers below have it under another name.
        """
        if is_opaque(xattrs):
            if not moved:
                self._append(key, Kind.OPAQUE, status)
            return False
        redirect = overlay_xattr(xattrs, "redirect")
        if redirect is None or moved:
            return moved
        if len(merged_directories(self._stack, key)) < 2:
            source = redirect.decode("utf-8", "surrogateescape")
            text = f"moved from {source}: its contents in the layers below are not shown"
            self._warn("overlay-redirect", key, text)
        # What they have under the new name is hidden in any case.
        self._append(key, Kind.OPAQUE, status)
        return True

    def _facts(self, xattrs: dict[str, bytes], status: os.stat_result) -> _FileFacts:
        kind = KIND_OF_FORMAT[stat.S_IFMT(status.st_mode)]
        device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        match = OVERRIDE.match(xattrs.pop(self._override, b""))
        if not match or max(map(int, match.groups()[:2])) >= 1 << 32:
            mapping = self._directory.id_mapping
            inside = mapping.inside(status.st_uid, status.st_gid) if mapping else None
            self._unmapped += mapping is not None and inside is None
            user, group = inside or (status.st_uid, status.st_gid)
            return _FileFacts(kind, (stat.S_IMODE(status.st_mode), user, group), device)
        uid, gid, mode, name, major, minor = match.groups()
        owner = (int(mode, 8) & 0o7777, int(uid), int(gid))
        return _FileFacts(
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
        if len(self._index.warnings) < MAX_WARNINGS:
            self._index.warnings.append(LayerWarning(code, key, text))


def _owner_of(directory: Path) -> int:
    """Return the UID that owns a directory; -1 if it cannot be determined."""
    try:
        return directory.stat().st_uid
    except OSError:
        return -1
