"""``layertui attachments``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.commands.running import Run
from tests.layouts import INDEX, digest
from tests.sources.maker import Maker
from tests.sources.test_oci_groups import SPDX, artifact, called, tag_of

SBOM = b'{"spdxVersion": "SPDX-2.3"}'


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Maker, str, dict[str, str]]:
    """An index whose image has an SBOM, with a signature of the index."""
    maker = Maker(tmp_path / "layout")
    image = maker.image()
    index = maker.blob({"manifests": [image]}, INDEX)
    document = maker.blob(
        b'{"critical": {}}\x1b[2J',
        "application/vnd.dev.cosign.simplesigning.v1+json",
        annotations={"dev.cosignproject.cosign/signature": "MEUCIQ=="},
    )
    signature = artifact(maker, layers=[document])
    sbom = artifact(maker, subject=image, artifactType="application/x-sbom")
    path = maker.index({**index, **called("1")}, {**signature, **called(tag_of(index, ".sig"))}, sbom)
    found = {"image": image, "index": index, "sbom": sbom, "signature": signature, "payload": document}
    return maker, path, {name: each["digest"] for name, each in found.items()}


def test_table(run: Run, signed: tuple[Maker, str, dict[str, str]]) -> None:
    _, path, digests = signed
    done = run("attachments", path)
    assert (done.status, done.err) == (0, "")
    assert [re.split("  +", line) for line in done.lines] == [
        ["TITLE", "SIZE", "OF", "DIGEST"],
        ["signature (cosign)", "20 B", "index", digests["payload"]],
        ["SBOM (SPDX)", "27 B", "image", digest(SBOM)],
    ]


def test_json(run: Run, signed: tuple[Maker, str, dict[str, str]]) -> None:
    _, path, digests = signed
    first, second = run("attachments", path, "--json").objects
    assert first == {
        "Digest": digests["payload"],
        "MediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "ArtifactType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "PredicateType": None,
        "Size": 20,
        "Kind": "signature",
        "Title": "signature (cosign)",
        "Subject": digests["index"],
        "Manifest": digests["signature"],
        "Annotations": {"dev.cosignproject.cosign/signature": "MEUCIQ=="},
        "Stored": True,
    }
    assert (second["Kind"], second["MediaType"], second["ArtifactType"]) == (
        "sbom",
        SPDX,
        "application/x-sbom",
    )
    assert (second["Subject"], second["Manifest"]) == (digests["image"], digests["sbom"])


def test_read(run: Run, signed: tuple[Maker, str, dict[str, str]]) -> None:
    _, path, digests = signed
    for name in (digest(SBOM), digest(SBOM)[7:], digest(SBOM)[:20], digest(SBOM)[7:15]):
        done = run("attachments", path, "--read", name)
        assert (done.status, done.out) == (0, SBOM)
    assert run("attachments", path, "--read", digests["payload"]).out == b'{"critical": {}}\x1b[2J'


def test_what_cannot_be_read(run: Run, signed: tuple[Maker, str, dict[str, str]]) -> None:
    maker, path, digests = signed
    done = run("attachments", path, "--read", "sha256:" + "0" * 64)
    assert (done.status, done.out) == (2, b"")
    assert f"has no attachment sha256:{'0' * 64}, {digests['payload']}, {digest(SBOM)}" in done.err
    assert "could be several documents" not in done.err
    blob = maker.folder / "blobs" / digest(SBOM).replace(":", "/")
    blob.write_bytes(SBOM.replace(b"2.3", b"9.9"))
    done = run("attachments", path, "--read", digest(SBOM))
    assert (done.status, done.out) == (2, b"")
    assert "wrong digest" in done.err
    assert run("attachments", path).status == 0
    blob.unlink()
    assert "SBOM (SPDX), not stored" in run("attachments", path).text
    assert [each["Stored"] for each in run("attachments", path, "--json").objects] == [True, False]
    done = run("attachments", path, "--read", digest(SBOM))
    assert (done.status, done.out) == (2, b"") and "not stored here" in done.err


def test_an_ambiguous_digest(run: Run, tmp_path: Path) -> None:
    maker = Maker(tmp_path / "layout")
    image = maker.image()
    documents = [maker.blob(json.dumps(number).encode(), SPDX) for number in range(40)]
    path = maker.index({**image, **called("1")}, artifact(maker, layers=documents, subject=image))
    first = [each["digest"][7] for each in documents]
    common = next(digit for digit in first if first.count(digit) > 1)
    done = run("attachments", path, "--read", common)
    assert (done.status, done.out) == (2, b"")
    assert f"{common} could be several documents, sha256:{common}" in done.err
    assert run("attachments", path, "--read", "").status == 2


def test_what_was_found_before_an_error_is_listed(
    run: Run, signed: tuple[Maker, str, dict[str, str]]
) -> None:
    maker, path, digests = signed
    (maker.folder / "blobs" / digests["sbom"].replace(":", "/")).write_bytes(b"{}")
    path = f"{path}:1"
    done = run("attachments", path)
    assert done.status == 2 and "wrong digest" in done.err
    assert "signature (cosign)" in done.text
    assert run("attachments", path, "--read", digests["payload"]).status == 0
    assert "wrong digest" in run("attachments", path, "--read", digest(SBOM)).err


def test_none(run: Run) -> None:
    done = run("attachments", "demo:")
    assert (done.status, done.lines) == (0, ["TITLE  SIZE  OF  DIGEST"])
    assert run("attachments", "demo:", "--json").out == b""
