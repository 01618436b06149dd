"""Arithmetic on whole columns tells the same as a look at each of their values."""

from __future__ import annotations

import random
from array import array

import pytest

from layertui.layers.column_bounds import all_below

EDGES = (
    0,
    1,
    2,
    3,
    4,
    5,
    255,
    256,
    (1 << 31) - 6,
    (1 << 31) - 5,
    (1 << 31) - 4,
    (1 << 31) - 2,
    (1 << 31) - 1,
)
SIGNED = (*EDGES, -1, -2, -4, -5, -6, -(1 << 31))
UNSIGNED = (*EDGES, 1 << 31, (1 << 32) - 1)


def expected(values: array[int], limits: array[int], lowest: int) -> bool:
    return all(lowest <= value < limit for value, limit in zip(values, limits, strict=True))


@pytest.mark.parametrize(("code", "edges"), [("i", SIGNED), ("I", UNSIGNED)])
def test_every_pair_of_edges_between_neighbours_that_fit(code: str, edges: tuple[int, ...]) -> None:
    for lowest in (0, -1, -4) if code == "i" else (0,):
        for value in edges:
            for limit in EDGES[:-4]:
                for place in range(3):
                    values, limits = array(code, [0, 0, 0]), array("I", [1, 1, 1])
                    values[place], limits[place] = value, limit
                    assert all_below(values, limits, lowest) == expected(values, limits, lowest)


def test_random_columns() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        length, lowest = rng.randrange(6), rng.choice((0, -1, -4))
        values = array("i", [rng.choice((rng.randrange(-3, 9), rng.choice(SIGNED))) for _ in range(length)])
        limit = rng.choice((0, 1, 5, 9, 1000))
        assert all_below(values, limit, lowest) == expected(values, array("I", [limit] * length), lowest)


def test_sizes_of_files() -> None:
    largest = (1 << 63) - 1
    assert all_below(array("Q", [0, largest]), largest + 1)
    assert not all_below(array("Q", [0, largest]), largest)
    assert not all_below(array("Q", [0, largest + 1, 0]), largest + 1)
    assert not all_below(array("Q", [(1 << 64) - 1, 0]), largest + 1)


def test_limits_that_are_no_counts_are_refused() -> None:
    assert not all_below(array("I", [1, 2]), array("I", [5, 1 << 31]))
    assert all_below(array("I"), 0) and all_below(array("i"), array("I"), -1)
