"""Names of copied files, from the layer: the classic builder records only a checksum of them."""

from __future__ import annotations

import re
from posixpath import dirname, normpath
from typing import NamedTuple

from layertui.model.history_step import SENT
from layertui.model.layer_index import Kind
from layertui.model.numbers import LayerNumber
from layertui.union.model import LayerUnion

_PLAIN = re.compile(r"(?!-)[\w.@%+,=~-]+", re.ASCII)
"""Names that can be arguments of ``COPY`` as they are."""
_MOST_NAMES = 8
"""Files of a step that are named one by one."""
_MOST_DIRECTORIES = 100
"""Directories above them."""


class Copied(NamedTuple):
    """The arguments of a step that copied files, with their names."""

    arguments: str
    guess: str
    """What is uncertain, a clause."""


def with_names(text: str, is_add: bool, union: LayerUnion, layer: LayerNumber) -> Copied | None:
    """Return the recorded arguments of ``COPY`` or ``ADD`` with names in place of the checksum.

    None if the layer does not have them: it lacks the name of a copied directory, and has only its contents.
    """
    sent = SENT.search(text)
    if sent is None or sent["kind"] == "dir" or layer > union.layers or union.indexes[layer - 1].damage:
        return None
    target, paths = sent["rest"].removeprefix(" in ").strip(), _files(union, layer)
    is_one = sent["kind"] == "file"
    if (len(paths) != 1) if is_one else (len(paths) < 2 or len(set(map(dirname, paths))) > 1):
        return None
    names = [path.rpartition("/")[2] for path in paths]
    if not names or not all(map(_PLAIN.fullmatch, names)):
        return None
    guess = "names from the layer, unless they were in a directory"
    if is_one:
        guess = f"name from the {'target' if _is_target(paths[0], target) else 'layer'}"
        guess += ", unless it was an archive" if is_add else ""
    flags = text[: sent.start()].strip()
    return Copied(" ".join(filter(None, (flags, *names, target))), guess)


def _is_target(path: str, target: str) -> bool:
    """Return whether a path may be the target itself, which is relative to an unknown directory or absolute."""
    if target.startswith("/"):
        return path == normpath(target)
    return not target.endswith("/") and path.endswith(f"/{normpath(target)}")


def _files(union: LayerUnion, layer: LayerNumber) -> list[str]:
    """Return the files that a layer stores; empty if they are many, or among them are other things."""
    paths: list[str] = []
    above: set[str] = set()
    for event in union.events_of(layer):
        kind = union.ev_kind[event]
        path = union.path(union.ev_node[event])
        if kind == Kind.FILE and len(paths) < _MOST_NAMES:
            paths.append(path)
        elif kind == Kind.DIRECTORY and len(above) < _MOST_DIRECTORIES:
            above.add(path)
        else:
            return []
    ancestors = {"/"}
    for path in paths:
        while (path := dirname(path)) != "/":
            ancestors.add(path)
    return paths if above <= ancestors else []
