"""Attachments of an image: signatures, SBOMs, attestations.

They are manifests of their own: with the image as ``subject`` (OCI manifest.md), in its index
as an attestation (BuildKit: attestation-storage.md), or under a tag derived from its digest
(cosign: SIGNATURE_SPEC.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Protocol, cast

from layertui.model import media_types
from layertui.model.blob import Blob
from layertui.model.image import Descriptor, Image
from layertui.model.reference import TRANSPORTS
from layertui.sources.oci_layout import ImageLayout, config_and_layers, descriptor_of, manifests_of


@dataclass(frozen=True, slots=True)
class AttachedDocument:
    """One attached document: a signature, an SBOM, a statement."""

    descriptor: Descriptor
    """Its annotations refine its type: ``in-toto.io/predicate-type``."""
    blob: Blob | None
    """Read and verified lazily; ``None`` if it is absent."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A manifest that refers to an image, and the documents in it."""

    descriptor: Descriptor
    type: str
    """The artifact type; if the manifest has none, the media type of its config or documents."""
    documents: Sequence[AttachedDocument]

    @property
    def size(self) -> int:
        """Size of all documents in bytes; -1 if one is unknown."""
        sizes = [each.descriptor.size for each in self.documents]
        return -1 if min(sizes, default=0) < 0 else sum(sizes)


class AttachmentSource(Protocol):
    """Interface of a transport's module whose images may have attachments."""

    def attachments_of(self, image: Image) -> Iterator[Attachment]:
        """Yield the attachments of an image that this source opened, as they are found.

        Raises :class:`LayertuiError` if one cannot be read, or the source cannot say what
        there is.
        """
        ...


def attachments(image: Image) -> Iterator[Attachment]:
    """Yield the attachments of an image as they are found, each once.

    Raises :class:`LayertuiError` if one cannot be read, or if its source cannot say what there is.
    """
    module = import_module(f"layertui.sources.{TRANSPORTS[image.transport]}")
    seen: set[str] = set()
    for each in cast(AttachmentSource, module).attachments_of(image):
        if each.descriptor.digest not in seen:
            seen.add(each.descriptor.digest)
            yield each


def attachments_in(layout: ImageLayout, image: Image) -> Iterator[Attachment]:
    """Yield the attestations of an image, and the manifests of its layout that are about it."""
    for each in chain(image.attestations, _about(layout, image)):
        yield attachment_of(layout, each)


def _about(layout: ImageLayout, image: Image) -> Iterator[Descriptor]:
    """Yield the manifests of a layout whose subject is an image."""
    for found in manifests_of(layout, layout.top()):
        if layout.has(found):
            subject = descriptor_of(layout.fetch(found, "manifest")[0].get("subject"))
            if subject is not None and subject.digest == image.manifest_digest:
                yield found


def attachment_of(layout: ImageLayout, found: Descriptor) -> Attachment:
    """Return the attachment of a manifest of a layout."""
    manifest, _ = layout.fetch(found, "manifest")
    config, carried = config_and_layers(manifest)
    types = [
        manifest.get("artifactType"),
        config and config.media_type,
        *(each.media_type for each in carried),
    ]
    given = [
        each
        for each in types
        if isinstance(each, str) and each not in (*media_types.CONFIGS, media_types.OCI_EMPTY)
    ]
    return Attachment(
        found,
        given[0] if given else found.media_type,
        [AttachedDocument(each, layout.blob(each)) for each in carried],
    )
