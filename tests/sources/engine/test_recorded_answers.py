"""What engines answer that are not packaged here, from their sources and API descriptions.

Nothing here was recorded from a running Docker 25 to 29: the answers are written down after
moby's API descriptions (versions 1.44 to 1.52) and its source, and marked so by this file.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.sources.engine.client import Engine
from layertui.sources.engine.endpoint import EngineEndpoint
from layertui.sources.engine.image_list import list_images, shared_sizes
from layertui.sources.engine.images import open_image
from tests.content.archives import tar_of
from tests.layouts import digest
from tests.sources.engine.docker29 import serving

TARS = [tar_of({"etc/a": b"one"}), tar_of({"etc/b": b"two" * 1000})]
BLOBS = [gzip.compress(tar) for tar in TARS]
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in TARS]},
        "history": [
            {"created_by": "one"},
            {"created_by": "ENV A=1", "empty_layer": True},
            {"created_by": "two"},
        ],
    }
).encode()
INDEX_DIGEST = "sha256:" + "1d" * 32
INSPECTED = {
    # The containerd store's ID is the digest of the index or manifest, and there is no graph driver.
    "Id": INDEX_DIGEST,
    "RepoTags": ["app:1"],
    "RepoDigests": [f"app@{INDEX_DIGEST}"],
    "Created": "2026-01-02T03:04:05Z",
    "Config": {"Env": ["A=1"]},
    "Architecture": "amd64",
    "Os": "linux",
    "Size": 5000,
    "RootFS": {"Type": "layers", "Layers": [digest(tar) for tar in TARS]},
    "Descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": INDEX_DIGEST, "size": 1},
}
LISTED = [
    {
        "Id": INDEX_DIGEST,
        "ParentId": "",
        "RepoTags": ["app:1"],
        "RepoDigests": [f"app@{INDEX_DIGEST}"],
        "Created": 1767323045,
        "Size": 5000,
        "SharedSize": 1200,
        "Containers": -1,
        "Labels": None,
    },
    # Since 1.43 an image without a name has no placeholder.
    {
        "Id": "sha256:" + "2e" * 32,
        "RepoTags": [],
        "RepoDigests": [],
        "Created": 1,
        "Size": 7,
        "Labels": {"a": "b"},
    },
]
HISTORY = [
    {"Id": INDEX_DIGEST, "Created": 3, "CreatedBy": "two", "Tags": ["app:1"], "Size": 3000, "Comment": ""},
    {
        "Id": "<missing>",
        "Created": 2,
        "CreatedBy": "ENV A=1",
        "Tags": None,
        "Size": 0,
        "Comment": "buildkit.dockerfile.v0",
    },
    {"Id": "<missing>", "Created": 1, "CreatedBy": "one", "Tags": None, "Size": 3, "Comment": ""},
]


def saved() -> bytes:
    """The stream of the containerd store: a layout with compressed blobs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in [
            ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
            *((f"blobs/sha256/{digest(blob)[7:]}", blob) for blob in BLOBS),
            (f"blobs/sha256/{digest(CONFIG)[7:]}", CONFIG),
            ("index.json", b"{}"),
        ]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


ANSWERS: dict[str, Any] = {
    "/version": {"ApiVersion": "1.52", "Version": "29.0.0"},
    f"/images/{INDEX_DIGEST}/json": INSPECTED,
    "/images/app:1/json": INSPECTED,
    f"/images/{LISTED[1]['Id']}/json": {**INSPECTED, "Id": LISTED[1]["Id"], "RepoTags": None},
    "/images/json": LISTED,
    f"/images/{INDEX_DIGEST}/history": HISTORY,
    f"/images/{INDEX_DIGEST}/get": saved(),
}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving(tmp_path / "engine.sock", lambda path, _: ANSWERS.get(path)) as url:
        yield Engine(EngineEndpoint("Docker", url, "test"))


def test_list_of_containerds_store(engine: Engine) -> None:
    named, nameless = list_images(engine)
    assert (named.reference, named.digest, named.layers) == ("docker-daemon:app:1", INDEX_DIGEST, 2)
    assert (nameless.reference, nameless.name, nameless.labels) == (
        f"docker-daemon:{LISTED[1]['Id']}",
        "",
        {"a": "b"},
    )
    assert shared_sizes(engine) == {INDEX_DIGEST: 1200}


def test_layers_that_come_compressed(engine: Engine) -> None:
    image = open_image(engine, "app:1")
    assert image.id == INDEX_DIGEST
    assert [entry.layer for entry in image.history] == [1, None, 2]
    assert not image.warnings
    indexes = [index_layer(layer, None) for layer in image.layers]
    assert [index.damage for index in indexes] == ["", ""]
    assert [index.diff_id for index in indexes] == [digest(tar) for tar in TARS]
    assert indexes[1].size[-1] == 6 * 500


def test_steps_that_may_have_made_an_empty_layer_are_said_to_be_guessed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"Id": "<missing>", "Created": 2, "CreatedBy": "RUN true", "Size": 0, "Comment": ""}
    monkeypatch.setitem(
        ANSWERS,
        f"/images/{INDEX_DIGEST}/history",
        [{**empty, "Size": 5}, empty, {**empty, "CreatedBy": "RUN :"}],
    )
    image = open_image(engine, "app:1")
    assert [entry.layer for entry in image.history] == [1, None, 2]
    assert "a guess" in image.warnings[0]


def test_an_engine_that_cannot_tell_the_history(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ANSWERS, f"/images/{INDEX_DIGEST}/history")
    image = open_image(engine, "app:1")
    assert [(entry.layer, entry.recorded) for entry in image.history] == [(1, False), (2, False)]
    assert image.warnings == ["Docker does not report the history: no such thing"]


def test_answers_that_are_no_answers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: tuple[object, ...] = (
        [],
        "text",
        7,
        {"Id": 5, "RootFS": [], "RepoTags": 3, "GraphDriver": "x", "Config": []},
    )
    for junk in answers:
        monkeypatch.setitem(ANSWERS, "/images/app:1/json", junk)
        try:
            open_image(engine, "app:1")
        except LayertuiError as error:
            assert "Docker" in str(error)
    for junk in ({}, "text", [5, {"Id": None}]):
        monkeypatch.setitem(ANSWERS, "/images/json", junk)
        with pytest.raises(LayertuiError, match="does not list"):
            list(list_images(engine))
