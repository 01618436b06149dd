"""``docker://[HOST/]REPO[:TAG|@DIGEST]`` — images in registries, read without pulling them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from layertui.layers.unpacked.toc import TocLayer, has_table
from layertui.model.image import Image, ImageSummary, Layer
from layertui.model.reference import Reference, parse_reference
from layertui.sources import oci
from layertui.sources.attachments import Attachment, attachment_of
from layertui.sources.registry.name import Name, parse_name

TABLE_FROM = 1 << 20
"""Bytes from which on a layer is listed by its table of contents; smaller ones are read whole: these take as long as
a few requests do, and are verified."""

if TYPE_CHECKING:
    from layertui.sources.registry.repository import Repository


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`. Fetches manifests and the config, no layers."""
    found = repository_of(reference)
    name = found.name
    image = oci.open_layout(found, _reference(name), platform)
    warnings = [*image.warnings]
    if found.client.endpoint.insecure:
        host = found.client.endpoint.host
        warnings.append(f"{host} is marked insecure: nothing shows that it is what it claims to be")
    tag = name.tag or ("" if name.digest else "latest")
    return image._replace(
        name=f"{name.familiar}:{tag}" if tag else f"{name.familiar}@{name.digest}",
        tags=(f"{name.familiar}:{tag}",) if tag else (),
        repo_digests=(f"{name.familiar}@{found.digest}",),
        warnings=warnings,
        layers=[_by_table(layer) for layer in image.layers],
    )


def list_images(reference: Reference) -> Iterable[ImageSummary]:
    """See :class:`layertui.sources.Source`. Of a repository without a tag, all tags, nothing else of them."""
    found = repository_of(reference)
    return _images(found) if found.name.tag or found.name.digest else _tags(found)


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    repository = repository_of(parse_reference(image.reference))
    attestations = ((each, image.manifest_digest) for each in image.attestations)
    for found, subject in chain(attestations, repository.referrers(image)):
        yield attachment_of(repository, found, subject)


def repository_of(reference: Reference) -> Repository:
    """Return the repository that a reference names."""
    from layertui.sources.registry.repository import Repository

    return Repository(parse_name(reference.location))


def _by_table(layer: Layer) -> Layer:
    """Return a layer to be read by its table of contents, if it has one and is large enough."""
    from layertui.sources.registry.blob import RegistryBlob

    blob = layer.blob
    is_large = layer.descriptor.size >= TABLE_FROM and has_table(layer.descriptor)
    if not is_large or not isinstance(blob, RegistryBlob):
        return layer
    return layer._replace(unpacked=TocLayer(blob.ranged(), layer.descriptor))


def _images(found: Repository) -> Iterator[ImageSummary]:
    for row in oci.summaries(found, _reference(found.name)):
        yield row._replace(name=found.name.familiar, tag=found.name.tag)


def _tags(found: Repository) -> Iterator[ImageSummary]:
    name = found.name
    for tag in found.tags():
        yield ImageSummary(
            reference=str(_reference(replace(name, tag=tag))),
            transport="docker",
            name=name.familiar,
            tag=tag,
            id="",
            digest="",
            size=None,
            created=None,
            layers=None,
            platforms=(),
        )


def _reference(name: Name) -> Reference:
    return Reference("docker", f"//{name}")
