"""Layers that a store keeps together with what is below them: they are the difference to it.

Docker's vfs and btrfs drivers keep the whole tree, and so does its overlay driver before
overlay2, whose trees share unchanged files as hardlinks; the directory of a container begins
there as a copy of the one of its init layer. What counts as a change is what Docker's own
comparison takes for one (moby, pkg/archive/changes.go, ``ChangesDirs``).
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from layertui.layers.codec import COLUMNS
from layertui.layers.unpacked.change_detection import CHANGED, changed_while_read
from layertui.layers.unpacked.id_mapping import Owners
from layertui.layers.unpacked.overlay_directory import (
    DEFAULT_ROOTS,
    XATTRS_UNKNOWN,
    UnpackedDirectory,
    scan_directory,
)
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
    owners: Owners | None = None
    """See :class:`layertui.layers.unpacked.overlay_directory.UnpackedDirectory`."""
    links: bool = False
    """Whether files that the layer has not are hardlinks of those below: all others it has stored, be they
    the same by all that can be compared."""

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
            return scan_directory(tree, job, owners=self.owners, is_whole=True)

        below = scanned(self.below) if self.below is not None else LayerIndex()
        gone: list[bytes] = []
        found = _Difference(below, scanned(self.tree), not self.links).run(
            (lambda key: self._is_link(key, gone)) if self.links else None
        )
        found.warnings += changed_while_read(gone)
        return found

    def open(self, key: bytes, size: int, stamp: int = 0) -> DirectoryBlob:
        return DirectoryBlob(self.tree, key, size, stamp)

    def _is_link(self, key: bytes, gone: list[bytes]) -> bool:
        """Whether a file is the one that the tree below has there; ``gone`` gets it if one of them is not there any more."""
        name = key.replace(b"\0", b"/")
        one, other = (os.path.join(os.fsencode(tree), name) for tree in (self.tree, self.below or ""))  # noqa: PTH118 (bytes)
        try:
            return os.path.samestat(os.lstat(one), os.lstat(other))
        except FileNotFoundError:
            gone.append(key)
            return False


@dataclass(frozen=True, slots=True)
class CopiedDirectory(Unpacked):
    """A container's own directory that began as a copy of another.

    It is an overlay's upper one, so what the container deleted of the copy is merely not there.
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
    """What turns one tree into another: new and changed entries, a whiteout for what is gone.

    ``has_times`` says whether copies of directories keep their time; if not, it counts only where
    something right below is new, changed or gone. That of the root never does.
    """

    def __init__(self, below: LayerIndex, above: LayerIndex, has_times: bool) -> None:
        self._has_times = has_times
        self._below = below
        self._above = above
        self._old = _numbers(below)
        self._new = _numbers(above)
        self._keys = above.entry_keys()
        self._opaque = _opaque(above) - _opaque(below)
        """Directories that hide what is below them only here."""

    def run(self, is_link: Callable[[bytes], bool] | None = None) -> LayerIndex:
        """``is_link`` tells whether a file that is the same is a hardlink of the one below.

        If none is, the links were lost when the store was copied.
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
        gone = [key for key in _topmost(missing) if self._is_shown(key)]
        changed = {key.rpartition(b"\0")[0] for key in (*gone, *(keys[number] for number in kept))}
        kept += [number for number in dated if self._has_times or keys[number] in changed]
        index = self._index(sorted(kept), gone)
        index.warnings += self._warnings()
        return index

    def _warnings(self) -> Iterator[LayerWarning]:
        """Tell of symlinks that look changed because the store was copied by what does not keep their times."""
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
                f"of {len(pairs):,} symlinks that are below too each has another time, and nothing else is "
                "another: whoever copied the store did not keep them, as engines do, or they were made anew",
            )

    def _verdict(self, key: bytes, number: int) -> Literal["changed", "dated", "same"]:
        """What became of an entry; ``dated`` is a directory of which only the time is another."""
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
        """Whether mode or owner of the root are others than below, or than engines make it."""
        one, other = (
            (index.mode[each], index.uid[each], index.gid[each]) if each >= 0 else None
            for index, each in ((self._below, was), (self._above, number))
        )
        return one != other if one is not None else other not in DEFAULT_ROOTS

    def _is_hidden(self, key: bytes) -> bool:
        """Whether what is below has nothing to do with a path."""
        return bool(self._opaque) and any(each in self._opaque for each in _directories(key))

    def _is_shown(self, key: bytes) -> bool:
        """Whether a path that is gone would be there without a whiteout."""
        if self._below.kind[self._old[key]] == Kind.WHITEOUT or self._is_hidden(key):
            return False
        above = [self._new[each] for each in _directories(key) if each in self._new]
        return all(self._above.kind[number] == Kind.DIRECTORY for number in above)

    def _index(self, kept: list[int], gone: list[bytes]) -> LayerIndex:
        """An index of these entries, and of whiteouts."""
        above, keys = self._above, self._keys
        damage = above.damage or self._below.damage
        unsure = [each for each in self._below.warnings if each.code in (CHANGED, XATTRS_UNKNOWN)]
        warnings = list(dict.fromkeys((*above.warnings, *unsure)))  # of both the same is said of privileges
        result = LayerIndex(links=above.links, warnings=warnings, damage=damage)
        result.stamp = array("Q", [above.stamp[number] for number in kept])
        result.kind = bytearray(above.kind[number] for number in kept)
        for name, code in COLUMNS:
            column = getattr(above, name)
            setattr(result, name, array(code, [column[number] for number in kept]))
        extra = above.extra
        result.extra = {place: extra[number] for place, number in enumerate(kept) if number in extra}
        stored = {keys[number] for number in kept}
        for place, number in enumerate(kept):
            if above.kind[number] == Kind.HARDLINK and above.links[above.link[number]] not in stored:
                _separate(result, place, above, _inode(above, number, self._new))
        for _key in gone:
            result.kind.append(Kind.WHITEOUT)
            result.stamp.append(0)
            for name, _code in COLUMNS:
                getattr(result, name).append(-1 if name == "link" else 0)
        result.count = len(kept) + len(gone)
        result.keys = b"/".join([*(keys[number] for number in kept), *gone])
        return result


def _numbers(index: LayerIndex) -> dict[bytes, int]:
    """The entry of each key; an opaque whiteout stands beside that of its directory."""
    kinds = index.kind
    return {key: number for number, key in enumerate(index.entry_keys()) if kinds[number] != Kind.OPAQUE}


def _opaque(index: LayerIndex) -> set[bytes]:
    keys = index.entry_keys()
    return {keys[number] for number in positions(index.kind, Kind.OPAQUE)}


def _directories(key: bytes) -> Iterator[bytes]:
    """Those that a key is below, the nearest first."""
    while key:
        key = key.rpartition(b"\0")[0]
        yield key


def _is_later(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether the times at the end of two entries' facts differ; some file systems keep whole seconds only."""
    (seconds, nanoseconds), (others, other_nanoseconds) = one[-2:], other[-2:]
    return seconds != others or (
        nanoseconds != other_nanoseconds and bool(nanoseconds) and bool(other_nanoseconds)
    )


def _facts(index: LayerIndex, number: int) -> tuple[object, ...]:
    """Kind, mode, owner, device, size, link, capability, and last the time."""
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
    """The entry that a hardlink of a tree names: the first one of the file."""
    if index.kind[number] != Kind.HARDLINK:
        return number
    return numbers[index.links[index.link[number]]]


def _separate(result: LayerIndex, place: int, above: LayerIndex, inode: int) -> None:
    """Make a hardlink to a file that did not change a file of its own."""
    result.kind[place] = above.kind[inode]
    result.size[place] = above.size[inode]
    result.stamp[place] = above.stamp[inode]
    result.link[place] = above.link[inode]
    if inode in above.extra:
        result.extra[place] = above.extra[inode]


def _topmost(keys: set[bytes]) -> list[bytes]:
    """Those that have none of the others above them."""
    found: list[bytes] = []
    for key in sorted(keys):
        if not found or not key.startswith(found[-1] + b"\0"):
            found.append(key)
    return found
