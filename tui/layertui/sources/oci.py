"""``oci:``, ``oci-archive:`` and ``dir:`` — image layouts with manifests and digests.

Rules from the OCI image specification: image-layout.md, image-index.md, manifest.md.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from layertui.blob import Blob, BytesBlob
from layertui.errors import LayertuiError
from layertui.image import Descriptor, Image, ImageSummary, Platform
from layertui.reference import Reference
from layertui.sources import platforms
from layertui.sources.assemble import (
    check_digest,
    config_list,
    diff_ids_of,
    digest_of,
    history_of,
    make_layers,
    platform_of,
)
from layertui.sources.docker_archive import created_of
from layertui.sources.files import Files, parse_object, read_json

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "",
)
DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
MAX_DEPTH = 8
"""Indexes inside indexes at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest that an index leads to."""

    descriptor: Descriptor
    data: str
    """The manifest itself, in base 64, where the descriptor embeds it."""


class Layout:
    """Blobs by digest; ``dir:`` names them without the algorithm and has one manifest."""

    def __init__(self, files: Files, transport: str) -> None:
        self.files = files
        self.transport = transport

    def blob(self, digest: str) -> Blob | None:
        if not DIGEST.fullmatch(digest):
            raise LayertuiError(f"not a digest: {digest}", f"in {self.files.path}")
        algorithm, _, encoded = digest.partition(":")
        return self.files.get(encoded if self.transport == "dir" else f"blobs/{algorithm}/{encoded}")

    def fetch(self, found: Found, what: str) -> tuple[dict[str, Any], bytes]:
        """A JSON blob, with its digest checked. Raises :class:`LayertuiError`."""
        digest = found.descriptor.digest
        blob = _embedded(found) or self.blob(digest)
        if blob is None:
            raise LayertuiError(f"{self.files.path} has no blob {digest}", f"the image's {what} is missing")
        name = f"the {what} {digest} of {self.files.path}"
        if blob.size <= 1 << 26:
            check_digest(blob.pread(blob.size, 0), digest, name)
        return parse_object(blob, name)

    def top(self) -> list[Found]:
        """The descriptors of index.json."""
        value, _ = read_json(self.files, "index.json")
        if not isinstance(value, dict):
            raise LayertuiError(f"index.json of {self.files.path} is not a JSON object")
        return list(_descriptors(value))


def open_layout(layout: Layout, reference: Reference, platform: str | None) -> Image:
    """The image that a reference means, for one platform."""
    named = Reference(layout.transport, reference.location, reference.selector)
    if layout.transport == "dir":
        manifest, data = _directory_manifest(layout)
        if _is_index(manifest):
            top = [
                Found(Descriptor(INDEX_TYPES[0], digest_of(data), len(data)), base64.b64encode(data).decode())
            ]
        else:
            return _image(layout, named, manifest, data, (), (), platform)
    else:
        top = _select(layout, reference.selector, str(named))
    manifests = list(_manifests(layout, top))
    images = [each for each in manifests if not _attests(each)]
    choices = [(_platform(layout, each), each) for each in images]
    known = [choice for choice in choices if choice[0].os != "unknown"] or choices
    chosen = platforms.choose(known, platform, str(named))
    manifest, data = layout.fetch(chosen, "manifest")
    attestations = [
        each.descriptor
        for each in manifests
        if _attests(each)
        and each.descriptor.annotations.get("vnd.docker.reference.digest") == chosen.descriptor.digest
    ]
    return _image(layout, named, manifest, data, _tags(top), attestations, platform)


def summaries(layout: Layout, location: str) -> list[ImageSummary]:
    """A row for each name of the layout, or for each image without one."""
    if layout.transport == "dir":
        image = open_layout(layout, Reference("dir", location), None)
        return [_summary(layout, location, image, "", "", (image.platform,), len(image.layers), image.size)]
    rows = []
    for selector, group in _groups(layout.top()).items():
        reference = Reference(layout.transport, location, selector)
        manifests = [each for each in _manifests(layout, group) if not _attests(each)]
        size: int | None = 0
        offered: list[Platform] = []
        layers: set[int] = set()
        created = image_id = None
        for each in manifests:
            manifest, data = layout.fetch(each, "manifest")
            image = _image(layout, reference, manifest, data, (), (), None)
            offered.append(image.platform)
            layers.add(len(image.layers))
            created = created or created_of(image.config)
            image_id = image_id or image.id
            size = None if size is None or image.size < 0 else size + image.size
        if not manifests:
            continue
        name, tag = _name(group, selector)
        rows.append(
            ImageSummary(
                reference=str(reference),
                transport=layout.transport,
                name=name,
                tag=tag,
                id=image_id or "",
                digest=group[0].descriptor.digest,
                size=size,
                created=created,
                layers=layers.pop() if len(layers) == 1 and len(manifests) == 1 else None,
                platforms=tuple(dict.fromkeys(offered)),
            )
        )
    return rows


def _summary(
    layout: Layout,
    location: str,
    image: Image,
    name: str,
    tag: str,
    offered: tuple[Platform, ...],
    layers: int,
    size: int,
) -> ImageSummary:
    return ImageSummary(
        reference=str(Reference(layout.transport, location)),
        transport=layout.transport,
        name=name,
        tag=tag,
        id=image.id,
        digest=image.manifest_digest,
        size=size if size >= 0 else None,
        created=created_of(image.config),
        layers=layers,
        platforms=offered,
    )


def _image(
    layout: Layout,
    reference: Reference,
    manifest: Mapping[str, Any],
    data: bytes,
    tags: tuple[str, ...],
    attestations: list[Descriptor] | tuple[()],
    platform: str | None,
) -> Image:
    path = layout.files.path
    if manifest.get("schemaVersion") == 1:
        raise LayertuiError(f"{reference} has a manifest of schema 1", "it is not read here", "pull it anew")
    described = _descriptor(manifest.get("config"))
    if described is None:
        raise LayertuiError(f"the manifest of {path} names no config", "it is no image manifest")
    warnings = []
    if described.descriptor.media_type in CONFIG_TYPES:
        config, config_bytes = layout.fetch(described, "config")
    else:
        config, config_bytes = {}, b""
        warnings.append(
            f"no container image but an artifact: its config is {described.descriptor.media_type}"
        )
    stored = [
        (found.descriptor, _embedded(found) or layout.blob(found.descriptor.digest))
        for found in map(_descriptor, config_list(manifest, "layers"))
        if found is not None
    ]
    layers, more = make_layers(stored, diff_ids_of(config) if config else [""] * len(stored))
    history, odd = history_of(config, len(layers))
    found_platform = platform_of(config)
    if platform and config:
        platforms.choose([(found_platform, None)], platform, str(reference))
    return Image(
        reference=str(reference),
        transport=layout.transport,
        name=tags[0] if tags else path.name,
        tags=tags,
        repo_digests=(),
        id=described.descriptor.digest,
        config=config,
        config_bytes=config_bytes,
        manifest=manifest,
        manifest_bytes=data,
        manifest_digest=digest_of(data),
        platform=found_platform,
        history=history,
        layers=layers,
        attestations=attestations,
        warnings=[*warnings, *more, *odd, *_damage(layout.files)],
    )


def _damage(files: Files) -> list[str]:
    damage = getattr(files, "damage", "")
    return [f"the archive is damaged: {damage}"] if damage else []


def _directory_manifest(layout: Layout) -> tuple[dict[str, Any], bytes]:
    value, data = read_json(layout.files, "manifest.json")
    if not isinstance(value, dict):
        raise LayertuiError(f"manifest.json of {layout.files.path} is not a JSON object")
    return value, data


def _select(layout: Layout, selector: str, name: str) -> list[Found]:
    """The descriptors of index.json that a tag or digest means."""
    groups = _groups(layout.top())
    if not groups:
        raise LayertuiError(f"{layout.files.path} holds no image", "its index.json names none")
    if not selector:
        if len(groups) == 1:
            return next(iter(groups.values()))
        digests = {found.descriptor.digest for group in groups.values() for found in group}
        if len(digests) == 1:  # one image under several names
            return [found for group in groups.values() for found in group]
        listed = ", ".join(groups)
        raise LayertuiError(
            f"{layout.files.path} holds {len(groups)} images", listed, f"choose one: {name}:TAG"
        )
    if selector in groups:
        return groups[selector]
    if selector.startswith("@"):
        for found in _manifests(layout, [each for group in groups.values() for each in group]):
            if found.descriptor.digest == selector[1:]:
                return [found]
    for group in groups.values():
        if any(each.descriptor.annotations.get(IMAGE_NAME) == selector for each in group):
            return group
    raise LayertuiError(f"{layout.files.path} has no image {selector}", f"it has {', '.join(groups)}")


def _groups(top: list[Found]) -> dict[str, list[Found]]:
    """The images of an index.json, by what selects them.

    Descriptors with the same name are one image for several platforms, and so are those
    without any name that name different platforms; each other is ``@digest``.
    """
    groups: dict[str, list[Found]] = {}
    unnamed = []
    for found in top:
        name = found.descriptor.annotations.get(REF_NAME) or found.descriptor.annotations.get(IMAGE_NAME)
        if name:
            groups.setdefault(name, []).append(found)
        else:
            unnamed.append(found)
    images = [found for found in unnamed if not _attests(found)]
    if len(images) > 1 and all(found.descriptor.platform is not None for found in images):
        if groups:
            groups[f"@{images[0].descriptor.digest}"] = unnamed
        else:
            groups[""] = unnamed
    elif len(images) == 1 and not groups:
        groups[""] = unnamed
    else:
        for found in images:
            groups[f"@{found.descriptor.digest}"] = [found]
    return groups


def _name(group: list[Found], selector: str) -> tuple[str, str]:
    """Repository and tag as far as a layout knows them."""
    full = group[0].descriptor.annotations.get(IMAGE_NAME, "")
    name, _, tag = full.removeprefix("docker.io/library/").rpartition(":")
    if name and "/" not in tag:
        return name, tag
    if not selector or selector.startswith("@"):
        return "", ""
    name, _, tag = selector.rpartition(":")
    return (name, tag) if name and "/" not in tag else ("", selector)


def _tags(top: list[Found]) -> tuple[str, ...]:
    names = (
        found.descriptor.annotations.get(IMAGE_NAME) or found.descriptor.annotations.get(REF_NAME)
        for found in top
    )
    return tuple(dict.fromkeys(name for name in names if name))


def _manifests(layout: Layout, top: list[Found], depth: int = 0) -> Iterator[Found]:
    """The image manifests that descriptors lead to, through any nested indexes."""
    if depth > MAX_DEPTH:
        raise LayertuiError(
            f"{layout.files.path} nests its indexes too deep", f"more than {MAX_DEPTH} levels"
        )
    for found in top:
        if found.descriptor.media_type in INDEX_TYPES or (
            not found.descriptor.media_type and _is_index(layout.fetch(found, "manifest")[0])
        ):
            index, _ = layout.fetch(found, "index")
            nested = list(_descriptors(index))
            if len(top) == 1 and depth == 0 and not nested:
                raise LayertuiError(f"{layout.files.path} holds no image", "its index is empty")
            yield from _manifests(layout, nested, depth + 1)
        elif "manifest" in found.descriptor.media_type or not found.descriptor.media_type:
            yield found


def _platform(layout: Layout, found: Found) -> Platform:
    """Of an image: what the index says, else its config."""
    if found.descriptor.platform is not None:
        return found.descriptor.platform
    try:
        manifest, _ = layout.fetch(found, "manifest")
        described = _descriptor(manifest.get("config"))
        if described is not None and described.descriptor.media_type in CONFIG_TYPES:
            return platform_of(layout.fetch(described, "config")[0])
    except LayertuiError:
        pass  # said when it is opened; another may be the one that is meant
    return Platform("unknown", "unknown")


def _attests(found: Found) -> bool:
    """Whether a descriptor is BuildKit's attestation of another."""
    return (
        found.descriptor.annotations.get("vnd.docker.reference.type") == "attestation-manifest"
        or found.descriptor.artifact_type == "application/vnd.docker.attestation.manifest.v1+json"
    )


def _is_index(value: Mapping[str, Any]) -> bool:
    return value.get("mediaType") in INDEX_TYPES or ("manifests" in value and "layers" not in value)


def _descriptors(index: Mapping[str, Any]) -> Iterator[Found]:
    for value in config_list(index, "manifests"):
        found = _descriptor(value)
        if found is not None:
            yield found


def _descriptor(value: object) -> Found | None:
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


def _embedded(found: Found) -> Blob | None:
    if not found.data:
        return None
    try:
        return BytesBlob(
            base64.b64decode(found.data, validate=True), f"in the descriptor of {found.descriptor.digest}"
        )
    except (binascii.Error, ValueError):
        return None
