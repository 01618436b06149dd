"""The part Size: the directories of the current one with bars, then sums over the whole image."""

from collections.abc import Mapping
from dataclasses import dataclass

from layertui.insight.leftovers import LEFTOVER_RULES
from layertui.insight.tally import Sum, Survey
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.insight.parts import PARTS, name_of, name_spans
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Span

_SIZE, _COUNT, _BAR, _GAP = 8, 8, 10, 2
_REMEDIES = {rule.name: rule.remedy for rule in LEFTOVER_RULES}


@dataclass(slots=True)
class SizeView:
    """What is shown of the sizes: below which directory, live or dead bytes."""

    directory: str = "/"
    is_dead: bool = False

    @property
    def word(self) -> str:
        return "dead" if self.is_dead else "live"

    def page(self, survey: Survey, steps: Mapping[LayerNumber, str], chosen: int = -1) -> Page:
        """Return the sums, those of the image in the root only; the cursor is on the sum ``chosen``.

        An event is the number of a sum plus one.
        """
        page = PageBuilder(_SIZE + _COUNT + _GAP + _BAR + _GAP)
        for note in survey.notes:
            page.add(("⚠ ", "modified"), (visible(note), ""))
        here = self._number(survey, self.directory)
        current, rest = survey.sums[here], self._amount(survey.sums[here])
        lines = {
            here: page.add(
                (visible(self.directory), "bold"),
                gutter=self._gutter(current, current.size),
                event=here + 1,
            )
        }
        if self.is_dead and not rest[0]:
            page.add()
            page.add(("No dead files here: the final tree shows all of them.", "quiet"))
        rows = [
            (number, each)
            for number, each in enumerate(survey.sums)
            if self._amount(each)[0]
            and (self._is_child(each) if each.kind == "directory" else self.directory == "/")
        ]
        rows.sort(key=lambda row: -self._amount(row[1])[0])
        for kind, heading in PARTS["size"].kinds.items():
            group = [row for row in rows if row[1].kind == kind]
            largest = max((each.size for _, each in group), default=0)
            if group:
                page.add()
                heads = f"{self.word.upper():>{_SIZE}}{'FILES':>{_COUNT}}{'':{_GAP + _BAR + _GAP}}"
                page.add((heading, "quiet"), gutter=[(heads, "quiet")])
            for number, each in group:
                name: list[Span] = [*name_spans(each, steps)]
                if kind == "directory":
                    name = [(visible(each.name.rpartition("/")[2]) + "/", "")]
                    rest = (rest[0] - self._amount(each)[0], rest[1] - self._amount(each)[1])
                lines[number] = page.add(*name, gutter=self._gutter(each, largest), event=number + 1)
            if group and kind == "directory" and rest[1]:
                page.add(("other files", "quiet"), gutter=[(_numbers(*rest), "quiet")])
        return page.page(cursor=lines.get(chosen, lines[here]), clip=True)

    def files(self, each: Sum) -> int:
        """Return the number of live or dead files of a sum."""
        return self._amount(each)[1]

    def title(self, each: Sum, steps: Mapping[LayerNumber, str]) -> str:
        """Return the name of a sum; of leftovers also how not to have them."""
        name = name_of(each, steps)
        return f"{name}: {_REMEDIES[each.name]}" if each.kind == "leftover" else name

    def enter(self, survey: Survey, chosen: int) -> bool:
        """Go into a directory; False if it is none, the current one, or has no directories."""
        each = survey.sums[chosen]
        inside = SizeView(each.path, self.is_dead)
        if each.kind != "directory" or each.path == self.directory:
            return False
        if not any(inside._is_child(other) and self._amount(other)[0] for other in survey.sums):
            return False
        self.directory = each.path
        return True

    def leave(self, survey: Survey) -> int:
        """Go to the directory above; return the number of the one that was left."""
        number = self._number(survey, self.directory)
        self.directory = _parent(self.directory)
        return number

    def _number(self, survey: Survey, path: str) -> int:
        return next(
            number
            for number, each in enumerate(survey.sums)
            if each.kind == "directory" and each.path == path
        )

    def _is_child(self, each: Sum) -> bool:
        return each.kind == "directory" and each.path != "/" and _parent(each.path) == self.directory

    def _amount(self, each: Sum) -> tuple[int, int]:
        """Return the bytes and files of a sum that are live or dead."""
        if self.is_dead:
            return each.dead, each.dead_count
        return each.size - each.dead, each.count - each.dead_count

    def _gutter(self, each: Sum, largest: int) -> list[Span]:
        size = Bytes(each.size - each.dead, each.dead)
        style = f"layer:{each.layer}" if each.layer else "accent"
        return [
            (_numbers(*self._amount(each)), ""),
            *two_part_bar(size, largest, _BAR, style),
            (" " * _GAP, ""),
        ]


def _numbers(size: int, files: int) -> str:
    return f"{size_text(size):>{_SIZE}}{files:>{_COUNT},}{'':{_GAP}}"


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"
