"""Layers of full-tree drivers, computed as the difference to the parent's tree.

Docker's vfs and btrfs drivers keep whole trees, and so does its overlay driver before overlay2,
whose trees share unchanged files as hardlinks; there the directory of a container begins as a
copy of its init layer's. The comparison is Docker's own (moby, pkg/archive/changes.go,
``ChangesDirs``).
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from layertui.layers.codec import INDEX_COLUMNS
from layertui.layers.unpacked.change_detection import CHANGED, changed_while_read
from layertui.layers.unpacked.id_mapping import IdMapping
from layertui.layers.unpacked.overlay_directory import DEFAULT_ROOTS, XATTRS_UNKNOWN, UnpackedDirectory
from layertui.layers.unpacked.safe_open import DirectoryBlob
from layertui.model.image import Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Kind, LayerIndex, LayerWarning, positions

CAPABILITY = "security.capability"
"""The only extended attribute that is compared."""


@dataclass(frozen=True, slots=True)
class FullTree(Unpacked):
    """A layer's whole tree and the one below it."""

    tree: Path
    below: Path | None
    """``None`` for the base."""
    id_mapping: IdMapping | None = None
    """See :class:`layertui.layers.unpacked.overlay_directory.UnpackedDirectory`."""
    links: bool = False
    """Whether files that the layer does not contain are hardlinks of those below: all other files are its own, even
    if nothing that is compared differs."""

    @property
    def location(self) -> str:
        return str(self.tree)

    @property
    def is_full_tree(self) -> bool:
        return True

    @property
    def is_compared(self) -> bool:
        return self.below is not None and not self.links

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        def scanned(tree: Path) -> LayerIndex:
            return UnpackedDirectory(tree, id_mapping=self.id_mapping, is_whole=True).scan(job)

        below = scanned(self.below) if self.below is not None else LayerIndex()
        missing: list[bytes] = []
        index = _Difference(below, scanned(self.tree), not self.links).run(
            (lambda key: self._is_link(key, missing)) if self.links else None
        )
        index.warnings += changed_while_read(missing)
        return index

    def open(self, key: bytes, size: int, stamp: int = 0) -> DirectoryBlob:
        return DirectoryBlob(self.tree, key, size, stamp)

    def _is_link(self, key: bytes, missing: list[bytes]) -> bool:
        """Return whether a file is a hardlink of the one below; added to ``missing`` if one of them no longer exists."""
        name = key.replace(b"\0", b"/")
        one, other = (os.path.join(os.fsencode(tree), name) for tree in (self.tree, self.below or ""))  # noqa: PTH118 (bytes)
        try:
            return os.path.samestat(os.lstat(one), os.lstat(other))
        except FileNotFoundError:
            missing.append(key)
            return False


@dataclass(frozen=True, slots=True)
class CopiedDirectory(Unpacked):
    """A container's upper directory that began as a copy of another.

    What the container deleted of the copy is absent without a whiteout.
    """

    own: UnpackedDirectory
    copied: UnpackedDirectory

    @property
    def location(self) -> str:
        return self.own.location

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        return _Difference(self.copied.scan(job.part()), self.own.scan(job), False).run()

    def open(self, key: bytes, size: int, stamp: int = 0) -> DirectoryBlob:
        return self.own.open(key, size, stamp)


