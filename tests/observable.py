"""All that an image shows of itself, to be compared with what it shows where it comes from elsewhere.

What a store may keep otherwise, or not at all, is the size of a layer *as it lies there*: see
:class:`Sizes`. All else is the image's own, and has to be the same from everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from layertui import demo
from layertui.anatomy.chain import parts
from layertui.anatomy.docker_inspect import described
from layertui.content.read import Contents
from layertui.insight.duplicates import duplicates
from layertui.insight.efficiency import efficiency
from layertui.insight.packages import packages
from layertui.insight.permissions import permissions
from layertui.insight.secrets import secrets
from layertui.insight.waste import waste
from layertui.layers.load import index_layer
from layertui.model.image import HistoryEntry, Image
from layertui.model.layer_index import Kind, LayerIndex
from layertui.model.numbers import ROOT, LayerNumber
from layertui.sources import list_images
from layertui.sources.assemble import no_image
from layertui.union.builder import UnionBuilder
from layertui.union.changes import changes
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from tests.images import tars_of
from tests.union.trees import Facts, merged

Json = dict[str, Any]


@dataclass
class Seen:
    """What an image shows, however its layers came; of each layer, base first, what is a list."""

    id: str
    platform: str
    settings: Json
    """What its config has for containers, without what is empty: engines fill that in."""
    history: list[tuple[int | None, str | None, str, str, str]]
    """Layer, time, command, author and comment of each step, oldest first."""
    trees: list[dict[str, Facts]]
    entries: list[list[Json]]
    """Every path of the merged tree as ``layertui tree --json`` prints it: times of directories
    and the layer that each path is from, too."""
    changes: list[list[Json]]
    """As ``layertui changes --json`` prints them."""
    file_bytes: list[int]
    """Bytes of the files that the layer stores."""
    tree_bytes: list[int]
    """Bytes of the files that the merged tree shows."""
    insight: Json


def seen(image: Image) -> Seen:
    """Read all of an image, which must not be damaged."""
    indexes = indexes_of(image)
    builder = UnionBuilder()
    for index in indexes:
        builder.add(index)
    union = builder.freeze()
    contents = Contents(image, indexes, union)
    numbers = range(1, union.layers + 1)
    return Seen(
        id=image.id,
        platform=str(image.platform),
        settings={name: value for name, value in (image.config.get("config") or {}).items() if value},
        history=[_step(entry) for entry in image.history],
        trees=[merged(union, number, contents.read) for number in numbers],
        entries=[_entries(union, number) for number in numbers],
        changes=[
            [change.to_json() for change in changes(union, LayerNumber(number), contents.same)]
            for number in numbers
        ],
        file_bytes=[sum(index.size) for index in indexes],
        tree_bytes=[MergedTree(union, LayerNumber(number)).subtree_size(ROOT) for number in numbers],
        insight=_insight(image, union, contents),
    )


def alone(image: Image, layers: int) -> Seen:
    """What the first layers of an image show where nothing tells of the image."""
    unknown = [
        HistoryEntry(None, "", "", "", LayerNumber(number), recorded=False) for number in range(1, layers + 1)
    ]
    return seen(no_image("", "")._replace(layers=image.layers[:layers], history=unknown))


def indexes_of(image: Image) -> list[LayerIndex]:
    """The index of each layer, none of them damaged."""
    indexes = [index_layer(layer, None) for layer in image.layers]
    for index in indexes:
        assert not index.damage, index.damage
    return indexes


def _step(entry: HistoryEntry) -> tuple[int | None, str | None, str, str, str]:
    return entry.layer, entry.created, entry.created_by, entry.author, entry.comment


def _entries(union: LayerUnion, layer: int) -> list[Json]:
    events = (union.at(node, LayerNumber(layer)) for node in union.descendants(ROOT))
    return [union.entry(event).to_json() for event in events if event >= 0]


def _insight(image: Image, union: LayerUnion, contents: Contents) -> Json:
    return {
        "waste": efficiency(union.indexes).to_json() | waste(union, contents).to_json(),
        "permissions": [row.to_json() for row in permissions(union, contents)],
        "packages": [row.to_json() for row in packages(union, contents).changes],
        "duplicates": [group.to_json() for group in duplicates(union, contents).groups],
        "secrets": [row.to_json(True) for row in secrets(image, union, contents).found],
    }


# Sizes as stores have them


@dataclass(frozen=True)
class Sizes:
    """What the sample's layers are measured by, base first.

    A store knows one of these of a layer without reading it, and which one differs: this is
    the one thing of an image that is not the same from everywhere.
    """

    blobs: list[int]
    """As they were stored where the image comes from: archives, layouts, registries, containerd."""
    tars: list[int]
    """Uncompressed: Podman, where it does not know better (containers/storage, ``diff-size``)."""
    files: list[int]
    """Of their files, as their tars' headers tell: Docker, where a layer is a whole tree."""
    directories: list[int]
    """Of their files and the targets of their symlinks: Docker's overlay2, as it lies on the disk."""


def sizes() -> Sizes:
    image = demo.image()
    indexes = indexes_of(image)
    files = [sum(index.size) for index in indexes]
    targets = [
        sum(
            len(index.links[link])
            for kind, link in zip(index.kind, index.link, strict=True)
            if kind == Kind.SYMLINK
        )
        for index in indexes
    ]
    return Sizes(
        blobs=[layer.descriptor.size for layer in image.layers],
        tars=[len(tar) for tar in tars_of(image.layers)],
        files=files,
        directories=[file + target for file, target in zip(files, targets, strict=True)],
    )


def assert_sizes(image: Image, expected: list[int], counted: str = "as stored", documents: int = 0) -> None:
    """Hold every size that is told of an image, without its layers being read, against one a layer.

    ``counted`` is what is said to be counted, ``documents`` are the bytes of manifest and config
    where an engine takes them for the image's too.
    """
    assert {image.measured, *(layer.measured for layer in image.layers)} == {counted}
    total = sum(expected) + documents
    assert [layer.descriptor.size for layer in image.layers] == expected
    assert image.size == sum(expected)
    told = described(image)
    assert told["Size"] == told.get("VirtualSize", told["Size"]) == total
    layers = [part for part in parts(image) if part.kind == "layer"]
    assert [int(dict(part.facts)["size"]) for part in layers] == expected
    for entry in image.history:  # engines count what each step made
        assert entry.size in (-1, expected[entry.layer - 1] if entry.layer else 0)
    row = next(row for row in list_images(image.reference) if row.id == image.id)
    assert (row.size, row.layers) == (total, len(expected))
