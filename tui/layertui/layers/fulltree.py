"""Layers of which a store keeps the whole tree: what they are is the difference to the tree below.

So do Docker's vfs and btrfs drivers, and its overlay driver before overlay2, whose trees share
unchanged files as hardlinks. What counts as a change is what Docker's own comparison takes for
one (moby, pkg/archive/changes.go, ``ChangesDirs``).
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from layertui.layers.beneath import DirectoryBlob
from layertui.layers.cache import COLUMNS
from layertui.layers.directory import scan_directory
from layertui.layers.index import Kind, LayerIndex
from layertui.layers.owners import Owners

CAPABILITY = "security.capability"
"""The only extended attribute that is compared."""


@dataclass(frozen=True, slots=True)
class FullTree:
    """A layer's whole tree and the one below it (:class:`layertui.image.Unpacked`)."""

    tree: Path
    below: Path | None
    """``None`` for the base."""
    owners: Owners | None = None
    """See :class:`layertui.layers.directory.UnpackedDirectory`."""

    @property
    def location(self) -> str:
        return str(self.tree)

    def scan(
        self,
        progress: Callable[[int], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> LayerIndex:
        index = scan_directory(self.tree, progress, cancelled, owners=self.owners)
        if self.below is None:
            return index
        below = scan_directory(self.below, progress, cancelled, owners=self.owners)
        return difference(below, index)

    def open(self, key: bytes, size: int) -> DirectoryBlob:
        return DirectoryBlob(self.tree, key, size)


def difference(below: LayerIndex, above: LayerIndex) -> LayerIndex:
    """What turns one tree into another: new and changed entries, a whiteout for what is gone."""
    keys = above.entry_keys()
    old = {key: number for number, key in enumerate(below.entry_keys())}
    new = {key: number for number, key in enumerate(keys)}
    kept = [
        number
        for key, number in new.items()
        if key not in old or _differ(below, _inode(below, old[key], old), above, _inode(above, number, new))
    ]
    gone = _topmost(old.keys() - new.keys())
    result = LayerIndex(links=above.links, warnings=above.warnings, damage=above.damage or below.damage)
    result.kind = bytearray(above.kind[number] for number in kept)
    for name, code in COLUMNS:
        column = getattr(above, name)
        setattr(result, name, array(code, [column[number] for number in kept]))
    result.extra = {place: above.extra[number] for place, number in enumerate(kept) if number in above.extra}
    stored = {keys[number] for number in kept}
    for place, number in enumerate(kept):
        if above.kind[number] == Kind.HARDLINK and above.links[above.link[number]] not in stored:
            _separate(result, place, above, _inode(above, number, new))
    for key in gone:
        result.kind.append(Kind.WHITEOUT)
        for name, _code in COLUMNS:
            getattr(result, name).append(-1 if name == "link" else 0)
        keys.append(key)
        kept.append(len(keys) - 1)
    result.count = len(kept)
    result.keys = b"/".join(keys[number] for number in kept)
    return result


def _differ(below: LayerIndex, old: int, above: LayerIndex, new: int) -> bool:
    one, other = _facts(below, old), _facts(above, new)
    if one[:-2] != other[:-2]:
        return True
    if one[0] == Kind.DIRECTORY:
        return False
    (seconds, nanoseconds), (others, other_nanoseconds) = one[-2:], other[-2:]
    # Some file systems keep whole seconds only.
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
