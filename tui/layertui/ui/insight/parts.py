"""How the parts of the insight are reported: words, sums, and rows of findings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from layertui.insight.tally import Finding, Sum, Survey
from layertui.insight.waste import Reason
from layertui.model.numbers import LayerNumber
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten, shorten_path
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.subject import chip
from layertui.ui.detail.words import CHANGE_MARKS
from layertui.ui.widgets.lines import Document, Line, Span
from layertui.ui.widgets.text_view import TextView
from layertui.union.changes import Mark

_SIZE, _COUNT, _CHIP = 8, 8, 6
"""Cells of numbers, and of a layer's number in its color."""
_UNMASKED = 60
"""Most cells of an unmasked secret."""
_GAP = 2
_SIGN = 2
"""Cells of the sign before a reason."""
_HIDDEN_BY = "hidden by"
"""The column with the number of a layer."""


@dataclass(frozen=True, slots=True)
class Part:
    """The words of a part."""

    title: str
    singular: str
    plural: str
    """What its findings are called."""
    kinds: Mapping[str, str]
    """Headings of the sums."""
    columns: Mapping[str, int]
    """Cells of what is reported beside each path, at most."""
    where: str
    """Heading of the last column."""
    nothing: str
    """The sentence if nothing was found."""
    is_sized: bool = True
    """Whether findings are measured in bytes."""
    strikes: bool = True
    """Whether hidden paths are struck through; not needed if all are hidden."""

    def count(self, number: int) -> str:
        """``1 copy``, ``1,204 copies``."""
        return f"{number:,} {self.singular if number == 1 else self.plural}"


PARTS: Mapping[str, Part] = {
    "waste": Part(
        "Waste", "file", "files",
        {"step": "HIDDEN BY", "reason": "REASON", "directory": "WHERE"},
        {"reason": 18, _HIDDEN_BY: len(_HIDDEN_BY)}, "PATH",
        "No wasted space: every stored file is in the final tree.",
        strikes=False,
    ),
    "secrets": Part(
        "Secrets", "secret", "secrets",
        {"rule": "RULE", "place": "WHERE", "step": "ADDED BY"},
        {"rule": 20, "secret": 13}, "WHERE",
        "No known secret patterns in files, environment, labels or history.",
        is_sized=False,
    ),
    "duplicates": Part(
        "Duplicates", "copy", "copies",
        {"saved": "WHERE", "step": "BY STEP"},
        {"copies": 16}, "PATHS",
        "No duplicates.",
    ),
    "permissions": Part(
        "Permissions", "path", "paths",
        {"right": "RIGHT", "step": "ADDED BY"},
        {"right": 20, "mode": 10, "owner": 9}, "PATH",
        "No setuid, setgid or world-writable files, no capabilities, no unknown owners.",
        is_sized=False,
    ),
    "packages": Part(
        "Packages", "change", "changes",
        {"state": "FINAL TREE", "change": "CHANGE", "step": "BY STEP", "kind": "TYPE"},
        {"change": 8, "type": 6}, "PACKAGE",
        "No package database found (dpkg, apk, rpm, Python, npm).",
    ),
}  # fmt: skip


def sums_page(part: Part, survey: Survey, steps: Mapping[LayerNumber, str]) -> Page:
    """Return the sums under their headings. An event is the number of a sum plus one; 0: all."""
    page = PageBuilder((_SIZE if part.is_sized else 0) + _COUNT + _GAP)
    page.add(("all", "bold"), gutter=_numbers(part, survey.size, survey.count), event=0)
    kind = ""
    for number, each in enumerate(survey.sums, 1):
        if each.kind != kind:
            kind = each.kind
            page.add()
            heads = ("SIZE" if part.is_sized else "", part.plural.upper())
            page.add((part.kinds[kind], "quiet"), gutter=_columns(part, *heads, "quiet"))
        page.add(
            *name_spans(each, steps),
            gutter=_numbers(part, each.size, each.count),
            event=number,
            is_path=each.kind == "directory",
        )
    return page.page(*(Line([("⚠ ", "modified"), (visible(note), "")]) for note in survey.notes), clip=True)


def name_of(each: Sum, steps: Mapping[LayerNumber, str]) -> str:
    """Return the name of a sum, sanitized."""
    return "".join(text for text, _style in name_spans(each, steps))


_MARKS = {
    Reason.REWRITTEN.words: Mark.MODIFIED,
    Reason.METADATA.words: Mark.ATTRIBUTES,
    Reason.TOUCHED.words: Mark.ATTRIBUTES,
    Reason.REPEATED.words: Mark.REPEATED,
    Reason.DELETED.words: Mark.DELETED,
    Reason.REPLACED.words: Mark.DELETED,
    Reason.MOVED.words: Mark.DELETED,
}
"""The change of the path that hid a file, by the name of its reason."""


