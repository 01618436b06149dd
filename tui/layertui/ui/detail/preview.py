"""The fourth tab: the content of the path."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from layertui.content.blame import blame
from layertui.content.syntax import lexer_of
from layertui.content.text import Encoding, encoding_of
from layertui.model.entry import Entry
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import Event, LayerNumber
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.blame_margin import BlameMargin, rail
from layertui.ui.detail.hex_view import HexDocument
from layertui.ui.detail.page import Page, PageBuilder, message
from layertui.ui.detail.subject import Subject, chip
from layertui.ui.detail.text_document import TextDocument
from layertui.ui.detail.words import absence, encoding_facts, path_of, sizes
from layertui.ui.widgets.lines import Document, Line, Span
from layertui.union.directory_summary import summarize_directory
from layertui.union.symlinks import follow_links

_HEAD = 1 << 16
"""Bytes read of a file at first."""
_LARGEST = 200
"""Children of a directory that are listed."""
_BAR = 12
"""Cells of the longest bar."""

_NOTHING = {
    "char": "Character device: no content.",
    "block": "Block device: no content.",
    "fifo": "Named pipe: no content.",
    "socket": "Socket: no content.",
}

_PLURALS = {
    "file": ("file", "files"),
    "directory": ("directory", "directories"),
    "symlink": ("symlink", "symlinks"),
    "char": ("character device", "character devices"),
    "block": ("block device", "block devices"),
    "fifo": ("named pipe", "named pipes"),
    "socket": ("socket", "sockets"),
}


class Form(NamedTuple):
    """How a file is shown."""

    hexed: bool | None = None
    """None: hex only if it is not text."""
    blamed: bool = False
    """With the layer that wrote each line of a text."""


def pages(subject: Subject, event: Event, form: Form, job: Job, line: int = 0) -> Iterator[Page]:
    """Yield the content that ``event`` stored, each page more complete than the last.

    A text begins at ``line``, which is marked (counted from 1; 0 for the start).
    """
    if event < 0:
        yield message(f"{subject.union.path(subject.node)} is {absence(subject, subject.node)}.")
        return
    entry = subject.union.entry(event)
    if entry.type == "directory":
        yield _directory(subject, event, job)
    elif entry.type == "symlink":
        yield _symlink(subject, event)
    elif entry.type != "file":
        yield message(_NOTHING[entry.type])
    elif not entry.size:
        yield message("Empty file.")
    else:
        yield from _file(subject, event, entry, form, job, line)


def _file(subject: Subject, event: Event, entry: Entry, form: Form, job: Job, line: int) -> Iterator[Page]:
    """Yield a file as text if it is text or requested as such, else in hex."""
    head = subject.contents.read(event, 0, _HEAD, job)
    encoding = encoding_of(head, entry.size)
    facts = encoding_facts(encoding) if encoding else ["binary"]
    if form.hexed or (form.hexed is None and encoding is None):
        document: Document = HexDocument(subject.contents, event, entry.size, head)
        yield Page(document, [_heading(subject, event, *facts)])
        return
    if encoding is None:
        encoding = Encoding("utf-8", "UTF-8")
        facts = ["binary, shown as text"]
    job.check()
    lexer = lexer_of(PurePosixPath(entry.path).name, encoding.decode(head[:4000]))
    if lexer is not None:
        facts.insert(0, str(lexer.name))
    margin = BlameMargin(subject) if form.blamed else None
    text = TextDocument(subject.contents, event, entry.size, head, encoding, lexer, margin)
    if line:
        text.go_to_line(line, job)
    heading = [_heading(subject, event, *facts)]
    if margin is None:
        yield Page(text, heading, top=text.marked.start)
        return
    heading = [Line([*rail(subject, event), (" · ", "quiet"), *heading[0].body])]
    yield Page(text, heading, top=text.marked.start)
    try:
        found = blame(subject.union, subject.contents.read, event, job)
    except LayertuiError as error:
        yield Page(text, [*heading, Line([(visible(str(error)), "modified")])])
        return
    margin.fill(found)
    if found.doubts:
        why = visible(next(iter(found.doubts.values())))
        heading.append(Line([("? ", "modified"), (f"may be of an older layer: {why}", "quiet")]))
    yield Page(text, heading)


def _heading(subject: Subject, event: Event, *facts: str) -> Line:
    """Return the heading: the layer of a version that is not visible, then its facts."""
    union, layer = subject.union, subject.merged_layer
    spans: list[Span] = []
    if union.at(union.ev_node[event], layer) != event:
        path = f": {path_of(subject, event)}" if union.ev_node[event] != subject.node else ""
        spans += [(f"hidden, from layer {union.ev_layer[event]}", "deleted"), (f"{path} · ", "quiet")]
    spans += [(" · ".join((*facts, sizes(union.size(event)))), "quiet")]
    return Line(spans)


def _symlink(subject: Subject, event: Event) -> Page:
    """Return every step of a symlink's resolution."""
    union = subject.union
    build = PageBuilder()
    build.add((path_of(subject, event), "bold"))
    for hop in follow_links(union, event, subject.merged_layer):
        build.add(("  → ", "accent"), (visible(hop.target), ""))
        if hop.node < 0:
            build.add(("    broken link: ", "deleted"), (visible(hop.why), "quiet"))
            continue
        there = union.entry(union.at(hop.node, subject.merged_layer))
        build.add(
            ("    is ", "quiet"),
            (visible(there.path), "bold"),
            (f", {there.type}", "quiet"),
            (f", {size_text(there.size)}" if there.type == "file" else "", "quiet"),
            (f", from layer {there.layer}", "quiet"),
            event=union.at(hop.node, subject.merged_layer),
            value=there.path,
        )
    return build.page(_symlink_heading(subject, event))


