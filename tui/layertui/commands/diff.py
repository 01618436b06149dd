"""``layertui diff``: the unified diff of two versions of a file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from layertui.commands.opening import Opened, image_of, read_layers
from layertui.commands.output import Output, raw
from layertui.commands.parsing import add_common, add_image, add_range
from layertui.model.errors import LayertuiError
from layertui.model.numbers import NO_EVENT, Event
from layertui.text.sanitize import quoted, visible
from layertui.union.lookup import find, layer_range, versions
from layertui.union.model import LayerUnion

DESCRIPTION = """\
Print the unified diff between two versions of a file; by default the last two,
deletions included.
"""
EPILOG = """\
exit status: 0 no differences, 1 differences, 2 an error

examples:
  layertui diff app.tar /etc/passwd
  layertui diff app.tar /etc/passwd --from 1 --to 5
"""
HEAD = 8192
"""Leading bytes that decide whether a file is text."""
MAX_BYTES = 64 << 20
"""Largest file, in bytes, that is compared line by line."""
COLOURS = {b"-": "red", b"+": "green", b"@": "cyan"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", help="a file of the image")
    add_range(parser, "compare the version at layer A …", "… with that at layer B")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    if options.start is None and options.stop is None:
        opened = read_layers(options, image)
        node = find(opened.union, options.path, opened.union.layers)
        before, after = [NO_EVENT, *versions(opened.union, node)][-2:]
    else:
        start, stop = layer_range(image, options.start, options.stop)
        if image.layers and start == stop == 0:
            raise LayertuiError(f"no {options.path} at layer 0", "it is the empty tree")
        opened = read_layers(options, image, max(start, stop))
        node = find(opened.union, options.path, opened.union.layers)
        before, after = opened.union.at(node, start), opened.union.at(node, stop)
        if before < 0 and after < 0:
            path = opened.union.path(node)
            raise LayertuiError(f"no {path} at layer {start}, nor at layer {stop}", "", "see layertui log")
    found = _compare(
        opened,
        before if opened.union.shows(before) else NO_EVENT,
        after if opened.union.shows(after) else NO_EVENT,
    )
    status = opened.status or int(bool(found.lines))
    out = Output(status)
    if options.json:
        out.json(found.to_json(opened.union))
    elif out.is_terminal:
        for line in found.lines:
            text = visible(line.rstrip(b"\n").decode("utf-8", "surrogateescape").expandtabs())
            out.line(out.colour(text, COLOURS.get(line[:1], "")))
    else:
        for line in found.lines:
            out.write(line)
    return status


@dataclass(frozen=True, slots=True)
class Difference:
    """The diff of two versions; -1 stands for a missing one."""

    before: Event
    after: Event
    is_text: bool
    lines: Sequence[bytes]
    """Empty if both are identical."""

    def to_json(self, union: LayerUnion) -> dict[str, object]:
        one, other = (
            union.entry(event).to_json() if event >= 0 else None for event in (self.before, self.after)
        )
        text = b"".join(self.lines).decode("utf-8", "surrogateescape") if self.is_text else None
        return {"before": one, "after": other, "same": not self.lines, "diff": text}


def _compare(opened: Opened, before: Event, after: Event) -> Difference:
    from layertui.content.diff import unified_diff
    from layertui.content.text import is_text

    union, contents = opened.union, opened.contents()
    one, other = _name(union, before), _name(union, after)
    both = [event for event in (before, after) if event >= 0]
    if len(both) == 2 and contents.same(before, after):
        return Difference(before, after, True, ())
    if not all(is_text(contents.read(event, 0, HEAD)) for event in both):
        return Difference(before, after, False, [raw(f"Binary files {one} and {other} differ\n")])
    if sum(map(union.size, both)) > MAX_BYTES:
        large = f"Files {one} and {other} differ, too large to be compared line by line\n"
        return Difference(before, after, False, [raw(large)])
    old, new = (contents.read(event) if event >= 0 else b"" for event in (before, after))
    return Difference(before, after, True, list(unified_diff(old, new, one, other)))


def _name(union: LayerUnion, event: Event) -> str:
    """Return the name of a version in the header; ``patch -p1`` uses it as the path, quoted as git's are."""
    if event < 0:
        return "/dev/null"
    return quoted(f"layer{union.ev_layer[event]}{union.path(union.ev_node[event])}")
