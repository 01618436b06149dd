"""Answers of an engine that are not what they should be: an error or a warning, never a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.sources import engine, list_containers, list_images, open_image
from layertui.sources.attachments import attachments
from tests.content.archives import tar_of
from tests.sources.engine.docker29 import Docker29, Variant, serving

DEEP = b"[" * 100_000
JUNK: dict[str, object] = {
    "number": 7,
    "text": "text",
    "list": [],
    "list of numbers": [5, None, "x"],
    "list of lists": [[[]]],
    "list of empty objects": [{}],
    "object": {"a": 5},
    "nulls": dict.fromkeys(("Id", "RootFS", "Manifests", "RepoTags", "Config", "ApiVersion", "Image")),
    "numbers": dict.fromkeys(("Id", "RootFS", "Manifests", "RepoTags", "Config", "ApiVersion", "Image"), 5),
    "manifests": {"Id": "sha256:1", "Manifests": [{"Kind": "image", "Descriptor": 5, "ImageData": []}, 5]},
    "no JSON": b"\x00\xff",
    "deep": DEEP,
    "empty": b"",
}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker29]:
    standin = Docker29()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    standin.add("app:1", Variant("amd64", [tar_of({"a": b"b"})], {}, True, [b"{}"]))
    with serving(tmp_path / "s", standin) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        yield standin


def read(reference: str) -> None:
    image = open_image(reference)
    for layer in image.layers:
        index_layer(layer, None)
    list(attachments(image))


def list_and_read(reference: str) -> None:
    list(list_images(reference))
    read(reference)


QUESTIONS: dict[str, Callable[[], object]] = {
    "/version": lambda: read("docker-daemon:app:1"),
    "/images/app:1/json": lambda: list_and_read("docker-daemon:app:1"),
    "/images/json": lambda: (list(list_images("docker-daemon:")), engine.image_names("docker-daemon")),
    "/images/{id}/json": lambda: (
        list(list_images("docker-daemon:")),
        list(list_images("docker-daemon:app:1")),
    ),
    "/images/{id}/history": lambda: read("docker-daemon:app:1"),
    "/images/{id}/get": lambda: read("docker-daemon:app:1"),
    "/containers/json": lambda: list(list_containers("docker-daemon:")),
    "/containers/web/json": lambda: read("docker-container:web"),
    "/containers/web/changes": lambda: read("docker-container:web"),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("path", QUESTIONS)
def test_junk(docker: Docker29, path: str, junk: object) -> None:
    identity = docker.identity("app:1")
    docker.answers["/containers/web/json"] = {"Id": "web", "Name": "/web", "Image": identity, "State": {}}
    docker.answers[path.format(id=identity)] = junk
    try:
        QUESTIONS[path]()
    except LayertuiError as error:
        assert str(error)


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("version", ["1.41", "1.42"])
def test_junk_of_shared_sizes(docker: Docker29, version: str, junk: object) -> None:
    docker.version = version
    docker.answers |= {"/images/json": junk, "/system/df": junk}
    try:
        assert engine.shared_sizes("docker-daemon") == {}
    except LayertuiError as error:
        assert str(error)


@pytest.mark.parametrize("junk", [5, "text", {"message": "x"}], ids=str)
def test_an_answer_that_is_no_list_is_not_an_empty_one(docker: Docker29, junk: object) -> None:
    docker.answers["/images/json"] = junk
    with pytest.raises(LayertuiError, match=r"^Docker does not list /images/json, its answer is not a list"):
        list(list_images("docker-daemon:"))


def test_items_that_are_no_objects_are_not_left_out(docker: Docker29) -> None:
    docker.answers["/images/json"] = [{"Id": "sha256:1"}, 5]
    with pytest.raises(LayertuiError, match="not all items of its answer are objects"):
        list(list_images("docker-daemon:"))


def test_null_is_an_empty_list(docker: Docker29) -> None:
    """As Go writes one that was never filled."""
    docker.answers["/images/json"] = b"null"
    assert list(list_images("docker-daemon:")) == []
