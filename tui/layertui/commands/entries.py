"""Entries as tables and JSON."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii

from layertui.model.entry import ENTRY_TYPES, Entry, rfc3339
from layertui.model.layer_index import Kind
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.text.format import mode_text, owner, size_text
from layertui.union.model import Absence, LayerUnion

HEADERS = ("MODE", "OWNER", "SIZE", "LAYER", "PATH")
RIGHT = (2, 3)
"""Right-aligned columns."""
_IN_COLUMNS = (int(Kind.FILE), int(Kind.DIRECTORY))
"""Kinds of which the columns of an index tell all but extended attributes."""


def cells(entry: Entry) -> tuple[str, ...]:
    """Return one row of a table."""
    return (mode_text(entry), owner(entry), size_of(entry), str(entry.layer), name_of(entry))


def size_of(entry: Entry) -> str:
    """Return the size as text, or the numbers of a device; empty if the entry has no size."""
    if entry.device is not None:
        return f"{entry.device[0]}, {entry.device[1]}"
    return size_text(entry.size) if entry.type == "file" else ""


def name_of(entry: Entry) -> str:
    """Return the path, and the target of a link."""
    if entry.linkname is not None:
        return f"{entry.path} -> {entry.linkname}"
    return entry.path if entry.hardlink is None else f"{entry.path} link to {entry.hardlink}"


def to_json(entry: Entry) -> str:
    """Return the JSON object (docs/commands.md), on one line."""
    if entry.xattrs or entry.device is not None:
        return json.dumps(entry.to_json())
    head = _head(entry.type, entry.mode, entry.uid, entry.gid)
    linkname, hardlink = (
        "null" if text is None else encode_basestring_ascii(text) for text in (entry.linkname, entry.hardlink)
    )
    return (
        f'{{"path": {encode_basestring_ascii(entry.path)}, {head}{entry.size}, '
        f'"mtime": {_time(entry.mtime, entry.mtime_ns)}, "linkname": {linkname}, "layer": {entry.layer}, '
        f'"implied": {"true" if entry.implied else "false"}, "xattrs": {{}}, "hardlink": {hardlink}}}'
    )


def tree_to_json(union: LayerUnion, top: Node, layer: LayerNumber) -> Iterator[str]:
    """Yield the JSON objects of a node and its descendants in a merged tree, sorted by path.

    Ordinary files and directories are formatted without an :class:`Entry` each, in a few
    microseconds: an image may have a million.
    """
    nodes = _subtree(union, top)
    paths = _paths(union, nodes)
    columns = [
        (index.mode, index.uid, index.gid, index.size, index.mtime, index.mtime_ns, index.extra)
        for index in union.indexes
    ]
    tails = [
        f', "linkname": null, "layer": {number}, "implied": false, "xattrs": {{}}, "hardlink": null}}'
        for number in range(len(columns) + 1)
    ]
    last, previous, stop = union.last, union.ev_prev, union.starts[layer]
    entries, inodes, kinds, layers = union.ev_entry, union.ev_inode, union.ev_kind, union.ev_layer
    for position in sorted(range(len(paths)), key=paths.__getitem__):
        event = last[nodes[position]]
        while event >= stop:
            event = previous[event]
        if event < 0 or entries[event] < Absence.IMPLIED:
            continue
        kind, number, owner_layer = kinds[event], entries[event], layers[event]
        mode, uid, gid, size, mtime, mtime_ns, extra = columns[owner_layer - 1]
        if kind in _IN_COLUMNS and number >= 0 and inodes[event] == event and number not in extra:
            head = _head(ENTRY_TYPES[kind], mode[number] & 0o7777, uid[number], gid[number])
            yield (
                f'{{"path": {encode_basestring_ascii(paths[position])}, {head}{size[number]}, '
                f'"mtime": {_time(mtime[number], mtime_ns[number])}{tails[owner_layer]}'
            )
        else:
            yield to_json(union.entry(event, layer))


def tree_cells(union: LayerUnion, top: Node, layer: LayerNumber) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a node and its descendants in a merged tree; most without an :class:`Entry`, as for JSON."""
    nodes = _subtree(union, top)
    for node, path in zip(nodes, _paths(union, nodes), strict=True):
        event = union.at(node, layer)
        if event < 0:
            continue
        kind, number, owner_layer = union.ev_kind[event], union.ev_entry[event], union.ev_layer[event]
        index = union.indexes[owner_layer - 1]
        if (
            kind in _IN_COLUMNS
            and number >= 0
            and union.ev_inode[event] == event
            and number not in index.extra
        ):
            mode, owner_text = _mode_and_owner(
                kind == Kind.DIRECTORY, index.mode[number] & 0o7777, index.uid[number], index.gid[number]
            )
            size = "" if kind == Kind.DIRECTORY else size_text(index.size[number])
            yield mode, owner_text, size, str(owner_layer), path
        else:
            yield cells(union.entry(event, layer))


def _subtree(union: LayerUnion, top: Node) -> Sequence[Node]:
    """Return the nodes that are listed: the root itself is not."""
    return union.subtree(top) if top else union.descendants(ROOT)


def _paths(union: LayerUnion, nodes: Sequence[Node]) -> list[str]:
    """Return the paths of a range of nodes, decoded at once."""
    if not nodes:
        return []
    # In the keys, NUL separates names and a slash separates paths.
    keys = union.keys[union.offsets[nodes[0]] : union.offsets[nodes[-1] + 1] - 1].translate(_SWAPPED)
    return ["/" + path for path in keys.decode("utf-8", "surrogateescape").split("\0")]


_SWAPPED = bytes.maketrans(b"\0/", b"/\0")


@lru_cache(1 << 14)
def _mode_and_owner(is_directory: bool, mode: int, uid: int, gid: int) -> tuple[str, str]:
    return stat.filemode(mode | (stat.S_IFDIR if is_directory else stat.S_IFREG)), f"{uid}:{gid}"


@lru_cache(1 << 14)
def _head(type_: str, mode: int, uid: int, gid: int) -> str:
    return f'"type": "{type_}", "mode": "{mode:04o}", "uid": {uid}, "gid": {gid}, "size": '


@lru_cache(1 << 16)
def _time(seconds: int, nanoseconds: int) -> str:
    return json.dumps(rfc3339(seconds, nanoseconds))
