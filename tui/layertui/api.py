"""The Python API, ``import layertui``: the questions of the commands, answered with objects.

docs/api.md describes what is promised of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from layertui import sources
from layertui.cache.indexes import IndexCache
from layertui.compare.comparison import Comparison, Side
from layertui.content.read import Contents
from layertui.insight.duplicates import Duplicates, candidates, duplicates
from layertui.insight.efficiency import Efficiency, efficiency
from layertui.insight.packages import Packages, packages
from layertui.insight.permissions import Permission, permissions
from layertui.insight.secrets import Secrets, secrets
from layertui.insight.sizes import known_sizes
from layertui.insight.waste import Waste, undecided, waste
from layertui.model.entry import Entry
from layertui.model.errors import LayertuiError
from layertui.model.image import Image, ImageSummary
from layertui.model.numbers import ROOT
from layertui.union.changes import Change, changes, differences, undecided_pairs
from layertui.union.load import read_union
from layertui.union.lookup import find, find_shown, layer_number
from layertui.union.model import LayerUnion
from layertui.union.path_version import PathVersion, path_versions

__all__ = [
    "Change",
    "Comparison",
    "Entry",
    "ImageSummary",
    "Insight",
    "LayerFacts",
    "LayertuiError",
    "OpenedImage",
    "PathVersion",
    "list",
    "open",
]


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer of an image, and the build step that created it. Sizes are bytes, ``None`` if unknown."""

    number: int
    """1 at the base."""
    created_by: str
    """The step as recorded in the history; empty if it is not."""
    created: str | None
    """RFC 3339."""
    size: int | None
    """Of the files that the layer adds."""
    live: int | None
    """Of ``size``, what the final tree shows."""
    dead: int | None
    """Of ``size``, what later layers overwrite or delete: still stored and transferred."""
    stored_size: int | None
    """Of the layer where it is stored, a compressed blob for example."""
    digest: str
    """Of the stored bytes; empty if unknown."""
    diff_id: str
    """Of the uncompressed tar; empty if unknown."""


class OpenedImage:
    """An image and its questions; :func:`open` returns one.

    Layers are read when a question first needs them. All methods raise :class:`LayertuiError`:
    if something does not exist, or cannot be read. Layers are numbered from 1 at the base; the
    default is the top one, that is, the tree that a container sees.
    """

    def __init__(self, image: Image, cache: IndexCache | None, partial: bool) -> None:
        """Use :func:`open`."""
        self._image = image
        self._cache = cache
        self._partial = partial

    def __repr__(self) -> str:
        return f"<OpenedImage {self.reference}>"

    @property
    def reference(self) -> str:
        """The reference that opens it again."""
        return self._image.reference

    @property
    def name(self) -> str:
        """A tag if it has one, else the name of the file."""
        return self._image.name

    @property
    def id(self) -> str:
        """Digest of the config; empty if it has none."""
        return self._image.id

    @property
    def digest(self) -> str:
        """Digest of the manifest; empty if the source has none."""
        return self._image.manifest_digest

    @property
    def platform(self) -> str:
        """``os/arch[/variant]``."""
        return str(self._image.platform)

    @property
    def config(self) -> Mapping[str, Any]:
        """The image config (OCI image-spec, config.md) as stored."""
        return self._image.config

    @property
    def warnings(self) -> Sequence[str]:
        """What is invalid, incomplete, or applied differently by engines. Reads the layers."""
        texts = [*self._image.warnings, *self._damage]
        return texts + [
            f"layer {each.layer}: {'' if each.path == '/' else f'{each.path}: '}{each.text}"
            for each in self._union.warnings
        ]

    @cached_property
    def layers(self) -> Sequence[LayerFacts]:
        """The layers, base first."""
        steps = {step.layer: step for step in self._image.history}
        return [
            LayerFacts(
                layer.number,
                steps[layer.number].created_by,
                steps[layer.number].created,
                None if size is None else size.size,
                None if size is None else size.live,
                None if size is None else size.dead,
                layer.descriptor.size if layer.descriptor.size >= 0 else None,
                layer.descriptor.digest,
                layer.diff_id,
            )
            for layer, size in zip(self._image.layers, known_sizes(self._union), strict=True)
        ]

    def tree(self, path: str = "/", layer: int | None = None) -> Iterator[Entry]:
        """Return what the merged tree of layers 1 to ``layer`` has at and below a path, depth first; not the root."""
        union, number = self._union, layer_number(self._image, layer)
        top = find_shown(union, path, number, follow=path.endswith("/"))
        events = (union.at(node, number) for node in (union.subtree(top) if top else union.descendants(ROOT)))
        return (union.entry(event, number) for event in events if event >= 0)

    def changes(self, layer: int | None = None, *, since: int | None = None) -> Iterator[Change]:
        """Return the changes of a layer; with ``since``, the differences of its tree to that of layer ``since``.

        Contents are read where metadata does not decide. ``since=0`` is the empty tree.
        """
        stop = layer_number(self._image, layer, 1 if since is None else 0)
        start = layer_number(self._image, max(stop - 1, 0) if since is None else since, 0)
        if start == stop == 0:
            return iter(())
        pairs = undecided_pairs(self._union, start, stop)
        self._contents.prepare(event for pair in pairs for event in pair)
        if since is None:
            return changes(self._union, stop, self._contents.same)
        return differences(self._union, start, stop, self._contents.same)

    def versions(self, path: str) -> Sequence[PathVersion]:
        """Return what each layer did to a path, base first: stored it, or deleted it."""
        return path_versions(self._union, find(self._union, path, self._union.layers))

    def read(self, path: str, layer: int | None = None) -> bytes:
        """Return the content of a file in the merged tree of layers 1 to ``layer``; symlinks are followed."""
        number = layer_number(self._image, layer)
        return self._contents.read(self._union.at(find_shown(self._union, path, number), number))

    @cached_property
    def insight(self) -> Insight:
        """Waste, duplicates, secrets, permissions and packages."""
        return Insight(self._image, self._union, self._contents)

    def compare(self, other: OpenedImage, ignore: Collection[str] = ()) -> Comparison:
        """Return the differences of ``other`` to this image.

        ``ignore`` are facts that do not count as different: ``mtime``, ``owner``.
        """
        one, two = (Side(each._image, each._union, each._union.layers) for each in (self, other))
        return Comparison(one, two, ignore)

    # Inside

    @cached_property
    def _union(self) -> LayerUnion:
        union = read_union(self._image, self._cache)
        problems = [f"layer {number}: {text}" for number, text in union.damages()] or [self._image.damage]
        if problems[0] and not self._partial:
            raise LayertuiError(
                f"cannot read all of {self.name}", "; ".join(problems), "partial=True opens what can be read"
            )
        return union

    @property
    def _damage(self) -> Sequence[str]:
        return [
            f"layer {number} could not be read completely: {text}" for number, text in self._union.damages()
        ]

    @cached_property
    def _contents(self) -> Contents:
        return Contents(self._image, self._union.indexes, self._union)


