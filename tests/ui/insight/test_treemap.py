"""Boxes of a treemap: areas in proportion, no overlap, nothing left uncovered, every item in one of them."""

import random
from collections.abc import Sequence

import pytest

from layertui.insight.squarify import Rect, squarify
from layertui.ui.insight.treemap import LEAST, Box, Cells, boxes, fit


@pytest.mark.parametrize("seed", range(40))
def test_areas_are_proportional_and_tile_the_rectangle(seed: int) -> None:
    chance = random.Random(seed)
    sizes = sorted((chance.paretovariate(0.7) for _ in range(chance.randint(1, 80))), reverse=True)
    area = Rect(3.5, -2.0, 3.5 + chance.uniform(1, 200), -2.0 + chance.uniform(1, 90))
    found = squarify(sizes, area)
    share = area.width * area.height / sum(sizes)
    for size, each in zip(sizes, found, strict=True):
        assert each.width * each.height == pytest.approx(size * share, rel=1e-6)
        assert area.left <= each.left <= each.right <= area.right
        assert area.top <= each.top <= each.bottom <= area.bottom
    for number, one in enumerate(found):
        for other in found[:number]:
            assert (
                one.left >= other.right
                or other.left >= one.right
                or one.top >= other.bottom
                or other.top >= one.bottom
            )


def test_boxes_are_as_in_the_paper() -> None:
    """The example of Bruls et al., figure 4: sizes 6 6 4 3 2 2 1 in 6 by 4."""
    found = squarify([6, 6, 4, 3, 2, 2, 1], Rect(0, 0, 6, 4))
    assert [tuple(round(edge, 2) for edge in each) for each in found] == [
        (0, 0, 3, 2), (0, 2, 3, 4), (3, 0, 4.71, 2.33), (4.71, 0, 6, 2.33),
        (3, 2.33, 4.2, 4), (4.2, 2.33, 5.4, 4), (5.4, 2.33, 6, 4),
    ]  # fmt: skip


def covered(found: Sequence[Cells], area: Cells) -> None:
    """Each cell of the area is in one of the rectangles, and they are in no other."""
    seen: dict[tuple[int, int], int] = {}
    for each in found:
        assert each.width > 0 and each.height > 0
        for x in range(each.left, each.right):
            for y in range(each.top, each.bottom):
                assert area.has(x, y)
                seen[x, y] = seen.get((x, y), 0) + 1
    assert len(seen) == area.width * area.height and set(seen.values()) == {1}


@pytest.mark.parametrize("seed", range(60))
def test_cells_are_covered_once_and_near_their_share(seed: int) -> None:
    chance = random.Random(seed)
    area = Cells(1, 2, 1 + chance.randint(1, 160), 2 + chance.randint(1, 50))
    weights = sorted(
        (int(chance.paretovariate(0.6) * 100) for _ in range(chance.randint(1, 300))), reverse=True
    )
    shown, found = fit(weights, area)
    covered(found, area)
    rest = sum(weights[shown:])
    assert len(found) == shown + bool(rest)
    if rest and rest * area.width * area.height < LEAST * sum(weights):
        return  # it has more than its share
    for weight, each in zip([*weights[:shown], rest], found, strict=False):
        share = weight * area.width * area.height / sum(weights)
        # An edge is moved by half a cell at most.
        assert (each.width - 1) * (each.height - 1) <= share <= (each.width + 1) * (each.height + 1)


class Item:
    def __init__(self, size: int = 0, *inside: "Item") -> None:
        self.inside = inside
        self.size: int = size or sum(each.size for each in inside)


def grown(chance: random.Random, depth: int) -> Item:
    if depth and chance.random() < 0.7:
        return Item(0, *(grown(chance, depth - 1) for _ in range(chance.randint(1, 12))))
    return Item(chance.randint(1, 10_000))


def laid(root: Item, area: Cells) -> list[Box[Item]]:
    return [*boxes(root.inside, lambda item: item.size, lambda item: item.inside, area)]


@pytest.mark.parametrize("seed", range(40))
def test_every_item_is_in_one_box(seed: int) -> None:
    chance = random.Random(seed)
    root = Item(0, *(grown(chance, 3) for _ in range(chance.randint(1, 20))))
    area = Cells(0, 0, chance.randint(1, 200), chance.randint(1, 60))
    found = laid(root, area)
    covered([box.cells for box in found], area)
    leaves = [box for box in found if box.inside is None]
    assert sum(item.size for box in leaves for item in box.items) == root.size
    for box in found:
        siblings = root.inside if box.parent is None else box.parent.inside
        assert (
            box.items
            == tuple(sorted(siblings, key=lambda item: -item.size)[box.position :][: len(box.items)])
            or list(box.items) == sorted(siblings, key=lambda item: -item.size)[box.position :]
        )
        if box.inside is not None:
            within = [each for each in found if each is not box and box.inside.has(*each.cells[:2])]
            assert (
                sum(item.size for each in within if each.inside is None for item in each.items)
                == box.items[0].size
            )


def test_what_is_small_is_together() -> None:
    found = laid(Item(0, Item(1_000_000), *(Item(1) for _ in range(5000))), Cells(0, 0, 80, 20))
    assert [len(box.items) for box in found] == [1, 5000]


def test_nothing_has_no_boxes() -> None:
    assert laid(Item(), Cells(0, 0, 10, 10)) == [] == laid(Item(0, Item(5)), Cells(0, 0, 0, 10))
