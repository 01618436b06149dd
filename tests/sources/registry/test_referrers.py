"""Signatures, SBOMs and attestations of images, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layertui.sources import open_image
from layertui.sources.attachments import Attachment, attachments
from tests.engines import run
from tests.layouts import CONFIG, INDEX, MANIFEST
from tests.sources.registry.conftest import QUARRY
from tests.sources.registry.proxy import Answer, FaultyProxy, Request
from tests.sources.registry.server import Registry
from tests.sources.registry.test_source import image_of, tar

EMPTY = "application/vnd.oci.empty.v1+json"
SPDX = "application/spdx+json"
SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"
STATEMENT = "application/vnd.in-toto+json"


def carrier(registry: Registry, repository: str, media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    """A manifest that carries one document."""
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.push_blob(repository, b"{}", more.pop("config", EMPTY)),
        "layers": [{**registry.push_blob(repository, data, media_type), **more.pop("layer", {})}],
        **more,
    }


def content(attachment: Attachment) -> bytes:
    (document,) = attachment.documents
    assert document.blob is not None
    return document.blob.pread(document.blob.size, 0)


@pytest.fixture(scope="module")
def attested(registry: Registry) -> dict[str, Any]:
    """The index of an image with an attestation, in its index, an SBOM and a signature."""
    image = image_of(registry, "attested", [tar("a", b"a")], "amd64")
    predicate = {"annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}}
    statement = carrier(registry, "attested", STATEMENT, b'{"provenance": 1}', config=CONFIG, layer=predicate)
    attestation = {
        **registry.push_manifest("attested", statement),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        },
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image, attestation]}
    top = registry.push_manifest("attested", index, "latest")
    subject = {name: image[name] for name in ("mediaType", "digest", "size")}
    sbom = registry.push_manifest(
        "attested",
        carrier(
            registry, "attested", SPDX, b'{"spdx": 1}', artifactType="application/x-sbom", subject=subject
        ),
    )
    # This registry has no referrers API: clients store the list under a tag.
    listed = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{**sbom, "artifactType": "application/x-sbom"}],
    }
    registry.push_manifest("attested", listed, image["digest"].replace(":", "-"))
    signature = carrier(registry, "attested", SIGNATURE, b'{"critical": {}}', config=CONFIG)
    registry.push_manifest("attested", signature, top["digest"].replace(":", "-") + ".sig")
    return top


def test_of_an_image_in_a_registry(registry: Registry, attested: dict[str, Any]) -> None:
    image = open_image(f"docker://{registry.host}/attested")
    assert image.repo_digests[0].endswith(attested["digest"])
    found = {each.type: each for each in attachments(image)}
    assert set(found) == {STATEMENT, "application/x-sbom", SIGNATURE}
    about = {kind: (each.documents[0].kind.title, each.subject) for kind, each in found.items()}
    assert about == {
        STATEMENT: ("provenance (SLSA 1)", image.manifest_digest),
        "application/x-sbom": ("SBOM (SPDX)", image.manifest_digest),
        SIGNATURE: ("signature (cosign)", attested["digest"]),
    }
    (statement,) = found[STATEMENT].documents
    assert statement.descriptor.annotations["in-toto.io/predicate-type"] == "https://slsa.dev/provenance/v1"
    assert content(found[STATEMENT]) == b'{"provenance": 1}'
    assert content(found["application/x-sbom"]) == b'{"spdx": 1}'
    assert content(found[SIGNATURE]) == b'{"critical": {}}'


def test_by_the_referrers_api(registry: Registry, proxy: FaultyProxy, attested: dict[str, Any]) -> None:
    """Debian's registry is older than the API: a recorded answer's shape, from the specification."""
    image = open_image(f"docker://{proxy.host}/attested")
    sbom = carrier(registry, "attested", SPDX, b'{"spdx": 2}', artifactType="application/x-other")
    described = {**registry.push_manifest("attested", sbom), "artifactType": "application/x-other"}

    def referrers(request: Request, answer: Answer) -> None:
        found = [described] if image.manifest_digest in request.path else []
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
        answer.status, answer.headers, answer.body = 200, {"Content-Type": INDEX}, json.dumps(index).encode()

    proxy.fail("/referrers/", referrers)
    found = {each.type: each for each in attachments(image)}
    assert set(found) == {STATEMENT, "application/x-other", SIGNATURE}
    assert content(found["application/x-other"]) == b'{"spdx": 2}'
    assert not [path for path in proxy.paths() if path.endswith(image.manifest_digest.replace(":", "-"))]


def test_none(registry: Registry, layout: Path) -> None:
    assert list(attachments(open_image(f"docker://{registry.host}/{QUARRY}:1.0"))) == []
    assert list(attachments(open_image(f"oci:{layout}:1.0"))) == []
    assert list(attachments(open_image("demo:"))) == []


def test_of_an_image_in_a_layout(registry: Registry, attested: dict[str, Any], tmp_path: Path) -> None:
    command = ["skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", "--all"]
    command += ["--preserve-digests"]
    run(*command, f"docker://{registry.host}/attested", f"oci:{tmp_path}/copy:latest")
    (found,) = attachments(open_image(f"oci:{tmp_path}/copy:latest"))
    assert found.type == STATEMENT
    assert content(found) == b'{"provenance": 1}'
