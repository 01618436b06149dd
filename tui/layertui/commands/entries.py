"""Entries as the commands print them."""

from __future__ import annotations

import json

from layertui.commands.output import Output
from layertui.union.entry import Entry
from layertui.words import owner, permissions, size_text

HEADERS = ("MODE", "OWNER", "SIZE", "LAYER", "PATH")
RIGHT = (2, 3)
"""Columns with numbers."""


def cells(entry: Entry, out: Output) -> tuple[str, ...]:
    """One row of a table."""
    return (permissions(entry), owner(entry), size_of(entry), str(entry.layer), name_of(entry, out))


def size_of(entry: Entry) -> str:
    """Bytes in words, and of a device its numbers; empty for what has no size."""
    if entry.device is not None:
        return f"{entry.device[0]}, {entry.device[1]}"
    return size_text(entry.size) if entry.type == "file" else ""


def name_of(entry: Entry, out: Output) -> str:
    """The path, and where a link leads."""
    name = out.name(entry.path)
    if entry.linkname is not None:
        return f"{name} -> {out.name(entry.linkname)}"
    return f"{name} link to {out.name(entry.hardlink)}" if entry.hardlink is not None else name


def to_json(entry: Entry) -> str:
    """The object of the contract, on one line."""
    return json.dumps(entry.to_json())
