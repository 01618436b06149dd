"""Find the paths that match a query.

A query is a list of terms separated by spaces, all of which must match:

========================== ==================================================
``nginx``                  a text in the name
``conf.d/app``             a text in the path
``*.conf``, ``/etc/**``    a glob, of the name or (with a slash) of the path
``~^/etc`` ``/lib.*so$/`` a regular expression that matches anywhere in the path as it is shown
``layer:3``                the entry comes from layer 3
``change:added``           what the layer did: added, modified, deleted, repeated; of modified, content
                           (or type, link target), attributes (nothing else), mode, owner, mtime, xattrs
``size:>1M`` ``size:<10k`` bytes of the file, or of all files below the directory
``type:symlink``           type of the path: file, directory, symlink, …
========================== ==================================================
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import AnyStr, NoReturn, cast

from layertui.model.entry import ENTRY_TYPES
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber, Node
from layertui.union.arrays import STRETCH
from layertui.union.changes import ATTRIBUTES, Mark, difference
from layertui.union.merged_tree import MergedTree

SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
MARKS_OF_CHANGE = {
    "added": (Mark.ADDED,),
    "modified": (Mark.MODIFIED, Mark.REWRITTEN, Mark.ATTRIBUTES, Mark.ATTRIBUTES_AT_LEAST),
    "deleted": (Mark.DELETED,),
    "repeated": (Mark.REPEATED,),
    "content": (Mark.MODIFIED, Mark.REWRITTEN),
    "attributes": (Mark.ATTRIBUTES, Mark.ATTRIBUTES_AT_LEAST),
}
"""Marks that a term ``change:`` finds, besides the names of attributes. Undecided ones count as what they may be."""

NodeTest = Callable[[Node], bool]


def matching_nodes(merged: MergedTree, query: str, job: Job = Job.NONE) -> bytes:
    """Return one byte per node: 1 if it matches the query.

    Raises :class:`LayertuiError` with the reason for a malformed query, and :class:`Cancelled`.
    """
    tests = [_term_test(merged, word) for word in query.split()]
    found = b"\1" * merged.union.nodes
    for test in tests:
        found = b"".join(_where_matching(test, found, job))
    return found


def _term_test(merged: MergedTree, word: str) -> NodeTest:
    """Return the test that a term of the query stands for."""
    name, colon, value = word.partition(":")
    if colon and name in NODE_TESTS:
        return NODE_TESTS[name](merged, value)
    if len(word) > 1 and word.startswith("~"):
        return _by_regex(merged, word[1:])
    if len(word) > 2 and word.startswith("/") and word.endswith("/"):
        return _by_regex(merged, word[1:-1])
    if "*" in word or "?" in word:
        search = compile_pattern(glob_pattern(word.encode("utf-8", "surrogateescape")), word, 0).search
        key = merged.union.key
        return lambda node: search(key(node)) is not None
    return _by_text(merged, word)


def _where_matching(test: NodeTest, among: bytes, job: Job) -> Iterator[bytes]:
    for start in range(0, len(among), STRETCH):
        job.check()
        part = among[start : start + STRETCH]
        nodes = cast("Iterator[tuple[Node, int]]", enumerate(part, start))
        yield bytes([hit and test(node) for node, hit in nodes]) if 1 in part else part


# Text


def _by_text(merged: MergedTree, word: str) -> NodeTest:
    """Find a text in names, with a slash in paths. Case is ignored unless the text has capitals."""
    text_of = merged.union.path if "/" in word else merged.union.name
    if word == word.lower():
        return lambda node: word in text_of(node).lower()
    return lambda node: word in text_of(node)


def _by_regex(merged: MergedTree, text: str) -> NodeTest:
    """Find a regular expression in paths as they are shown."""
    search, path = compile_pattern(text, text, re.DOTALL).search, merged.union.path
    return lambda node: search(path(node)) is not None


def glob_pattern(text: bytes, with_descendants: bool = False) -> bytes:
    """Translate a glob to a regular expression for keys: ``*`` and ``?`` match within a component, ``**`` across.

    With ``with_descendants`` a directory that matches includes everything below it.
    """
    out = [rb"(?s)\A" if text.startswith(b"/") else rb"(?s)(?:\A|\0)"]
    parts = text.strip(b"/").split(b"/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == b"**":
            out.append(rb".*" if last else rb"(?:.*\0)?")
        else:
            out.append(_component(part) + (b"" if last else rb"\0"))
    return b"".join(out) + (rb"(?:\0.*)?\Z" if with_descendants else rb"\Z")


def _component(part: bytes) -> bytes:
    # The text between two stars matches where it first occurs, without backtracking.
    first, *rest = (re.escape(text).replace(rb"\?", rb"[^\0]") for text in re.split(rb"\*+", part))
    if not rest:
        return first
    middle = b"".join(b"(?>[^\\0]*?%b)" % text for text in rest[:-1])
    return first + middle + rb"[^\0]*" + rest[-1]


def literal_ending(text: bytes) -> bytes:
    """Return a pattern for :meth:`LayerUnion.matching` that matches at least the paths that a glob matches, fast.

    It is about the longest literal part of the last component.
    """
    pieces = re.split(rb"[*?]+", text.rpartition(b"/")[2]) if (text := text.strip(b"/")) else [b""]
    longest = max(pieces, key=len)
    if not longest:
        return rb"[^\0/]+"
    return re.escape(longest) + (b"" if longest is pieces[-1] else rb"[^\0/]*")


def compile_pattern(source: AnyStr, shown: str, flags: int) -> re.Pattern[AnyStr]:
    """Compile a regular expression; ``shown`` is how the user typed it. Raises :class:`LayertuiError`."""
    try:
        with warnings.catch_warnings(action="ignore"):  # FutureWarning: syntax that may change its meaning
            return re.compile(source, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise LayertuiError(f"not a regular expression: {shown}", str(error)) from error


# Facts


def _by_layer(merged: MergedTree, value: str) -> NodeTest:
    if not value.isdecimal():
        _refuse("layer", value, "a layer's number")
    layer, union = int(value), merged.union
    return lambda node: (event := merged.at(node)) >= 0 and union.ev_layer[event] == layer


def _by_change(merged: MergedTree, value: str) -> NodeTest:
    if value in ATTRIBUTES:
        return lambda node: (
            merged.marks[node] in MARKS_OF_CHANGE["modified"] and value in _facts(merged, node)
        )
    marks = MARKS_OF_CHANGE.get(value)
    if marks is None:
        _refuse("change", value, ", ".join([*MARKS_OF_CHANGE, *sorted(ATTRIBUTES)]))
    return lambda node: merged.marks[node] in marks


def _facts(merged: MergedTree, node: Node) -> list[str]:
    """Return what the layer changed of a modified path, as far as metadata tells."""
    union, layer = merged.union, merged.layer
    return difference(union, union.at(node, LayerNumber(layer - 1)), union.at(node, layer))


def _by_size(merged: MergedTree, value: str) -> NodeTest:
    parsed = re.fullmatch(r"([<>]?)=?([\d.]+)([kmgt]?)i?b?", value, re.IGNORECASE)
    if parsed is None or parsed[2].count(".") > 1 or parsed[2] == ".":
        _refuse("size", value, ">1M, <10k or a number of bytes")
    limit = float(parsed[2]) * SIZE_UNITS[parsed[3].lower()]
    if parsed[1] == "<":
        return lambda node: merged.visible[node] == 1 and merged.subtree_size(node) <= limit
    return lambda node: merged.subtree_size(node) >= limit


def _by_type(merged: MergedTree, value: str) -> NodeTest:
    kinds = {kind for kind, name in enumerate(ENTRY_TYPES) if name.startswith(value)}
    if not kinds or not value:
        _refuse("type", value, ", ".join(dict.fromkeys(ENTRY_TYPES)))
    union = merged.union
    return lambda node: (event := merged.at(node)) >= 0 and union.ev_kind[event] in kinds


def _refuse(name: str, value: str, wanted: str) -> NoReturn:
    raise LayertuiError(f"{name}:{value} means nothing", f"it takes {wanted}")


NODE_TESTS: dict[str, Callable[[MergedTree, str], NodeTest]] = {
    "layer": _by_layer,
    "change": _by_change,
    "size": _by_size,
    "type": _by_type,
}
