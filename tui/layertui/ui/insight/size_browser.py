"""What the part Size shows: a place in the sizes of an image, and the boxes or rows there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from heapq import nlargest
from typing import TYPE_CHECKING, Literal, NamedTuple

from layertui.insight.leftovers import leftover_labels
from layertui.insight.package_files import PackageFiles
from layertui.insight.package_sizes import package_labels, package_sizes
from layertui.insight.size_rows import Labels, SizeItem, SizeRows
from layertui.insight.sizes import SizeMap
from layertui.insight.survey import damaged_layers
from layertui.model.job import Job
from layertui.model.numbers import NO_NODE, ROOT, Node
from layertui.model.sizes import Bytes, total_of
from layertui.ui.insight.treemap import Box, Cells, boxes

if TYPE_CHECKING:
    from layertui.content.read import Contents

Grouping = Literal["directory", "layer", "type", "package", "leftover"]
GROUPINGS: Sequence[Grouping] = ("directory", "layer", "type", "package", "leftover")
"""What files can be grouped by, in the order of the key."""
COLORED: Sequence[Grouping] = ("layer", "type", "package")
"""What boxes can be colored by."""
HUES = 8
"""Types or packages that have a color of their own: as many hues as can be distinguished."""


class SizePlace(NamedTuple):
    """A directory of the image or of a group of files; or the list of the groups."""

    group: int = -1
    node: Node = NO_NODE
    """The directory; -1 in the list of the groups."""
    skipped: int = 0
    """How many of the largest are left out."""


class Tile(NamedTuple):
    """What is shown as one box or row."""

    items: Sequence[SizeItem]
    """One; or the smallest of a directory, the largest first."""
    size: Bytes
    files: Bytes
    shares: Mapping[int, Bytes]
    """Its bytes by label of its color, largest first."""
    place: SizePlace
    """Where it leads to; itself if it is a single file."""
    cells: Cells
    inside: Cells | None

    @property
    def is_rest(self) -> bool:
        return len(self.items) > 1

    @property
    def label(self) -> int:
        """The label that has most of its bytes."""
        return next(iter(self.shares), -1)


class Level(NamedTuple):
    """All that is shown of a place."""

    size: Bytes
    """All bytes there."""
    files: Bytes
    tiles: Sequence[Tile]
    """Headings before what is below them."""
    shares: Mapping[int, Bytes]
    """Its bytes by label of the color, largest first."""


MOST_FILES = 1000
"""Files that are listed, the largest."""
NOWHERE = Cells(0, 0, 0, 0)
"""The box of a row."""
_KEPT = 64
"""Levels that are kept."""


class SizeBrowser:
    """Walks the sizes of one image. Sums are computed once."""

    def __init__(self, sizes: SizeMap, contents: Contents) -> None:
        self.sizes = sizes
        self.by: Grouping = "directory"
        self.colored: Grouping = "layer"
        self.with_dead = False
        self.place = SizePlace(-1, ROOT)
        self.left = SizePlace()
        """The place that was left last; it is selected where it is shown."""
        self.notes = damaged_layers(sizes.union)
        """What could not be read, and why."""
        self._contents = contents
        self._labels: dict[Grouping, Labels] = {"layer": self.sizes.layer_labels()}
        self._groups: dict[Grouping, list[SizeItem]] = {}
        self._ranks: dict[Grouping, Mapping[int, int]] = {}
        self._levels: dict[object, Level] = {}

    def snapshot(self) -> SizeBrowser:
        """Return a copy for a thread: its place is fixed, its results are shared."""
        return copy(self)

    @property
    def lacks(self) -> bool:
        """Whether what is to be shown takes more than a moment to compute."""
        return self.colored not in self._ranks or (self.by != "directory" and self.by not in self._groups)

    def prepare(self, job: Job = Job.NONE) -> None:
        """Compute what :attr:`lacks`. Raises :class:`Cancelled`."""
        for kind in (self.colored, self.by):
            if kind != "directory" and kind not in self._labels:
                self._labels[kind] = self._label(kind, job)
        if self.by != "directory" and self.by not in self._groups:
            self._groups[self.by] = self._labels[self.by].groups(self.sizes.rows, job)
        if self.colored not in self._ranks:
            whole = self.sizes.rows.item(ROOT)
            largest = sorted(whole.shares(self._labels[self.colored]).items(), key=lambda row: -row[1].size)
            self._ranks[self.colored] = {label: rank for rank, (label, _) in enumerate(largest)}

    def _label(self, kind: Grouping, job: Job) -> Labels:
        if kind == "type":
            return self.sizes.type_labels(job)
        if kind == "leftover":
            return leftover_labels(self.sizes)
        files = PackageFiles(self.sizes.union, self._contents)
        owned = package_sizes(files, self.sizes, job=job)
        self.notes += map(str, owned.unread)
        return package_labels(owned, self.sizes)

    # Where to go

    def items(self, place: SizePlace) -> list[SizeItem]:
        """Return what is at a place, the largest first."""
        if place.node < 0:
            found = self._groups[self.by]
        else:
            found = [item.unfolded() for item in self._directory(place).children()]
        found = [item for item in found if self.weigh(item)]
        return sorted(found, key=lambda item: -self.weigh(item))[place.skipped :]

    def _directory(self, place: SizePlace) -> SizeItem:
        group = self._groups[self.by][place.group].rows if place.group >= 0 else self.sizes.rows
        return group.item(place.node)

    def weigh(self, item: SizeItem) -> int:
        """Return the bytes of an item that are shown."""
        return self.shown(item.size)

    def shown(self, size: Bytes) -> int:
        """Return the bytes that are shown: live ones, or all."""
        return size.size if self.with_dead else size.live

    @property
    def top(self) -> SizePlace:
        """The topmost place."""
        return SizePlace(-1, ROOT) if self.by == "directory" else SizePlace()

    @property
    def here(self) -> object:
        """The place and its grouping, to be compared."""
        return self.by, self.place

    def group_by(self, kind: Grouping) -> None:
        """Go to the top of another grouping."""
        self.by = kind
        self.place, self.left = self.top, SizePlace()

    def enter(self, tile: Tile) -> bool:
        """Go to where a box leads to; False if that is a file."""
        if not tile.is_rest and not tile.items[0].is_directory:
            return False
        self.place, self.left = tile.place, SizePlace()
        return True

    def leave(self) -> bool:
        """Go up to the next place with more than one item; False at the top."""
        here = self.place
        if here == self.top:
            return False
        self.left = here
        if here.skipped:
            self.place = here._replace(skipped=0)
            return True
        while self.place != self.top:
            node = self.place.node
            self.place = SizePlace(self.place.group, self.sizes.union.parent[node]) if node else self.top
            if len(self.items(self.place)) > 1:
                break
        return True

    # What is there

    def rows(self) -> int:
        """Return the number of files at the place, which the time for its level grows with."""
        return len(self.sizes.rows) if self.place.node < 0 else len(self._directory(self.place).span)

    def known(self, area: Cells | None) -> Level | None:
        """Return the level of the place in an area, or as rows, if it has been computed."""
        return self._levels.get(self._key(area))

    def level(self, area: Cells | None) -> Level:
        """Return what is shown in an area, or as rows."""
        key, items = self._key(area), self.items(self.place)
        if area is None:
            found = [Box([item], NOWHERE, None, None, number) for number, item in enumerate(items)]
        else:
            found = [*boxes(items, self.weigh, self._parts, area)]
        size, files = total_of([item.size for item in items]), total_of([item.files for item in items])
        level = Level(size, files, *self._tiles(found))
        if len(self._levels) > _KEPT:
            self._levels.clear()
        self._levels[key] = level
        return level

    def _key(self, area: Cells | None) -> object:
        return area, self.place, self.by, self.colored, self.with_dead

    def _parts(self, item: SizeItem) -> Sequence[SizeItem]:
        """Return the parts of a directory; none if it is shown as one box."""
        found = [child.unfolded() for child in item.unfolded().children()]
        return found if len(found) > 1 else ()

    def _tiles(self, found: Sequence[Box[SizeItem]]) -> tuple[list[Tile], Mapping[int, Bytes]]:
        """Return the boxes as tiles, and the shares of all of them."""
        tiles: list[Tile] = []
        outer: list[Tile] = []  # not inside of a directory that has been seen
        for box in reversed(found):  # what is inside of a directory comes first
            parts: list[Mapping[int, Bytes]] = [
                item.shares(self._labels[self.colored]) for item in box.items if box.inside is None
            ]
            while box.inside is not None and outer and box.inside.has(*outer[-1].cells[:2]):
                parts.append(outer.pop().shares)
            above = self.place if box.parent is None else self._place_of(box.parent)
            rest = above._replace(skipped=above.skipped + box.position)
            tile = Tile(
                box.items,
                total_of([item.size for item in box.items]),
                total_of([item.files for item in box.items]),
                self._merged(parts),
                rest if len(box.items) > 1 else self._place_of(box.items[0]),
                box.cells,
                box.inside,
            )
            tiles.append(tile)
            outer.append(tile)
        return tiles[::-1], self._merged(tile.shares for tile in outer)

    def _merged(self, parts: Iterable[Mapping[int, Bytes]]) -> Mapping[int, Bytes]:
        """Return the sums of shares, the largest first; without those of which nothing is shown."""
        sums: dict[int, list[int]] = {}
        for part in parts:
            for label, size in part.items():
                both = sums.setdefault(label, [0, 0])
                both[0] += size.live
                both[1] += size.dead
        found = [(label, size) for label, both in sums.items() if self.shown(size := Bytes(*both))]
        return dict(sorted(found, key=lambda row: -self.shown(row[1])))

    def _place_of(self, item: SizeItem) -> SizePlace:
        groups = enumerate(self._groups.get(self.by, ()))
        group = next((number for number, each in groups if each.rows is item.rows), -1)
        return SizePlace(group, item.unfolded().node)

    def largest(self, job: Job = Job.NONE) -> Sequence[tuple[SizeRows, int]]:
        """Return the largest files of the place, each as a row of some rows. Raises :class:`Cancelled`."""
        items = self.items(self.place)
        rows = (
            (item.rows.size(row), -number, -row)
            for number, item in enumerate(items)
            for row in item.rows.largest(item.span, MOST_FILES, self.with_dead, job)
        )
        return [(items[-number].rows, -row) for _, number, row in nlargest(MOST_FILES, rows)]

    def found(self, level: Level, place: SizePlace) -> int:
        """Return the number of the box that leads to a place, else to the nearest one above; 0 if none does."""
        found, end = 0, self.sizes.union.end
        for number, tile in enumerate(level.tiles):
            if place.group != tile.place.group:
                continue
            if tile.place == place or (
                place.node >= 0 and any(item.node <= place.node < end[item.node] for item in tile.items)
            ):
                found = number
        return found

    # Words and colors

    def titles(self) -> list[str]:
        """Return the names of the place, the outermost first; not sanitized."""
        place, found = self.place, []
        if place.group >= 0:
            found.append(self._groups[self.by][place.group].name)
        if place.node > 0 or (place.node == 0 and place.group < 0):
            found.append(self.sizes.union.path(place.node))
        return found

    def label_name(self, label: int) -> str:
        """Return the name of a label of the color; not sanitized."""
        return self._labels[self.colored].names[label]

    def hue(self, label: int) -> int:
        """Return the number of a label's color; 0 for none of its own."""
        if self.colored == "layer":
            return label
        rank = self._ranks[self.colored].get(label, HUES)
        return rank + 1 if rank < HUES else 0