def _reason_spans(words: str) -> list[Span]:
    sign, style = CHANGE_MARKS[_MARKS.get(words, Mark.NONE)]
    return [(f"{sign or '?':<{_SIGN}}", style), (words, "")]


def name_spans(each: Sum, steps: Mapping[LayerNumber, str]) -> list[Span]:
    """Return the name of a sum, a step with its layer in color; sanitized."""
    if each.kind == "reason":
        return _reason_spans(each.name)
    if each.kind != "step":
        return [(visible(each.name), "")]
    if not each.layer:
        return [("config", "")]
    return [*chip(each.layer), (f"  {steps.get(each.layer, '')}", "")]


def _numbers(part: Part, size: int, count: int) -> list[Span]:
    return _columns(part, size_text(size), f"{count:,}")


def _columns(part: Part, size: str, count: str, style: str = "") -> list[Span]:
    sizes = f"{size:>{_SIZE}}" if part.is_sized else ""
    return [(f"{sizes}{count:>{_COUNT}}{'':{_GAP}}", style)]


def column_widths(part: Part, findings: Sequence[Finding]) -> Mapping[str, int]:
    """Return the cells of the columns of a part, no wider than needed: the path gets the rest."""
    widths = dict.fromkeys(part.columns, 0)
    columns = zip(*(finding.cells for finding in findings), strict=True)
    for name, column in zip(widths, columns, strict=False):  # without findings there are none
        widths[name] = max(map(cell_len, map(visible, set(column))))
    if "reason" in widths:
        widths["reason"] += _SIGN
    return {name: min(max(width, len(name)), part.columns[name]) for name, width in widths.items()}


class Findings(Document):
    """Findings a line each; what is reported of one is put together when it is to be seen."""

    def __init__(
        self,
        part: Part,
        findings: Sequence[Finding],
        columns: Mapping[str, int],
        room: Callable[[], int],
        is_unmasked: bool,
    ) -> None:
        """``columns``: as :func:`column_widths` has them for all findings; ``room`` returns the width in cells."""
        gutter = (_SIZE + _GAP if part.is_sized else 0) + _CHIP
        super().__init__(gutter=gutter, items=range(len(findings)), clip=True)
        self.findings = findings
        self._part = part
        self._columns = columns
        self._room = room
        self._is_unmasked = is_unmasked

    def __len__(self) -> int:
        return len(self.findings)

    def heading(self) -> Line:
        """Name the columns."""
        size = f"{'SIZE':>{_SIZE}}  " if self._part.is_sized else ""
        cells = "".join(f"{name.upper():<{width + _GAP}}" for name, width in self._widths())
        return Line([(f"{size}LAYER {cells}{self._part.where}", "quiet")])

    def line(self, number: int) -> Line:
        finding = self.findings[number]
        gutter: list[Span] = []
        if self._part.is_sized:
            size = size_text(finding.size) if finding.size >= 0 else ""
            gutter.append((f"{size:>{_SIZE}}{'':{_GAP}}", ""))
        gutter += [*(chip(finding.layer) if finding.layer else [("   –", "quiet")]), ("  ", "")]
        body: list[Span] = []
        left = self._room() - self.gutter
        for (name, width), cell in zip(self._widths(), finding.cells, strict=True):
            if name == _HIDDEN_BY:
                body += [*chip(LayerNumber(int(cell))), (" " * (width - 4 + _GAP), "")]
            elif name == "reason":
                sign, words = _reason_spans(cell)
                body += [sign, (f"{words[0]:<{width - _SIGN + _GAP}}", "quiet")]
            else:
                text = finding.secret if name == "secret" and self._is_unmasked else cell
                body.append((f"{shorten(visible(text), width):<{width + _GAP}}", "quiet"))
            left -= width + _GAP
        style = "strike" if finding.is_hidden and self._part.strikes else ""
        body.append((shorten_path(visible(finding.where), max(left, 12)), style))
        return Line(body, gutter)

    def _widths(self) -> list[tuple[str, int]]:
        widths = dict(self._columns)
        if self._is_unmasked and "secret" in widths:  # beside it half of what is left for the path
            rest = self._room() - self.gutter - sum(widths.values()) - _GAP * len(widths)
            widths["secret"] += max(min(rest // 2, _UNMASKED), 0)
        return list(widths.items())


class FindingsView(TextView):
    """Findings under a heading that is as wide as their columns."""

    def on_resize(self) -> None:
        if isinstance(self.document, Findings):
            self.heading = [self.document.heading(), *self.heading[1:]]