class _Difference:
    """The layer between two trees: new and changed entries, and a whiteout for each deleted one.

    ``has_times`` says whether copies of directories keep their time; if not, the time counts only where
    a child was added, changed or deleted. That of the root never counts.
    """

    def __init__(self, below: LayerIndex, above: LayerIndex, has_times: bool) -> None:
        self._has_times = has_times
        self._below = below
        self._above = above
        self._old = _numbers(below)
        self._new = _numbers(above)
        self._keys = above.entry_keys()
        self._opaque = _opaque(above) - _opaque(below)
        """Directories that are opaque in ``above`` only."""

    def run(self, is_link: Callable[[bytes], bool] | None = None) -> LayerIndex:
        """Return the difference; ``is_link`` says whether an unchanged file is a hardlink of the one below.

        If no file is, the links were lost when the store was copied, and unchanged files are left out.
        """
        keys, kinds = self._keys, self._above.kind
        kept = [number for number in positions(kinds, Kind.OPAQUE) if keys[number] in self._opaque]
        dated: list[int] = []
        same: list[int] = []
        for key, number in self._new.items():
            verdict = self._verdict(key, number)
            if verdict == "changed":
                kept.append(number)
            elif verdict == "dated":
                dated.append(number)
            elif kinds[number] in (Kind.FILE, Kind.HARDLINK):
                same.append(number)
        if is_link is not None:
            stored = [number for number in same if not is_link(keys[number])]
            kept += stored if len(stored) < len(same) else []
        missing = self._old.keys() - self._new.keys() - {b""}
        deleted = [key for key in _topmost(missing) if self._is_shown(key)]
        changed = {key.rpartition(b"\0")[0] for key in (*deleted, *(keys[number] for number in kept))}
        kept += [number for number in dated if self._has_times or keys[number] in changed]
        index = self._index(sorted(kept), deleted)
        index.warnings += self._warnings()
        return index

    def _warnings(self) -> Iterator[LayerWarning]:
        """Warn of symlinks that differ only because a copy of the store lost their times."""
        links = [(self._keys[number], number) for number in positions(self._above.kind, Kind.SYMLINK)]
        pairs = [
            (_facts(self._below, self._old[key]), _facts(self._above, number))
            for key, number in links
            if key in self._old
        ]
        if pairs and all(one[:-2] == other[:-2] and _is_later(one, other) for one, other in pairs):
            yield LayerWarning(
                "symlink-times",
                next(key for key, _ in links if key in self._old),
                f"all {len(pairs):,} symlinks that the layer below has too differ only in mtime: the times were "
                "probably lost when the store was copied",
            )

    def _verdict(self, key: bytes, number: int) -> Literal["changed", "dated", "same"]:
        """Compare an entry with the one below; ``dated`` is a directory of which only the time differs."""
        was = self._old.get(key, -1)
        if not key:
            return "changed" if self._has_other_root(was, number) else "same"
        if was < 0 or key in self._opaque or self._is_hidden(key):
            return "changed"
        one = _facts(self._below, _inode(self._below, was, self._old))
        other = _facts(self._above, _inode(self._above, number, self._new))
        if one[:-2] != other[:-2]:
            return "changed"
        if not _is_later(one, other):
            return "same"
        return "dated" if other[0] == Kind.DIRECTORY else "changed"

    def _has_other_root(self, was: int, number: int) -> bool:
        """Return whether mode or owner of the root differ from those below, or from an engine's default."""
        one, other = (
            (index.mode[root], index.uid[root], index.gid[root]) if root >= 0 else None
            for index, root in ((self._below, was), (self._above, number))
        )
        return one != other if one is not None else other not in DEFAULT_ROOTS

    def _is_hidden(self, key: bytes) -> bool:
        """Return whether an opaque directory hides what is below a path."""
        return bool(self._opaque) and any(directory in self._opaque for directory in _directories(key))

    def _is_shown(self, key: bytes) -> bool:
        """Return whether a deleted path would be visible without a whiteout."""
        if self._below.kind[self._old[key]] == Kind.WHITEOUT or self._is_hidden(key):
            return False
        above = [self._new[directory] for directory in _directories(key) if directory in self._new]
        return all(self._above.kind[number] == Kind.DIRECTORY for number in above)

    def _index(self, kept: list[int], deleted: list[bytes]) -> LayerIndex:
        """Return an index of the kept entries, and of whiteouts of the deleted keys."""
        above, keys = self._above, self._keys
        damage = above.damage or self._below.damage
        unsure = [warning for warning in self._below.warnings if warning.code in (CHANGED, XATTRS_UNKNOWN)]
        warnings = list(dict.fromkeys((*above.warnings, *unsure)))  # both may lack the same privileges
        result = LayerIndex(links=above.links, warnings=warnings, damage=damage)
        result.stamp = array("Q", [above.stamp[number] for number in kept])
        result.kind = bytearray(above.kind[number] for number in kept)
        for name, code in INDEX_COLUMNS:
            column = getattr(above, name)
            setattr(result, name, array(code, [column[number] for number in kept]))
        extra = above.extra
        result.extra = {place: extra[number] for place, number in enumerate(kept) if number in extra}
        stored = {keys[number] for number in kept}
        for place, number in enumerate(kept):
            if above.kind[number] == Kind.HARDLINK and above.links[above.link[number]] not in stored:
                _separate(result, place, above, _inode(above, number, self._new))
        for _key in deleted:
            result.kind.append(Kind.WHITEOUT)
            result.stamp.append(0)
            for name, _code in INDEX_COLUMNS:
                getattr(result, name).append(-1 if name == "link" else 0)
        result.count = len(kept) + len(deleted)
        result.keys = b"/".join([*(keys[number] for number in kept), *deleted])
        return result


