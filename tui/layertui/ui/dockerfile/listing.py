"""The lines of a Dockerfile, with the size of each instruction at the right."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from layertui.content.syntax import colored, lexer_of
from layertui.dockerfile import Instruction
from layertui.dockerfile.bill import Bill
from layertui.model.sizes import Bytes
from layertui.text.format import share_text, size_text
from layertui.text.sanitize import visible_lines
from layertui.ui.detail.subject import chip
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Document, Line, Span

_STEP, _SIZE, _DEAD = 4, 8, 4
_GUTTER = _STEP + 6
_GAP = "   "


@dataclass(slots=True)
class Listing:
    """The bodies of a Dockerfile's lines, and which instruction each belongs to."""

    found: Sequence[Instruction]
    bodies: list[Sequence[Span]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    """The number of each line's instruction."""
    starts: list[int] = field(default_factory=list)
    """The first line of each instruction."""

    def at(self, line: int) -> Instruction | None:
        """Return the instruction of a line; None below the last."""
        return self.found[self.owners[line]] if 0 <= line < len(self.owners) else None

    def line_of(self, each: Instruction | None) -> int:
        """Return the first line of an instruction, or of the same step in another reconstruction."""
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
        lines = [self._line(number, bill, (bar, largest), joined) for number in range(len(self.bodies))]
        total = bill.total if bill.sizes else None
        aside = [(" " * bar, ""), *_amounts(total, "bold")]
        lines += [Line(), Line([("total", "quiet")], [(" ", "")], aside=aside)]
        return Document(lines, _GUTTER, self.starts, aside=_aside(width))

    def _line(self, number: int, bill: Bill, scale: tuple[int, int], joined: Collection[int]) -> Line:
        owner = self.owners[number]
        each = self.found[owner]
        is_first = self.starts[owner] == number
        gutter: list[Span] = [(" " * _STEP, "")]
        if is_first:
            mark = "▸" if each.step in joined else " "
            gutter = [(mark, "accent"), (f"{each.step + 1 or '':>{_STEP - 1}}", "quiet")]
        gutter.append((" ", ""))
        if each.layer is not None:
            gutter += chip(each.layer)[: 2 if is_first else 1]
        if not is_first or each.layer is None:
            return Line(self.bodies[number], gutter)
        size = bill.size_of(each)
        remark = bill.remarks.get(each.layer, "")
        aside: list[Span] = [(f"  {remark}  ", "quiet")] if remark else []
        if size is None or size.size:  # the remark on an empty layer may take the place of its bar
            aside += two_part_bar(size or Bytes(0, 0), scale[1], scale[0], f"layer:{each.layer}")
        return Line(self.bodies[number], gutter, aside=[*aside, *_amounts(size)])


def listing_of(found: Sequence[Instruction]) -> Listing:
    """Lay out instructions; steps of the base image are comments. What is uncertain is at the end of a first line."""
    listing = Listing(found)
    lexer = lexer_of("Dockerfile", "")
    for number, each in enumerate(found):
        text = [line for raw in each.text.split("\n") for line in visible_lines(raw)] if each.text else []
        bodies: list[list[Span]] = [[(line, "quiet")] for line in text]
        if not each.is_base:
            bodies = [[*pieces] for pieces in colored(lexer, text)]
        note = "; ".join(each.comments)
        if note and bodies:
            bodies[0].append((f"{_GAP}# {note}", "quiet"))
        elif note or not bodies:
            bodies = [[(f"# {note}", "quiet")]]
        listing.starts.append(len(listing.bodies))
        listing.bodies += bodies
        listing.owners += [number] * len(bodies)
    return listing


def columns(width: int) -> list[Line]:
    """Return the names of the columns."""
    left = f"{'STEP LAYER':<{_GUTTER}} INSTRUCTION"
    right = f"{'SIZE':>{_SIZE}} {'DEAD':>{_DEAD}} "
    return [Line([(left + right.rjust(max(width - len(left) - 1, len(right))), "quiet")])]


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
