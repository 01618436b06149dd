"""Bars and strips of live and dead bytes."""

from __future__ import annotations

import pytest

from layertui.model.sizes import Bytes
from layertui.ui.widgets.bars import scale_of, strip_cells, two_part_bar


def bar(live: int, dead: int, largest: int = 100, cells: int = 10) -> str:
    spans = two_part_bar(Bytes(live, dead), largest, cells, "layer:1")
    assert sum(len(text) for text, _style in spans) == cells
    return "".join(text for text, _style in spans).rstrip()


@pytest.mark.parametrize(
    ("live", "dead", "expected"),
    [
        (100, 0, "██████████"), (0, 100, "░░░░░░░░░░"), (50, 50, "█████░░░░░"), (0, 0, ""),
        (34, 0, "███▍"), (1, 0, "▏"), (0, 1, "░"), (99, 1, "█████████░"), (1, 99, "█░░░░░░░░░"), (30, 10, "███░"),
        (3, 1, "▏"), (1, 3, "▏"), (4, 6, "▒"), (5, 10, "█░"),
    ],
)  # fmt: skip
def test_bar(live: int, dead: int, expected: str) -> None:
    """Live and dead bytes are always seen, and what is not empty is."""
    assert bar(live, dead) == expected


def test_nothing_to_compare_with() -> None:
    assert bar(0, 0, largest=0) == ""


def test_what_dwarfs_all_others_is_left_out_of_the_scale() -> None:
    assert scale_of([Bytes(900, 99), Bytes(40, 10)]) == 999
    assert scale_of([Bytes(900, 101), Bytes(40, 10), Bytes(0, 0)]) == 50
    assert scale_of([Bytes(9, 0)]) == 9 and scale_of([]) == 0 and scale_of([Bytes(9, 0), Bytes(0, 0)]) == 9
    assert bar(900, 100, largest=50) == "████████░»" and bar(0, 100, largest=50) == "░░░░░░░░░»"


def test_a_strip_is_filled_by_its_parts() -> None:
    sizes = [Bytes(10, 0), Bytes(0, 0), Bytes(5, 5), Bytes(0, 20)]
    assert strip_cells(sizes, 40) == [(10, 0), (0, 0), (5, 5), (0, 20)]
    for cells in range(100):
        assert sum(map(sum, strip_cells(sizes, cells))) == cells
    assert strip_cells([Bytes(1, 99), Bytes(99, 1), Bytes(50, 50)], 6) == [(1, 1), (1, 1), (1, 1)]
    assert strip_cells([Bytes(1, 99), Bytes(100, 0)], 2) == [(1, 0), (1, 0)]  # not: all of it is dead
    assert strip_cells([Bytes(0, 0)], 10) == [(0, 0)]
    assert strip_cells([], 10) == []
