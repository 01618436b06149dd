"""Layers written as short tables, for tests that are about rules and not about tars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layertui.model.layer_index import Extra, Kind, LayerIndex, key_of
from layertui.model.numbers import ROOT, LayerNumber
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion

Entry = tuple[Any, ...]
"""``(kind, path, facts)``: a letter as in ``ls -l``, ``wh`` or ``opq``; what ``layer`` takes."""

KINDS = {
    "-": Kind.FILE,
    "h": Kind.HARDLINK,
    "l": Kind.SYMLINK,
    "c": Kind.CHAR,
    "d": Kind.DIRECTORY,
    "p": Kind.FIFO,
    "wh": Kind.WHITEOUT,
    "opq": Kind.OPAQUE,
}


def layer(*entries: Entry) -> LayerIndex:
    """A layer of ``(kind, path, facts)``: a letter as in ``ls -l``, ``wh`` or ``opq``.

    ``facts`` may name mode, uid, gid, size, mtime, to (a link's target), xattrs, device.
    """
    index = LayerIndex()
    keys = []
    for kind, path, *rest in entries:
        facts: Mapping[str, Any] = rest[0] if rest else {}
        keys.append(key_of(path))
        index.kind.append(KINDS[kind])
        index.mode.append(facts.get("mode", 0o755 if kind == "d" else 0o644))
        index.uid.append(facts.get("uid", 0))
        index.gid.append(facts.get("gid", 0))
        index.size.append(facts.get("size", 0))
        index.mtime.append(facts.get("mtime", 0))
        index.mtime_ns.append(0)
        index.offset.append(512)
        if "to" in facts:
            index.link.append(len(index.links))
            index.links.append(key_of(facts["to"]) if kind == "h" else facts["to"].encode())
        else:
            index.link.append(-1)
        if "xattrs" in facts or "device" in facts:
            index.extra[len(keys) - 1] = Extra(facts.get("xattrs", {}), facts.get("device"))
    index.keys, index.count = b"/".join(keys), len(keys)
    return index


def union(*layers: LayerIndex) -> LayerUnion:
    """The union of layers, base first."""
    builder = UnionBuilder()
    for one in layers:
        builder.add(one)
    return builder.freeze()


def paths(union: LayerUnion, at: int) -> list[str]:
    """The paths of the merged tree at a layer, without the root."""
    return [union.path(node) for node in union.descendants(ROOT) if union.at(node, LayerNumber(at)) >= 0]


def codes(union: LayerUnion) -> list[tuple[int, str, str]]:
    """Its warnings, without their sentences."""
    return [(warning.layer, warning.code, warning.path) for warning in union.warnings]
