"""The chain from an image's name to its bytes on disk, as data."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layertui.anatomy.docker_inspect import described, fields
from layertui.model.errors import LayertuiError
from layertui.model.history_step import step_text
from layertui.model.image import MISSING, Descriptor, HistoryEntry, Image, InspectField, Layer, Link
from layertui.sources import documents
from layertui.sources.assemble import config_list, diff_ids_of
from layertui.sources.oci_layout import IMAGE_NAME, REF_NAME, descriptor_of, descriptors_of
from layertui.sources.oci_subjects import REFERENCE_DIGEST
from layertui.text.sanitize import visible

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.union.model import LayerUnion

HOST = (
    "An image is a root file system and a config. It has no running kernel and no boot loader: "
    "containers run on the kernel of their host."
)
OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
"""In order of precedence (os-release(5))."""
MAX_OS_RELEASE = 1 << 16
"""Bytes of os-release that are read."""
KERNELS = ("vmlinuz", "vmlinux", "bzImage", "Image", "zImage")
"""Prefixes of kernel images in /boot."""
ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
MODULES = ("/usr/lib/modules", "/lib/modules")


@dataclass(frozen=True, slots=True)
class ChainPart:
    """One step of the chain."""

    kind: str
    """``reference``, ``index``, ``manifest``, ``config``, ``inspect``, ``history``, ``layer``."""
    title: str
    facts: Sequence[tuple[str, str]]
    """Names and values in reading order; names may repeat."""
    refers: Sequence[str] = ()
    """The digests that it references: the next step of the chain and its alternatives."""
    document: Any = None
    """The document, parsed, if it is JSON."""
    data: bytes = b""
    """The document's bytes as stored; empty if there is none."""
    fields: Sequence[InspectField] = ()
    """Of ``inspect``: each field and the place on disk that it comes from."""


@dataclass(frozen=True, slots=True)
class System:
    """What the root file system reveals about its operating system."""

    name: str
    """Name of the distribution according to os-release; empty if there is none."""
    source: str
    """Path of the os-release file."""
    kernels: Sequence[str]
    """Paths of kernel images and kernel module directories, none of which a container uses."""


def parts(image: Image) -> Iterator[ChainPart]:
    """Yield the chain: reference, documents, history, and layers with the base first."""
    chain = list(image.chain)
    first = [link.descriptor.digest for link in chain[:1] if link.descriptor.digest]
    yield ChainPart("reference", "reference", list(_of_reference(image)), first)
    for number, link in enumerate(chain):
        following = chain[number + 1].descriptor.digest if number + 1 < len(chain) else ""
        yield _part_of_link(link, following)
    if image.inspected:
        yield ChainPart("inspect", "inspect", [("source", "engine API")], (), dict(image.inspected))
    elif image.fields:
        yield ChainPart("inspect", "inspect", (), (), described(image), fields=fields(image))
    steps = [(_layer_text(entry), _step(entry)) for entry in image.history]
    yield ChainPart("history", "history", steps)
    parents = ["", *(entry.id for entry in image.history)]
    by_layer = {
        entry.layer: (entry, parent)
        for entry, parent in zip(image.history, parents, strict=False)
        if entry.layer is not None
    }
    for layer in image.layers:
        entry, parent = by_layer.get(layer.number, (None, ""))
        facts = list(_of_layer(layer, entry, parent))
        own = entry.document if entry is not None else None
        document, data = (_parsed(own.data), own.data) if own is not None else (None, b"")
        yield ChainPart("layer", f"layer {layer.number}", facts, (), document, data)


def _of_reference(image: Image) -> Iterator[tuple[str, str]]:
    yield "reference", image.reference
    for tag in image.tags:
        yield "tag", tag
    for each in image.repo_digests:
        yield "digest", each
    yield "platform", str(image.platform)
    if not image.chain:
        yield "config", "none: layers opened without an image"


def _part_of_link(link: Link, following: str) -> ChainPart:
    document = _parsed(link.data)
    fields = documents.as_read(document, link.name)
    kind = {"index.json": "index", "manifest.json": "index"}.get(link.name, link.name)
    return ChainPart(
        kind,
        link.name,
        list(_of_link(link, fields, following)),
        list(_named_by(fields)) if isinstance(fields, dict) else (),
        document,
        link.data,
    )


def _of_link(link: Link, document: Any, following: str) -> Iterator[tuple[str, str]]:
    known = link.descriptor
    own_type = document.get("mediaType") if isinstance(document, dict) else None
    media_type = known.media_type or (own_type if isinstance(own_type, str) else "")
    yield from _given(("type", media_type), ("digest", known.digest), ("stored at", link.location))
    if link.data:
        yield "size", str(len(link.data))
    else:
        yield "content", "not provided by the source"
    yield from _given(("refers to", following))
    listed = list(descriptors_of(document)) if isinstance(document, dict) else []
    for found in listed:
        if found.digest != following:
            yield _alternative(found, listed), found.digest


