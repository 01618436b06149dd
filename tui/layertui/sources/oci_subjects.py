"""Manifests of a layout that are about another: attestations, signatures and other referrers.

Rules from BuildKit (attestation-storage.md), OCI (manifest.md, ``subject``; distribution-spec,
"Referrers Tag Schema"), cosign (SIGNATURE_SPEC.md; pkg/oci/layout/write.go for ``cosign save``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from layertui.model import media_types
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor
from layertui.sources.oci_layout import IMAGE_NAME, REF_NAME, ImageLayout, descriptor_of

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
DIGEST_TAG = r"(?:.*[:/])?(sha256|sha512)-([0-9a-f]{64,128})(?:\.[a-z]+)?"
"""Tags of referrers (``sha256-HEX``) and of cosign (``sha256-HEX.sig``), after a repository or none."""
COSIGN_KIND = r"dev\.(?:cosignproject\.cosign|hauler)/(?:(image|imageIndex)|sigs|atts|sboms)"
"""The annotation ``kind`` in layouts of ``cosign save`` and hauler; the group is set of images alone."""


def attests(layout: ImageLayout, descriptor: Descriptor) -> bool:
    """Return whether a descriptor is a BuildKit attestation of another (attestation-storage.md).

    If the descriptor does not record it, as one of an OCI artifact need not, its manifest does,
    which is not read if the descriptor is for a platform.
    """
    if descriptor.annotations.get(REFERENCE_TYPE) == "attestation-manifest":
        return True
    if descriptor.artifact_type == media_types.ATTESTATION:
        return True
    if descriptor.media_type in media_types.INDEXES or (
        descriptor.platform and descriptor.platform.os != "unknown"
    ):
        return False
    return _recorded(layout, descriptor)[0] == media_types.ATTESTATION


def is_attached(layout: ImageLayout, found: Descriptor) -> bool:
    """Return whether a descriptor of index.json is about another manifest, so that it is no image to choose."""
    return is_cosigns(found) or subject_of(layout, found) not in ("", found.digest)


def is_cosigns(found: Descriptor) -> bool:
    """Return whether ``cosign save`` marked a descriptor as signatures, attestations or SBOMs."""
    kind = re.fullmatch(COSIGN_KIND, found.annotations.get("kind", ""))
    return kind is not None and not kind[1]


def subjects_of(layout: ImageLayout, found: Descriptor, top: Iterable[Descriptor]) -> list[str]:
    """Return the digests of what a manifest is about; ``cosign save`` leaves it to the images beside it in index.json."""
    subject = subject_of(layout, found)
    if subject or not is_cosigns(found):
        return [subject] if subject else []
    return [each.digest for each in top if not is_cosigns(each)]


def subject_of(layout: ImageLayout, found: Descriptor) -> str:
    """Return the digest of what a manifest or index is about; empty if it is about nothing, or does not record it.

    A tag may have only the first 64 digits of a longer one.
    """
    if digest := found.annotations.get(REFERENCE_DIGEST):
        return digest
    for name in (REF_NAME, IMAGE_NAME):
        if tag := re.fullmatch(DIGEST_TAG, found.annotations.get(name, "")):
            return f"{tag[1]}:{tag[2]}"
    return _recorded(layout, found)[1]


def _recorded(layout: ImageLayout, found: Descriptor) -> tuple[str, str]:
    """Return the artifact type and the subject's digest that a manifest or index records itself.

    Empty if it cannot be read, which is reported when it is opened. It is read once for all questions:
    an index may list many thousands.
    """
    if found.digest not in layout.known:
        try:
            document = layout.fetch(found, "manifest")[0]
        except LayertuiError:
            return "", ""
        kind, subject = document.get("artifactType"), descriptor_of(document.get("subject"))
        layout.known[found.digest] = (
            kind if isinstance(kind, str) else "", subject.digest if subject is not None else ""
        )  # fmt: skip
    return layout.known[found.digest]
