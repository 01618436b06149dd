"""What is attached to images of an engine with Docker 29's default store, and what pins these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.identity import identity_of
from layertui.sources import open_image
from layertui.sources.attachments import attachments
from layertui.sources.pinned import open_pinned
from tests.content.archives import tar_of
from tests.layouts import digest
from tests.sources.engine.docker29 import PROVENANCE, Docker29, Variant, serving

STATEMENTS = [b'{"_type":"statement","subject":"%d"}' % number for number in range(2)]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker29]:
    engine = Docker29()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving(tmp_path / "s", engine) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        yield engine


def variant(architecture: str, *statements: bytes, is_stored: bool = True) -> Variant:
    return Variant(architecture, [tar_of({"arch": architecture.encode()})], {}, is_stored, statements)


def test_attestations_come_in_the_stream_byte_for_byte(docker: Docker29) -> None:
    docker.add("app:1", variant("amd64", *STATEMENTS))
    for _ in range(2):  # from the engine, and from the cache
        (found,) = attachments(open_image("docker-daemon:app:1"))
        assert [each.predicate for each in found.documents] == [PROVENANCE] * 2
        assert [each.verified().pread(100, 0) for each in found.documents] == STATEMENTS
    assert sum(path.endswith("/get") for path, _ in docker.asked) == 1


def test_attestations_of_one_of_several_platforms(docker: Docker29) -> None:
    """The stream of one platform has no attestations: the engine is asked for them (API 1.55)."""
    docker.add("multi:1", variant("amd64", STATEMENTS[0]), variant("arm64", STATEMENTS[1]))
    (found,) = attachments(open_image("docker-daemon:multi:1", "linux/arm64"))
    (document,) = found.documents
    assert document.descriptor.digest == digest(STATEMENTS[1])
    assert document.verified().pread(100, 0) == STATEMENTS[1]
    assert docker.sent == 0


def test_an_engine_that_does_not_send_attestations_of_one_platform(docker: Docker29) -> None:
    docker.version = "1.54"
    docker.add("multi:1", variant("amd64", STATEMENTS[0]), variant("arm64", STATEMENTS[1]))
    with pytest.raises(LayertuiError, match="with all platforms only, docker save"):
        list(attachments(open_image("docker-daemon:multi:1", "linux/arm64")))


def test_nothing_is_attached(docker: Docker29) -> None:
    docker.add("app:1", variant("amd64"))
    assert list(attachments(open_image("docker-daemon:app:1"))) == []
    assert docker.sent == 0


def test_an_open_image_is_opened_again_for_its_platform(docker: Docker29) -> None:
    """The ID is that of all platforms, and another may be pulled meanwhile that would be the default."""
    docker.add("multi:1", variant("amd64", is_stored=False), variant("arm64"))
    image = open_image("docker-daemon:multi:1")
    _, variants, _ = docker.image("multi:1")
    variants[0].is_stored = True
    assert str(open_image("docker-daemon:multi:1").platform) == "linux/amd64"
    assert identity_of(open_pinned(identity_of(image))).digests == identity_of(image).digests


def test_a_platform_that_is_removed_meanwhile(docker: Docker29) -> None:
    docker.add("multi:1", variant("amd64"), variant("arm64"))
    identity = identity_of(open_image("docker-daemon:multi:1", "linux/arm64"))
    _, variants, _ = docker.image("multi:1")
    variants[1].is_stored = False
    with pytest.raises(LayertuiError, match="is not stored for linux/arm64"):
        open_pinned(identity)


def test_an_image_that_is_removed_meanwhile(docker: Docker29) -> None:
    docker.add("app:1", variant("amd64"))
    identity = identity_of(open_image("docker-daemon:app:1"))
    docker.remove("app:1")
    with pytest.raises(ImageChanged, match="was removed"):
        open_pinned(identity)


@pytest.mark.parametrize(("manifest", "architecture"), [(0, "amd64"), (1, "arm64")])
def test_a_container_shows_the_platform_that_it_runs(
    docker: Docker29, manifest: int, architecture: str
) -> None:
    """``docker create --platform linux/arm64``: ``Image`` is the index, ``ImageManifestDescriptor`` what runs."""
    identity = docker.add("multi:1", variant("amd64"), variant("arm64"))
    docker.answers["/containers/web/json"] = {
        "Id": "c" * 64,
        "Name": "/web",
        "Image": identity,
        "ImageManifestDescriptor": docker.manifest("multi:1", manifest),
        "State": {"Status": "created"},
    }
    image = open_image("docker-container:web")
    assert str(image.platform) == f"linux/{architecture}"
    assert image.layers[0].diff_id == digest(variant(architecture).tars[0])
    other = {"amd64": "arm64", "arm64": "amd64"}[architecture]
    with pytest.raises(LayertuiError, match=f"the container web has no image for linux/{other}"):
        open_image("docker-container:web", f"linux/{other}")
