"""What an attached document is: by its predicate, its media type, and the type of what carries it.

Predicates: in-toto/attestation, spec/predicates; cosign, specs/COSIGN_PREDICATE_SPEC.md. Media
types: cosign, SIGNATURE_SPEC.md and SBOM_SPEC.md; Notary Project, signature-specification.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class DocumentKind(NamedTuple):
    """What a document is."""

    name: str
    """``sbom``, ``provenance``, ``signature``, ``vex``, ``scan``, ``attestation`` or ``other``."""
    title: str
    """Human-readable; may quote a type from the document's manifest."""


KINDS = (
    (r"https://spdx\.dev/Document\b.*|.*\bspdx\b.*", "sbom", "SBOM (SPDX)"),
    (r"https://openvex\.dev/.*|.*\bopenvex\b.*", "vex", "VEX (OpenVEX)"),
    (r"https://cyclonedx\.org/.*|.*\bcyclonedx\b.*", "sbom", "SBOM (CycloneDX)"),
    (r"https://syft\.dev/.*|.*\bsyft\b.*", "sbom", "SBOM (Syft)"),
    (r"https://slsa\.dev/provenance/(?:v?([\d.]+)).*", "provenance", "provenance (SLSA {0})"),
    (r"https://slsa\.dev/verification_summary/.*", "attestation", "verification summary (SLSA)"),
    (r"https://sigstore\.dev/cosign/sign/.*", "signature", "signature (cosign)"),
    (r"https://cosign\.sigstore\.dev/attestation/vuln/.*", "scan", "vulnerability scan (cosign)"),
    (r"https://cosign\.sigstore\.dev/attestation/v1", "attestation", "attestation (cosign)"),
    (r"https://in-toto\.io/attestation/vulns/.*", "scan", "vulnerability scan (in-toto)"),
    (r".*\bsarif\b.*", "scan", "scan (SARIF)"),
    (r"application/vnd\.dev\.cosign\.simplesigning\.v1\+json", "signature", "signature (cosign)"),
    (r"application/vnd\.cncf\.notary\.signature", "signature", "signature (Notary Project)"),
    (r"https?://(.*)", "attestation", "attestation ({0})"),
    (r"application/vnd\.in-toto\+json", "attestation", "attestation (in-toto)"),
    (r"application/vnd\.dsse\.envelope\.v1\+json", "attestation", "attestation (DSSE)"),
    (r"application/vnd\.dev\.sigstore\.bundle.*", "attestation", "bundle (Sigstore)"),
    (r"application/vnd\.docker\.attestation\.manifest\.v1\+json", "attestation", "attestation (BuildKit)"),
)
"""Patterns of types, in order, with the kind's name and title."""


def kind_of(types: Iterable[str], otherwise: str) -> DocumentKind:
    """Return the kind of a document by its types, the most specific first: a predicate before media types.

    ``otherwise`` is the title of a document of none of the known kinds.
    """
    for kind in types:
        for pattern, name, title in KINDS:
            if match := re.fullmatch(pattern, kind, re.IGNORECASE):
                return DocumentKind(name, title.format(*match.groups()))
    return DocumentKind("other", otherwise)
