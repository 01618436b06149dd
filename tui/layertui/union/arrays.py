"""Columns of numbers, and loops over them that run inside the interpreter's C code, a stretch at a time.

A loop in C code keeps the interpreter's lock until it ends. Cut into stretches, it gives other
threads their turn in between, above all the one that paints the screen.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Protocol, TypeVar, cast, overload

STRETCH = 4096
"""Values handled by one loop: a tenth of a millisecond or two."""

IndexT = TypeVar("IndexT", bound=int, contravariant=True)
ValueT = TypeVar("ValueT", bound=int, covariant=True)
PlaceT = TypeVar("PlaceT", bound=int)


class ArrayColumn(Protocol[IndexT, ValueT]):
    """An array for reading, whose indexes and values are numbers of a kind (:mod:`layertui.model.numbers`)."""

    @property
    def typecode(self) -> str: ...

    @property
    def itemsize(self) -> int: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[ValueT]: ...

    @overload
    def __getitem__(self, index: IndexT, /) -> ValueT: ...
    @overload
    def __getitem__(self, index: slice, /) -> ArrayColumn[int, ValueT]: ...

    def index(self, value: int, start: int, stop: int, /) -> int: ...

    def tobytes(self) -> bytes: ...


def column(values: ArrayColumn[int, int]) -> ArrayColumn[IndexT, ValueT]:
    """Return an array as a column of the type that the context asks for; it is not copied."""
    return cast("ArrayColumn[IndexT, ValueT]", values)


def assign(column: bytearray | array[int], places: ArrayColumn[PlaceT, int], values: Iterator[int]) -> None:
    """Set ``column[place] = value`` for each pair, in order."""
    put = cast("Callable[[int, int], None]", column.__setitem__)
    for start in range(0, len(places), STRETCH):
        # map() takes from the places first: at their end it takes no value that the next stretch needs.
        deque(map(put, places[start : start + STRETCH], values), maxlen=0)


def gather(
    column: ArrayColumn[IndexT, ValueT], places: ArrayColumn[PlaceT, IndexT]
) -> ArrayColumn[int, ValueT]:
    """Return ``column[place]`` for each place; -1 finds the last value. May return ``column`` itself."""
    if len(places) == len(column) and places == array(places.typecode, range(len(places))):
        # All of it in order: comparing is faster than collecting.
        return cast("ArrayColumn[int, ValueT]", column)
    found = array(column.typecode)
    get: Callable[[IndexT], int] = column.__getitem__
    for start in range(0, len(places), STRETCH):
        found.extend(map(get, places[start : start + STRETCH]))
    return cast("ArrayColumn[int, ValueT]", found)


def offsets(keys: Iterable[bytes]) -> array[int]:
    """Return the start of each key when they are joined by slashes, and one more for the end."""
    return array("I", accumulate(map((1).__add__, map(len, keys)), initial=0))


def ends(parent: ArrayColumn[int, int]) -> array[int]:
    """Return the end of each node's subtree for nodes numbered depth first; the root's parent is -1."""
    count = len(parent)
    end = array("I", range(1, count + 1))
    last_child = dict(zip(parent, range(count), strict=True))  # the last child of each replaces the others
    del last_child[-1]
    for directory in sorted(last_child, reverse=True):
        end[directory] = end[last_child[directory]]
    return end


def layers_of(starts: Sequence[int]) -> array[int]:
    """Return the layer of each event, from the first event of each layer and one more for the end."""
    layers = array("H")
    for layer, (start, stop) in enumerate(pairwise(starts), 1):
        layers.extend(array("H", [layer]) * (stop - start))
    return layers
