"""Attachments of an image: signatures, SBOMs, attestations.

They are manifests of their own: with the image as ``subject`` (OCI manifest.md), in its index
as an attestation (BuildKit: attestation-storage.md), or under a tag derived from its digest
(cosign: SIGNATURE_SPEC.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from layertui.model import media_types
from layertui.model.blob import Blob
from layertui.model.digest import WrongDigest, algorithm_of, is_known
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image
from layertui.model.reference import TRANSPORTS
from layertui.sources.attachment_kinds import DocumentKind, kind_of
from layertui.sources.oci_layout import ImageLayout, config_and_layers, ways_to
from layertui.sources.oci_subjects import subjects_of

PREDICATES = ("in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType")
"""Annotations with the type of a statement: of BuildKit, of cosign, of Sigstore bundles."""


PIECE = 1 << 20
"""Bytes per read."""


@dataclass(frozen=True, slots=True)
class AttachedDocument:
    """One attached document: a signature, an SBOM, a statement."""

    descriptor: Descriptor
    blob: Blob | None
    """Read and verified lazily; ``None`` if it is absent."""
    kind: DocumentKind
    predicate: str = ""
    """The type of the predicate, if the manifest records one."""

    def verified(self) -> Blob:
        """Return the blob after comparing size and digest of all of it. Raises :class:`LayertuiError`."""
        digest, size = self.descriptor.digest, self.descriptor.size
        if self.blob is None:
            raise LayertuiError(f"cannot read {digest}", "it is referenced, but not stored here")
        if not is_known(digest):
            raise LayertuiError(f"cannot check the digest {digest}", "unsupported algorithm")
        found = hashlib.new(algorithm_of(digest))
        for piece in blob_pieces(self.blob):
            found.update(piece)
        if f"{found.name}:{found.hexdigest()}" != digest:
            raise WrongDigest(self.blob.location or digest, digest, f"{found.name}:{found.hexdigest()}")
        if size not in (-1, self.blob.size):
            raise LayertuiError(f"{digest} has {self.blob.size} bytes", f"its descriptor says {size}")
        return self.blob


@dataclass(frozen=True, slots=True)
class Attachment:
    """A manifest that refers to an image, and the documents in it; or a signature without one."""

    descriptor: Descriptor
    type: str
    """The artifact type; if the manifest has none, the media type of its config or documents."""
    documents: Sequence[AttachedDocument]
    subject: str
    """Digest of the manifest or index that it is about."""
    is_recorded: bool = True
    """Whether something records its digest; of a signature without a manifest it is only computed."""
    config: tuple[Descriptor, Blob | None] | None = None
    """The config of its manifest, if it has one, and the blob if that is stored."""


def blob_pieces(blob: Blob) -> Iterator[bytes]:
    """Yield the bytes of a blob, a mebibyte at a time."""
    return (blob.pread(PIECE, offset) for offset in range(0, blob.size, PIECE))


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


def subjects(image: Image) -> list[str]:
    """Return the digests that an attachment of an image may be about: its manifest's and those of the indexes to it."""
    indexes = (link.descriptor.digest for link in image.links if link.name == "index")
    return [each for each in (image.manifest_digest, *indexes) if each]


def attachments_in(layout: ImageLayout, image: Image) -> Iterator[Attachment]:
    """Yield what a layout has about an image, or about the index that led to it.

    Raises :class:`LayertuiError` at the end if a manifest cannot be read, which may be about it too.
    """
    problems: list[LayertuiError] = []
    for each in image.attestations:
        try:
            yield attachment_of(layout, each, image.manifest_digest)
        except LayertuiError as problem:
            problems.append(problem)
    wanted = subjects(image)
    top = layout.top()
    for *above, found in ways_to(layout, top):
        if found.media_type in media_types.INDEXES or not layout.has(found):
            continue
        try:
            layout.fetch(found, "manifest")
            # The manifests of an index are about the same subject: it lists the referrers of an image.
            ways = (subjects_of(layout, each, top) for each in (found, *reversed(above)))
            about = next(filter(None, ways), [])
            for subject in wanted:
                if subject != found.digest and any(subject.startswith(each) for each in about):
                    yield attachment_of(layout, found, subject)
        except LayertuiError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


def attachment_of(layout: ImageLayout, found: Descriptor, subject: str) -> Attachment:
    """Return the attachment of a manifest that is about a subject; of one that is absent, what its descriptor records."""
    if not layout.has(found):
        return absent_attachment(found, subject)
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
    type = given[0] if given else found.media_type
    documents = []
    for each in carried:
        predicate = next(filter(None, map(_predicate, (each.annotations, manifest.get("annotations")))), "")
        kind = kind_of((predicate, each.media_type, *given), type)
        documents.append(AttachedDocument(each, layout.blob(each), kind, predicate))
    stored = (config, layout.blob(config)) if config is not None else None
    return Attachment(found, type, documents, subject, config=stored)


def absent_attachment(found: Descriptor, subject: str) -> Attachment:
    """Return what the descriptor of an attestation records of it."""
    type = found.artifact_type or media_types.ATTESTATION
    return Attachment(found, type, [AttachedDocument(found, None, kind_of((type,), type))], subject)


def _predicate(annotations: object) -> str:
    known = annotations if isinstance(annotations, Mapping) else {}
    return next((known[name] for name in PREDICATES if isinstance(known.get(name), str)), "")