def _numbers(index: LayerIndex) -> dict[bytes, int]:
    """Return the entry of each key; opaque whiteouts, which come beside that of the directory, left out."""
    kinds = index.kind
    return {key: number for number, key in enumerate(index.entry_keys()) if kinds[number] != Kind.OPAQUE}


def _opaque(index: LayerIndex) -> set[bytes]:
    keys = index.entry_keys()
    return {keys[number] for number in positions(index.kind, Kind.OPAQUE)}


def _directories(key: bytes) -> Iterator[bytes]:
    """Yield the keys of the directories above, the nearest first."""
    while key:
        key = key.rpartition(b"\0")[0]
        yield key


def _is_later(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Return whether the times at the end of two entries' facts differ; without a fraction, only by whole seconds.

    Some file systems keep no more.
    """
    (seconds, nanoseconds), (others, other_nanoseconds) = one[-2:], other[-2:]
    return seconds != others or (
        nanoseconds != other_nanoseconds and bool(nanoseconds) and bool(other_nanoseconds)
    )


def _facts(index: LayerIndex, number: int) -> tuple[object, ...]:
    """Return kind, mode, owner, device, size, link target, capability, and last the time."""
    extra = index.extra.get(number)
    kind = index.kind[number]
    return (
        kind,
        index.mode[number],
        index.uid[number],
        index.gid[number],
        extra.device if extra else None,
        index.size[number],
        index.links[index.link[number]] if kind == Kind.SYMLINK else b"",
        extra.xattrs.get(CAPABILITY) if extra else None,
        index.mtime[number],
        index.mtime_ns[number],
    )


def _inode(index: LayerIndex, number: int, numbers: Mapping[bytes, int]) -> int:
    """Return the entry that a hardlink names: the first one of the file."""
    if index.kind[number] != Kind.HARDLINK:
        return number
    return numbers[index.links[index.link[number]]]


def _separate(result: LayerIndex, place: int, above: LayerIndex, inode: int) -> None:
    """Replace a hardlink to an unchanged file by a file of its own."""
    result.kind[place] = above.kind[inode]
    result.size[place] = above.size[inode]
    result.stamp[place] = above.stamp[inode]
    result.link[place] = above.link[inode]
    if inode in above.extra:
        result.extra[place] = above.extra[inode]


def _topmost(keys: set[bytes]) -> list[bytes]:
    """Return the keys that are not below any of the others."""
    topmost: list[bytes] = []
    for key in sorted(keys):
        if not topmost or not key.startswith(topmost[-1] + b"\0"):
            topmost.append(key)
    return topmost
