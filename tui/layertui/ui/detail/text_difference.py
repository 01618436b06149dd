"""Two versions of a text, line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from layertui.content.diff import hunk_lines, hunks, inline_changes
from layertui.content.edit_script import Edit, shortest_script
from layertui.content.syntax import MAX_LEXED, Piece, colored, lexer_of
from layertui.content.text import Encoding
from layertui.model.job import Job
from layertui.ui.detail.page import PageBuilder
from layertui.ui.detail.text_document import rows
from layertui.ui.widgets.lines import Span

_STYLES = {"-": "deleted", "+": "added"}
_SHOWN = 5000
"""Lines of hunks that are laid out."""
_PAIRED = 200
"""Lines of a change that are paired with their new version."""


@dataclass(frozen=True, slots=True)
class Version:
    """A part of a text, or all of it."""

    data: bytes
    encoding: Encoding
    first: int = 1
    """The number of its first line."""
    whole: bool = True
    """Whether it ends at the file's end."""

    def lines(self) -> list[str]:
        """Return its lines with their ends, those of CRLF text as LF."""
        text = self.encoding.decode(self.data)
        if self.encoding.newline == "CRLF":
            text = text.replace("\r\n", "\n")
        elif self.encoding.newline == "CR":
            text = text.replace("\r", "\n")
        lines = text.split("\n")
        rest = lines.pop()
        return [line + "\n" for line in lines] + ([rest] if rest else [])


class TextDifference:
    """The lines of a unified diff for the screen."""

    def __init__(self, name: str, before: Version, after: Version, job: Job) -> None:
        """``name`` is the file's, which tells its language.

        Raises :class:`Cancelled`.
        """
        self._versions = (before, after)
        self._job = job
        self._lines = (before.lines(), after.lines())
        self.changes = shortest_script(*self._lines, job)
        if self.changes and not self._genuine(self.changes[-1]):
            self.changes.pop()
        lexer = lexer_of(name, "".join(self._lines[1][:50]))
        self._pieces = tuple(
            list(colored(lexer, [line.removesuffix("\n") for line in lines]))
            if lexer is not None and len(version.data) <= MAX_LEXED
            else None
            for version, lines in zip(self._versions, self._lines, strict=True)
        )

    def _genuine(self, last: Edit) -> bool:
        """Return whether the last change is none that only comes from where the parts end."""
        before, after = self._versions
        ends = last.before_end == len(self._lines[0]), last.after_end == len(self._lines[1])
        if ends != (True, True):
            return True
        added = last.before == last.before_end and not before.whole
        deleted = last.after == last.after_end and not after.whole
        return not (added or deleted)

    def counts(self) -> str:
        """``+12 −4 lines``."""
        added = sum(change.after_end - change.after for change in self.changes)
        deleted = sum(change.before_end - change.before for change in self.changes)
        return f"+{added:,} −{deleted:,} lines"

    def add_to(self, build: PageBuilder) -> list[int]:
        """Add the hunks, as far as anyone reads on; returns the lines that they start on."""
        old, _ = self._lines
        firsts = [version.first - 1 for version in self._versions]
        digits = max(len(str(first + len(lines))) for first, lines in zip(firsts, self._lines, strict=True))
        digits = max(digits, 3)
        build.gutter = 2 * digits + 4
        starts: list[int] = []
        shown = 0
        for hunk in hunks(self.changes, len(old)):
            if starts:
                build.add()
            starts.append(build.add((hunk.header(*firsts), "accent")))
            self._job.check()
            marks = self._inside(hunk.changes)
            shift = hunk.after - hunk.before
            for sign, number in hunk_lines(hunk):
                if shown == _SHOWN:
                    rest = f"{_SHOWN:,} lines are shown; layertui diff prints all of them."
                    build.add((rest, "accent"))
                    return starts
                shown += 1
                side = 1 if sign == "+" else 0
                if sign == " ":
                    numbers = [number + firsts[0] + 1, number + shift + firsts[1] + 1]
                else:
                    shift += 1 if side else -1
                    numbers = [0, 0]
                    numbers[side] = number + firsts[side] + 1
                self._add(build, sign, side, number, numbers, digits, marks.get((side, number), ()))
        return starts

    def _add(
        self,
        build: PageBuilder,
        sign: str,
        side: int,
        number: int,
        numbers: Sequence[int],
        digits: int,
        marks: Sequence[tuple[int, int]],
    ) -> None:
        style = _STYLES.get(sign, "")
        behind = f"on-{style}" if style else ""
        shown = "".join(f"{one or '':>{digits}} " for one in numbers)
        gutter: list[Span] = [(shown, "quiet"), ("−" if sign == "-" else sign, f"{style} bold"), (" ", "")]
        lines = self._pieces[side]
        pieces = lines[number] if lines else [(self._lines[side][number].removesuffix("\n"), "")]
        for row in rows(list(_marked(pieces, marks, f"inside-{style}"))):
            build.add(*row, gutter=gutter, style=behind)
            gutter = [(f"{'↪':>{2 * digits + 1}}", "quiet")]
        if not self._lines[side][number].endswith("\n") and self._versions[side].whole:
            build.add(("no newline at the end of the file", "quiet"), gutter=[(" ", "")], style=behind)

    def _inside(self, found: Sequence[Edit]) -> dict[tuple[int, int], Sequence[tuple[int, int]]]:
        """Return the ranges that differ inside lines, by side and line number."""
        old, new = self._lines
        marks: dict[tuple[int, int], Sequence[tuple[int, int]]] = {}
        for change in found:
            for one, other in _pairs(change, old, new):
                ranges = inline_changes(old[one].removesuffix("\n"), new[other].removesuffix("\n"))
                if ranges is not None:
                    marks[0, one], marks[1, other] = ranges
        return marks


def _pairs(change: Edit, old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield which line may have become which: as they stand if there are as many, else the next that is alike."""
    before = range(change.before, change.before_end)[:_PAIRED]
    after = range(change.after, change.after_end)[:_PAIRED]
    if change.before_end - change.before == change.after_end - change.after:
        yield from zip(before, after, strict=True)
        return
    at = 0
    for one in before:
        words = set(old[one].split())
        for skipped, other in enumerate(after[at : at + 20]):
            others = set(new[other].split())
            if 2 * len(words & others) >= max(len(words), len(others)):
                yield one, other
                at += skipped + 1
                break


def _marked(pieces: Sequence[Piece], marks: Sequence[tuple[int, int]], style: str) -> Iterator[Piece]:
    """``pieces`` with ``style`` added between the bounds of each of ``marks``."""
    at = 0
    bounds = sorted({bound for mark in marks for bound in mark})
    for text, kind in pieces:
        end = at + len(text)
        cuts = [at, *(bound for bound in bounds if at < bound < end), end]
        for start, stop in pairwise(cuts):
            inside_mark = any(first <= start < last for first, last in marks)
            yield text[start - at : stop - at], f"{kind} {style}" if inside_mark else kind
        at = end
