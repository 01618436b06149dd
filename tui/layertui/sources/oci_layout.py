"""What OCI layouts are made of: descriptors, the blobs they name, indexes of manifests.

Rules from the OCI image specification: descriptor.md, image-layout.md, image-index.md.
"""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from layertui.model import media_types
from layertui.model.blob import Blob, BytesBlob
from layertui.model.digest import DIGEST, check_digest, digest_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Link, Platform
from layertui.sources.assemble import config_list, platform_of
from layertui.sources.files import Files, parse_object, read_json

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
MAX_DEPTH = 8
"""Indexes inside indexes at most."""


class Found(NamedTuple):
    """A manifest that an index leads to."""

    descriptor: Descriptor
    data: str
    """The manifest itself, in base 64, where the descriptor embeds it."""


class Layout(ABC):
    """Manifests and other blobs, found by descriptors that begin at a top."""

    transport: str
    place: str
    """Where they are, for people."""
    damage: str = ""
    """Why some of it may be missing; empty if all is well."""

    @abstractmethod
    def blob(self, descriptor: Descriptor) -> Blob | None:
        """What a descriptor names; ``None`` if it is not here."""

    @abstractmethod
    def top(self) -> list[Found]:
        """The descriptors from which all is reached."""

    def entrance(self) -> Sequence[Link]:
        """The document that holds the top, where there is one."""
        return ()

    def link(self, name: str, found: Found, data: bytes) -> Link:
        """A document that a descriptor leads to, and where it lies."""
        blob = embedded(found) or self.blob(found.descriptor)
        return Link(name, found.descriptor, data, blob.location if blob is not None else "")

    def has(self, found: Found) -> bool:
        """Whether the blob of a descriptor is here."""
        return embedded(found) is not None or self.blob(found.descriptor) is not None

    def fetch(self, found: Found, what: str) -> tuple[dict[str, Any], bytes]:
        """A JSON blob, with its digest checked. Raises :class:`LayertuiError`."""
        digest = found.descriptor.digest
        blob = embedded(found) or self.blob(found.descriptor)
        if blob is None:
            raise LayertuiError(f"{self.place} has no blob {digest}", f"the image's {what} is missing")
        name = f"the {what} {digest} of {self.place}"
        if blob.size <= 1 << 26:
            check_digest(blob.pread(blob.size, 0), digest, name)
        return parse_object(blob, name)


class FilesLayout(Layout):
    """Files by digest; ``dir:`` names them without the algorithm and has one manifest at the top."""

    def __init__(self, files: Files, transport: str) -> None:
        self.transport = transport
        self.place = str(files.path)
        self.damage = files.damage
        self._files = files

    def blob(self, descriptor: Descriptor) -> Blob | None:
        checked(descriptor, self.place)
        algorithm, _, encoded = descriptor.digest.partition(":")
        if self.transport == "dir":  # containers/image, directory_transport.go
            return self._files.get(encoded) or self._files.get(f"{encoded}.manifest.json")
        return self._files.get(f"blobs/{algorithm}/{encoded}")

    def entrance(self) -> Sequence[Link]:
        blob = None if self.transport == "dir" else self._files.get("index.json")
        if blob is None:
            return ()
        return (Link("index.json", Descriptor("", "", -1), blob.pread(blob.size, 0), blob.location),)

    def top(self) -> list[Found]:
        """The descriptors of index.json; of ``dir:``, one that embeds its manifest."""
        name = "manifest.json" if self.transport == "dir" else "index.json"
        value, data = read_json(self._files, name)
        if not isinstance(value, dict):
            raise LayertuiError(f"{name} of {self.place} is not a JSON object")
        if name == "index.json":
            return list(descriptors_of(value))
        media_type = media_types.OCI_INDEX if is_index(value) else media_types.OCI_MANIFEST
        descriptor = Descriptor(media_type, digest_of(data), len(data))  # nothing else names it
        return [Found(descriptor, base64.b64encode(data).decode())]


def checked(descriptor: Descriptor, place: str) -> None:
    """Raises :class:`LayertuiError` unless the digest is written as one: it becomes part of a path."""
    if not DIGEST.fullmatch(descriptor.digest):
        raise LayertuiError(f"not a digest: {descriptor.digest}", f"in {place}")


def groups_of(layout: Layout) -> dict[str, list[Found]]:
    """The images of an index.json, by what selects them.

    Descriptors with the same name are one image for several platforms, and so are those
    without any name that name different platforms; each other is ``@digest``. Attestations
    without a name stand in every group, at its end: they say themselves what they are about.
    """
    groups: dict[str, list[Found]] = {}
    images, attestations = [], []
    for found in layout.top():
        # Docker 25 writes the tag alone as REF_NAME: several images may have the same.
        name = found.descriptor.annotations.get(IMAGE_NAME) or found.descriptor.annotations.get(REF_NAME)
        if name:
            groups.setdefault(name, []).append(found)
        elif attests(layout, found):
            attestations.append(found)
        else:
            images.append(found)
    if len(images) > 1 and all(found.descriptor.platform is not None for found in images):
        groups[f"@{images[0].descriptor.digest}" if groups else ""] = images
    elif len(images) == 1 and not groups:
        groups[""] = images
    else:
        for found in images:
            groups[f"@{found.descriptor.digest}"] = [found]
    return {selector: [*group, *attestations] for selector, group in groups.items()}


