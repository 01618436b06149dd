"""Layouts: platforms, nested indexes, attestations, embedded data, layers of every media type."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from layertui.model.errors import LayertuiError
from layertui.model.reference import parse_reference
from layertui.sources import list_images, open_image
from layertui.sources.oci import layout_of
from layertui.sources.oci_layout import manifests_of
from layertui.verify.image import verify_image
from tests.layouts import CONFIG, INDEX, LAYER, MANIFEST
from tests.sources.maker import TAR, Maker

ATTESTS = {"vnd.docker.reference.type": "attestation-manifest"}


def test_platforms_of_a_nested_index(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [maker.image("s390x"), maker.image("arm64"), maker.image("amd64")]
    inner = maker.blob({"manifests": images}, INDEX)
    path = maker.index(maker.blob({"manifests": [inner]}, INDEX))
    assert str(open_image(path, "linux/arm64").platform) == "linux/arm64"
    monkeypatch.setattr("layertui.model.platforms.machine_name", lambda: "x86_64")
    assert str(open_image(path).platform) == "linux/amd64"
    monkeypatch.setattr("layertui.model.platforms.machine_name", lambda: "riscv64")
    with pytest.raises(LayertuiError, match=r"linux/s390x, linux/arm64, linux/amd64, choose with --platform"):
        open_image(path)
    with pytest.raises(LayertuiError, match="has no image for linux/arm/v7"):
        open_image(path, "linux/arm/v7")
    assert [str(each) for each in next(iter(list_images(path))).platforms] == [
        "linux/s390x",
        "linux/arm64",
        "linux/amd64",
    ]


def test_platforms_that_were_never_pulled_are_not_offered(maker: Maker) -> None:
    absent = {"mediaType": MANIFEST, "digest": "sha256:" + "0" * 64, "size": 7,
              "platform": {"os": "linux", "architecture": "amd64"}}  # fmt: skip
    path = maker.index(maker.blob({"manifests": [absent, maker.image("s390x")]}, INDEX))
    assert str(open_image(path).platform) == "linux/s390x"
    assert [str(each) for each in next(iter(list_images(path))).platforms] == ["linux/s390x"]


def test_attestations_belong_to_their_image(maker: Maker) -> None:
    image = maker.image()
    about = {**ATTESTS, "vnd.docker.reference.digest": image["digest"]}
    attestation = {
        **maker.image("unknown"),
        "annotations": about,
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    path = maker.index(maker.blob({"manifests": [image, attestation]}, INDEX))
    assert [each.digest for each in open_image(path).attestations] == [attestation["digest"]]
    assert [row.layers for row in list_images(path)] == [1]


def test_one_broken_image_leaves_the_others_in_the_list(maker: Maker) -> None:
    names = [{"org.opencontainers.image.ref.name": name} for name in ("bad", "good")]
    broken = {"mediaType": MANIFEST, "digest": "sha256:" + "0" * 64, "size": 7, "annotations": names[0]}
    path = maker.index(broken, maker.image(annotations=names[1]))
    assert [row.tag for row in list_images(path)] == ["good"]
    with pytest.raises(LayertuiError, match="the manifest of the image"):
        open_image(f"{path}:bad")


def test_two_names_with_one_tag_are_two_images(maker: Maker) -> None:
    """Docker 25 writes the tag alone as ref.name."""
    notes = [{"io.containerd.image.name": f"docker.io/library/{name}:latest",
              "org.opencontainers.image.ref.name": "latest"} for name in "ab"]  # fmt: skip
    path = maker.index(*(maker.image(annotations=note) for note in notes))
    rows = list_images(path)
    assert [(row.name, row.tag) for row in rows] == [("a", "latest"), ("b", "latest")]
    assert [open_image(row.reference).tags[0][-8:] for row in rows] == ["a:latest", "b:latest"]


def test_embedded_data(maker: Maker) -> None:
    image = maker.image()
    blob = maker.folder / "blobs" / image["digest"].replace(":", "/")
    path = maker.index({**image, "data": base64.b64encode(blob.read_bytes()).decode()})
    blob.unlink()
    assert len(open_image(path).layers) == 1


@pytest.mark.parametrize(
    ("kind", "data", "more", "missing"),
    [
        (f"{LAYER}+gzip+encrypted", b"x", {}, "encrypted"),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", None, {"urls": ["https://example.com/l"]},
         "fetched from https://example.com/l"),
        ("application/vnd.example.squashfs", b"hsqs" + bytes(600), {}, "a SquashFS file system"),
        ("application/wasm", b"\0asm" + bytes(600), {}, "not a tar but application/wasm"),
        ("application/vnd.example.tar", TAR, {}, ""),
        (LAYER, None, {}, "not found"),
    ],
)  # fmt: skip
def test_layers_say_why_they_cannot_be_read(
    kind: str, data: bytes | None, more: dict[str, Any], missing: str, maker: Maker
) -> None:
    descriptor = maker.blob(data or b"gone", kind, **more)
    if data is None:
        (maker.folder / "blobs" / descriptor["digest"].replace(":", "/")).unlink()
    [layer] = open_image(maker.index(maker.image(layers=[descriptor]))).layers
    assert missing in layer.missing and bool(layer.missing) == bool(missing)


@pytest.mark.parametrize("malformed", [None, "x", {"mediaType": LAYER, "size": 5}, {"digest": 5}])
def test_a_layer_without_a_digest_is_a_layer_that_is_missing(malformed: Any, maker: Maker) -> None:
    """Go reads ``null`` as a descriptor too, whose digest skopeo and umoci refuse: no layer is left out."""
    whole = maker.blob(TAR, LAYER)
    image = open_image(maker.index(maker.image(layers=[malformed, whole])))
    assert [layer.missing for layer in image.layers] == ["the manifest has no digest of it", ""]
    assert [layer.descriptor.digest for layer in image.layers] == ["", whole["digest"]]
    with pytest.raises(LayertuiError, match="layer 1 cannot be verified"):
        list(verify_image(image))


def test_a_config_that_says_nothing_has_no_layers(maker: Maker) -> None:
    manifest = {"config": maker.blob({}, CONFIG), "layers": [maker.blob(TAR, LAYER)]}
    image = open_image(maker.index(maker.blob(manifest, MANIFEST)))
    assert image.warnings == ["the config lists 0 layers, the image has 1"]


def test_no_images(maker: Maker) -> None:
    lists: tuple[object, ...] = ([], None, [None, 7, {}])
    for manifests in lists:
        (maker.folder / "index.json").write_text(json.dumps({"manifests": manifests}))
        with pytest.raises(LayertuiError, match="contains no image"):
            open_image(f"oci:{maker.folder}")


def test_a_manifest_that_is_named_twice_is_one_image(maker: Maker) -> None:
    """By the index itself, and again by an index in it."""
    inner = maker.blob({"manifests": [image := maker.image()]}, INDEX)
    layout = layout_of(parse_reference(maker.index(image, inner, inner)))
    assert [found.digest for found in manifests_of(layout, layout.top())] == [image["digest"]]


@pytest.mark.parametrize("name", ["sha256:../../secret", "../secret", "sha256/../x:00", ""])
def test_what_is_no_digest_is_no_part_of_a_path(name: str, maker: Maker) -> None:
    path = maker.index({**maker.image(), "digest": name})
    with pytest.raises(LayertuiError, match=f"^not a digest: {re.escape(name)}"):
        open_image(path)
