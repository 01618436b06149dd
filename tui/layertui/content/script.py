"""What became of one sequence of lines to make another: the edit script of GNU diff.

The comparison is diff's own, step by step (``analyze.c``, ``diffseq.h`` of diffutils 3): lines that
the other side does not have are set aside, the rest is compared with Myers' algorithm in linear
space, and runs of changes are moved to where people expect them. So the hunks are those of
``diff -u``; only after :data:`EFFORT` steps does it settle sooner for a script that is not the shortest.
difflib is quadratic on lines that repeat, and neither it nor its compiled kin (cydifflib, patiencediff)
finds the same hunks.
"""

import re
import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from layertui.layers.decompress import Cancelled

CONTEXT = 3
"""Unchanged lines that are shown around a change, and looked at by what moves it."""
EFFORT = 4_000_000
"""Steps (a microsecond or less each) that are spent on the shortest script."""
_TOO_EXPENSIVE = (4096, 128)
"""Edits between two stretches of lines after which any script will do: diff's own bound, and the one once
the effort is spent."""


class Change(NamedTuple):
    """Lines ``before:before_end`` became the lines ``after:after_end``, counted from 0."""

    before: int
    before_end: int
    after: int
    after_end: int


def changes(
    before: Sequence[Hashable], after: Sequence[Hashable], cancelled: threading.Event | None = None
) -> list[Change]:
    """What became of ``before`` to make ``after``, in order.

    Raises :class:`~layertui.layers.decompress.Cancelled` once ``cancelled`` is set.
    """
    skip = _common(before, after)
    start = max(skip - CONTEXT, 0)
    both = min(len(before), len(after)) - start
    end = _common_end(before, after, both)
    end = max(end - CONTEXT, 0)
    classes: dict[Hashable, int] = {}
    sides = [
        _Side([classes.setdefault(line, len(classes)) for line in side[start : len(side) - end]])
        for side in (before, after)
    ]
    for side, other in (sides, sides[::-1]):
        side.set_aside(Counter(other.classes))
    _Comparison(sides[0], sides[1], cancelled).run()
    for side, other in (sides, sides[::-1]):
        _shift(side, other.changed)
    return [Change(*(number + start for number in change)) for change in _script(*sides)]


def _common(before: Sequence[Hashable], after: Sequence[Hashable]) -> int:
    number = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        number += 1
    return number


def _common_end(before: Sequence[Hashable], after: Sequence[Hashable], most: int) -> int:
    number = 0
    while number < most and before[-1 - number] == after[-1 - number]:
        number += 1
    return number


class _Side:
    """One version: what its lines equal, which of them are compared, which have changed."""

    def __init__(self, classes: list[int]) -> None:
        self.classes = classes
        # One more, never changed; index -1 is that one too.
        self.changed = bytearray(len(classes) + 1)
        self.kept: list[int] = []
        """The lines that are compared."""

    def set_aside(self, others: Counter[int]) -> None:
        """Takes out lines that the other version has not (``discard_confusing_lines``).

        Lines that it has many of go too where they stand among such.
        """
        end = len(self.classes)
        many, count = 5, end // 64
        while count := count >> 2:
            many *= 2
        marks = bytearray(1 if not others[name] else 2 if others[name] > many else 0 for name in self.classes)
        at = 0
        while at < end:
            if marks[at] == 2:
                marks[at] = 0
            elif marks[at]:
                at = _settle_run(marks, at, end)
            at += 1
        for number, mark in enumerate(marks):
            if mark:
                self.changed[number] = 1
        self.kept = [number for number in range(end) if not marks[number]]


def _settle_run(marks: bytearray, start: int, end: int) -> int:
    """Decides on the marks 2 of the run of marks at ``start``; returns its last line."""
    stop = start
    while stop < end and marks[stop]:
        stop += 1
    while marks[stop - 1] == 2:
        stop -= 1
        marks[stop] = 0
    length = stop - start
    if marks.count(2, start, stop) * 4 > length:
        marks[start:stop] = marks[start:stop].replace(b"\2", b"\0")
        return start
    minimum, count = 1, length >> 2
    while count := count >> 2:
        minimum <<= 1
    minimum += 1
    for match in re.finditer(b"\2{%d,}" % minimum, marks[start:stop]):
        marks[start + match.start() : start + match.end()] = bytes(match.end() - match.start())
    for order in (range(start, stop), range(stop - 1, start - 1, -1)):
        row = 0
        for distance, number in enumerate(order):
            if distance >= 8 and marks[number] == 1:
                break
            if marks[number] == 1:
                row += 1
            else:
                row = marks[number] = 0
            if row == 3:
                break
    return stop - 1


