"""Attachments of an image: signatures, SBOMs, attestations.

They are manifests of their own: with the image as ``subject`` (OCI manifest.md), in its index
as an attestation (BuildKit: attestation-storage.md), or under a tag derived from its digest
(cosign: SIGNATURE_SPEC.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from layertui.model import media_types
from layertui.model.blob import Blob
from layertui.model.identity import identity_of
from layertui.model.image import Descriptor, Image
from layertui.model.reference import FILE_TRANSPORTS, parse_reference
from layertui.sources.assemble import config_list
from layertui.sources.oci_layout import ImageLayout, descriptor_of, manifests_of
from layertui.sources.pinned import open_pinned


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


def attachments(image: Image) -> Iterator[Attachment]:
    """Yield the attachments of an image of a registry or an OCI layout as they are found.

    Raises :class:`LayertuiError` if one cannot be read.
    """
    from layertui.sources import oci, registry

    reference = parse_reference(image.reference)
    layout: ImageLayout
    if image.transport == "docker":
        layout = repository = registry.repository_of(reference)
        about = repository.referrers(image)
    elif image.transport in FILE_TRANSPORTS and image.manifest_digest:
        open_pinned(identity_of(image))  # else another archive or layout would be searched for its digest
        layout = oci.layout_of(reference)
        about = _about(layout, image)
    else:
        return
    seen: set[str] = set()
    for each in chain(image.attestations, about):
        if each.digest not in seen:
            seen.add(each.digest)
            yield _attachment(layout, each)


def _about(layout: ImageLayout, image: Image) -> Iterator[Descriptor]:
    """Yield the manifests of a layout whose subject is an image."""
    for found in manifests_of(layout, layout.top()):
        if layout.has(found):
            subject = descriptor_of(layout.fetch(found, "manifest")[0].get("subject"))
            if subject is not None and subject.digest == image.manifest_digest:
                yield found


def _attachment(layout: ImageLayout, found: Descriptor) -> Attachment:
    manifest, _ = layout.fetch(found, "manifest")
    config = descriptor_of(manifest.get("config"))
    carried = [each for each in map(descriptor_of, config_list(manifest, "layers")) if each is not None]
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
