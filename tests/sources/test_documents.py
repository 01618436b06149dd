"""JSON of images as Go's encoding/json reads it: the values are what Go 1.24 decodes into Docker's types."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from layertui.anatomy.docker_inspect import described
from layertui.cli import main
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.sources import list_images, open_image
from layertui.sources.documents import (
    ARCHIVE_SCHEMA,
    CONFIG_SCHEMA,
    MANIFEST_SCHEMA,
    MAX_DEPTH,
    MAX_VALUES,
    decode,
)
from layertui.sources.files import parse_json
from tests.layers.tars import END, file
from tests.layouts import CONFIG, LAYER, MANIFEST, digest
from tests.sources.test_docker_archive import archive

TAR = file(b"f") + END
TOKEN = "GITHUB_TOKEN=ghp_" + "a1B2" * 9
HEXADECIMAL = digest(TAR).removeprefix("sha256:")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"config":{"env":["A"]}}', {"config": {"Env": ["A"]}}),
        ('{"config":{"Env":["A"],"env":["B"]}}', {"config": {"Env": ["B"]}}),
        ('{"config":{"env":["A"],"Env":["B"]}}', {"config": {"Env": ["B"]}}),
        (
            '{"config":{"Env":["A"],"Labels":{"a":"1"}},"Config":{"CMD":["x"],"labels":{"A":"2"}}}',
            {"config": {"Env": ["A"], "Cmd": ["x"], "Labels": {"a": "1", "A": "2"}}},
        ),
        ('{"config":{"Env":["A"]},"config":{"User":"u"}}', {"config": {"Env": ["A"], "User": "u"}}),
        ('{"OS":"a","os":"b","Os":"c"}', {"os": "c"}),
        ('{"os":"c","OS":"a","os":"b"}', {"os": "b"}),
        ('{"config":{"Env":["A"]},"CONFIG":null}', {"config": None}),
        ('{"config":{"Env":["A"],"env":null}}', {"config": {"Env": None}}),
        ('{"os":"a","OS":null}', {"os": "a"}),
        ('{"rootfſ":{"Diff_IDs":["x"]}}', {"rootfs": {"diff_ids": ["x"]}}),
        ('{"author":1,"o\u00df":"x","hi\u017ftory":[{"CREATED_BY":"c"}]}', {"author": 1, "oß": "x", "history": [{"created_by": "c"}]}),
        ('{"os":"\\ud800x\\udc00\\ud83d\\ude00\\\\ud800"}', {"os": "\ufffdx\ufffd😀\\ud800"}),
        ('{"config":{"Cmd":"run","entrypoint":["a"]}}', {"config": {"Cmd": ["run"], "Entrypoint": ["a"]}}),
        ('{"config":{"Labels":{"Env":"a","env":"b"}}}', {"config": {"Labels": {"Env": "a", "env": "b"}}}),
        ('{"config":["A"],"history":{},"rootfs":"x"}', {"config": ["A"], "history": {}, "rootfs": "x"}),
        ("[]", []),
    ],
)  # fmt: skip
def test_fields_of_a_config(text: str, read: Any) -> None:
    assert decode(text.encode(), CONFIG_SCHEMA) == read


def test_fields_of_manifests() -> None:
    descriptor = {"MEDIATYPE": "m", "Digest": "d", "Platform": {"OS.Version": "1"}, "Annotations": {"A": "1"}}
    read = {"mediaType": "m", "digest": "d", "platform": {"os.version": "1"}, "annotations": {"A": "1"}}
    text = json.dumps(
        {"SchemaVersion": 2, "Layers": [descriptor], "Manifests": [descriptor, 1], "Subject": None}
    )
    assert decode(text.encode(), MANIFEST_SCHEMA) == {
        "schemaVersion": 2, "layers": [read], "manifests": [read, 1], "subject": None,
    }  # fmt: skip
    text = json.dumps(
        [{"config": "c", "layerSources": {"sha256:A": descriptor}, "repoTags": ["Config:Layers"]}]
    )
    assert decode(text.encode(), ARCHIVE_SCHEMA) == [
        {"Config": "c", "LayerSources": {"sha256:A": read}, "RepoTags": ["Config:Layers"]}
    ]


def test_invalid_text_is_replaced_and_invalid_json_refused() -> None:
    assert decode(b'{"os":"a\xff\xed\xa0\x80b"}', CONFIG_SCHEMA) == {"os": "a\ufffd\ufffd\ufffd\ufffdb"}
    for text in (b'{"os":NaN}', b"\xef\xbb\xbf{}", b"{} x", b"[" * 100_000, b""):
        with pytest.raises(ValueError):
            decode(text, CONFIG_SCHEMA)


@pytest.mark.parametrize("value", [b"[]", b"{}", b'["\\ud800"]', b'{"a":0}'])
def test_many_values_are_refused_before_they_are_made(value: bytes) -> None:
    text = b"[" + b",".join([value] * MAX_VALUES) + b"]"
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 1,000,000 values"):
            decode(text)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_limited_alike_by_every_python(opened: bytes, closed: bytes) -> None:
    """Printed with indents, one of 60,000 levels would take gigabytes."""

    def nested(depth: int) -> bytes:
        return opened * depth + b"1" + closed * depth

    decode(nested(MAX_DEPTH - 1))
    for depth in (MAX_DEPTH, 20_000, 60_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            decode(nested(depth))
    assert decode(b"[" + b"[]," * MAX_DEPTH + b"1]")[-1] == 1


def test_a_document_of_many_values_is_too_large_by_its_name() -> None:
    blob = BytesBlob(b"[" + b"[]," * MAX_VALUES + b"[]]", "memory")
    with pytest.raises(LayertuiError, match="the config of x is too large, more than 1,000,000 values"):
        parse_json(blob, "the config of x")


def upper(value: Any) -> Any:
    """A document with all field names of these tests in capitals; digests and values stay."""
    if isinstance(value, dict):
        return {key.upper(): upper(each) for key, each in value.items()}
    return [upper(each) for each in value] if isinstance(value, list) else value


def config(change: Any) -> bytes:
    settings = {"Env": [TOKEN], "Cmd": ["/run"], "User": "7:8"}
    document = {
        "os": "linux",
        "architecture": "amd64",
        "config": settings,
        "rootfs": {"diff_ids": [digest(TAR)]},
        "history": [{"created_by": "nix"}],
    }
    return json.dumps(change(document)).encode()


def in_docker_archive(folder: Path, change: Any) -> str:
    listing = json.dumps(change([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["l.tar"]}])).encode()
    members: dict[str, bytes | str] = {"manifest.json": listing, "c.json": config(change), "l.tar": TAR}
    return archive(folder / "docker.tar", members)


def in_legacy_archive(folder: Path, change: Any) -> str:
    members: dict[str, bytes | str] = {
        "repositories": json.dumps({"app": {"1": HEXADECIMAL}}).encode(),
        f"{HEXADECIMAL}/json": config(change),
        f"{HEXADECIMAL}/layer.tar": TAR,
    }
    return archive(folder / "legacy.tar", members)


def in_layout(folder: Path, change: Any) -> str:
    blobs: dict[str, bytes] = {}

    def stored(data: bytes, media_type: str, **more: Any) -> Any:
        blobs[digest(data)] = data
        return change({"mediaType": media_type, "digest": digest(data), "size": len(data), **more})

    parts = {"config": stored(config(change), CONFIG), "layers": [stored(TAR, LAYER)]}
    manifest = json.dumps(change({"schemaVersion": 2, **parts})).encode()
    named = {"org.opencontainers.image.ref.name": "1"}
    top = {**stored(manifest, MANIFEST), change({"annotations": 1}).popitem()[0]: named}
    (folder / "oci/blobs/sha256").mkdir(parents=True)
    (folder / "oci/index.json").write_text(json.dumps({change({"manifests": 1}).popitem()[0]: [top]}))
    for name, data in blobs.items():
        (folder / "oci/blobs" / name.replace(":", "/")).write_bytes(data)
    return f"oci:{folder / 'oci'}"


def facts(image: Image) -> Any:
    settings = described(image)["Config"]
    return (
        str(image.platform),
        [settings[name] for name in ("Env", "Cmd", "User")],
        [name for name in settings if name.lower() != name and name.isupper()],
        [layer.diff_id for layer in image.layers],
        [step.created_by for step in image.history],
        image.tags,
    )


@pytest.mark.parametrize("write", [in_docker_archive, in_legacy_archive, in_layout])
def test_an_image_in_capitals_is_the_same_image(
    write: Any,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("usual", "capitals"):
        (tmp_path / name).mkdir()
    usual = open_image(write(tmp_path / "usual", lambda document: document))
    path = write(tmp_path / "capitals", upper)
    capitals = open_image(path)
    assert facts(capitals) == facts(usual)
    assert main(["insight", "--only", "secrets", path]) == 0
    assert b"GITHUB_TOKEN" in capsysbinary.readouterr().out
    assert capitals.config_bytes == config(upper) and capitals.warnings == usual.warnings
    assert [row.id for row in list_images(path)] == [capitals.id]
