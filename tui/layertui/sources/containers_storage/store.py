"""One driver's images, layers and containers (github.com/containers/storage: images.go, layers.go)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from layertui.layers.unpacked.composefs import ComposefsDirectory
from layertui.layers.unpacked.full_tree import FullTree
from layertui.layers.unpacked.id_mapping import id_mapping_of
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.tar_split import RecordedDirectory
from layertui.model import media_types
from layertui.model.blob import FileBlob
from layertui.model.digest import check_digest
from layertui.model.errors import LayertuiError, few
from layertui.model.image import (
    ContainerSummary,
    Descriptor,
    Image,
    ImageSummary,
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
    READ_WRITE,
    comparison_warnings,
    config_list,
    created_of,
    diff_ids_of,
    history_of,
    labels_of,
    no_image,
    platform_of,
    with_own_layer,
)
from layertui.sources.containers_storage.lists import Lists
from layertui.sources.containers_storage.records import (
    MANIFEST,
    Record,
    container_name,
    repo_digests,
)
from layertui.sources.docker_root.files import overlay_places
from layertui.sources.files import listed, parse_object, read_text
from layertui.sources.oci_layout import descriptor_of, descriptors_of, is_index

LAYER_DIRECTORIES = {
    "overlay": "overlay/{0}/diff",
    "aufs": "aufs/diff/{0}",
    "vfs": "vfs/dir/{0}",
    "btrfs": "btrfs/subvolumes/{0}",
}
"""Where each driver keeps a layer."""
ONE_LAYER = ("overlay", "aufs")
"""Drivers whose directories hold one layer alone; others keep all that is below it too."""
PLAIN_KEY = re.compile(r"[a-z0-9.]+")
"""Keys of big data that are file names as they are (``makeBigDataBaseName``)."""
TABLE = "zstd-chunked-manifest"
"""The key of a layer's table of contents (pkg/chunked/storage_linux.go)."""


