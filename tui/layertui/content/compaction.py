"""Place the changes of an edit script where git places them.

A run of changed lines may often slide: ``}`` at its end may be the one before it. Which lines count as new is
then ambiguous, and ``git blame`` and ``git diff`` decide it by heuristics: a run is put beside one of the other
side, else where the indentation says that a block begins. A port of xdl_change_compact() and the indent heuristic of git's
xdiff/xdiffi.c (git 2.14 and later), whose weights it has.
"""

from collections.abc import Sequence
from typing import NamedTuple

_MAX_INDENT = 200
_MAX_BLANKS = 20
_MAX_SLIDING = 100
_START_OF_FILE = 1
_END_OF_FILE = 21
_TOTAL_BLANK = -30
_POST_BLANK = 6
_RELATIVE_INDENT = (-4, 10)
"""Penalty of a split before a deeper line; the second if blank lines are beside the split. So for the next."""
_RELATIVE_OUTDENT = (24, 17)
_RELATIVE_DEDENT = (23, 17)
_INDENT_WEIGHT = 60
_TAB_STOP = 8
_BLANK = -1
"""The indentation of a blank line, and of none."""


class _Group:
    """A run of changed lines, perhaps empty, between two unchanged ones."""

    def __init__(self, numbers: Sequence[int], marks: bytearray) -> None:
        self._numbers, self._marks = numbers, marks
        self.start, self.end = 0, self._run_end(0)

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def is_last(self) -> bool:
        return self.end == len(self._marks)

    def next(self) -> None:
        """Go to the group behind the next unchanged line."""
        self.start = self.end + 1
        self.end = self._run_end(self.start)

    def previous(self) -> None:
        """Go to the group before the previous unchanged line."""
        self.end = self.start - 1
        self.start = self._run_start(self.end)

    def slide_up(self) -> bool:
        """Move the group up by a line, and join the one that it meets; ``False`` if it cannot."""
        numbers, marks = self._numbers, self._marks
        if not self.start or numbers[self.start - 1] != numbers[self.end - 1]:
            return False
        self.start, self.end = self.start - 1, self.end - 1
        marks[self.start], marks[self.end] = 1, 0
        self.start = self._run_start(self.start)
        return True

    def slide_down(self) -> bool:
        """Move the group down by a line, and join the one that it meets; ``False`` if it cannot."""
        numbers, marks = self._numbers, self._marks
        if self.is_last or numbers[self.start] != numbers[self.end]:
            return False
        marks[self.start], marks[self.end] = 0, 1
        self.start, self.end = self.start + 1, self._run_end(self.end + 1)
        return True

    def _run_end(self, start: int) -> int:
        end = self._marks.find(0, start)
        return len(self._marks) if end < 0 else end

    def _run_start(self, end: int) -> int:
        return self._marks.rfind(0, 0, end) + 1


def compact(lines: Sequence[bytes], numbers: Sequence[int], marks: bytearray, others: bytearray) -> None:
    """Slide the changed lines of one side; ``numbers`` are equal for equal lines.

    ``marks`` has 1 for each changed line, ``others`` the same for the other side, which stays.
    """
    group, other = _Group(numbers, marks), _Group(numbers, others)  # the other group never slides
    while True:
        if len(group):
            _slide(lines, group, other)
        if group.is_last:
            return
        group.next()
        other.next()


def _slide(lines: Sequence[bytes], group: _Group, other: _Group) -> None:
    """Slide a group to its place; ``other`` is the group of the other side behind the same unchanged line."""
    while True:
        size, beside = len(group), -1
        while group.slide_up():
            other.previous()
        earliest = group.end
        if len(other):
            beside = group.end
        while group.slide_down():
            other.next()
            if len(other):
                beside = group.end
        if len(group) == size:  # else it has met another one, and the whole may slide further
            break
    if group.end == earliest:
        return
    if beside >= 0:
        while not len(other):
            group.slide_up()
            other.previous()
        return
    best = _best_end(lines, group, earliest)
    while group.end > best:
        group.slide_up()
        other.previous()


def _best_end(lines: Sequence[bytes], group: _Group, earliest: int) -> int:
    """Return the end of the group at which its borders look most like those of a block."""
    size, best, least = len(group), -1, (0, 0)
    for end in range(max(earliest, group.end - size - 1, group.end - _MAX_SLIDING), group.end + 1):
        indents, penalties = zip(_cost(lines, end), _cost(lines, end - size), strict=True)
        found = sum(indents), sum(penalties)
        deeper = (found[0] > least[0]) - (found[0] < least[0])
        if best < 0 or _INDENT_WEIGHT * deeper + found[1] - least[1] <= 0:
            best, least = end, found
    return best


def _cost(lines: Sequence[bytes], split: int) -> tuple[int, int]:
    """Return the effective indentation of a split before a line, and its penalty."""
    is_end = split >= len(lines)
    indent = _BLANK if is_end else _indent(lines[split])
    before = _nearest(lines, range(split - 1, -1, -1))
    after = _nearest(lines, range(split + 1, len(lines)))
    blanks_after = 1 + after.blanks if indent == _BLANK else 0
    blanks = before.blanks + blanks_after
    penalty = _TOTAL_BLANK * blanks + _POST_BLANK * blanks_after
    if before == (_BLANK, 0):
        penalty += _START_OF_FILE
    if is_end:
        penalty += _END_OF_FILE
    effective = after.indent if indent == _BLANK else indent
    if _BLANK in (effective, before.indent) or effective == before.indent:
        pass
    elif effective > before.indent:
        penalty += _RELATIVE_INDENT[blanks > 0]
    elif after.indent != _BLANK and after.indent > effective:
        penalty += _RELATIVE_OUTDENT[blanks > 0]
    else:
        penalty += _RELATIVE_DEDENT[blanks > 0]
    return effective, penalty


class _Neighbor(NamedTuple):
    """The nearest line that is not blank."""

    indent: int
    blanks: int
    """Number of blank lines before it."""


def _nearest(lines: Sequence[bytes], places: range) -> _Neighbor:
    blanks = 0
    for place in places:
        if (indent := _indent(lines[place])) != _BLANK:
            return _Neighbor(indent, blanks)
        blanks += 1
        if blanks == _MAX_BLANKS:
            return _Neighbor(0, blanks)
    return _Neighbor(_BLANK, blanks)


def _indent(line: bytes) -> int:
    """Return the columns before the first character that is no white space."""
    indent = 0
    for char in line:
        if char == 0x20:
            indent += 1
        elif char == 0x09:
            indent += _TAB_STOP - indent % _TAB_STOP
        elif char not in b"\n\r":
            return indent
        if indent >= _MAX_INDENT:
            return _MAX_INDENT
    return _BLANK
