"""What a comparison finds, as sections for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from layertui.commands.changes import MARKS
from layertui.commands.output import one_line
from layertui.commands.sections import Cell, Code, Section
from layertui.compare import Comparison, FileChange, Side, stored_size
from layertui.steps import step_text
from layertui.words import count_text, size_text

TOP = 10
"""Directories that are listed where not all are asked for."""


def sections(found: Comparison, is_whole: bool) -> Iterator[Section]:
    """All there is to tell; ``is_whole``: each path and each row."""
    yield _sides(found)
    if growth := found.growth_by_directory():
        yield _growth(growth, is_whole)
    yield _layers(found)
    yield _config(found)
    if found.packages:
        yield _packages(found)
    yield _files(found, is_whole)


def signed(size: int) -> str:
    """``+1.2 MB``, ``-3 B``, ``0 B``."""
    return f"{'+' if size > 0 else '-' if size < 0 else ''}{size_text(abs(size))}"


def _sides(found: Comparison) -> Section:
    rows = []
    for name, side, merged, size in (
        ("A", found.a, found.merged_a, found.sums.bytes_a),
        ("B", found.b, found.merged_b, found.sums.bytes_b),
    ):
        layers = len(side.image.layers)
        of = f"{side.layer} of {layers}" if side.layer < layers else str(layers)
        stored, paths = size_text(side.size), f"{merged.paths():,}"
        rows.append(
            (name, stored, of, paths, size_text(size), str(side.image.platform), Code(side.image.reference))
        )
    return Section(
        "",
        _verdict(found),
        ("", "STORED", "LAYERS", "PATHS", "FILES", "PLATFORM", "IMAGE"),
        rows,
        right=(1, 2, 3, 4),
    )


def _verdict(found: Comparison) -> str:
    """What the eye is to land on."""
    growth = found.sums.growth
    if found.has_same_files:
        return "Files are the same, the config is not." if found.config else "Config and files are the same."
    size = (
        f"{size_text(abs(growth))} {'larger' if growth > 0 else 'smaller'} than" if growth else "as large as"
    )
    return f"B is {size} A in files: {_counts(found)}."


def _counts(found: Comparison) -> str:
    sums = found.sums
    told = [
        f"{count:,} {change} ({signed(size)})"
        for count, change, size in (
            (sums.added, "added", sums.added_bytes),
            (sums.modified, "modified", sums.modified_bytes),
            (sums.deleted, "deleted", -sums.deleted_bytes),
        )
        if count
    ]
    if sums.touched:
        told.append(f"{count_text(sums.touched, 'path')} whose time alone differs")
    return ", ".join(told) or "no path differs"


def _growth(sums: Mapping[str, int], is_whole: bool) -> Section:
    rows = [(signed(size), Code(path)) for path, size in sums.items()][: None if is_whole else TOP]
    path, size = next(iter(sums.items()))
    rest = f"… and {len(sums) - len(rows):,} more, see --all" if len(sums) > len(rows) else ""
    return Section(
        "Growth", f"most in {one_line(path)}, {signed(size)}", ("GROWTH", "DIRECTORY"), rows, (0,), rest=rest
    )


def _layers(found: Comparison) -> Section:
    layers, common = found.layers, len(found.layers.common)
    told = [f"{common:,} in common"]
    if common and list(layers.common) == [(number, number) for number in range(1, common + 1)]:
        told = [f"{told[0]}, the base of both"]
    rows: list[Sequence[Cell]] = []
    for name, sign, side, numbers in (("A", "-", found.a, layers.only_a), ("B", "+", found.b, layers.only_b)):
        if numbers:
            size = size_text(stored_size(side.image.layers[number - 1] for number in numbers))
            told.append(f"{len(numbers):,} only in {name} ({size})")
        steps = {entry.layer: step_text(entry) for entry in side.image.history}
        rows += [
            (sign, str(number), _stored(side, number), Code(one_line(steps.get(number, ""))))
            for number in numbers
        ]
    return Section("Layers", ", ".join(told), ("", "LAYER", "STORED", "STEP"), rows, (1, 2), (3,))


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
    told = count_text(len(rows), "field") + (" differs" if len(rows) == 1 else " differ")
    return Section("Config", told if rows else "the same", ("", "FIELD", "A", "B"), rows, shrink=(3, 2))


def _value(value: Any) -> Cell:
    if value is None:
        return ""
    return Code(one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def _packages(found: Comparison) -> Section:
    counts = Counter(row.change for row in found.packages)
    told = ", ".join(
        f"{counts[change]:,} {change}" for change in ("added", "upgraded", "removed") if counts[change]
    )
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
    return Section("Packages", told, ("", "KIND", "PACKAGE", "A", "B"), rows)


def _files(found: Comparison, is_whole: bool) -> Section:
    rows = [
        (
            MARKS[change.change],
            _size(change),
            signed(change.growth) if change.growth else "",
            _what(change),
            Code(change.path),
        )
        for change in sorted(found.changes(folded=not is_whole), key=lambda change: change.path)
        if is_whole or change.what != ["mtime"]
    ]
    touched = found.sums.touched
    rest = ""
    if touched and not is_whole:
        rest = f"… and {count_text(touched, 'path')} whose time alone differs, see --all"
    return Section("Files", _counts(found), ("", "SIZE", "GROWTH", "WHAT", "PATH"), rows, (1, 2), rest=rest)


def _size(change: FileChange) -> str:
    entry = change.after or change.before
    assert entry is not None
    return size_text(entry.size) if entry.type == "file" else ""


def _what(change: FileChange) -> str:
    if change.below:
        return f"directory with {count_text(change.below, 'path')} below it"
    if change.before and change.after and "type" in change.what:
        return f"{', '.join(change.what)}: was a {change.before.type}, is a {change.after.type}"
    return ", ".join(change.what)
