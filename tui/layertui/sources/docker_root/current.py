"""Docker's data root since 1.10: ``image/<driver>`` and the driver's own directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from layertui.layers.unpacked.id_mapping import id_mapping_of
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.tar_split import RecordedDirectory
from layertui.model import media_types
from layertui.model.blob import FileBlob
from layertui.model.digest import HEX, SHA256, check_digest
from layertui.model.errors import LayertuiError
from layertui.model.image import (
    Descriptor,
    Image,
    InspectField,
    Layer,
    Link,
    Recorded,
    Unpacked,
    chain_ids,
)
from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference
from layertui.sources import documents
from layertui.sources.assemble import (
    comparison_warnings,
    diff_ids_of,
    history_of,
    layers_alone,
    platform_of,
)
from layertui.sources.docker_root import inspect_fields
from layertui.sources.docker_root.driver_root import DriverRoot
from layertui.sources.docker_root.files import (
    Container,
    each,
    links_of,
    overlay_places,
    pick,
    read_document,
    read_object,
    with_step_ids,
)
from layertui.sources.docker_root.mounts import ONE_LAYER, WHITEOUT_FILE_DRIVERS, unreadable
from layertui.sources.files import listed, parse_json, read_text
from layertui.sources.store_usage import StoredLayer

LAYER_DIRECTORIES = {
    "overlay2": "overlay2/{0}/diff",
    "fuse-overlayfs": "fuse-overlayfs/{0}/diff",
    "overlay": "overlay/{0}/root",
    "aufs": "aufs/diff/{0}",
    "vfs": "vfs/dir/{0}",
    "btrfs": "btrfs/subvolumes/{0}",
}
"""Where each driver keeps a layer by its cache ID, below the data root."""
OVERLAYS = ("overlay2", "fuse-overlayfs")
"""Drivers that mount the layers' directories themselves as an overlay."""


