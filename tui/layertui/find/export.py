"""Export what is in images to Parquet files, each layer once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from layertui.content.read import Contents
from layertui.find.digests import digests_of
from layertui.find.memo import LayerMemo, MemoLayer, damage_of
from layertui.find.parquet import ParquetFolder, place_columns
from layertui.insight.package_databases import PACKAGE_FILES
from layertui.insight.packages import packages
from layertui.model.digest import DIGEST, is_known
from layertui.model.entry import ENTRY_TYPES
from layertui.model.errors import LayertuiError
from layertui.model.image import Image, chain_ids
from layertui.model.job import Job
from layertui.model.layer_index import Kind, LayerIndex, path_of
from layertui.union.model import LayerUnion
from layertui.verify.layer import checks

if TYPE_CHECKING:
    from layertui.cache.indexes import IndexCache

EXPORTED_TYPES = {
    **dict(enumerate(ENTRY_TYPES)),
    Kind.HARDLINK: "hardlink",
    Kind.WHITEOUT: "whiteout",
    Kind.OPAQUE: "opaque",
}
"""Type of an entry by kind; others are not exported."""


class ExportedImage(NamedTuple):
    """An image that has been exported."""

    image: str
    """The reference that opens it."""
    layers: int
    new_layers: int
    """How many of them the folder did not have."""


class Exporter:
    """Exports images to a folder; files that exist are not written again."""

    def __init__(self, folder: Path, cache: IndexCache | None) -> None:
        self._tables = ParquetFolder(folder)
        self._memo = LayerMemo(cache, PACKAGE_FILES)
        self._verified: set[tuple[str, str]] = set()

    def add(self, image: Image, job: Job = Job.NONE) -> ExportedImage:
        """Export an image. Its own row is written last: what has one is complete.

        Raises :class:`LayertuiError` if a layer cannot be read completely, or does not have its digest.
        """
        for layer in image.layers:
            if not (is_known(layer.diff_id) and DIGEST.fullmatch(layer.diff_id)):
                raise LayertuiError(f"layer {layer.number} cannot be exported", "its diff ID is unknown")
        stack = (chain_ids([layer.diff_id for layer in image.layers]) or ["none"])[-1]
        new_layers = 0
        if not self._tables.has("stacks", stack):
            new_layers = self._add_stack(image, stack, job)
        row = (
            image.reference,
            image.id,
            image.name,
            str(image.platform or ""),
            str(image.config.get("created") or ""),
            stack,
            [
                {"what": what, "layer": layer, "digest": digest}
                for what, layer, digest in dict.fromkeys(digests_of(image))
            ],
        )
        key = hashlib.sha256(f"{image.reference}\0{image.id}".encode("utf-8", "surrogateescape")).hexdigest()
        if not self._tables.has("images", key):
            self._tables.write("images", key, [[_text(value) for value in row]])
        return ExportedImage(image.reference, len(image.layers), new_layers)

    def _add_stack(self, image: Image, stack: str, job: Job) -> int:
        """Write the layers of an image and what comes of them together; return how many were new."""
        rows = self._memo.layers(image, job)
        if damage := damage_of(image, rows):
            raise LayertuiError("image cannot be exported", damage[0])
        new = 0
        for row in rows:
            self._verify(row, job)
            if not self._tables.has("layers", row.layer.diff_id):
                self._add_layer(row.layer.diff_id, row.index)
                new += 1
        union = self._memo.union(image, rows)
        self._tables.write("exceptions", stack, _exceptions(stack, union))
        found = packages(union, Contents(image, union.indexes, union), job)
        lasting = found.lasting()
        listed = [
            (
                stack,
                change.layer,
                *map(_text, (package.kind, package.name, package.version, package.architecture)),
                number in lasting,
            )
            for number, change in enumerate(found.changes)
            if (package := change.after) is not None
        ]
        self._tables.write("packages", stack, listed)
        diff_ids = [layer.diff_id for layer in image.layers]
        self._tables.write("stacks", stack, [(stack, diff_ids, [_text(str(each)) for each in found.unread])])
        return new

    def _verify(self, row: MemoLayer, job: Job) -> None:
        """Raise :class:`LayertuiError` unless a layer is what its diff ID says: others rely on what is exported.

        That an unpacked layer of a store or engine is, is known to them alone.
        """
        layer = row.layer
        known = (row.identity, layer.diff_id)
        if known in self._verified:
            return
        for check in checks(layer, job.layer(layer.number)):
            is_needed = check.what == "diff ID" and layer.unpacked is None
            if check.status == "wrong" or (is_needed and check.status == "unchecked"):
                why = check.why or f"expected {check.expected}, got {check.found}"
                raise LayertuiError(
                    f"layer {layer.number} cannot be exported, {check.status} {check.what}", why
                )
        if row.identity:
            self._verified.add(known)

    def _add_layer(self, diff_id: str, index: LayerIndex) -> None:
        self._tables.write("entries", diff_id, _entries(diff_id, index))
        self._tables.write("layers", diff_id, [(diff_id, index.count, sum(index.size))])


def _entries(diff_id: str, index: LayerIndex) -> Iterator[Sequence[Any]]:
    for entry, key in enumerate(index.entry_keys()):
        kind = index.kind[entry]
        if kind in EXPORTED_TYPES:
            target = index.links[index.link[entry]] if index.link[entry] >= 0 else None
            if target is not None:
                shown = (
                    path_of(target) if kind == Kind.HARDLINK else target.decode("utf-8", "surrogateescape")
                )
            yield (
                diff_id,
                entry,
                *place_columns(path_of(key)),
                EXPORTED_TYPES[kind],
                index.size[entry],
                index.mode[entry],
                index.uid[entry],
                index.gid[entry],
                index.mtime[entry],
                _text(shown) if target is not None else None,
            )


def _exceptions(stack: str, union: LayerUnion) -> Iterator[Sequence[Any]]:
    """Yield the entries that differ in the image from their layer: hidden, at another path, hardlinks, refused."""
    for number in union.layer_numbers:
        index = union.indexes[number - 1]
        keys = index.entry_keys()
        rest = {entry for entry, kind in enumerate(index.kind) if kind < Kind.WHITEOUT}
        for event in union.events_of(number):
            entry = union.ev_entry[event]
            if entry < 0:
                continue
            rest.discard(entry)
            node, kind = union.ev_node[event], union.ev_kind[event]
            is_visible, size = union.last[node] == event, union.size(event)
            as_stored = (keys[entry], index.kind[entry], index.size[entry])
            if not is_visible or (union.key(node), kind, size) != as_stored:
                place = (*place_columns(union.path(node)), EXPORTED_TYPES[kind], size)
                yield stack, number, entry, False, is_visible, *place
        for refused in sorted(rest):
            place = (
                *place_columns(path_of(keys[refused])),
                EXPORTED_TYPES[index.kind[refused]],
                index.size[refused],
            )
            yield stack, number, refused, True, False, *place


def _text(value: Any) -> Any:
    """Return a value with what is not UTF-8 in a text replaced, for columns that no answer is made of."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value
