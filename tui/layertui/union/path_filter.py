"""Finds the paths that a query names.

A query is words apart by spaces, all of which must hold:

========================== ==================================================
``nginx``                  the letters in this order somewhere in the path
``*.conf``, ``/etc/**``    a glob, of the name or (with a slash) of the path
``/^lib.*so/`` ``~so$``    a regular expression, found in the path
``layer:3``                the path's entry comes from layer 3
``change:added``           what the layer did: added, modified, deleted, repeated
``size:>1M`` ``size:<10k`` bytes of the file, of what is below a directory
``type:symlink``           as in the JSON: file, directory, symlink, …
========================== ==================================================
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import AnyStr, NoReturn

from layertui.model.entry import ENTRY_TYPES
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.union.changes import Mark
from layertui.union.merged_tree import MergedTree

SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
MARKS_OF_CHANGE = {
    "added": (Mark.ADDED,),
    "modified": (Mark.MODIFIED, Mark.REWRITTEN),
    "deleted": (Mark.DELETED,),
    "repeated": (Mark.REPEATED,),
}

NodeTest = Callable[[int], bool]

_BETWEEN = 4096
"""Nodes between two checks for cancellation."""


def matching_nodes(merged: MergedTree, query: str, job: Job = Job.NONE) -> bytes:
    """Return one byte a node: 1 where the query holds.

    Raises :class:`LayertuiError` with the reason for a malformed query, and :class:`Cancelled`.
    """
    tests = [_test(merged, word) for word in query.split()]
    found = b"\1" * merged.union.nodes
    for test in tests:
        found = b"".join(_where(test, found, job))
    return found


def _test(merged: MergedTree, word: str) -> NodeTest:
    """The test that a word asks for."""
    name, colon, value = word.partition(":")
    if colon and name in NODE_TESTS:
        return NODE_TESTS[name](merged, value)
    search, key = _word_pattern(word).search, merged.union.key
    return lambda node: search(key(node)) is not None


def _where(test: NodeTest, among: bytes, job: Job) -> Iterator[bytes]:
    for start in range(0, len(among), _BETWEEN):
        job.check()
        part = among[start : start + _BETWEEN]
        yield bytes([hit and test(node) for node, hit in enumerate(part, start)]) if 1 in part else part


# Text


def _word_pattern(word: str) -> re.Pattern[bytes]:
    """The pattern of a word, for keys: components joined by NUL, no leading slash."""
    if word.startswith("~") and len(word) > 1:
        return _regex(word[1:])
    if len(word) > 2 and word.startswith("/") and word.endswith("/"):
        return _regex(word[1:-1])
    text = word.encode("utf-8", "surrogateescape")
    if b"*" in text or b"?" in text:
        return compile_pattern(glob_pattern(text), word, 0)
    # Nothing is tried twice: names come from images, and may be made to be slow to search.
    letters = [
        rb"\0" if letter == "/" else re.escape(letter.encode("utf-8", "surrogateescape"))
        for letter in word.strip("/")
    ]
    flags = re.IGNORECASE if word == word.lower() else 0
    return compile_pattern(
        rb"\A" + b"".join(b"(?>.*?%b)" % letter for letter in letters), word, flags | re.DOTALL
    )


def glob_pattern(text: bytes, with_descendants: bool = False) -> bytes:
    """A regular expression for keys: ``*`` and ``?`` within a component, ``**`` across them.

    With ``with_descendants`` a directory that the glob names stands for all that is in it.
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
    # What stands between two stars is taken where it comes first, and no place is tried twice.
    first, *rest = (re.escape(text).replace(rb"\?", rb"[^\0]") for text in re.split(rb"\*+", part))
    if not rest:
        return first
    middle = b"".join(b"(?>[^\\0]*?%b)" % text for text in rest[:-1])
    return first + middle + rb"[^\0]*" + rest[-1]


def _regex(text: str) -> re.Pattern[bytes]:
    # In a key a NUL stands where the path has a slash.
    source = text.encode("utf-8", "surrogateescape").replace(b"/", rb"\0")
    return compile_pattern(source, text, 0)


def compile_pattern(source: AnyStr, shown: str, flags: int) -> re.Pattern[AnyStr]:
    """A regular expression; ``shown`` is how a person spelled it. Raises :class:`LayertuiError`."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what may mean another thing one day
            return re.compile(source, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise LayertuiError(f"not a regular expression: {shown}", str(error)) from error


# Facts


def _layer(merged: MergedTree, value: str) -> NodeTest:
    if not value.isdecimal():
        _refuse("layer", value, "a layer's number")
    layer, union = int(value), merged.union
    return lambda node: (event := merged.at(node)) >= 0 and union.ev_layer[event] == layer


def _change(merged: MergedTree, value: str) -> NodeTest:
    marks = MARKS_OF_CHANGE.get(value)
    if marks is None:
        _refuse("change", value, ", ".join(MARKS_OF_CHANGE))
    return lambda node: merged.marks[node] in marks


def _size(merged: MergedTree, value: str) -> NodeTest:
    parsed = re.fullmatch(r"([<>]?)=?([\d.]+)([kmgt]?)i?b?", value, re.IGNORECASE)
    if parsed is None or parsed[2].count(".") > 1 or parsed[2] == ".":
        _refuse("size", value, ">1M, <10k or a number of bytes")
    limit = float(parsed[2]) * SIZE_UNITS[parsed[3].lower()]
    if parsed[1] == "<":
        return lambda node: merged.visible[node] == 1 and merged.subtree_size(node) <= limit
    return lambda node: merged.subtree_size(node) >= limit


def _type(merged: MergedTree, value: str) -> NodeTest:
    kinds = {kind for kind, name in enumerate(ENTRY_TYPES) if name.startswith(value)}
    if not kinds or not value:
        _refuse("type", value, ", ".join(dict.fromkeys(ENTRY_TYPES)))
    union = merged.union
    return lambda node: (event := merged.at(node)) >= 0 and union.ev_kind[event] in kinds


def _refuse(name: str, value: str, wanted: str) -> NoReturn:
    raise LayertuiError(f"{name}:{value} means nothing", f"it takes {wanted}")


NODE_TESTS: dict[str, Callable[[MergedTree, str], NodeTest]] = {
    "layer": _layer,
    "change": _change,
    "size": _size,
    "type": _type,
}