class CurrentRoot(DriverRoot):
    """Images and containers of Docker since 1.10; the ID of a layer is its chain ID."""

    layer_directories = LAYER_DIRECTORIES

    def __init__(self, root: Path, driver: str) -> None:
        super().__init__(root, driver)
        self.store = root / "image" / driver

    @property
    def repositories(self) -> Path:
        return self.store / "repositories.json"

    @cached_property
    def names(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        repositories = self._repositories[0].get("Repositories")
        for references in repositories.values() if isinstance(repositories, dict) else ():
            for name, identity in references.items() if isinstance(references, dict) else ():
                if isinstance(identity, str):
                    found.setdefault(identity, []).append(name)
        return found

    @cached_property
    def _repositories(self) -> tuple[dict[str, Any], bytes]:
        """The file of all names; empty where there is none."""
        return read_document(self.repositories) if self.repositories.exists() else ({}, b"")

    def every_id(self) -> list[str]:
        folder = self.store / "imagedb" / "content" / "sha256"
        return [f"sha256:{name}" for name in listed(folder) if HEX.fullmatch(name)]

    def parent_of(self, identity: str) -> str:
        return read_text(self.store / "imagedb" / "metadata" / identity.replace(":", "/") / "parent")

    def config_of(self, identity: str) -> tuple[dict[str, Any], bytes]:
        """Return an image's config. Raises :class:`LayertuiError`."""
        path = self._config_path(identity)
        config, data = read_document(path, documents.CONFIG_SCHEMA)
        check_digest(data, identity, f"the config {path}")
        return config, data

    def _config_path(self, identity: str) -> Path:
        return self.store / "imagedb" / "content" / identity.replace(":", "/")

    def find(self, name: str) -> str:
        where = f"{self.root} has no image {name}", f"its {self.driver} store"
        return pick(name, self.names, self.every_id(), where)

    def open(self, identity: str, reference: Reference) -> Image:
        config, data = self.config_of(identity)
        diff_ids = diff_ids_of(config)
        layers = [
            self.layer(number, diff_id, chain_id)
            for number, (diff_id, chain_id) in enumerate(zip(diff_ids, chain_ids(diff_ids), strict=True), 1)
        ]
        history, warnings = history_of(config, len(layers))
        tags = self.tags_of(identity)
        return Image(
            reference=str(reference),
            transport="docker-root",
            name=tags[0] if tags else identity.removeprefix("sha256:")[:12],
            tags=tags,
            repo_digests=self.repo_digests_of(identity),
            id=identity,
            config=config,
            config_bytes=data,
            manifest={},
            manifest_bytes=b"",
            manifest_digest="",
            platform=platform_of(config),
            history=with_step_ids(history, identity, self.parent_of, self.every_id()),
            layers=layers,
            warnings=[*warnings, *comparison_warnings(layers)],
            links=links_of(
                self.repositories,
                self._repositories[1],
                Link("config", Descriptor("", identity, -1), data, str(self._config_path(identity))),
            ),
            fields=list(self._fields(identity, layers)),
        )

    def _fields(self, identity: str, layers: Sequence[Layer]) -> Iterator[InspectField]:
        """Yield what ``docker inspect`` shows beside the config."""
        yield InspectField("Id", identity, str(self._config_path(identity)))
        yield from inspect_fields.name_fields(self.repositories, self.names.get(identity, []))
        noted = self.store / "imagedb" / "metadata" / identity.replace(":", "/")
        if parent := self.parent_of(identity):
            yield InspectField("Parent", parent, str(noted / "parent"))
        if tagged := read_text(noted / "lastUpdated"):
            yield InspectField("Metadata", {"LastTagTime": tagged}, str(noted / "lastUpdated"))
        size = sum(layer.descriptor.size for layer in layers)
        if all(layer.descriptor.size >= 0 for layer in layers):
            for name in ("Size", "VirtualSize"):
                yield InspectField(name, size, str(self.store / "layerdb"), f"size of {len(layers)} layers")
        found = [layer.unpacked.location for layer in layers if layer.unpacked is not None]
        directories = list(map(Path, found)) if len(found) == len(layers) else []
        yield inspect_fields.driver_field(self.driver, self.store, directories)

    def summary_facts(self, identity: str) -> tuple[str, Mapping[str, Any], Sequence[int]]:
        config, _ = self.config_of(identity)
        return identity, config, [self._size(chain_id) for chain_id in chain_ids(diff_ids_of(config))]

    # Layers

    def layers_of(self, identity: str) -> list[str]:
        return chain_ids(diff_ids_of(self.config_of(identity)[0]))

    def stored(self) -> Iterator[StoredLayer]:
        for name in listed(self.store / "layerdb" / "sha256"):
            if HEX.fullmatch(name):
                chain_id = f"sha256:{name}"
                cache_id, parent = (
                    read_text(self.facts_of(chain_id) / fact) for fact in ("cache-id", "parent")
                )
                yield StoredLayer(chain_id, self._size(chain_id), cache_id, parent)

    def mounts(self) -> Iterator[str]:
        folder = self.store / "layerdb" / "mounts"
        for identity in listed(folder):
            yield from (read_text(folder / identity / name) for name in ("mount-id", "init-id"))

    def stack(self, layer_id: str) -> list[Layer]:
        chain, absent = [layer_id], ""
        while parent := read_text(self.facts_of(chain[-1]) / "parent"):
            if parent in chain:
                raise LayertuiError(f"the parents of the layer {layer_id} form a cycle", f"at {parent}")
            if not SHA256.fullmatch(parent) or not self.facts_of(parent).is_dir():
                absent = f"the store has no layer of the chain ID {parent}, nor what is below it"
                break
            chain.append(parent)
        layers = []
        if absent:  # stands for all that are missing
            layers.append(
                Layer(LayerNumber(1), Descriptor(media_types.DOCKER_LAYER, "", -1), "", "", None, absent)
            )
        for chain_id in reversed(chain):
            layers.append(self.layer(len(layers) + 1, read_text(self.facts_of(chain_id) / "diff"), chain_id))
        return layers

    def open_layer(self, layer_id: str, reference: Reference) -> Image:
        layers = self.stack(layer_id)
        return layers_alone(str(reference), "docker-root", layer_id, layers, comparison_warnings(layers))

    def layer(self, number: int, diff_id: str, chain_id: str) -> Layer:
        """Return a layer as the store has it. Raises :class:`LayertuiError` if a file of it is damaged."""
        facts = self.facts_of(chain_id)
        descriptor = Descriptor(media_types.DOCKER_LAYER, "", self._size(chain_id))
        missing = ""
        unpacked: Unpacked | None = None
        cache_id, noted = (read_text(facts / name) for name in ("cache-id", "diff"))
        if not chain_id or not facts.is_dir():
            missing = f"the store has no layer of the chain ID {chain_id or 'unknown'}"
        elif noted != diff_id:
            missing = f"its place in the store, {facts}, has another diff ID: {noted}"
        elif self.driver not in LAYER_DIRECTORIES:
            missing = unreadable(self.driver)
        else:
            unpacked, missing = self._unpacked(facts, cache_id)
        places = self._places(facts, cache_id, diff_id)
        counted: Literal["directory", "members"] = "directory" if self.driver in ONE_LAYER else "members"
        recorded = Recorded(descriptor.size, counted, noted) if chain_id else None
        return Layer(
            LayerNumber(number), descriptor, diff_id, chain_id, None, missing, unpacked, places, recorded
        )

    def _places(self, facts: Path, cache_id: str, diff_id: str) -> list[tuple[str, str]]:
        """Return where a layer is stored, and what it was pulled as."""
        if not facts.is_dir():
            return []
        places = [("layerdb", str(facts)), ("cache-id", cache_id)]
        directory = (
            self.directories.directory(LAYER_DIRECTORIES[self.driver], cache_id)
            if self.driver in LAYER_DIRECTORIES
            else None
        )
        if directory is not None:
            places += overlay_places(directory)
            places += self.directories.places(cache_id)
        if (record := facts / "tar-split.json.gz").exists():
            places.append(("tar-split", str(record)))
        pulled = self.store / "distribution" / "v2metadata-by-diffid" / diff_id.replace(":", "/")
        if pulled.is_file():
            known, _ = parse_json(FileBlob(pulled), str(pulled))
            for each in known if isinstance(known, list) else ():
                if isinstance(each, dict):
                    places.append(("pulled", f"{each.get('SourceRepository')}@{each.get('Digest')}"))
        return places

    def _unpacked(self, facts: Path, cache_id: str) -> tuple[Unpacked | None, str]:
        """Return what a layer is read from, or why it cannot be."""
        directory = self.directories.directory(LAYER_DIRECTORIES[self.driver], cache_id)
        if directory is None or not directory.is_dir():
            return None, f"its directory {directory or cache_id} is not there"
        if (record := facts / "tar-split.json.gz").exists():
            is_overlaid = self.driver in OVERLAYS
            return RecordedDirectory(record, directory, is_overlaid=is_overlaid), ""
        if self.driver in ONE_LAYER:
            by_name = self.driver in WHITEOUT_FILE_DRIVERS
            return UnpackedDirectory(directory, by_name, id_mapping=id_mapping_of(self.root)), ""
        below = read_text(facts / "parent")
        parent = read_text(self.facts_of(below) / "cache-id") or below
        return self.directories.whole(LAYER_DIRECTORIES[self.driver], cache_id, parent)

    def facts_of(self, chain_id: str) -> Path:
        """Return where it is noted what is known of a layer."""
        return self.store / "layerdb" / chain_id.replace(":", "/")

    def _size(self, chain_id: str) -> int:
        text = read_text(self.facts_of(chain_id) / "size")
        return int(text) if text.isdecimal() else -1

    # Containers

    def containers(self) -> Iterator[Container]:
        mounts = set(listed(self.store / "layerdb" / "mounts"))

        def read(identity: str) -> Iterator[Container]:
            if identity in mounts:
                yield Container(identity, read_object(self.root / "containers" / identity / "config.v2.json"))

        return each(listed(self.root / "containers"), read)

    def open_container(self, container: Container, reference: Reference) -> Image:
        image = self.open(str(container.config.get("Image", "")), reference)
        facts = self.store / "layerdb" / "mounts" / container.id
        names = [read_text(facts / name) for name in ("init-id", "mount-id")]
        below = [read_text(self.facts_of(layer.chain_id) / "cache-id") for layer in reversed(image.layers)]
        return self.directories.with_own_layers(image, container, names, below)


def current_drivers(root: Path) -> list[str]:
    """Return the drivers that have images in a data root, the one that its containers name first."""
    found = [name for name in listed(root / "image") if (root / "image" / name / "imagedb").is_dir()]
    used: list[str] = []
    for identity in listed(root / "containers"):
        try:
            used.append(str(read_object(root / "containers" / identity / "config.v2.json").get("Driver")))
        except LayertuiError:
            continue
    return sorted(found, key=lambda driver: (-used.count(driver), driver))
