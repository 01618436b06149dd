"""The second tab: the diff to the previous version."""

from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from layertui.content.ranges import ByteRange, ReadAt, differing_ranges
from layertui.content.text import Encoding, encoding_of
from layertui.model.job import Job
from layertui.model.numbers import NO_EVENT, Event, LayerNumber
from layertui.text.format import count_text, exact_size, facts_text, sentence, size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.hex_view import ROW, hex_spans
from layertui.ui.detail.page import Page, PageBuilder, message
from layertui.ui.detail.subject import Subject
from layertui.ui.detail.text_difference import TextDifference, Version
from layertui.ui.detail.words import absence, encoding_facts, sizes
from layertui.ui.widgets.lines import Line, Span
from layertui.union.changes import difference

_LIMIT = 1 << 20
"""Most bytes per version that are compared line by line."""
_HEAD = 1 << 16
"""Leading bytes that decide whether a file is text."""
_AHEAD = 4096
"""Bytes before the first difference of large texts in which the start of a line is searched."""
_RANGES = 100
"""Ranges of differing bytes that are shown."""
_ROWS = 8
"""Lines shown per range; the rest is counted."""


def pages(subject: Subject, compared: tuple[Event, Event] | None, job: Job) -> Iterator[Page]:
    """Compare two events; by default the visible version with the previous one."""
    before, after = compared or _pair(subject)
    why = _nothing_to_compare(subject, before, after)
    if why:
        yield message(why)
    elif subject.union.entry(before).type == "symlink":
        yield _links(subject, before, after)
    else:
        yield _files(subject, before, after, job)


def _pair(subject: Subject) -> tuple[Event, Event]:
    """Return the visible version and the one it replaced; -1 for none."""
    union = subject.union
    after = union.at(subject.node, subject.merged_layer)
    if after < 0:
        return NO_EVENT, NO_EVENT
    return union.at(subject.node, LayerNumber(union.ev_layer[after] - 1)), after


def _nothing_to_compare(subject: Subject, before: Event, after: Event) -> str:
    """Return why there is nothing to compare; empty if there is."""
    union = subject.union
    path = union.path(subject.node)
    if after < 0:
        gone = absence(subject, subject.node)
        return f"{path} is {gone}. 4 shows the deleted content, 3 its versions."
    whose = union.ev_layer[after]
    if before < 0:
        earlier = union.ev_prev[after] >= 0
        then = "it was deleted before; 3 shows earlier versions" if earlier else "no earlier version"
        return f"{path} was added by layer {whose}: {then}."
    if before == after:
        return f"{path} first appears in layer {whose}."
    for event in (before, after):
        if not union.shows(event):
            return f"Layer {union.ev_layer[event]} deleted {path}: no content to compare."
    one, other = union.entry(before), union.entry(after)
    if one.type != other.type:
        was, is_now = subject.called(one.layer), subject.called(other.layer)
        return f"{path} was a {one.type} in {was} and is a {other.type} in {is_now}."
    if one.type == "directory":
        return f"{path} is a directory: 1 shows what {subject.called(whose)} changed in it."
    if one.type not in ("file", "symlink"):
        return f"{path} is a {one.type}: no content to compare."
    if union.ev_inode[before] == union.ev_inode[after]:
        both = sentence(subject.called(one.layer, other.layer))
        return f"{both} share one file (hardlinks)."
    if one.type == "file" and one.size == other.size == 0:
        return f"{path} is empty in {subject.called(one.layer)} and in {subject.called(other.layer)}."
    return ""


def heading(subject: Subject, before: Event, after: Event, *facts: str) -> Line:
    """Return the heading: which versions are compared."""
    union = subject.union
    spans: list[Span] = [
        *subject.chip(union.ev_layer[before]),
        (" → ", "quiet"),
        *subject.chip(union.ev_layer[after]),
    ]
    return Line([*spans, ("  " + " · ".join(facts), "quiet")])


