"""The second tab: how what the path holds differs from the version before."""

import threading
from collections.abc import Iterator

from layertui.safe import visible
from layertui.ui.widgets.detail.page import Page, PageBuilder, message
from layertui.ui.widgets.detail.subject import Subject
from layertui.ui.widgets.detail.words import absence, chip, path_of, sizes
from layertui.ui.widgets.lines import Line, Span
from layertui.union.entry import Entry

_LIMIT = 1 << 20
"""Bytes of each version that are compared line by line."""


def pages(subject: Subject, compared: tuple[int, int] | None, cancelled: threading.Event) -> Iterator[Page]:
    """Compares two events, by default the visible version with the one before it."""
    before, after = compared or _pair(subject)
    why = _nothing_to_compare(subject, before, after)
    if why:
        yield message(why)
        return
    one, other = subject.union.entry(before), subject.union.entry(after)
    if one.type == "symlink":
        yield _links(subject, before, after)
        return
    yield _sums(subject, before, after, one, other, cancelled)


def _pair(subject: Subject) -> tuple[int, int]:
    """The visible version and what it took the place of; -1 where there is none."""
    union = subject.union
    after = union.at(subject.node, subject.merged_layer)
    if after < 0:
        return -1, -1
    return union.at(subject.node, union.ev_layer[after] - 1), after


def _nothing_to_compare(subject: Subject, before: int, after: int) -> str:
    """A sentence that says why; empty if there is something."""
    union = subject.union
    path = union.path(subject.node)
    if after < 0:
        gone = absence(subject, subject.node)
        return f"{path} is {gone}. Press 4 to read what it was, 3 for its versions."
    whose = union.ev_layer[after]
    if before < 0:
        earlier = union.ev_prev[after] >= 0
        then = "it was deleted before; press 3 for its earlier versions" if earlier else "no earlier version"
        return f"{path} was added by layer {whose}: {then}."
    if before == after:
        return f"Layer {whose} has the first version of {path}: there is none before it."
    for event in (before, after):
        if not union.shows(event):
            return f"Layer {union.ev_layer[event]} deleted {path}: nothing is stored there to compare."
    one, other = union.entry(before), union.entry(after)
    if one.type != other.type:
        return f"{path} was a {one.type} in layer {one.layer} and is a {other.type} in layer {other.layer}."
    if one.type == "directory":
        return f"{path} is a directory: press 1 for what layer {whose} did to it and below it."
    if one.type not in ("file", "symlink"):
        return f"{path} is a {one.type}: it holds nothing to compare."
    if union.ev_inode[before] == union.ev_inode[after]:
        return f"Layers {one.layer} and {other.layer} share one file: a hardlink has no content of its own."
    if one.type == "file" and one.size == other.size == 0:
        return f"{path} is empty in layer {one.layer} and in layer {other.layer}."
    return ""


def heading(subject: Subject, before: int, after: int, *facts: str) -> Line:
    """Which versions are compared, and what there is to know of that."""
    union = subject.union
    spans: list[Span] = [*chip(union.ev_layer[before]), (" → ", "quiet"), *chip(union.ev_layer[after])]
    return Line([*spans, ("  " + " · ".join(facts), "quiet")])


def _links(subject: Subject, before: int, after: int) -> Page:
    union = subject.union
    old, new = (
        visible((union.linkname(event) or b"").decode("utf-8", "surrogateescape"))
        for event in (before, after)
    )
    build = PageBuilder(gutter=2)
    if old == new:
        build.add((old, ""), ("  the same in both layers", "quiet"))
    else:
        build.add((old, "inside-deleted"), gutter=[("-", "deleted")], style="on-deleted")
        build.add((new, "inside-added"), gutter=[("+", "added")], style="on-added")
    return build.page(heading(subject, before, after, "where the link leads"))


def _sums(
    subject: Subject, before: int, after: int, one: Entry, other: Entry, cancelled: threading.Event
) -> Page:
    """Sizes and digests of both."""
    digests = [subject.contents.digest(event, cancelled) for event in (before, after)]
    build = PageBuilder(gutter=14)
    for event, entry, digest in ((before, one, digests[0]), (after, other, digests[1])):
        build.add((path_of(subject, event), ""), gutter=chip(entry.layer))
        build.add((sizes(entry.size), ""), gutter=[("size", "quiet")], value=str(entry.size))
        build.add((digest, ""), gutter=[("digest", "quiet")], value=digest)
    return build.page(heading(subject, before, after))