class ContainersStore(Lists):
    """The images of a root and of additional roots, from their lists and directories."""

    # Images

    def open(self, record: Record, reference: str, key: str = MANIFEST) -> Image:
        """Return an image by the key of its manifest or index. Raises :class:`LayertuiError`."""
        links = []
        manifest, data = self.document(record, key)
        if is_index(manifest):
            links.append(self._link("index", record, key, record.manifest_digest(key), data))
            key = self._listed_manifest(record, manifest, reference)
            manifest, data = self.document(record, key)
        manifest_digest, config_digest = record.manifest_digest(key), config_digest_of(record, manifest)
        config, config_bytes = self.document(record, config_digest)
        check_digest(config_bytes, config_digest, f"the config of {reference}")
        links.append(self._link("manifest", record, key, manifest_digest, data))
        links.append(self._link("config", record, config_digest, config_digest, config_bytes))
        layers, odd = self._layers(record, config, manifest)
        history, more = history_of(config, len(layers))
        image = Image(
            reference=reference,
            transport="containers-storage",
            name=record.tags[0] if record.tags else record.id[:12],
            tags=record.tags,
            repo_digests=repo_digests(record),
            id=config_digest,
            config=config,
            config_bytes=config_bytes,
            manifest=manifest,
            manifest_bytes=data,
            manifest_digest=manifest_digest,
            platform=platform_of(config),
            history=history,
            layers=layers,
            warnings=[*odd, *more, *comparison_warnings(layers)],
            links=links,
        )
        return image if config_digest == record.digest else self._with_own_id(image, record)

    def _with_own_id(self, image: Image, record: Record) -> Image:
        """Return an image with the ID that the store has in place of the config's digest.

        Podman derives it from the config's digest and the layers' TOC digests if it pulled the
        layers by these, without checking their diff IDs (containers/image, ``computeID``).
        """
        file = str(record.root / f"{self.driver}-images" / "images.json")
        history = [*image.history[:-1], *(step._replace(id=record.digest) for step in image.history[-1:])]
        fields = [
            InspectField("Id", record.digest, file, "id"),
            InspectField("RepoTags", record.tags, file, "names"),
            InspectField("RepoDigests", repo_digests(record), file, "big-data-names"),
        ]
        return image._replace(history=history, fields=fields)

    def _listed_manifest(self, record: Record, index: Mapping[str, Any], reference: str) -> str:
        """Return the key of the manifest in an index that the store has. Raises :class:`LayertuiError`."""
        digests = [found.digest for found in descriptors_of(index)]
        for key in map(record.manifest_key, digests):
            if key != MANIFEST:
                return key
        listed = few(digests) or "it is empty"
        raise LayertuiError(f"{reference} is a list of images for platforms", listed)

    def _link(self, name: str, record: Record, key: str, digest: str, data: bytes) -> Link:
        return Link(name, Descriptor("", digest, -1), data, str(self.data_path(record, key)))

    def summaries(self, place: Reference) -> Iterator[ImageSummary]:
        """Yield a row for each name of each image, or for one without a name.

        For an image that cannot be read, only what ``images.json`` has is known.
        """
        for record in self.images:
            config: Mapping[str, Any] = {}
            manifest: Mapping[str, Any] = {}
            try:
                manifest, _ = self.document(record, MANIFEST)
                if not is_index(manifest):
                    config, _ = self.document(record, config_digest_of(record, manifest))
                layers = [layer.descriptor.size for layer in self._layers(record, config, manifest)[0]]
            except LayertuiError:
                layers = [-1]
            listed_platforms = [found.platform for found in descriptors_of(manifest)]
            one = [platform_of(config)] if config else []
            for full in record.tags or [""]:
                name, _, tag = full.rpartition(":")
                yield ImageSummary(
                    reference=str(place._replace(selector=self.selector(record, full))),
                    transport="containers-storage",
                    name=name,
                    tag=tag,
                    id=record.digest,
                    digest=record.text("digest"),
                    size=sum(layers) if config and -1 not in layers else None,
                    created=created_of(config) or record.text("created") or None,
                    layers=len(layers) if config else None,
                    platforms=tuple(one or [each for each in listed_platforms if each is not None]),
                    labels=labels_of(config),
                )

    def document(self, record: Record, key: str) -> tuple[dict[str, Any], bytes]:
        """Return a manifest or config of an image. Raises :class:`LayertuiError`."""
        path = self.data_path(record, key)
        schema = documents.MANIFEST_SCHEMA if key.startswith("manifest") else documents.CONFIG_SCHEMA
        return parse_object(FileBlob(path), str(path), schema)

    def data_path(self, record: Record, key: str) -> Path:
        return record.root / f"{self.driver}-images" / record.id / big_data_name(key)

    # Layers

    def _layers(
        self, image: Record, config: Mapping[str, Any], manifest: Mapping[str, Any]
    ) -> tuple[list[Layer], list[str]]:
        """Return an image's layers, base first, and warnings about mismatches."""
        diff_ids = diff_ids_of(config)
        chain, broken = self.chain(image.text("layer"))
        absent = max(len(diff_ids) - len(chain), 0)
        if not broken and len(chain) != len(diff_ids):
            broken = f"the store has {len(chain)} layers of it, its config names {len(diff_ids)}"
        ids = diff_ids if len(diff_ids) == absent + len(chain) else [""] * len(chain)
        types = {
            str(each.get("digest")): str(each.get("mediaType") or media_types.OCI_LAYER)
            for each in config_list(manifest, "layers")
            if isinstance(each, dict)
        }
        layers = []
        odd = [broken] if broken else []
        for number, (diff_id, chain_id) in enumerate(zip(ids, chain_ids(ids), strict=True), 1):
            if number <= absent:
                descriptor = Descriptor(media_types.OCI_LAYER, "", -1)
                layers.append(Layer(LayerNumber(number), descriptor, diff_id, chain_id, None, broken))
                continue
            record = chain[number - absent - 1]
            media_type = types.get(record.text("compressed-diff-digest"), media_types.OCI_LAYER)
            layers.append(self.layer(number, record, diff_id, chain_id, media_type))
        return layers, odd

    def layer(
        self,
        number: int,
        record: Record,
        diff_id: str,
        chain_id: str,
        media_type: str = media_types.OCI_LAYER,
    ) -> Layer:
        """Return a layer as stored; its IDs are those that an image claims, empty if none does."""
        digest = record.text("compressed-diff-digest")
        descriptor = Descriptor(media_type, digest, record.size)
        unpacked, missing = self._unpacked(record)
        if diff_id and record.text("diff-digest") not in ("", diff_id):
            unpacked, missing = None, f"the store has another layer there: {record.text('diff-digest')}"
        recorded = Recorded(record.unpacked_size, "tar", record.text("diff-digest"))
        places = self._places(record)
        return Layer(
            LayerNumber(number), descriptor, diff_id, chain_id, None, missing, unpacked, places, recorded
        )

    def _unpacked(self, layer: Record) -> tuple[Unpacked | None, str]:
        """Return the source of a layer's entries, or why there is none."""
        if self.driver not in LAYER_DIRECTORIES:
            return None, f"the {self.driver} driver keeps layers where they cannot be read offline"
        directory = self._directory(layer)
        if not directory.is_dir():
            return None, f"its directory {directory} is not there"
        record = self._beside(layer, f"{layer.id}.tar-split.gz")
        blob = directory.with_name("composefs-data") / "composefs.blob"
        if self.driver == "overlay" and blob.exists():
            table = self._beside(layer, f"{layer.id}/{big_data_name(TABLE)}")
            if not table.is_file():
                return None, (
                    f"composefs keeps it: its tree is the EROFS image {blob}, which is not read here, "
                    f"and the table of contents {table} is not there"
                )
            by_digest = ComposefsDirectory(table, directory)
            return RecordedDirectory(record, directory, by_digest) if record.is_file() else by_digest, ""
        if record.is_file():
            return RecordedDirectory(record, directory, is_overlaid=self.driver == "overlay"), ""
        if self.driver in ONE_LAYER:
            fuse = read_text(layer.root / "overlay" / ".has-mount-program") == "true"
            chain, _ = self.chain(layer.text("parent"))
            stack = tuple(self._directory(each) for each in reversed(chain))
            mapping = id_mapping_of(layer.root)
            return UnpackedDirectory(directory, fuse or self.driver == "aufs", stack, mapping), ""
        below = self.layers.get(layer.text("parent"))
        if below is None and layer.text("parent"):
            return None, f"it is kept together with what is below it, and {layer.text('parent')} is not there"
        return FullTree(directory, self._directory(below) if below else None, id_mapping_of(layer.root)), ""

    def _places(self, layer: Record) -> list[tuple[str, str]]:
        places = [("layer ID", layer.id)]
        if self.driver in LAYER_DIRECTORIES:
            places += overlay_places(self._directory(layer))
        if (record := self._beside(layer, f"{layer.id}.tar-split.gz")).is_file():
            places.append(("tar-split", str(record)))
        return places

    def _beside(self, layer: Record, name: str) -> Path:
        """Return a file that belongs to a layer: beside the list that has it, or, of one in an ``imagestore``, in the first root."""
        paths = [root / f"{self.driver}-layers" / name for root in (layer.root, self.roots[0])]
        return next((path for path in paths if path.is_file()), paths[0])

    def _directory(self, layer: Record) -> Path:
        return layer.root / LAYER_DIRECTORIES[self.driver].format(layer.id)

    # Containers

    def open_container(self, container: Record, reference: str) -> Image:
        """Return a container as its image with the read-write layer on top. Raises :class:`LayertuiError`."""
        image = (
            self.open(self.image_of(container), reference)
            if container.text("image")
            else no_image(reference, "containers-storage")
        )
        layer = self.layers.get(container.text("layer"))
        unpacked, missing = (
            self._unpacked(layer) if layer else (None, f"the store has no layer {container.text('layer')}")
        )
        text = f"{READ_WRITE}{container_name(container)} (state unknown)"
        image = with_own_layer(image, unpacked, missing, text, container.text("created") or None)
        return image._replace(name=f"{container_name(container)} ({image.name})")

    def image_of(self, container: Record) -> Record:
        """Return the image that a container was made from. Raises :class:`LayertuiError`."""
        return self.find(container.text("image"))

    def container_summaries(self, place: Reference) -> Iterator[ContainerSummary]:
        for container in self.containers:
            yield ContainerSummary(
                reference=str(place._replace(selector=f"/{container_name(container)}")),
                transport="containers-storage",
                id=container.id,
                name=container_name(container),
                image=str(container.metadata.get("image-name") or container.text("image")),
                command=None,
                created=container.text("created") or None,
                state="unknown",
                status="unknown: the store does not say",
                labels=None,
                mounts=None,
                networks=None,
                ports=None,
                image_id=f"sha256:{container.text('image')}" if container.text("image") else "",
            )


def config_digest_of(record: Record, manifest: Mapping[str, Any]) -> str:
    """Return the digest of an image's config: the manifest's, else (schema 1) the ID."""
    described = descriptor_of(manifest.get("config"))
    return described.digest if described is not None else record.digest


def big_data_name(key: str) -> str:
    """Return the name of the file that has big data of a key."""
    return key if PLAIN_KEY.fullmatch(key) else "=" + base64.b64encode(key.encode()).decode()


def storage_drivers(root: Path) -> list[str]:
    """Return the drivers that have images in a root. Raises :class:`LayertuiError`."""
    return [name.removesuffix("-images") for name in listed(root) if name.endswith("-images")]
