"""The result of a comparison as sections of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from layertui.commands.changes import mark
from layertui.commands.output import one_line
from layertui.commands.sections import Cell, Code, Section
from layertui.compare.comparison import Comparison, FileChange, Side
from layertui.compare.growth import DirectoryGrowth, growth_by_directory
from layertui.compare.summary import config_text, counts_text, layers_text, packages_text, verdict
from layertui.model.history_step import step_text
from layertui.text.format import count_text, facts_text, growth_text, size_text

TOP = 10
"""Directories listed without ``--all``."""


def sections(found: Comparison, is_whole: bool) -> Iterator[Section]:
    """Yield all sections; ``is_whole``: with every path and every row."""
    yield _sides(found)
    if found.packages:
        yield _packages(found)
    yield _config(found)
    if growth := growth_by_directory(found):
        yield _growth(growth, is_whole)
    yield _layers(found)
    yield _files(found, is_whole)


def _sides(found: Comparison) -> Section:
    rows: list[Sequence[Cell]] = []
    for name, side, merged, size in (
        ("A", found.a, found.merged_a, found.sums.size_a),
        ("B", found.b, found.merged_b, found.sums.size_b),
    ):
        layers = len(side.image.layers)
        of = f"{side.layer} of {layers}" if side.layer < layers else str(layers)
        rows.append(
            (
                name,
                size_text(side.size),
                of,
                f"{merged.paths():,}",
                *map(size_text, (size.size, size.live, size.dead)),
                Code(str(side.image.platform)),
                Code(side.image.reference),
            )
        )
    return Section(
        "",
        verdict(found),
        ("", "STORED", "LAYERS", "PATHS", "SIZE", "LIVE", "DEAD", "PLATFORM", "IMAGE"),
        rows,
        right=(1, 2, 3, 4, 5, 6),
    )


def _growth(found: Sequence[DirectoryGrowth], is_whole: bool) -> Section:
    shown = found if is_whole else found[:TOP]
    rows = [(growth_text(row.size), Code(row.path), "rest" if row.is_rest else "") for row in shown]
    return Section(
        "Growth",
        f"most in {one_line(found[0].path)}, {growth_text(found[0].size)}",
        ("GROWTH", "DIRECTORY", ""),
        rows,
        (0,),
        rest=f"… and {len(found) - len(rows):,} more, see --all" if len(found) > len(rows) else "",
    )


def _layers(found: Comparison) -> Section:
    layers = found.layers
    rows: list[Sequence[Cell]] = []
    for sign, side, numbers in (("-", found.a, layers.only_a), ("+", found.b, layers.only_b)):
        steps = {entry.layer: step_text(entry) for entry in side.image.history}
        rows += [
            (sign, str(number), _stored(side, number), Code(one_line(steps.get(number, ""))))
            for number in numbers
        ]
    return Section("Layers", layers_text(found), ("", "LAYER", "STORED", "STEP"), rows, (1, 2), (3,))


def _stored(side: Side, number: int) -> str:
    return size_text(side.image.layers[number - 1].descriptor.size)


def _config(found: Comparison) -> Section:
    rows = [
        (
            "+" if row.a is None else "-" if row.b is None else "~",
            Code(one_line(row.field)),
            _value(row.a),
            _value(row.b),
        )
        for row in found.config
    ]
    return Section("Config", config_text(found), ("", "FIELD", "A", "B"), rows, shrink=(3, 2))


def _value(value: Any) -> Cell:
    if value is None:
        return ""
    return Code(one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def _packages(found: Comparison) -> Section:
    signs = {"added": "+", "upgraded": "~", "removed": "-"}
    rows = [
        (
            signs[row.change],
            row.package.kind,
            Code(one_line(row.package.name)),
            Code(one_line(row.before.version)) if row.before else "",
            Code(one_line(row.after.version)) if row.after else "",
        )
        for row in sorted(found.packages, key=lambda row: (row.package.kind, row.package.name))
    ]
    return Section("Packages", packages_text(found), ("", "KIND", "PACKAGE", "A", "B"), rows)


def _files(found: Comparison, is_whole: bool) -> Section:
    rows = [
        (
            mark(change.change, change.what),
            _size(change),
            growth_text(change.growth) if change.growth else "",
            _what(change),
            Code(change.path),
        )
        for change in sorted(found.changes(folded=not is_whole), key=lambda change: change.path)
        if is_whole or change.what != ["mtime"]
    ]
    touched = found.sums.touched
    rest = ""
    if touched and not is_whole:
        rest = f"… and {count_text(touched, 'path')} with a different mtime only, see --all"
    return Section(
        "Files", counts_text(found), ("", "SIZE", "GROWTH", "WHAT", "PATH"), rows, (1, 2), rest=rest
    )


def _size(change: FileChange) -> str:
    entry = change.after or change.before
    assert entry is not None
    return size_text(entry.size) if entry.type == "file" else ""


def _what(change: FileChange) -> str:
    if change.descendants:
        return f"and {count_text(change.descendants, 'path')} below"
    if change.before and change.after and "type" in change.what:
        return f"{facts_text(change.what)}: was {change.before.type}, is {change.after.type}"
    return facts_text(change.what)