def _alternative(found: Descriptor, listed: Sequence[Descriptor]) -> str:
    """Return what a manifest of an index is, other than the one that was chosen."""
    if subject := found.annotations.get(REFERENCE_DIGEST):
        of = next(
            (str(each.platform) for each in listed if each.digest == subject and each.platform), subject
        )
        return f"attestation of {of}"
    if found.artifact_type:
        return f"artifact {found.artifact_type}"
    name = found.annotations.get(IMAGE_NAME) or found.annotations.get(REF_NAME)
    return f"or {found.platform or name or 'no platform'}"


def _named_by(document: dict[str, Any]) -> Iterator[str]:
    """Yield the digests in an index, a manifest or a config."""
    for found in descriptors_of(document):
        yield found.digest
    if (config := descriptor_of(document.get("config"))) is not None:
        yield config.digest
    for layer in map(descriptor_of, config_list(document, "layers")):
        if layer is not None:
            yield layer.digest
    yield from diff_ids_of(document)


def _of_layer(layer: Layer, entry: HistoryEntry | None, parent: str) -> Iterator[tuple[str, str]]:
    """``parent`` is the ID of the image of the step before, as far as it has one."""
    if entry is not None:
        yield "step", _step(entry)
        if entry.id not in ("", MISSING):
            yield "image ID", entry.id
        if parent not in ("", MISSING) and "parent" not in dict(layer.places):
            yield "parent", parent
    known = layer.descriptor
    yield from _given(("type", known.media_type), ("digest", known.digest))
    if known.size >= 0:
        yield "size", str(known.size)
    yield from _given(("diff ID", layer.diff_id), ("chain ID", layer.chain_id))
    yield from places(layer)
    if layer.missing:
        yield "missing", layer.missing


def places(layer: Layer) -> Iterator[tuple[str, str]]:
    """Yield where a layer's bytes are stored, as exactly as the source knows."""
    yield from layer.places
    if layer.blob is not None and layer.blob.file is not None:
        file, offset = layer.blob.file
        path = file.path
        yield "file", str(path)
        yield "offset", str(offset)
    elif layer.blob is not None:
        yield "stored at", layer.blob.location
    elif layer.unpacked is not None and not layer.places:
        yield "unpacked", layer.unpacked.location


def origins(found: Sequence[InspectField]) -> Iterator[tuple[str, str, str]]:
    """Yield name, origin and JSON value of each field, human-readable.

    Paths are relative to the common directory of all; IDs are shortened to twelve digits.
    """
    root = os.path.commonpath([os.path.dirname(field.file) for field in found if field.file] or [""])  # noqa: PTH120 (a text)
    for field in found:
        path = ID.sub(r"\1", os.path.relpath(field.file, root)) if field.file else "not recorded"
        where = f"{path}: {field.key}" if field.key else path
        yield field.name, where, json.dumps(field.value, ensure_ascii=False)


def is_at_hand(image: Image) -> bool:
    """Return whether the layers can be read without fetching any of them."""
    blobs = (layer.blob for layer in image.layers if layer.unpacked is None)
    return image.arrival is None and all(blob is None or blob.is_local for blob in blobs)


def system(union: LayerUnion, contents: Contents) -> System:
    """Return what a union's final merged tree reveals about its operating system; reads little."""
    name, source = "", ""
    for path in OS_RELEASE:
        try:
            event = union.at(union.resolve(path, union.layers), union.layers)
            text = contents.read(event, 0, MAX_OS_RELEASE).decode("utf-8", "surrogateescape")
        except LayertuiError:
            continue
        name, source = pretty_name(text), path
        break
    kernels = [path for path, _ in _below(union, "/boot") if path.rpartition("/")[2].startswith(KERNELS)]
    for folder in MODULES:
        kernels += [path for path, holds in _below(union, folder) if holds and path not in kernels]
    return System(name, source, kernels)


def pretty_name(os_release: str) -> str:
    """Return the display name of a distribution (os-release(5)); empty if there is none."""
    values: dict[str, str] = {}
    for line in os_release.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isupper():
            try:
                values[name] = "".join(shlex.split(value)) if value else ""
            except ValueError:  # unbalanced quotes
                values[name] = value
    return values.get("PRETTY_NAME") or f"{values.get('NAME', '')} {values.get('VERSION', '')}".strip()


def _below(union: LayerUnion, path: str) -> Iterator[tuple[str, bool]]:
    """Yield the children of a directory of the merged tree, and whether each is a directory."""
    try:
        folder = union.resolve(path, union.layers)
    except LayertuiError:
        return
    for node in union.children(folder):
        if (event := union.at(node, union.layers)) >= 0:
            yield union.path(node), union.is_directory(event)


def _step(entry: HistoryEntry) -> str:
    return visible(step_text(entry)) if entry.recorded else "(not in the history)"


def _layer_text(entry: HistoryEntry) -> str:
    return f"layer {entry.layer}" if entry.layer is not None else "-"


def _given(*facts: tuple[str, str]) -> Iterator[tuple[str, str]]:
    return (fact for fact in facts if fact[1])


def _parsed(data: bytes) -> Any:
    """Parse JSON; ``None`` if it is not valid."""
    try:
        return documents.decode(data)
    except ValueError:
        return None
