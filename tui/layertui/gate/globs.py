"""Globs of a gate: ``*`` and ``?`` within a name, ``**`` across directories, as in the path filter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from layertui.model.numbers import ROOT, Node
from layertui.union.model import LayerUnion
from layertui.union.path_filter import glob_pattern


def matches_nothing(text: str) -> bool:
    """Return whether a glob matches no path of any image: none has an empty name in it, ``.`` or ``..``."""
    return not {"", ".", ".."}.isdisjoint(text.strip("/").split("/"))


class Globs:
    """Several globs; with ``below`` a directory includes everything in it."""

    def __init__(self, texts: Iterable[str], below: bool = False) -> None:
        self._patterns = [
            (text, re.compile(glob_pattern(text.encode("utf-8", "surrogateescape"), below))) for text in texts
        ]

    def first(self, key: bytes) -> str | None:
        """Return the first glob that matches a key; ``None`` if none does."""
        for text, pattern in self._patterns:
            if pattern.search(key):
                return text
        return None

    def matches(self, path: str) -> bool:
        """Return whether any glob matches an absolute path."""
        return self.first(path[1:].encode("utf-8", "surrogateescape").replace(b"/", b"\0")) is not None

    def nodes(self, union: LayerUnion) -> Iterator[tuple[Node, str]]:
        """Yield the nodes of any layer that a glob matches, with that glob, in the order of the tree."""
        if self._patterns:
            for node, key in zip(union.subtree(ROOT), union.keys.split(b"/"), strict=True):
                if node and (text := self.first(key)) is not None:
                    yield node, text


def unmatched(texts: Sequence[str], union: LayerUnion) -> Sequence[str]:
    """Return the globs that match no path of the final tree."""
    missing = [(text, Globs([text])) for text in texts]
    for node, key in zip(union.subtree(ROOT), union.keys.split(b"/"), strict=True):
        if not missing:
            break
        if node and union.shows(union.last[node]):
            missing = [(text, globs) for text, globs in missing if globs.first(key) is None]
    return [text for text, _ in missing]
