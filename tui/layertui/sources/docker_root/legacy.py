"""Docker's data root up to 1.9: ``graph/``, ``repositories-<driver>`` and the driver's directory.

Rules from the tag v1.9.1 of moby: graph/graph.go, daemon/graphdriver/*, image/image.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from layertui.layers.unpacked.full_tree import FullTree
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.tar_split import RecordedDirectory
from layertui.model import media_types
from layertui.model.digest import HEX
from layertui.model.errors import LayertuiError
from layertui.model.image import (
    MAX_LAYERS,
    Descriptor,
    HistoryEntry,
    Image,
    InspectField,
    Layer,
    Link,
    Recorded,
    Unpacked,
)
from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference
from layertui.sources.assemble import (
    comparison_warnings,
    incomplete_base_warnings,
    layers_alone,
    no_image,
    platform_of,
    step_of_v1,
)
from layertui.sources.docker_root import inspect_fields
from layertui.sources.docker_root.driver_root import DriverRoot
from layertui.sources.docker_root.files import Container, each, links_of, pick, read_document, read_object
from layertui.sources.docker_root.legacy_entry import COMPATIBILITY, LegacyEntry
from layertui.sources.docker_root.mounts import together, unreadable
from layertui.sources.files import listed
from layertui.sources.store_usage import StoredLayer

LAYER_DIRECTORIES = {
    "aufs": "aufs/diff/{0}",
    "overlay": "overlay/{0}/root",
    "vfs": "vfs/dir/{0}",
    "btrfs": "btrfs/subvolumes/{0}",
}
"""Where each driver keeps an image; in all but AUFS, together with what is below it."""


class LegacyRoot(DriverRoot):
    """Images and containers of Docker up to 1.9: each layer is an image with an ID of its own."""

    layer_directories = LAYER_DIRECTORIES

    def __init__(self, root: Path, driver: str) -> None:
        super().__init__(root, driver)
        self.graph = root / "graph"
        self._entries: dict[str, LegacyEntry] = {}

    @property
    def repositories(self) -> Path:
        return self.root / f"repositories-{self.driver}"

    @cached_property
    def names(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        repositories = self._repositories[0].get("Repositories")
        for name, versions in repositories.items() if isinstance(repositories, dict) else ():
            for tag, identity in versions.items() if isinstance(versions, dict) else ():
                if isinstance(identity, str):
                    found.setdefault(identity, []).append(f"{name}{'@' if ':' in tag else ':'}{tag}")
        return found

    @cached_property
    def _repositories(self) -> tuple[dict[str, Any], bytes]:
        return read_document(self.repositories)

    def every_id(self) -> list[str]:
        return [name for name in listed(self.graph) if HEX.fullmatch(name)]

    def find(self, name: str) -> str:
        return pick(name, self.names, self.every_id(), (f"{self.root} has no image {name}", "its graph"))

    def open(self, identity: str, reference: Reference) -> Image:
        chain = self._chain(identity)
        entry = self.entry(identity)
        top = entry.value
        tags = self.tags_of(identity)
        config = Link("config", Descriptor("", "", -1), entry.data, str(entry.document))
        others = []
        with suppress(LayertuiError):  # which is among the warnings
            compatible, path = entry.compatibility_data, entry.folder / COMPATIBILITY
            if compatible is not None and path != entry.document:
                others.append(Link(path.name, Descriptor("", "", -1), compatible, str(path)))
        layers = list(self.layers(chain))
        return Image(
            reference=str(reference),
            transport="docker-root",
            name=tags[0] if tags else identity[:12],
            tags=tags,
            repo_digests=self.repo_digests_of(identity),
            id=f"sha256:{identity}",
            config=top,
            config_bytes=entry.data,
            manifest={},
            manifest_bytes=b"",
            manifest_digest="",
            platform=platform_of(top),
            history=[self._step(layer_id, number) for number, layer_id in enumerate(chain, 1)],
            layers=layers,
            warnings=[*self._warnings(chain), *comparison_warnings(layers)],
            links=[
                *links_of(self.repositories, self._repositories[1], config),
                *others,
            ],
            fields=list(self._fields(chain)),
        )

    def _fields(self, chain: Sequence[str]) -> Iterator[InspectField]:
        """Yield what ``docker inspect`` of 1.9 shows beside ``json`` of the last image of a chain."""
        folder = self.graph / chain[-1]
        yield InspectField("Id", chain[-1], str(folder))
        yield from inspect_fields.name_fields(self.repositories, self.names.get(chain[-1], []))
        yield self.entry(chain[-1]).parent
        sizes = [self.entry(identity).size for identity in chain]
        if sizes[-1] >= 0:
            yield InspectField("Size", sizes[-1], str(folder / "layersize"))
        if -1 not in sizes:
            yield InspectField(
                "VirtualSize", sum(sizes), str(self.graph), f"layersize of {len(chain)} images"
            )
        mounts, top = self.directories, chain[-1]
        where = [mounts.tree(top) or mounts.tree(mounts.lower(top)), mounts.upper(top)]
        directories = [each for each in where if each] if self.driver == "overlay" else []
        yield inspect_fields.driver_field(self.driver, self.repositories, directories)

    def summary_facts(self, identity: str) -> tuple[str, Mapping[str, Any], Sequence[int]]:
        config = self.entry(identity).value
        return f"sha256:{identity}", config, [self.entry(each).size for each in self._chain(identity)]

    # Layers

    def layers_of(self, identity: str) -> list[str]:
        _ = self.entry(identity).value  # what cannot be read is no image, though its parent may be known
        return self._chain(identity)

    def stored(self) -> Iterator[StoredLayer]:
        for identity in self.every_id():
            yield StoredLayer(identity, self.entry(identity).size, identity, self.parent_of(identity))

    def mounts(self) -> Iterator[str]:
        for identity in listed(self.root / "containers"):
            yield from (identity, f"{identity}-init")

    def entry(self, identity: str) -> LegacyEntry:
        """Return what is noted of an image."""
        if identity not in self._entries:
            self._entries[identity] = LegacyEntry(self.graph / identity)
        return self._entries[identity]

    def parent_of(self, identity: str) -> str:
        """Return the ID of the image below one; empty for a base.

        ``v1Compatibility`` names it as registries know it, and so does its own ``v1Compatibility``.
        """
        entry = self.entry(identity)
        parent = str(entry.parent.value)
        if entry.parent.file.endswith(COMPATIBILITY) and not (self.graph / parent).is_dir():
            return self._compatible.get(parent, parent)
        return parent

    @cached_property
    def _compatible(self) -> dict[str, str]:
        """The images that have a ``v1Compatibility``, by the ID in it."""
        found = {}
        for identity in self.every_id():
            with suppress(LayertuiError):
                found[str(self.entry(identity).compatibility.get("id"))] = identity
        return found

    def _chain(self, identity: str) -> list[str]:
        """Return an image and all that are below it, the base first."""
        chain = [identity]
        while parent := self.parent_of(chain[-1]):
            if parent in chain or len(chain) == MAX_LAYERS:
                raise LayertuiError(f"the parents of {identity} form a cycle", f"at {parent}")
            if not HEX.fullmatch(parent) or not (self.graph / parent).is_dir():
                raise LayertuiError(f"{self.graph} has no {parent}", f"a layer of {identity} is missing")
            chain.append(parent)
        return chain[::-1]

    def stack(self, layer_id: str) -> list[Layer]:
        return list(self.layers(self._ancestry(layer_id)[0]))

    def open_layer(self, layer_id: str, reference: Reference) -> Image:
        """Open the image that the layer is; of one that is damaged, the layers without it."""
        try:
            return self.open(layer_id, reference)
        except LayertuiError as error:
            problems = [str(error)]
        chain, is_base = self._ancestry(layer_id)
        layers, history = list(self.layers(chain)), []
        for number, identity in enumerate(chain, 1):
            try:
                history.append(self._step(identity, number))
            except LayertuiError as error:
                history.append(
                    HistoryEntry(None, "", "", "", LayerNumber(number), recorded=False, id=identity)
                )
                problems.append(str(error))
        problems += comparison_warnings(layers)
        problems += [] if is_base else incomplete_base_warnings(layers[0])
        image = layers_alone(str(reference), "docker-root", layer_id, layers, list(dict.fromkeys(problems)))
        return image._replace(history=history)

    def _ancestry(self, layer_id: str) -> tuple[list[str], bool]:
        """Return an image and those below it as far as they are known, base first, and whether that is one.

        Raises :class:`LayertuiError` if their parents form a cycle.
        """
        chain = [layer_id]
        while (parent := self.parent_of(chain[-1])) and HEX.fullmatch(parent):
            if parent in chain:
                raise LayertuiError(f"the parents of {layer_id} form a cycle", f"at {parent}")
            chain.append(parent)
        try:
            is_base = not parent and bool(self.entry(chain[-1]).value)
        except LayertuiError:
            is_base = False
        return chain[::-1], is_base

    def _step(self, identity: str, number: int) -> HistoryEntry:
        entry = self.entry(identity)
        document = Link("json", Descriptor("", "", -1), entry.data, str(entry.document))
        return step_of_v1(identity, entry.value, number, document)

    def layers(self, chain: Sequence[str]) -> Iterator[Layer]:
        """Yield the layers of images, each of which is on the previous one."""
        below: Path | None = None
        for number, identity in enumerate(chain, 1):
            parent = chain[number - 2] if number > 1 else ""
            unpacked, missing, below = self._unpacked(identity, parent, below)
            descriptor = Descriptor(media_types.DOCKER_LAYER, "", self.entry(identity).size)
            recorded = Recorded(descriptor.size, "directory" if self.driver == "aufs" else "members")
            places = list(self._places(identity, unpacked))
            yield Layer(LayerNumber(number), descriptor, "", "", None, missing, unpacked, places, recorded)

    def _unpacked(
        self, identity: str, parent: str, below: Path | None
    ) -> tuple[Unpacked | None, str, Path | None]:
        """Return what an image's own layer is read from, or why it cannot be; and its tree for the one above."""
        if self.driver not in LAYER_DIRECTORIES:
            return None, unreadable(self.driver), None
        directory = self.root / LAYER_DIRECTORIES[self.driver].format(identity)
        record = self.graph / identity / "tar-data.json.gz"
        if self.driver == "overlay" and not directory.is_dir():
            # An image that nothing was unpacked for, or onto one of these: an overlay over the nearest tree.
            upper = self.directories.overlaid(identity, parent)
            if upper is not None and record.exists():
                return RecordedDirectory(record, Path(upper.location)), "", below
            if upper is not None:
                return upper, "", below
        if not directory.is_dir():
            return None, f"its directory {directory} is not there", None
        if record.exists():
            return RecordedDirectory(record, directory), "", directory
        if self.driver == "aufs":
            return UnpackedDirectory(directory, whiteout_names=True), "", directory
        if parent and below is None:
            return None, together(self.driver, parent), directory
        return FullTree(directory, below, links=self.driver == "overlay"), "", directory

    def _places(self, identity: str, unpacked: Unpacked | None) -> Iterator[tuple[str, str]]:
        """Yield where a layer is stored, and what else is recorded of it."""
        yield from self.entry(identity).places()
        if unpacked is not None:
            yield "unpacked", unpacked.location
        yield from self.directories.places(identity)
        if (record := self.graph / identity / "tar-data.json.gz").exists():
            yield "tar-split", str(record)

    def _warnings(self, chain: Sequence[str]) -> Iterator[str]:
        yield "a store of Docker 1.9 or older: its images have no digests to check"
        for number, identity in enumerate(chain):
            yield from self.entry(identity).problems()
            if problem := self.directories.problem(identity, chain[:number][::-1]):
                yield problem

    # Containers

    def containers(self) -> Iterator[Container]:

        def read(identity: str) -> Iterator[Container]:
            config = read_object(self.root / "containers" / identity / "config.json")
            if config.get("Driver") in (None, self.driver):
                yield Container(identity, config)

        return each(listed(self.root / "containers"), read)

    def open_container(self, container: Container, reference: Reference) -> Image:
        identity = str(container.config.get("Image") or "")
        image = self.open(identity, reference) if identity else no_image(str(reference), "docker-root")
        below = self._chain(identity)[::-1] if identity else []
        return self.directories.with_own_layers(
            image, container, (f"{container.id}-init", container.id), below
        )


def legacy_drivers(root: Path) -> list[str]:
    """Return the drivers that have images in a data root of Docker up to 1.9."""
    if not (root / "graph").is_dir():
        return []
    prefix = "repositories-"
    return [name.removeprefix(prefix) for name in listed(root) if name.startswith(prefix)]
