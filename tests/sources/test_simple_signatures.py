"""Signatures that Skopeo stores beside an image."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui.model.digest import digest_of
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from layertui.sources.attachments import attachments
from layertui.sources.simple_signatures import signature_attachment
from layertui.verify.image import verify_image
from tests.engines import run
from tests.layers.tars import END, file
from tests.layouts import CONFIG, MANIFEST, OciLayout
from tests.programs import need
from tests.sources.registry.server import Registry, docker_registry

PAYLOAD = b'{"critical": {"type": "cosign container image signature"}}'
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    need("skopeo")
    folder = tmp_path_factory.mktemp("signed")
    OciLayout(folder / "layout").add("1", [file(b"f", b"1") + END])
    with docker_registry(folder) as server:
        server.load(f"oci:{folder / 'layout'}:1", "app:1")
        yield server


def signed(registry: Registry, tmp_path: Path, to: str) -> str:
    """Sign an image as cosign does, and copy it with its signature; gives the digest of its manifest."""
    digest = open_image(f"docker://{registry.host}/app:1").manifest_digest
    notes = {"dev.cosignproject.cosign/signature": "MEUCIQ=="}
    layer = {**registry.push_blob("app", PAYLOAD, COSIGN), "annotations": notes}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.push_blob("app", b"{}", CONFIG),
        "layers": [layer],
    }
    registry.push_manifest("app", manifest, digest.replace(":", "-") + ".sig")
    (tmp_path / "registries.d").mkdir()
    (tmp_path / "registries.d/all.yaml").write_text("default-docker:\n  use-sigstore-attachments: true\n")
    options = [f"--registries.d={tmp_path / 'registries.d'}", "--insecure-policy"]
    run(
        "skopeo", *options, "copy", "--quiet", "--src-tls-verify=false", f"docker://{registry.host}/app:1", to
    )
    return digest


def store_of(tmp_path: Path) -> str:
    return f"containers-storage:[vfs@{tmp_path}/store+{tmp_path}/run]"


@pytest.mark.parametrize("transport", ["dir", "containers-storage"])
def test_a_signature_of_cosign(transport: str, registry: Registry, tmp_path: Path) -> None:
    to = f"dir:{tmp_path / 'copy'}" if transport == "dir" else f"{store_of(tmp_path)}localhost/app:1"
    digest = signed(registry, tmp_path, to)
    for reference in (to, open_image(to).pinned or to):
        (found,) = attachments(open_image(reference))
        (document,) = found.documents
        assert (document.kind.title, found.subject, found.type) == ("signature (cosign)", digest, COSIGN)
        assert document.descriptor.annotations == {"dev.cosignproject.cosign/signature": "MEUCIQ=="}
        assert document.verified().pread(999, 0) == PAYLOAD
        # Of a signature no digest is recorded, so none is verified.
        assert not [check for check in verify_image(open_image(to)) if "attached" in check.subject]


def test_a_signature_of_gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("skopeo", "gpg")
    (tmp_path / "gpg").mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "gpg"))
    key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "tests@example.com"]
    run(*key, "default", "default", "never")
    OciLayout(tmp_path / "layout").add("1", [file(b"f", b"1") + END])
    options = ["--quiet", "--sign-by=tests@example.com", "--sign-identity=docker.io/library/app:1"]
    try:
        for to in (f"dir:{tmp_path / 'copy'}", f"{store_of(tmp_path)}localhost/app:1"):
            run("skopeo", "--insecure-policy", "copy", *options, f"oci:{tmp_path / 'layout'}:1", to)
    finally:
        run("gpgconf", "--kill", "all")
    (stored,) = (tmp_path / "store/vfs-images").glob("*/signatures")
    for reference, path in (
        (f"dir:{tmp_path / 'copy'}", tmp_path / "copy/signature-1"),
        (f"{store_of(tmp_path)}localhost/app:1", stored),
    ):
        image = open_image(reference)
        (found,) = attachments(image)
        (document,) = found.documents
        assert (document.kind.title, found.subject) == ("signature (simple signing)", image.manifest_digest)
        assert document.verified().pread(9999, 0) == path.read_bytes()


def test_sizes_that_do_not_fit(registry: Registry, tmp_path: Path) -> None:
    digest = signed(registry, tmp_path, f"{store_of(tmp_path)}localhost/app:1")
    path = tmp_path / "store/vfs-images/images.json"
    (record,) = json.loads(path.read_text())
    record["metadata"] = json.dumps({"signatures-sizes": {digest: [1 << 40]}})
    path.write_text(json.dumps([record]))
    with pytest.raises(LayertuiError, match="is malformed, the store records signatures of"):
        list(attachments(open_image(f"{store_of(tmp_path)}localhost/app:1")))


def test_signatures_of_an_image_among_several_platforms(tmp_path: Path) -> None:
    """``skopeo copy --all … dir:``: those of each manifest begin with its digest (``signaturePath``)."""
    need("skopeo")
    layout = OciLayout(tmp_path / "layout")
    layout.add("1", [file(b"f", b"1") + END])
    run(
        "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        f"oci:{tmp_path / 'layout'}:1",
        f"dir:{tmp_path / 'copy'}",
    )
    whole = (tmp_path / "copy/manifest.json").read_bytes()
    digest = digest_of(whole)
    (tmp_path / f"copy/{digest[7:]}.manifest.json").write_bytes(whole)
    index = {"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST, "digest": digest, "size": len(whole)}]}
    (tmp_path / "copy/manifest.json").write_text(json.dumps(index))
    (tmp_path / "copy/signature-1").write_bytes(b"of the index")
    for number in (1, 2, 4):
        (tmp_path / f"copy/{digest[7:]}.signature-{number}").write_bytes(b"of the image %d" % number)
    found = list(attachments(open_image(f"dir:{tmp_path / 'copy'}")))
    read = [each.documents[0].verified().pread(99, 0) for each in found]
    assert read == [b"of the image 1", b"of the image 2", b"of the index"]
    assert [each.subject == digest for each in found] == [True, True, False]


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"\xa3\x01", "signature (simple signing)"),
        (b"\0future-format\nxyz", "signature (future-format)"),
        (b'\0sigstore-json\n{"mimeType": "application/x", "payload": "e30="}', "signature"),
        (b"", "signature (simple signing)"),
    ],
)
def test_formats(data: bytes, title: str) -> None:
    (document,) = signature_attachment(data, "here", "sha256:ab").documents
    assert document.kind.title == title
    assert document.verified()


@pytest.mark.parametrize(
    "data", [b"\0sigstore-json\n[]", b'\0sigstore-json\n{"payload": "?"}', b"\0sigstore-json\n{"]
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(LayertuiError, match="the signature here"):
        signature_attachment(data, "here", "sha256:ab")