def _links(subject: Subject, before: Event, after: Event) -> Page:
    union = subject.union
    old, new = (
        visible((union.linkname(event) or b"").decode("utf-8", "surrogateescape"))
        for event in (before, after)
    )
    build = PageBuilder(gutter=2)
    if old == new:
        build.add((old, ""), ("  identical", "quiet"))
    else:
        build.add((old, "inside-deleted"), gutter=[("−", "deleted")], style="on-deleted")
        build.add((new, "inside-added"), gutter=[("+", "added")], style="on-added")
    return build.page(heading(subject, before, after, "link target"))


def _files(subject: Subject, before: Event, after: Event, job: Job) -> Page:
    """Return the contents of two files: as text if both are, else as bytes."""
    contents = subject.contents
    if contents.same(before, after, job):
        return _alike(subject, before, after)
    heads = [contents.read(event, 0, _HEAD, job) for event in (before, after)]
    encodings = [
        encoding_of(head, subject.union.size(event))
        for head, event in zip(heads, (before, after), strict=True)
    ]
    one, other = encodings
    if one is None or other is None:
        return _binaries(subject, before, after, job)
    return _texts(subject, before, after, one, other, job)


def _alike(subject: Subject, before: Event, after: Event) -> Page:
    """Report that the contents are identical, and what differs instead."""
    union = subject.union
    one, other = union.entry(before), union.entry(after)
    both = sentence(subject.called(one.layer, other.layer))
    said = f"{both} store identical content, {sizes(one.size)}."
    what = facts_text(difference(union, before, after, lambda _before, _after: True))
    build = PageBuilder()
    build.add((said, ""))
    if what:
        build.add((f"Only these differ: {what}. ", ""), ("1: details", "quiet"))
    else:
        build.add(("Nothing else differs.", "quiet"))
    return build.page(heading(subject, before, after, "identical content"))


# Texts


def _texts(subject: Subject, before: Event, after: Event, one: Encoding, other: Encoding, job: Job) -> Page:
    union, contents = subject.union, subject.contents
    differ, facts = _encodings(one, other)
    if max(union.size(before), union.size(after)) <= _LIMIT:
        versions = [
            Version(contents.read(event, 0, -1, job), encoding)
            for event, encoding in ((before, one), (after, other))
        ]
    else:
        found = _windows(subject, before, after, one, other, job)
        if found is None:
            return _binaries(subject, before, after, job, *facts)
        versions = found
        size = max(union.size(before), union.size(after))
        facts.append(
            f"too large to compare completely ({size_text(size)}): lines from {found[0].first:,} on, "
            f"{size_text(_LIMIT)} of each"
        )
    name = PurePosixPath(union.path(subject.node)).name
    compared = TextDifference(name, versions[0], versions[1], job)
    build = PageBuilder()
    stops = compared.add_to(build)
    if not stops and not differ:  # escaped bytes of one look like text of the other
        return _binaries(subject, before, after, job, *facts)
    if not stops:
        build.gutter = 0
        build.add(("The lines are identical. ", ""), (f"Differences: {', '.join(differ)}.", "quiet"))
    else:
        facts = [count_text(len(stops), "hunk"), compared.counts(), *facts]
    job.check()
    return build.page(heading(subject, before, after, *facts), stops=stops, scroll=True)


def _encodings(one: Encoding, other: Encoding) -> tuple[list[str], list[str]]:
    """Return the difference of the encodings, line ends included."""
    differ, alike = [], []
    if one.name == other.name or {one.name, other.name} == {"ASCII", "UTF-8"}:
        alike.append(encoding_facts(other if one.name == "ASCII" else one)[0])
    else:
        differ.append(" → ".join(encoding_facts(encoding)[0] for encoding in (one, other)))
    if one.newline != other.newline:
        differ.append(f"line ends {one.newline} → {other.newline}")
    else:
        alike += encoding_facts(one)[1:]
    return differ, [*alike, *differ]


