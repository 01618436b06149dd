"""OCI image layouts: descriptors, the blobs they reference, indexes of manifests.

Rules from the OCI image specification: descriptor.md, image-layout.md, image-index.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import count

from layertui import TYPE_CHECKING
from layertui.model import media_types
from layertui.model.blob import Blob, BytesBlob, FileState
from layertui.model.digest import DIGEST, check_digest, digest_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Link
from layertui.model.reference import Reference
from layertui.sources import documents
from layertui.sources.assemble import config_list, platform_of
from layertui.sources.files import MAX_JSON, Files, parse_object, parsed, read_whole

if TYPE_CHECKING:
    from typing import Any


REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
MAX_INDEX_DEPTH = 8
"""Nested indexes at most."""


class ImageLayout(ABC):
    """Manifests and other blobs, reached by descriptors from top-level ones."""

    transport: str
    place: str
    """Human-readable location."""
    file: FileState | None = None
    """State of the archive that contains them, when it was opened."""
    damage: str = ""
    """Why some blobs may be missing; empty if none is."""

    @cached_property
    def known(self) -> dict[str, tuple[str, str]]:
        """Artifact type and subject of manifests by their digests, as far as these have been read."""
        return {}

    @abstractmethod
    def stored(self, descriptor: Descriptor) -> Blob | None:
        """Return the stored blob of a descriptor; ``None`` if it is absent."""

    @abstractmethod
    def top(self) -> list[Descriptor]:
        """Return the top-level descriptors."""

    def pinned(self, _reference: Reference, _digest: str) -> str:
        """Return the reference of a manifest by its digest; empty if there is none."""
        return ""

    def entrance(self) -> Sequence[Link]:
        """Return the document that contains the top-level descriptors, if there is one."""
        return ()

    def blob(self, descriptor: Descriptor) -> Blob | None:
        """Return the blob of a descriptor, embedded or stored; ``None`` if it is absent."""
        if descriptor.data:
            return BytesBlob(descriptor.data, f"in the descriptor of {descriptor.digest}")
        return self.stored(descriptor)

    def link(self, name: str, descriptor: Descriptor, data: bytes) -> Link:
        """Return the link of a document with its descriptor and location."""
        blob = self.blob(descriptor)
        return Link(name, descriptor, data, blob.location if blob is not None else "")

    def has(self, descriptor: Descriptor) -> bool:
        """Return whether the blob of a descriptor is present."""
        return self.blob(descriptor) is not None

    def fetch(self, descriptor: Descriptor, what: str) -> tuple[dict[str, Any], bytes]:
        """Return a JSON blob, parsed and as its bytes, with its digest checked.

        ``what`` it is: ``config``, ``manifest`` or ``index``. Raises :class:`LayertuiError`.
        """
        digest = descriptor.digest
        blob = self.blob(descriptor)
        if blob is None:
            raise LayertuiError(f"{self.place} has no blob {digest}", f"the {what} of the image")
        name = f"the {what} {digest} of {self.place}"
        if blob.size <= MAX_JSON:
            check_digest(blob.pread(blob.size, 0), digest, name)
        return parse_object(blob, name, documents.SCHEMAS[what])


class FilesLayout(ImageLayout):
    """An OCI image layout: ``index.json`` and ``blobs/`` (image-layout.md)."""

    def __init__(self, files: Files, transport: str) -> None:
        self.transport = transport
        self.place = str(files.path)
        self.damage = files.damage
        self.file = files.state
        self._files = files

    def stored(self, descriptor: Descriptor) -> Blob | None:
        checked(descriptor, self.place)
        algorithm, _, encoded = descriptor.digest.partition(":")
        return self._files.get(f"blobs/{algorithm}/{encoded}")

    def entrance(self) -> Sequence[Link]:
        blob = self._files.get("index.json")
        if blob is None:
            return ()
        return (Link("index.json", Descriptor("", "", -1), blob.pread(blob.size, 0), blob.location),)

    def top(self) -> list[Descriptor]:
        return list(_listed_in(*self._whole("index.json")))

    def pinned(self, reference: Reference, digest: str) -> str:
        return str(reference._replace(selector=f"@{digest}"))

    def _whole(self, name: str) -> tuple[bytes, str]:
        """Return the bytes of a JSON file, and what it is called in errors."""
        if (blob := self._files.get(name)) is None:
            raise LayertuiError(f"{self.place} has no {name}")
        what = f"{name} of {self.place}"
        return read_whole(blob, what), what


class DirectoryLayout(FilesLayout):
    """``dir:``, one manifest and blobs named by digest without algorithm (containers/image, directory_transport.go)."""

    def __init__(self, files: Files) -> None:
        super().__init__(files, "dir")

    def stored(self, descriptor: Descriptor) -> Blob | None:
        checked(descriptor, self.place)
        encoded = descriptor.digest.partition(":")[2]
        return self._files.get(encoded) or self._files.get(f"{encoded}.manifest.json")

    def entrance(self) -> Sequence[Link]:
        return ()

    def pinned(self, _reference: Reference, _digest: str) -> str:
        return ""

    def signatures(self, digest: str) -> Iterator[Blob]:
        """Yield the stored signatures of a manifest or index (``signaturePath``)."""
        own = any(found.digest == digest for found in self.top())
        prefix = "" if own else f"{digest.partition(':')[2]}."
        for number in count(1):
            blob = self._files.get(f"{prefix}signature-{number}")
            if blob is None:
                return
            yield blob

    def top(self) -> list[Descriptor]:
        """Return one descriptor, made here, that embeds ``manifest.json``: no file names it by digest."""
        data, what = self._whole("manifest.json")
        media_type = media_types.OCI_INDEX if is_index(_object_in(data, what)) else media_types.OCI_MANIFEST
        return [Descriptor(media_type, digest_of(data), len(data), data=data)]


def _object_in(data: bytes, what: str) -> dict[str, Any]:
    """Return the object of JSON text. Raises :class:`LayertuiError`."""
    value = parsed(data, what, documents.MANIFEST_SCHEMA)
    if not isinstance(value, dict):
        raise LayertuiError(f"{what} is not a JSON object")
    return value


@lru_cache(maxsize=4)
def _listed_in(data: bytes, what: str) -> Sequence[Descriptor]:
    """Return the manifests of an index by its bytes; parsed once, as all images of a layout may be opened."""
    return tuple(descriptors_of(_object_in(data, what)))


def checked(descriptor: Descriptor, place: str) -> None:
    """Raise :class:`LayertuiError` unless the digest is well-formed, since it becomes part of a path."""
    if not DIGEST.fullmatch(descriptor.digest):
        raise LayertuiError(f"not a digest: {descriptor.digest}", f"in {place}")


def ways_to(layout: ImageLayout, top: Iterable[Descriptor]) -> Iterator[list[Descriptor]]:
    """Yield each index and manifest reachable from descriptors, once, after the indexes that lead to it.

    Raises :class:`LayertuiError` for an index that cannot be read or is nested too deeply.
    """
    seen: set[str] = set()

    def walk(level: Iterable[Descriptor], above: list[Descriptor]) -> Iterator[list[Descriptor]]:
        if len(above) > MAX_INDEX_DEPTH:
            raise LayertuiError(
                f"{layout.place} nests indexes too deeply", f"more than {MAX_INDEX_DEPTH} levels"
            )
        for descriptor in level:
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            way = [*above, descriptor]
            yield way
            if index := _index_of(layout, descriptor):
                yield from walk(descriptors_of(index), way)

    return walk(top, [])


def _index_of(layout: ImageLayout, descriptor: Descriptor) -> dict[str, Any]:
    """Return the index that a descriptor is of; empty if it is of something else."""
    if descriptor.media_type in media_types.INDEXES:
        return layout.fetch(descriptor, "index")[0]
    if descriptor.media_type:
        return {}
    document = layout.fetch(descriptor, "manifest")[0]
    return document if is_index(document) else {}


def manifests_of(layout: ImageLayout, top: Iterable[Descriptor]) -> Iterator[Descriptor]:
    """Yield the image manifests reachable from descriptors through nested indexes, each once.

    Raises :class:`LayertuiError` for an index that cannot be read or is nested too deeply.
    """
    for way in ways_to(layout, top):
        media_type = way[-1].media_type
        is_one = "manifest" in media_type and media_type not in media_types.INDEXES
        if is_one or (not media_type and not _index_of(layout, way[-1])):
            yield way[-1]


def is_index(value: Mapping[str, Any]) -> bool:
    """Return whether a document is an index, by its media type, else by its fields."""
    return value.get("mediaType") in media_types.INDEXES or ("manifests" in value and "layers" not in value)


def descriptors_of(index: Mapping[str, Any]) -> Iterator[Descriptor]:
    """Yield the manifests of an index, without malformed descriptors."""
    for value in config_list(index, "manifests"):
        found = descriptor_of(value)
        if found is not None:
            yield found


def config_and_layers(manifest: Mapping[str, Any]) -> tuple[Descriptor | None, list[Descriptor]]:
    """Return the descriptors in a manifest, without malformed ones."""
    layers = [found for found in layer_descriptors(manifest) if found.digest]
    return descriptor_of(manifest.get("config")), layers


def layer_descriptors(manifest: Mapping[str, Any]) -> list[Descriptor]:
    """Return the descriptor of each layer; one without a digest where it is malformed."""
    nothing = Descriptor("", "", -1)
    return [descriptor_of(value) or nothing for value in config_list(manifest, "layers")]


def descriptor_of(value: object) -> Descriptor | None:
    """Parse a descriptor; ``None`` if it has no digest."""
    if not isinstance(value, dict) or not isinstance(value.get("digest"), str):
        return None
    annotations = value.get("annotations")
    platform = value.get("platform")
    size = value.get("size")

    def text(name: str) -> str:
        return value[name] if isinstance(value.get(name), str) else ""

    return Descriptor(
        media_type=text("mediaType"),
        digest=value["digest"],
        size=size if isinstance(size, int) and 0 <= size < 1 << 63 else -1,
        annotations={
            key: item for key, item in annotations.items() if isinstance(key, str) and isinstance(item, str)
        }
        if isinstance(annotations, dict)
        else {},
        urls=tuple(url for url in config_list(value, "urls") if isinstance(url, str)),
        platform=platform_of(platform) if isinstance(platform, dict) else None,
        artifact_type=text("artifactType"),
        data=_decoded(text("data")),
    )


def _decoded(text: str) -> bytes:
    """Return embedded data; empty if it is not valid base 64, so that the blob is looked up by digest."""
    if not text:
        return b""
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
