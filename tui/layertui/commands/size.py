"""``layertui size``: show where the bytes of an image are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from layertui.commands.opening import image_of, read_layers
from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common, add_image
from layertui.commands.progress import ProgressBar
from layertui.insight.leftovers import Leftover, leftovers
from layertui.insight.package_files import PackageFiles
from layertui.insight.package_sizes import PackageSizes, package_sizes
from layertui.insight.size_rows import SizedFile
from layertui.insight.sizes import SizeMap
from layertui.insight.visiting import visitors_of
from layertui.model.errors import LayertuiError
from layertui.model.history_step import step_text
from layertui.model.numbers import Node
from layertui.model.sizes import Bytes
from layertui.text.format import count_text, parts_text, size_text
from layertui.union.lookup import find

DESCRIPTION = """\
Show where the bytes of an image are: by layer, directory, file type and
package, with the largest files and the leftovers that images rarely need.
"""
EPILOG = """\
Live bytes are those of files that the final tree shows; dead bytes are those of
files that a later layer overwrites or deletes: they are still stored. A
hardlinked file counts once. What packages own is known of live files only.
--json prints one object with every row: path, live, dead, layers, directories,
types, packages, unowned, files, dead_files, leftovers.

examples:
  layertui size app.tar
  layertui size app.tar /usr/lib
  layertui size app.tar --dead --files 20
  layertui size app.tar --json | jq '.leftovers[] | {path, live}'
"""
ROWS = 10
"""Rows of a table, unless it is one of files."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("path", metavar="PATH", nargs="?", default="/", help="only at and below this path")
    parser.add_argument("--dead", action="store_true", help="sort by dead bytes, list dead files")
    parser.add_argument("--files", metavar="N", type=int, default=10, help="list N files (default: 10)")
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    if options.files < 0:
        raise LayertuiError(f"--files {options.files} is less than 0", "", "give the number of files to list")
    opened = read_layers(options, image_of(options), visitors=visitors_of(["packages"]))
    union = opened.union
    node = find(union, options.path, union.layers)
    sizes = SizeMap(union)
    with ProgressBar(options.quiet, "reading packages", 0) as bar:
        owned = package_sizes(PackageFiles(union, opened.contents()), sizes, node, bar.job)
    left = leftovers(sizes, node)
    if not options.quiet:
        for error in owned.unread:
            warn(str(error))
    status = 2 if owned.unread else opened.status
    out = Output(status)
    if options.json:
        out.json(_json(sizes, node, owned, left))
    else:
        steps = {entry.layer: step_text(entry) for entry in opened.image.history}
        _Report(out, sizes, node, options.dead, options.files).all(steps, owned, left)
    return status


def _json(sizes: SizeMap, node: Node, owned: PackageSizes, left: Sequence[Leftover]) -> dict[str, Any]:
    path = sizes.union.path

    def counted(found: Bytes) -> dict[str, int]:
        return {"live": found.live, "dead": found.dead}

    def file(row: SizedFile) -> dict[str, Any]:
        return {"path": row.path, "size": row.size, "layer": row.layer}

    return {
        "path": path(node),
        **counted(sizes.below(node)),
        "layers": [
            {"layer": number, "size": found.size, **counted(found)}
            for number, found in enumerate(sizes.by_layer(node), 1)
        ],
        "directories": [{"path": path(child), **counted(found)} for child, found in sizes.children(node)],
        "types": [{"type": name, **counted(found)} for name, found in sizes.by_type(node).items()],
        "packages": [
            {"name": package.name, "version": package.version, "kind": package.kind, "live": size}
            for package, size in owned.packages
        ],
        "unowned": owned.unowned,
        "files": [file(row) for row in sizes.files(node)],
        "dead_files": [file(row) for row in sizes.files(node, is_live=False)],
        "leftovers": [
            {"what": row.rule.name, "path": row.path, "live": row.size, "remedy": row.rule.remedy}
            for row in left
        ],
    }


class _Report:
    """Prints the tables, largest rows first."""

    def __init__(self, out: Output, sizes: SizeMap, node: Node, is_dead: bool, files: int) -> None:
        self._out = out
        self._sizes = sizes
        self._node = node
        self._is_dead = is_dead
        self._files = files

    def all(self, steps: dict[Any, str], owned: PackageSizes, left: Sequence[Leftover]) -> None:
        self._out.line(parts_text(self._sizes.below(self._node)))
        layers = enumerate(self._sizes.by_layer(self._node), 1)
        self._table(
            ("LAYER", "SIZE", "LIVE", "DEAD", "CREATED BY"),
            [
                (f"{number}", *_cells(size), steps.get(number, ""))
                for number, size in layers
                if size.size or self._node == 0
            ],
            None,
        )
        directories = [
            (size, self._sizes.union.path(child)) for child, size in self._sizes.children(self._node)
        ]
        self._sums("DIRECTORY", directories)
        self._sums("TYPE", [(size, name) for name, size in self._sizes.by_type(self._node).items()])
        if not self._is_dead:
            self._packages(owned)
            self._table(
                ("SIZE", "LEFTOVERS", "PATH"),
                [(size_text(row.size), row.rule.name, row.path) for row in left],
            )
        files = self._sizes.files(self._node, not self._is_dead)
        self._table(
            ("SIZE", "LAYER", "DEAD FILE" if self._is_dead else "FILE"),
            [(size_text(row.size), f"{row.layer}", row.path) for row in files],
            self._files,
        )

    def _packages(self, owned: PackageSizes) -> None:
        rows = [
            (size_text(size), f"{package.name} {package.version}", package.kind)
            for package, size in owned.packages
        ]
        self._table(("SIZE", "PACKAGE", "KIND"), rows)
        if owned.packages:
            unlisted = f", {count_text(owned.unlisted, 'package')} without a list" if owned.unlisted else ""
            self._out.line(f"{size_text(owned.unowned)} not owned by a package{unlisted}")

    def _sums(self, head: str, rows: list[tuple[Bytes, str]]) -> None:
        if self._is_dead:
            rows = sorted((row for row in rows if row[0].dead), key=lambda row: (-row[0].dead, row[1]))
        self._table(("SIZE", "LIVE", "DEAD", head), [(*_cells(size), name) for size, name in rows])

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], most: int | None = ROWS) -> None:
        if not rows or most == 0:
            return
        self._out.line("")
        right = [number for number, head in enumerate(heads) if head in ("LAYER", "SIZE", "LIVE", "DEAD")]
        self._out.table(heads, rows[:most], right, shrink=(len(heads) - 1,))
        if most is not None and len(rows) > most:
            self._out.line(f"… and {len(rows) - most:,} more")


def _cells(found: Bytes) -> tuple[str, str, str]:
    return size_text(found.size), size_text(found.live), size_text(found.dead)