def _symlink_heading(subject: Subject, event: Event) -> Line:
    if subject.union.at(subject.node, subject.merged_layer) == event:
        return Line([("Link target inside the image", "quiet")])
    whose = subject.union.ev_layer[event]
    return Line([(f"hidden, from layer {whose}", "deleted"), (": current link target", "quiet")])


def _directory(subject: Subject, event: Event, job: Job) -> Page:
    """Return counts, sums, and the largest children with a bar each."""
    union, layer = subject.union, subject.merged_layer
    node = union.ev_node[event]
    if union.at(node, layer) != event:  # as of the last layer that had it
        later = [other for other in union.versions(node) if other > event]
        layer = LayerNumber(union.ev_layer[later[0]] - 1) if later else layer
    found = summarize_directory(union, node, layer, job)
    build = PageBuilder(gutter=12 + _BAR)
    largest = max((size for _child, size in found.children), default=0)
    for child, size in found.children[:_LARGEST]:
        there = union.at(child, layer)
        slash = "/" if union.is_directory(there) else ""
        filled = -(-size * _BAR // largest) if size else 0
        build.add(
            *chip(union.ev_layer[there]),
            (f" {visible(union.name(child))}{slash}", ""),
            gutter=[(f"{size_text(size):>9}  ", "" if size else "quiet"), ("█" * filled, "line")],
        )
    if len(found.children) > _LARGEST:
        build.add((f"and {len(found.children) - _LARGEST:,} more", "quiet"))
    return build.page(_directory_heading(found.types, found.size, len(found.children)), clip=True)


def _directory_heading(types: dict[str, int], size: int, children: int) -> Line:
    if not children:
        return Line([("Empty directory", "quiet")])
    counts = [
        f"{types[kind]:,} {one if types[kind] == 1 else many}"
        for kind, (one, many) in _PLURALS.items()
        if kind in types
    ]
    own = f"{children:,} {'child' if children == 1 else 'children'}"
    return Line([(own, "bold"), (f" · {', '.join(counts)} below · {sizes(size)}", "quiet")])
