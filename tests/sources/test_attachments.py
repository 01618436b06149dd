"""Attachments of images in layouts: every way to attach them, and every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from layertui.model.digest import WrongDigest
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from layertui.sources.attachment_kinds import kind_of
from layertui.sources.attachments import attachments
from tests.layouts import INDEX, MANIFEST, digest
from tests.other_projects import engine_fixture, fixture
from tests.sources.maker import Maker
from tests.sources.test_oci_groups import (
    SPDX,
    Write,
    artifact,
    called,
    cosign_save,
    cosign_tags,
    cosign_tags_with_repository,
    named_referrer,
    referrer,
    referrers_tag,
    tag_of,
)

SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"


def titles(reference: str, platform: str | None = None) -> list[tuple[str, str]]:
    """Title and subject of each document."""
    found = attachments(open_image(reference, platform))
    return [(document.kind.title, each.subject) for each in found for document in each.documents]


@pytest.mark.parametrize(
    ("write", "number"),
    [
        (referrer, 1),
        (named_referrer, 1),
        (referrers_tag, 1),
        (cosign_tags, 3),
        (cosign_tags_with_repository, 1),
        (cosign_save, 3),
    ],
)
def test_each_way_to_attach(write: Write, number: int, maker: Maker) -> None:
    image = maker.image()
    path = maker.index(*write(maker, image), maker.image("arm64", **called("other")))
    assert titles(f"{path}:1") == [("SBOM (SPDX)", image["digest"])] * number
    assert not titles(f"{path}:other") or write is cosign_save  # which saves one image


@pytest.mark.parametrize("chosen", ["amd64", "arm64"])
def test_what_is_about_an_index_is_about_each_image_in_it(chosen: str, maker: Maker) -> None:
    images = [maker.image("amd64"), maker.image("arm64")]
    index = maker.blob({"manifests": images}, INDEX)
    path = maker.index(
        {**index, **called("1")},
        {**artifact(maker, number=1), **called(tag_of(index, ".sig"))},
        artifact(maker, subject=images[1]),
        artifact(maker, subject=index),
    )
    of_both = [("SBOM (SPDX)", index["digest"])] * 2
    of_one = [("SBOM (SPDX)", images[1]["digest"])] * (chosen == "arm64")
    assert sorted(titles(path, f"linux/{chosen}")) == sorted([*of_both, *of_one])


def test_a_truncated_tag_of_a_longer_digest(maker: Maker) -> None:
    """Of a digest's hexadecimal part, a referrers tag has 64 digits (distribution-spec, "Referrers Tag Schema")."""
    image = maker.image()
    data = (maker.folder / "blobs" / image["digest"].replace(":", "/")).read_bytes()
    image = maker.blob(data, MANIFEST, algorithm="sha512")
    about = maker.blob({"manifests": [artifact(maker)]}, INDEX)
    tag = f"sha512-{image['digest'].partition(':')[2][:64]}"
    path = maker.index({**image, **called("1")}, {**about, **called(tag)})
    assert titles(path) == [("SBOM (SPDX)", image["digest"])]


def test_an_unreadable_manifest_is_reported_after_the_others(maker: Maker) -> None:
    image = maker.image()
    broken = artifact(maker, number=1, subject=image)
    (maker.folder / "blobs" / broken["digest"].replace(":", "/")).write_bytes(b"{}")
    path = maker.index({**image, **called("1")}, {**broken, **called("x")}, artifact(maker, subject=image))
    found = attachments(open_image(f"{path}:1"))
    assert next(found).subject == image["digest"]
    with pytest.raises(WrongDigest):
        next(found)


def test_an_attestation_that_was_not_copied(maker: Maker) -> None:
    image = maker.image()
    notes = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image["digest"],
    }
    absent = {"mediaType": MANIFEST, "digest": "sha256:" + "0" * 64, "size": 7, "annotations": notes}
    (found,) = attachments(open_image(maker.index(maker.blob({"manifests": [image, absent]}, INDEX))))
    (document,) = found.documents
    assert (document.kind.title, document.blob) == ("attestation (BuildKit)", None)
    with pytest.raises(LayertuiError, match="it is referenced, but not stored here"):
        document.verified()


@pytest.mark.parametrize(
    ("data", "message"), [(b'{"spdxVersion": "SPDX-9.9"}', "wrong digest"), (None, "not stored here")]
)
def test_a_document_is_verified(data: bytes | None, message: str, maker: Maker) -> None:
    image = maker.image()
    path = maker.index({**image, **called("1")}, artifact(maker, subject=image))
    ((document,),) = (each.documents for each in attachments(open_image(path)))
    assert document.verified().pread(99, 0) == b'{"spdxVersion": "SPDX-2.3"}'
    blob = maker.folder / "blobs" / document.descriptor.digest.replace(":", "/")
    blob.unlink()
    if data is not None:
        blob.write_bytes(data)
    ((document,),) = (each.documents for each in attachments(open_image(path)))
    with pytest.raises(LayertuiError, match=message):
        document.verified()


