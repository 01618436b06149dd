"""The detail of a compared path: its differences, then its content in each image."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from layertui.compare.comparison import Comparison
from layertui.compare.trees import A, B
from layertui.content.read import Contents
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import BASE, ROOT, LayerNumber, Node
from layertui.text.format import facts_text, growth_text
from layertui.text.sanitize import visible
from layertui.ui.detail import difference
from layertui.ui.detail.changes import COLUMN, GUTTER, compare, label, properties
from layertui.ui.detail.page import Page, PageBuilder, message
from layertui.ui.detail.pane import CHANGES, DIFF, DetailPane
from layertui.ui.detail.subject import Subject
from layertui.ui.detail.words import CHANGE_MARKS, change_spans
from layertui.ui.widgets.lines import Line, Span
from layertui.union.changes import Mark, mark_of_facts

NAMES = {A: "A", B: "B"}


@dataclass(frozen=True, slots=True, eq=False)
class ComparedSubject(Subject):
    """A path in two images; the layers of ``union`` are A and B."""

    comparison: Comparison
    own: Subject
    """The same path in B alone, or in A if B does not have it."""

    @property
    def where(self) -> str:
        return "in A and B"

    def called(self, *layers: LayerNumber) -> str:
        return " and ".join(NAMES[layer] for layer in layers)

    def chip(self, layer: LayerNumber) -> list[Span]:
        return side_chip(layer)


def side_chip(side: LayerNumber) -> list[Span]:
    """Return a side in its color, two cells wide."""
    return [("▌", f"layer:{side}"), (NAMES[side], f"layer:{side} bold")]


def compared_subject(
    comparison: Comparison, contents: tuple[Contents, Contents], node: Node
) -> ComparedSubject:
    """Return the subject for a node of the comparison's union; ``contents`` are those of A and B."""
    whose = B if comparison.event(node, B) >= 0 else A
    side = (comparison.a, comparison.b)[whose - A]
    path = comparison.union.path(node)
    own = Subject(
        side.image, side.union, contents[whose - A], max(side.layer, BASE), max(side.union.find(path), ROOT)
    )
    return ComparedSubject(
        comparison.a.image, comparison.union, comparison.contents, B, node, comparison, own
    )


class ComparedPane(DetailPane):
    """The first two tabs show the differences, the others the path in B (or in A, if B does not have it)."""

    def told_about(self, subject: Subject) -> Subject:
        assert isinstance(subject, ComparedSubject)
        is_pair = self.tab == CHANGES or (self.tab == DIFF and self._compared is None)
        return subject if is_pair else subject.own

    def _pages(self, subject: Subject, job: Job) -> Iterator[Page]:
        if not isinstance(subject, ComparedSubject):
            return super()._pages(subject, job)
        if self.tab == CHANGES:
            return iter([changes_page(subject)])
        why = nothing_to_compare(subject)
        if why:
            return iter([message(why)])
        events = (subject.union.at(subject.node, A), subject.union.at(subject.node, B))
        return difference.pages(subject, events, job)


def nothing_to_compare(subject: ComparedSubject) -> str:
    """Return why there is no diff of the contents; empty if there may be one."""
    found, node = subject.comparison, subject.node
    path = subject.union.path(node)
    if found.event(node, A) < 0 or found.event(node, B) < 0:
        whose = "B" if found.event(node, A) < 0 else "A"
        return f"{path} is only in {whose}. 4 shows it."
    if found.what(node) is None:
        return f"{path} is identical in A and B. 4 shows it."
    return ""


def changes_page(subject: ComparedSubject) -> Page:
    """Return the path, its differences, and its metadata in A and B."""
    build = PageBuilder(GUTTER)
    _add_verdict(build, subject)
    build.add()
    _add_metadata(build, subject)
    return build.page(_heading())


def _add_verdict(build: PageBuilder, subject: ComparedSubject) -> None:
    """Add the path and how it differs, and how many paths below it do."""
    found, node = subject.comparison, subject.node
    union, what = subject.union, found.what(node)
    mark, said = Mark.NONE, "identical in A and B"
    if found.entry(node, A) is None:
        mark, said = Mark.ADDED, "only in B"
    elif found.entry(node, B) is None:
        mark, said = Mark.DELETED, "only in A"
    elif what is not None:
        mark, said = mark_of_facts(what), f"in both, different: {facts_text(what)}"
    sign, style = CHANGE_MARKS[mark]
    path = (visible(union.path(node)), "bold")
    build.add((f"{sign} " if sign else "", style), path, ("  ", ""), (said, style or "quiet"))
    if union.end[node] - node > 1 and (below := _below(found, node)):
        grown = growth_text(found.growth(node), "−")
        build.add(("Below it: ", "quiet"), *below, (f", {grown} in all", "quiet"))
    unread = found.unread.get(union.path(node))
    if unread is not None:
        build.add((visible(f"Contents could not be compared: {unread}"), "deleted"))


def _add_metadata(build: PageBuilder, subject: ComparedSubject) -> None:
    """Add the metadata of the path: once if it is the same or on one side only, else A's beside B's."""
    found, node = subject.comparison, subject.node
    what = found.what(node)
    sides = [(side, entry) for side in (A, B) if (entry := found.entry(node, side)) is not None]
    heads = [[*side_chip(side), (f" layer {entry.layer}", f"layer:{side}")] for side, entry in sides]
    values = [properties(entry) for _side, entry in sides]
    if len(values) == 1 or what is None:
        build.add(*heads[-1], gutter=[label("image")])
        for name, value in values[-1].items():
            build.add((value, ""), gutter=[label(name)])
        return
    before, after = values
    width = min(max(map(cell_len, [*before.values(), "".join(text for text, _ in heads[0])])), COLUMN)
    pad = width - sum(len(text) for text, _ in heads[0]) + 5
    build.add(*heads[0], (" " * pad, ""), *heads[1], gutter=[label("image")])
    for name in {**before, **after}:
        compare(build, name, before.get(name, ""), after.get(name, ""), width)
    _add_content(build, subject, "content" in what)


def _add_content(build: PageBuilder, subject: ComparedSubject, differs: bool) -> None:
    """Add whether the contents differ, if both sides have files that can be read."""
    union, node = subject.union, subject.node
    are_files = all(union.ev_kind[union.at(node, side)] == Kind.FILE for side in (A, B))
    if are_files and union.path(node) not in subject.comparison.unread:
        text: Span = ("differs, ", "modified") if differs else ("the same", "quiet")
        more = [("2: diff", "quiet")] if differs else []
        build.add(text, *more, gutter=[label("content", changed=differs)])


def _below(found: Comparison, node: Node) -> list[Span]:
    """Return how many paths below a directory differ; empty if none does."""
    counts = found.merged_b.changes_below(node)
    return change_spans({mark: count for mark, count in counts.items() if count})


def _heading() -> Line:
    return Line([*side_chip(A), (" → ", "quiet"), *side_chip(B)])