def _windows(
    subject: Subject, before: Event, after: Event, one: Encoding, other: Encoding, job: Job
) -> list[Version] | None:
    """Return the parts of large texts, starting at a line shortly before the first difference.

    ``None`` where lines cannot be told by their bytes.
    """
    union, contents = subject.union, subject.contents
    if one.codec != other.codec or one.codec.startswith(("utf-16", "utf-32")):
        return None
    counted = [0, 0]  # newlines before, bytes before

    def read(offset: int, length: int) -> bytes:
        return contents.read(before, offset, length, job)

    def other_read(offset: int, length: int) -> bytes:
        return contents.read(after, offset, length, job)

    shorter = min(union.size(before), union.size(after))
    first = next(differing_ranges(read, other_read, shorter), ByteRange(shorter, shorter)).start
    start = max(first - _AHEAD, 0)
    if start:
        lead = read(start, first - start)
        newline = lead.find(b"\n")
        if newline < 0:
            return None
        start += newline + 1
    while counted[1] < start:
        piece = read(counted[1], min(1 << 18, start - counted[1]))
        counted = [counted[0] + piece.count(b"\n"), counted[1] + len(piece)]
    versions = []
    for event, encoding in ((before, one), (after, other)):
        data = contents.read(event, start, _LIMIT, job)
        whole = start + len(data) >= union.size(event)
        if not whole:
            data = data[: data.rfind(b"\n") + 1 or len(data)]
        versions.append(Version(data, encoding, counted[0] + 1, whole))
    return versions


# Binaries


def _binaries(subject: Subject, before: Event, after: Event, job: Job, *facts: str) -> Page:
    """Return sizes and digests, then the differing byte ranges, one version above the other."""
    union, contents = subject.union, subject.contents
    events = (before, after)
    build = PageBuilder(gutter=11)
    for event, sign, style in ((before, "−", "deleted"), (after, "+", "added")):
        digest = contents.digest(event, job)
        label: list[Span] = [(sign, f"{style} bold"), *subject.chip(union.ev_layer[event])]
        size = union.size(event)
        build.add((f"{exact_size(size)}  ", ""), (digest, "quiet"), gutter=label)
    readers = [_reader(subject, event, job) for event in events]
    shorter, longer = sorted(union.size(event) for event in events)
    found = list(islice(differing_ranges(readers[0], readers[1], shorter), _RANGES + 1))
    stops = []
    for differing in found[:_RANGES]:
        build.add()
        length = differing.end - differing.start
        what = "byte" if length == 1 else f"{length:,} bytes"
        stops.append(build.add((f"@@ {what} at {differing.start:,} ({differing.start:#x}) @@", "accent")))
        _show_range(build, differing, readers, shorter)
    build.add()
    if len(found) > _RANGES:
        build.add((f"More than {_RANGES} ranges differ.", "quiet"))
    if longer > shorter:
        layer = union.ev_layer[before if union.size(before) == longer else after]
        rest = exact_size(longer - shorter)
        whose = sentence(subject.called(layer))
        build.add((f"{whose}'s goes on where the other ends, at {shorter:,}: {rest} more.", "quiet"))
    what = "ranges differ" if len(found) > 1 else "range differs"
    count = f"{_RANGES}+ {what}" if len(found) > _RANGES else f"{len(found)} {what}"
    told = heading(subject, before, after, *(facts or ("binary",)), f"{count} at the same offsets")
    return build.page(told, stops=stops, scroll=True)


def _reader(subject: Subject, event: Event, job: Job) -> ReadAt:
    return lambda offset, length: subject.contents.read(event, offset, length, job)


def _show_range(build: PageBuilder, differing: ByteRange, readers: list[ReadAt], size: int) -> None:
    first = differing.start // ROW * ROW
    last = min(-(-differing.end // ROW) * ROW, size)
    shown = min(last, first + _ROWS * ROW)
    data = [read(first, shown - first) for read in readers]
    for at in range(0, shown - first, ROW):
        one, other = (side[at : at + ROW] for side in data)
        marked = frozenset(
            number for number, pair in enumerate(zip(one, other, strict=True)) if len({*pair}) > 1
        )
        offset: Span = (f"{first + at:08x} ", "quiet")
        if not marked:
            build.add(*hex_spans(one), gutter=[offset, (" ", "")])
            continue
        for side, sign, style in ((one, "−", "deleted"), (other, "+", "added")):
            gutter = [offset, (sign, f"{style} bold")]
            build.add(*hex_spans(side, marked, f"inside-{style}"), gutter=gutter, style=f"on-{style}")
    if shown < last:
        build.add((f"and {differing.end - shown:,} bytes more of this range", "quiet"), gutter=[(" ", "")])