def test_a_document_of_another_size(maker: Maker) -> None:
    image = maker.image()
    document = {**maker.blob(b"{}", SPDX), "size": 3}
    path = maker.index({**image, **called("1")}, artifact(maker, layers=[document], subject=image))
    ((found,),) = (each.documents for each in attachments(open_image(path)))
    with pytest.raises(LayertuiError, match=f"{digest(b'{}')} has 2 bytes, its descriptor says 3"):
        found.verified()


def test_layouts_of_singularity() -> None:
    """What cosign signed and attested, found by its tags below a repository ``_cosign``."""
    images = fixture("sylabs+oci-tools/test/images")
    expected = ["attestation (cosign)", "signature (cosign)"]
    assert [title for title, _ in titles(str(images / "hello-world-cosign-manifest"))] == expected
    of_index = titles(str(images / "hello-world-cosign-manifest-list"))
    assert [title for title, _ in of_index] == [*expected, "signature (cosign)"]
    assert len({subject for _, subject in of_index}) == 2  # the index, and the image in it


def test_layouts_of_oras_and_regctl(tmp_path: Path) -> None:
    root = engine_fixture("oras-regctl-layouts", tmp_path)
    found = titles(f"oci:{root / 'oras-oci'}", "linux/amd64")
    assert [title for title, _ in found] == [
        "provenance (SLSA 1)",
        "SBOM (SPDX)",
        "application/vnd.example.sig",
        "application/vnd.lab.note",
    ]
    assert [title for title, _ in titles(f"oci:{root / 'regctl-dir'}", "linux/arm64")] == [
        "provenance (SLSA 1)"
    ]


@pytest.mark.parametrize(
    ("types", "name", "title"),
    [
        (["https://spdx.dev/Document", "application/vnd.in-toto+json"], "sbom", "SBOM (SPDX)"),
        (["https://spdx.dev/Document/v2.3"], "sbom", "SBOM (SPDX)"),
        (["text/spdx"], "sbom", "SBOM (SPDX)"),
        (["application/spdx+json"], "sbom", "SBOM (SPDX)"),
        (["https://cyclonedx.org/bom"], "sbom", "SBOM (CycloneDX)"),
        (["application/vnd.cyclonedx+json"], "sbom", "SBOM (CycloneDX)"),
        (["application/vnd.syft+json"], "sbom", "SBOM (Syft)"),
        (["https://slsa.dev/provenance/v0.2"], "provenance", "provenance (SLSA 0.2)"),
        (["https://slsa.dev/provenance/v1"], "provenance", "provenance (SLSA 1)"),
        (["https://openvex.dev/ns/v0.2.0"], "vex", "VEX (OpenVEX)"),
        (["https://sigstore.dev/cosign/sign/v1", "application/vnd.dev.sigstore.bundle.v0.3+json"],
         "signature", "signature (cosign)"),
        (["", "application/vnd.dev.sigstore.bundle.v0.3+json"], "attestation", "bundle (Sigstore)"),
        ([SIGNATURE], "signature", "signature (cosign)"),
        (["application/jose+json", "application/vnd.cncf.notary.signature"], "signature",
         "signature (Notary Project)"),
        (["https://example.com/tested/v1", "application/vnd.in-toto+json"], "attestation",
         "attestation (example.com/tested/v1)"),
        (["application/vnd.in-toto+json"], "attestation", "attestation (in-toto)"),
        (["application/sarif+json"], "scan", "scan (SARIF)"),
        (["application/json"], "other", "a document"),
        ([], "other", "a document"),
    ],
)  # fmt: skip
def test_titles(types: list[str], name: str, title: str) -> None:
    assert kind_of(types, "a document") == (name, title)


def test_predicates_of_bundles_and_of_cosign(maker: Maker) -> None:
    """Of a Sigstore bundle the manifest records it, of an envelope of cosign its descriptor."""
    image = maker.image()
    bundle = maker.blob(b"{}", "application/vnd.dev.sigstore.bundle.v0.3+json")
    notes = {"predicateType": "https://cyclonedx.org/bom"}
    envelope = maker.blob(b"{ }", "application/vnd.dsse.envelope.v1+json", annotations=notes)
    signed: dict[str, Any] = {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"}
    path = maker.index(
        {**image, **called("1")},
        artifact(maker, layers=[bundle], annotations=signed, subject=image),
        artifact(maker, layers=[envelope], subject=image),
    )
    assert [title for title, _ in titles(path)] == ["provenance (SLSA 1)", "SBOM (CycloneDX)"]