class _Comparison:
    """Myers' algorithm on the lines that both sides keep (``compareseq``)."""

    def __init__(self, before: _Side, after: _Side, cancelled: threading.Event | None) -> None:
        self._before, self._after = before, after
        self._x = [before.classes[number] for number in before.kept]
        self._y = [after.classes[number] for number in after.kept]
        self._cancelled = cancelled
        # Diagonals run from -len(y) - 1 to len(x) + 1; negative indices count from the end.
        self._forward = [0] * (len(self._x) + len(self._y) + 3)
        self._backward = [0] * (len(self._x) + len(self._y) + 3)
        self._spent = 0

    def run(self) -> None:
        x, y = self._x, self._y
        rest = [(0, len(x), 0, len(y), False)]
        while rest:
            left, right, top, bottom, exact = rest.pop()
            while left < right and top < bottom and x[left] == y[top]:
                left, top = left + 1, top + 1
            while left < right and top < bottom and x[right - 1] == y[bottom - 1]:
                right, bottom = right - 1, bottom - 1
            if left == right or top == bottom:
                for number in range(top, bottom):
                    self._after.changed[self._after.kept[number]] = 1
                for number in range(left, right):
                    self._before.changed[self._before.kept[number]] = 1
                continue
            middle, centre, first_exact, last_exact = self._split(left, right, top, bottom, exact)
            rest.append((middle, right, centre, bottom, last_exact))
            rest.append((left, middle, top, centre, first_exact))

    def _split(
        self, left: int, right: int, top: int, bottom: int, exact: bool
    ) -> tuple[int, int, bool, bool]:
        """Where the shortest way meets its middle, and which halves it is known to be shortest for."""
        x, y, ahead, back = self._x, self._y, self._forward, self._backward
        never = len(x) + len(y) + 1
        lowest, highest = left - bottom, right - top
        first = first_low = first_high = left - top
        last = last_low = last_high = right - bottom
        odd = (first - last) & 1
        ahead[first], back[last] = left, right
        effort = 0
        while True:
            effort += 1
            if self._cancelled is not None and self._cancelled.is_set():
                raise Cancelled
            if first_low > lowest:
                first_low -= 1
                ahead[first_low - 1] = -1
            else:
                first_low += 1
            if first_high < highest:
                first_high += 1
                ahead[first_high + 1] = -1
            else:
                first_high -= 1
            for diagonal in range(first_high, first_low - 1, -2):
                low, high = ahead[diagonal - 1], ahead[diagonal + 1]
                at = high if low < high else low + 1
                row = at - diagonal
                while at < right and row < bottom and x[at] == y[row]:
                    at += 1
                    row += 1
                ahead[diagonal] = at
                if odd and last_low <= diagonal <= last_high and back[diagonal] <= at:
                    return at, row, True, True
            if last_low > lowest:
                last_low -= 1
                back[last_low - 1] = never
            else:
                last_low += 1
            if last_high < highest:
                last_high += 1
                back[last_high + 1] = never
            else:
                last_high -= 1
            for diagonal in range(last_high, last_low - 1, -2):
                low, high = back[diagonal - 1], back[diagonal + 1]
                at = low if low < high else high - 1
                row = at - diagonal
                while left < at and top < row and x[at - 1] == y[row - 1]:
                    at -= 1
                    row -= 1
                back[diagonal] = at
                if not odd and first_low <= diagonal <= first_high and at <= ahead[diagonal]:
                    return at, row, True, True
            self._spent += (first_high - first_low + last_high - last_low) // 2
            if not exact and effort >= _TOO_EXPENSIVE[self._spent > EFFORT]:
                break
        # Too far apart: the furthest that either end has come.
        best, reached = -1, left
        for diagonal in range(first_high, first_low - 1, -2):
            at = min(ahead[diagonal], right, bottom + diagonal)
            if best < at + at - diagonal:
                best, reached = at + at - diagonal, at
        best_back, reached_back = 2 * never, right
        for diagonal in range(last_high, last_low - 1, -2):
            at = max(back[diagonal], left, top + diagonal)
            if at + at - diagonal < best_back:
                best_back, reached_back = at + at - diagonal, at
        if right + bottom - best_back < best - (left + top):
            return reached, best - reached, True, False
        return reached_back, best_back - reached_back, False, True


def _shift(side: _Side, others: bytearray) -> None:
    """Moves runs of changes: together, to a run of the other side, else as far down as can be
    (``shift_boundaries``)."""
    classes, changed = side.classes, side.changed
    end = len(classes)
    at = other = 0
    while True:
        while at < end and not changed[at]:
            while others[other]:
                other += 1
            other += 1
            at += 1
        if at == end:
            return
        start = at
        at += 1
        while changed[at]:
            at += 1
        while others[other]:
            other += 1
        while True:
            length = at - start
            while start and classes[start - 1] == classes[at - 1]:
                start, at = start - 1, at - 1
                changed[start], changed[at] = 1, 0
                while changed[start - 1]:
                    start -= 1
                other -= 1
                while others[other]:
                    other -= 1
            opposite = at if others[other - 1] else end
            while at != end and classes[start] == classes[at]:
                changed[start], changed[at] = 0, 1
                start, at = start + 1, at + 1
                while changed[at]:
                    at += 1
                other += 1
                while others[other]:
                    opposite = at
                    other += 1
            if length == at - start:
                break
        while opposite < at:
            start, at = start - 1, at - 1
            changed[start], changed[at] = 1, 0
            other -= 1
            while others[other]:
                other -= 1


def _script(before: _Side, after: _Side) -> Iterator[Change]:
    old, new = before.changed, after.changed
    at = other = 0
    while at < len(before.classes) or other < len(after.classes):
        if not (old[at] or new[other]):
            at, other = at + 1, other + 1
            continue
        start, other_start = at, other
        while old[at]:
            at += 1
        while new[other]:
            other += 1
        yield Change(start, at, other_start, other)