class Insight:
    """What follows from the layers of an image; each part is computed when it is first used.

    The rows have ``to_json()``, the object of ``layertui insight --json``.
    """

    def __init__(self, image: Image, union: LayerUnion, contents: Contents) -> None:
        """Use :attr:`OpenedImage.insight`."""
        self._image = image
        self._union = union
        self._contents = contents

    @cached_property
    def waste(self) -> Waste:
        """Files that layers store and the final tree does not show."""
        self._contents.prepare(undecided(self._union))
        return waste(self._union, self._contents)

    @cached_property
    def efficiency(self) -> Efficiency:
        """dive's figures, by dive's rules."""
        return efficiency(self._union.indexes)

    @cached_property
    def duplicates(self) -> Duplicates:
        """Contents that layers store more than once. Reads every file whose size occurs twice."""
        self._contents.prepare(candidates(self._union))
        return duplicates(self._union, self._contents)

    @cached_property
    def secrets(self) -> Secrets:
        """Secrets in the files of all layers, and in the config. Reads every text file."""
        return secrets(self._image, self._union, self._contents)

    @cached_property
    def permissions(self) -> Sequence[Permission]:
        """Unusual permissions and owners in the final tree."""
        return permissions(self._union, self._contents)

    @cached_property
    def packages(self) -> Packages:
        """The packages that each layer added, upgraded and removed."""
        return packages(self._union, self._contents)


def open(
    reference: str | os.PathLike[str],
    platform: str | None = None,
    *,
    cache: bool = True,
    partial: bool = False,
) -> OpenedImage:
    """Open an image: a reference (``docker://nginx``, ``demo:``) or path.

    ``platform`` (``os/arch[/variant]``) selects one of a multi-platform image. Without ``cache``
    the cache is neither read nor written. Of a damaged image, ``partial`` answers with what can
    be read; by default, that is an error. Raises :class:`LayertuiError` if the image does not
    exist or cannot be read.
    """
    text = reference if isinstance(reference, str) else f"file:{os.fspath(reference)}"
    return OpenedImage(sources.open_image(text, platform), IndexCache() if cache else None, partial)


def list(*places: str, onerror: Callable[[LayertuiError], None] | None = None) -> Iterator[ImageSummary]:
    """Yield the images of the given sources: engines (``docker-daemon:``), stores, archives, layouts.

    Raises :class:`LayertuiError` if one cannot be listed. Without sources, yield those of the
    current directory, of Docker and Podman, and the sample; what cannot be listed (perhaps no
    engine is running) is passed to ``onerror``, as by :func:`os.walk`.
    """
    for place in places:
        yield from sources.list_images(place)
    for row in () if places else sources.list_local():
        if isinstance(row, ImageSummary):
            yield row
        elif onerror is not None:
            onerror(row)