def manifests_of(layout: Layout, top: list[Found]) -> Iterator[Found]:
    """The image manifests that descriptors lead to, through any nested indexes, each once."""
    seen: set[str] = set()

    def walk(level: list[Found], depth: int) -> Iterator[Found]:
        if depth > MAX_DEPTH:
            raise LayertuiError(f"{layout.place} nests its indexes too deep", f"more than {MAX_DEPTH} levels")
        for found in level:
            descriptor = found.descriptor
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            if descriptor.media_type in media_types.INDEXES or (
                not descriptor.media_type and is_index(layout.fetch(found, "manifest")[0])
            ):
                index, _ = layout.fetch(found, "index")
                yield from walk(list(descriptors_of(index)), depth + 1)
            elif "manifest" in descriptor.media_type or not descriptor.media_type:
                yield found

    return walk(top, 0)


def trail(layout: Layout, level: list[Found], wanted: Found, depth: int = 0) -> list[Found]:
    """The indexes that lead from descriptors to a manifest, the outermost first, and the manifest."""
    for found in level:
        if found.descriptor.digest == wanted.descriptor.digest:
            return [found]
        media_type = found.descriptor.media_type
        if depth < MAX_DEPTH and (media_type in media_types.INDEXES or not media_type) and layout.has(found):
            below = list(descriptors_of(layout.fetch(found, "index")[0]))
            if way := trail(layout, below, wanted, depth + 1):
                return [found, *way]
    return []


def platform_of_image(layout: Layout, found: Found) -> Platform:
    """Of an image: what the index says, else its config."""
    if found.descriptor.platform is not None:
        return found.descriptor.platform
    try:
        manifest, _ = layout.fetch(found, "manifest")
        described = descriptor_of(manifest.get("config"))
        if described is not None and described.descriptor.media_type in media_types.CONFIGS:
            return platform_of(layout.fetch(described, "config")[0])
    except LayertuiError:
        pass  # said when it is opened; another may be the one that is meant
    return Platform("unknown", "unknown")


def attests(layout: Layout, found: Found) -> bool:
    """Whether a descriptor is BuildKit's attestation of another (attestation-storage.md).

    Where it does not say so itself, as one for an OCI artifact need not, its manifest does; that
    is not looked at if the descriptor is for a platform.
    """
    descriptor = found.descriptor
    if descriptor.annotations.get(REFERENCE_TYPE) == "attestation-manifest":
        return True
    if descriptor.artifact_type == media_types.ATTESTATION:
        return True
    if descriptor.media_type in media_types.INDEXES or (
        descriptor.platform and descriptor.platform.os != "unknown"
    ):
        return False
    return _manifest(layout, found).get("artifactType") == media_types.ATTESTATION


def attested_by(layout: Layout, found: Found) -> str:
    """The digest of the manifest that an attestation is about; empty if it does not say."""
    digest = found.descriptor.annotations.get(REFERENCE_DIGEST, "")
    subject = None if digest else descriptor_of(_manifest(layout, found).get("subject"))
    return subject.descriptor.digest if subject else digest


def _manifest(layout: Layout, found: Found) -> dict[str, Any]:
    """A manifest; empty where it cannot be read, which is said when it is opened."""
    try:
        return layout.fetch(found, "manifest")[0]
    except LayertuiError:
        return {}


def is_index(value: Mapping[str, Any]) -> bool:
    return value.get("mediaType") in media_types.INDEXES or ("manifests" in value and "layers" not in value)


def descriptors_of(index: Mapping[str, Any]) -> Iterator[Found]:
    for value in config_list(index, "manifests"):
        found = descriptor_of(value)
        if found is not None:
            yield found


def descriptor_of(value: object) -> Found | None:
    """A descriptor as JSON has it; ``None`` if it has no digest."""
    if not isinstance(value, dict) or not isinstance(value.get("digest"), str):
        return None
    annotations = value.get("annotations")
    platform = value.get("platform")
    size = value.get("size")
    data = value.get("data")

    def text(name: str) -> str:
        return value[name] if isinstance(value.get(name), str) else ""

    return Found(
        Descriptor(
            media_type=text("mediaType"),
            digest=value["digest"],
            size=size if isinstance(size, int) and 0 <= size < 1 << 63 else -1,
            annotations={
                key: item
                for key, item in annotations.items()
                if isinstance(key, str) and isinstance(item, str)
            }
            if isinstance(annotations, dict)
            else {},
            urls=tuple(url for url in config_list(value, "urls") if isinstance(url, str)),
            platform=platform_of(platform) if isinstance(platform, dict) else None,
            artifact_type=text("artifactType"),
        ),
        data if isinstance(data, str) else "",
    )


def embedded(found: Found) -> Blob | None:
    if not found.data:
        return None
    try:
        return BytesBlob(
            base64.b64decode(found.data, validate=True), f"in the descriptor of {found.descriptor.digest}"
        )
    except (binascii.Error, ValueError):
        return None
