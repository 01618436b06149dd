"""The lines of a Dockerfile, with the size of each instruction at the right."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from layertui.content.syntax import colored, lexer_of
from layertui.dockerfile import Instruction
from layertui.dockerfile.bill import Bill
from layertui.dockerfile.document import Dockerfile
from layertui.model.sizes import Bytes
from layertui.text.format import share_text, size_text
from layertui.text.sanitize import visible_lines
from layertui.ui.detail.subject import chip
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Document, Line, Span

_STEP, _CHIP, _SIZE, _DEAD = 4, 6, 8, 4
_GAP = "   "


@dataclass(slots=True)
class DockerfileLine:
    """A line of a listing."""

    body: list[Span]
    owner: int
    """The number of its instruction."""
    number: str = ""
    """What is in the first column: the step of a reconstructed instruction, or the line of a recorded Dockerfile."""
    is_chipped: bool = True
    """Whether it has the color of the layer; comments between instructions do not."""


@dataclass(slots=True)
class Listing:
    """The lines of a Dockerfile, and which instruction each belongs to."""

    dockerfile: Dockerfile
    rows: list[DockerfileLine] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """The first line of each instruction."""

    @property
    def found(self) -> Sequence[Instruction]:
        """The instructions."""
        return self.dockerfile.found

    @property
    def _step(self) -> int:
        """Cells of the first column."""
        return max(_STEP, 1 + len(str(len(self.rows))))

    def at(self, line: int) -> Instruction | None:
        """Return the instruction of a line; None below the last."""
        return self.found[self.rows[line].owner] if 0 <= line < len(self.rows) else None

    def line_of(self, each: Instruction | None) -> int:
        """Return the first line of an instruction, or of the same step in another reconstruction."""
        if each in self.found:
            return self.starts[self.found.index(each)]
        for number, other in enumerate(self.found):
            if each is not None and (other.step, other.keyword) == (each.step, each.keyword):
                return self.starts[number]
        return -1

    def document(self, bill: Bill, width: int, joined: Collection[int] = ()) -> Document:
        """Lay out the lines for ``width`` cells, an item per instruction.

        The instructions of the steps ``joined`` are marked. The total is below the last line.
        """
        bar = _bar(width)
        largest = max((size.size for size in bill.sizes), default=0)
        starts = {line: number for number, line in enumerate(self.starts)}
        lines = [
            self._line(row, starts.get(line) == row.owner, bill, (bar, largest), joined)
            for line, row in enumerate(self.rows)
        ]
        total = bill.total if bill.sizes else None
        aside = [(" " * bar, ""), *_amounts(total, "bold")]
        lines += [Line(), Line([("total", "quiet")], [(" ", "")], aside=aside)]
        return Document(lines, self._step + _CHIP, self.starts, aside=_aside(width))

    def _line(
        self, row: DockerfileLine, is_first: bool, bill: Bill, scale: tuple[int, int], joined: Collection[int]
    ) -> Line:
        each = self.found[row.owner]
        gutter: list[Span] = [(" " * self._step, "")]
        if is_first or row.number:
            mark = "▸" if is_first and each.step in joined else " "
            gutter = [(mark, "accent"), (f"{row.number:>{self._step - 1}}", "quiet")]
        gutter.append((" ", ""))
        if each.layer is not None and row.is_chipped:
            gutter += chip(each.layer)[: 2 if is_first else 1]
        if not is_first or each.layer is None:
            return Line(row.body, gutter)
        size = bill.size_of(each)
        remark = bill.remarks.get(each.layer, "")
        aside: list[Span] = [(f"  {remark}  ", "quiet")] if remark else []
        if size is None or size.size:  # the remark on an empty layer may take the place of its bar
            aside += two_part_bar(size or Bytes(0, 0), scale[1], scale[0], f"layer:{each.layer}")
        return Line(row.body, gutter, aside=[*aside, *_amounts(size)])

    def columns(self, width: int) -> list[Line]:
        """Return the names of the columns."""
        first = "LINE" if self.dockerfile.source == "provenance" else "STEP"
        left = f"{first:>{self._step}} {'LAYER':<{_CHIP - 1}} INSTRUCTION"
        right = f"{'SIZE':>{_SIZE}} {'DEAD':>{_DEAD}} "
        return [Line([(left + right.rjust(max(width - len(left) - 1, len(right))), "quiet")])]


def listing_of(dockerfile: Dockerfile) -> Listing:
    """Lay out a Dockerfile: steps of the base image as comments, guesses and unknowns at the ends of lines."""
    listing = Listing(dockerfile)
    if dockerfile.source == "provenance":
        _list_recorded(listing)
        return listing
    lexer = lexer_of("Dockerfile", "")
    for number, each in enumerate(dockerfile.found):
        text = _text_of(each)
        bodies = _quiet(text) if each.is_base else [[*pieces] for pieces in colored(lexer, text)]
        _add(listing, number, bodies, [str(each.step + 1 or "")], "; ".join(each.comments))
    return listing


def _list_recorded(listing: Listing) -> None:
    """Add the lines of a recorded Dockerfile, with the steps of the base image above ``FROM``."""
    dockerfile = listing.dockerfile
    text = [line for raw in dockerfile.lines for line in visible_lines(raw)]
    bodies = [[*pieces] for pieces in colored(lexer_of("Dockerfile", ""), text)]
    before = 0  # lines that have been added
    for number, each in enumerate(dockerfile.found):
        for line in range(before, each.line - 1):  # what is above an instruction describes it
            body = bodies[line] if each.is_used else _quiet([text[line]])[0]
            listing.rows.append(DockerfileLine(body, number, str(line + 1), is_chipped=False))
        before = max(before, each.line - 1)
        if not each.is_written:
            _add(listing, number, _quiet(_text_of(each)), [], "; ".join(each.comments))
            continue
        end = each.line + each.text.count("\n")
        own = bodies[each.line - 1 : end] if each.is_used else _quiet(text[each.line - 1 : end])
        note = "" if each.is_used or each.keyword != "FROM" else "made no layer"
        note = "; ".join(filter(None, (note, *(f"guess: {clause}" for clause in each.guesses))))
        _add(listing, number, own, [str(line) for line in range(each.line, end + 1)], note)
        before = end
    last = len(dockerfile.found) - 1
    listing.rows += [
        DockerfileLine(bodies[line], last, str(line + 1), is_chipped=False)
        for line in range(before, len(text))
    ]


def _add(listing: Listing, number: int, bodies: list[list[Span]], numbers: Sequence[str], note: str) -> None:
    """Add the lines of an instruction, with a note at the end of the first one."""
    if note and bodies:
        bodies[0] = [*bodies[0], (f"{_GAP}# {note}", "quiet")]
    elif note or not bodies:
        bodies = [[(f"# {note}", "quiet")]]
    listing.starts.append(len(listing.rows))
    labels = [*numbers, *[""] * len(bodies)]
    listing.rows += [DockerfileLine(body, number, label) for body, label in zip(bodies, labels, strict=False)]


def _text_of(each: Instruction) -> list[str]:
    return [line for raw in each.text.split("\n") for line in visible_lines(raw)] if each.text else []


def _quiet(lines: Sequence[str]) -> list[list[Span]]:
    return [[(line, "quiet")] for line in lines]


def _bar(width: int) -> int:
    """Return the cells of the bars."""
    return 6 if width < 90 else 10 if width < 140 else 16


def _aside(width: int) -> int:
    return _bar(width) + _SIZE + _DEAD + 4


def _amounts(size: Bytes | None, style: str = "") -> list[Span]:
    """Return size and dead share, padded."""
    if size is None:
        return [(f" {'…':>{_SIZE}} {'':{_DEAD}}  ", "quiet")]
    dead = share_text(size.dead, size.size) if size.dead else ""
    return [
        (f" {size_text(size.size):>{_SIZE}} ", style if size.size else "quiet"),
        (f"{dead:>{_DEAD}}  ", "deleted"),
    ]
