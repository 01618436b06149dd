"""Shortest edit script of two sequences of lines.

The linear-space algorithm of E. Myers, "An O(ND) Difference Algorithm and Its Variations"
(Algorithmica 1, 1986): its time grows with the differences, its memory with the lengths. Not
difflib, which takes quadratic time on lines that repeat.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from layertui.model.job import Job

CONTEXT = 3
"""Unchanged lines shown around a change."""
MAX_EFFORT = 4_000_000
"""Steps (up to a microsecond each) to search for the shortest script; after that, a part that
begins and ends with different lines counts as changed as a whole."""
_ROUNDS_PER_CHECK = 256
"""Rounds between two checks for cancellation."""


class Edit(NamedTuple):
    """Lines ``before:before_end`` became the lines ``after:after_end``, counted from 0."""

    before: int
    before_end: int
    after: int
    after_end: int


class Marks(NamedTuple):
    """Two texts, with equal numbers for equal lines, and 1 for each line that the other does not have there."""

    old: list[int]
    removed: bytearray
    new: list[int]
    added: bytearray


def shortest_script(before: Sequence[Hashable], after: Sequence[Hashable], job: Job = Job.NONE) -> list[Edit]:
    """Return what turns ``before`` into ``after``, in order. Raises :class:`Cancelled`."""
    old, removed, new, added = unmatched_lines(before, after, job)
    _slide(old, removed, added)
    _slide(new, added, removed)
    return list(_script(removed, added))


def unmatched_lines(before: Sequence[Hashable], after: Sequence[Hashable], job: Job = Job.NONE) -> Marks:
    """Return the lines of each side that are not in a longest common subsequence. Raises :class:`Cancelled`."""
    numbers: dict[Hashable, int] = {}
    old = [numbers.setdefault(line, len(numbers)) for line in before]
    new = [numbers.setdefault(line, len(numbers)) for line in after]
    # Lines that only one side has are changed in any script.
    shared = set(old) & set(new)
    removed = bytearray(number not in shared for number in old)
    added = bytearray(number not in shared for number in new)
    _Comparison(old, removed, new, added, job).run()
    return Marks(old, removed, new, added)


class _Comparison:
    """Marks the lines of each side that are not part of a longest common subsequence."""

    def __init__(
        self, old: list[int], removed: bytearray, new: list[int], added: bytearray, job: Job
    ) -> None:
        self._places = [[place for place, mark in enumerate(marks) if not mark] for marks in (removed, added)]
        self._old = [old[place] for place in self._places[0]]
        self._new = [new[place] for place in self._places[1]]
        self._marks = (removed, added)
        self._job = job
        self._effort = MAX_EFFORT

    def run(self) -> None:
        old, new = self._old, self._new
        waiting = [(0, len(old), 0, len(new))]
        while waiting:
            left, right, top, bottom = waiting.pop()
            while left < right and top < bottom and old[left] == new[top]:
                left, top = left + 1, top + 1
            while left < right and top < bottom and old[right - 1] == new[bottom - 1]:
                right, bottom = right - 1, bottom - 1
            if left == right or top == bottom or (middle := self._middle(left, right, top, bottom)) is None:
                self._mark(0, left, right)
                self._mark(1, top, bottom)
            else:
                waiting += [(left, middle[0], top, middle[1]), (middle[0], right, middle[1], bottom)]

    def _mark(self, side: int, start: int, end: int) -> None:
        for place in self._places[side][start:end]:
            self._marks[side][place] = 1

    def _middle(self, left: int, right: int, top: int, bottom: int) -> tuple[int, int] | None:
        """Return a point on a shortest path through the box, where searches from both corners meet.

        ``forth`` and ``back`` are the furthest x that each search has reached on each diagonal
        x - y (the paper's V). ``None`` once the effort is used up.
        """
        old, new = self._old, self._new
        first, last = left - top, right - bottom  # the diagonals of the two corners
        forth, back = {first + 1: left}, {last - 1: right}
        is_odd = (first - last) & 1
        for round_ in range((right - left + bottom - top + 1) // 2 + 1):
            if round_ % _ROUNDS_PER_CHECK == 0:
                self._job.check()
            self._effort -= 2 * round_ + 2
            if self._effort < 0:
                return None
            for diagonal in range(first + round_, first - round_ - 1, -2):
                down, across = forth.get(diagonal + 1, -1), forth.get(diagonal - 1, -2) + 1
                x = start = max(down, across)
                if not (left <= x <= right and x - diagonal <= bottom):
                    continue  # outside of the box
                while x < right and x - diagonal < bottom and old[x] == new[x - diagonal]:
                    x += 1
                self._effort -= x - start
                forth[diagonal] = x
                if is_odd and abs(diagonal - last) < round_ and x >= back.get(diagonal, right + 1):
                    return x, x - diagonal
            for diagonal in range(last + round_, last - round_ - 1, -2):
                up, across = back.get(diagonal - 1, right + 2), back.get(diagonal + 1, right + 3) - 1
                x = start = min(up, across)
                if not (left <= x <= right and top <= x - diagonal):
                    continue
                while x > left and x - diagonal > top and old[x - 1] == new[x - 1 - diagonal]:
                    x -= 1
                self._effort -= start - x
                back[diagonal] = x
                if not is_odd and abs(diagonal - first) <= round_ and x <= forth.get(diagonal, left - 1):
                    return x, x - diagonal
        return None


def _slide(lines: list[int], marks: bytearray, others: bytearray) -> None:
    """Move runs of changed lines down as far as possible, past equal lines.

    A run stops at a gap with a run of the other side, so that the two stay one edit.
    """
    taken = _gaps(others)
    start = marks.find(1)
    while start >= 0:
        end = _run_end(marks, start)
        gap = start - marks.count(1, 0, start)
        while gap not in taken and end < len(marks) and lines[start] == lines[end]:
            marks[start], marks[end] = 0, 1
            start, gap = start + 1, gap + 1
            end = _run_end(marks, end)
        start = marks.find(1, end)


def _run_end(marks: bytearray, start: int) -> int:
    end = marks.find(0, start)
    return len(marks) if end < 0 else end


def _gaps(marks: bytearray) -> set[int]:
    """Return the number of unchanged lines before each run of changed ones."""
    found, changed, start = set(), 0, marks.find(1)
    while start >= 0:
        end = _run_end(marks, start)
        found.add(start - changed)
        changed += end - start
        start = marks.find(1, end)
    return found


def _script(removed: bytearray, added: bytearray) -> Iterator[Edit]:
    before = after = 0
    while before < len(removed) or after < len(added):
        before_end = _run_end(removed, before) if before < len(removed) and removed[before] else before
        after_end = _run_end(added, after) if after < len(added) and added[after] else after
        if (before_end, after_end) != (before, after):
            yield Edit(before, before_end, after, after_end)
        before, after = before_end + 1, after_end + 1
