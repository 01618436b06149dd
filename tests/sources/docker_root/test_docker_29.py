"""A data root of a current Docker, compared with what the engine itself answered about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layertui.anatomy.docker_inspect import described
from layertui.model.reference import parse_reference
from layertui.sources import docker_root, list_images, open_image
from layertui.sources.attachments import attachments
from layertui.sources.store_usage import unnamed, usage_of
from tests.other_projects import engine_answer, engine_fixture
from tests.programs import need_root

IMAGES = ("tiny:1", "multi:3", "foreign:1", "classic:1")
ABSENT = "<none>"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_root()  # it has device files
    return engine_fixture("docker29-root", tmp_path_factory.mktemp("docker29"))


def docker_images() -> list[tuple[str, str, str, str]]:
    """Repository, tag, digest and ID of the rows of ``docker images --all --no-trunc --digests``."""
    rows = [line.split()[:4] for line in engine_answer("d29-images.txt").splitlines()[1:]]
    return [(name, tag, digest, identity) for name, tag, digest, identity in rows]


@pytest.mark.parametrize("name", IMAGES)
def test_inspect(root: Path, name: str) -> None:
    """Of ``foreign:1`` there is nothing for the platform of the machine: Docker takes the first of its platforms."""
    theirs: dict[str, Any] = engine_answer(f"d29-inspect-{name.replace(':', '-')}.json")[0]
    assert described(open_image(f"docker-root:[{root}]{name}")) == theirs


def test_images(root: Path) -> None:
    theirs = docker_images()
    mine = {(row.name, row.tag, row.digest, row.id) for row in list_images(f"docker-root:{root}")}
    assert mine == {row for row in theirs if row[0] != ABSENT}
    for name, tag, digest, identity in theirs:  # the others are those of docker images --all
        for selected in (identity, identity.removeprefix("sha256:")[:12]):
            (row,) = list_images(f"docker-root:[{root}]{selected}")
            assert (row.name or ABSENT, row.tag or ABSENT, row.digest or ABSENT) == (name, tag, digest)
            assert row.id == identity == open_image(row.reference).id


def test_sizes_and_parents(root: Path) -> None:
    theirs = {row["Id"]: row for row in engine_answer("d29-api-images.json")}
    rows = list(list_images(f"docker-root:{root}"))
    assert {row.id: row.size for row in rows} == {identity: row["Size"] for identity, row in theirs.items()}
    assert {row.id: row.labels for row in rows} == {
        identity: row["Labels"] for identity, row in theirs.items()
    }
    for row in rows:
        parent = described(open_image(row.reference))["Parent"]
        assert parent == theirs[row.id]["ParentId"]
        assert not parent or open_image(f"docker-root:[{root}]{parent}").id == parent


@pytest.mark.parametrize("name", IMAGES)
def test_history(root: Path, name: str) -> None:
    """The classic builder made an image of each step."""
    answer = str(engine_answer(f"d29-history-{name.replace(':', '-')}.jsonl"))
    theirs = [json.loads(line) for line in answer.splitlines()]
    mine = open_image(f"docker-root:[{root}]{name}").history[::-1]
    assert [(step.id, step.created_by) for step in mine] == [
        (step["ID"], step["CreatedBy"]) for step in theirs
    ]
    for step in mine:
        assert step.id == "<missing>" or open_image(f"docker-root:[{root}]{step.id}").id == step.id


def test_containers(root: Path) -> None:
    rows = {row.name: row for row in docker_root.list_containers(parse_reference(f"docker-root:{root}"))}
    # "live" was stopped after these answers, with its engine
    theirs = {row["Names"][0][1:]: row for row in engine_answer("d29-api-containers.json")}
    assert {name: row.id for name, row in rows.items()} == {name: row["Id"] for name, row in theirs.items()}
    assert {name: row.image_id for name, row in rows.items()} == {
        name: row["ImageID"] for name, row in theirs.items()
    }
    assert {name: row.state for name, row in rows.items() if name != "live"} == {
        name: row["State"] for name, row in theirs.items() if name != "live"
    }
    assert (rows["made"].status, rows["live"].state) == ("Created", "exited")
    assert rows["over"].status.startswith("Exited (0) ") and rows["live"].status.startswith("Exited (137) ")


def test_a_platform_by_name(root: Path) -> None:
    """An image of several platforms is opened again for the one that it was opened for."""
    reference = f"docker-root:[{root}]multi:3"
    for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7"):
        image = open_image(reference, platform)
        assert str(image.platform) == platform and not image.pinned
    image = open_image(f"docker-root:[{root}]classic:1", "linux/amd64")
    assert image.pinned == f"docker-root:[{root}]{image.id}"


def test_attachments(root: Path) -> None:
    """The engine says for which manifest an attestation is; its list of manifests has them (``manifests=1``)."""
    for name in ("tiny:1", "multi:3"):
        answer = engine_answer(f"d29-api-image-{name.replace(':', '-')}.json")
        about = {
            each["AttestationData"]["For"]: each["ID"]
            for each in answer["Manifests"]
            if each["Kind"] == "attestation"
        }
        image = open_image(f"docker-root:[{root}]{name}")
        (found,) = attachments(image)
        assert found.descriptor.digest == about[image.manifest_digest]
        assert all(each.blob is not None for each in found.documents)
    (of_container,) = attachments(open_image(f"docker-root:[{root}]/over"))
    (of_image,) = attachments(open_image(f"docker-root:[{root}]tiny:1"))
    assert of_container.descriptor == of_image.descriptor
    assert not list(attachments(open_image(f"docker-root:[{root}]classic:1")))


def test_only_another_platform_was_pulled(tmp_path: Path) -> None:
    """What is there is shown; Docker answers with an empty config unless it is asked for that platform."""
    need_root()
    root = engine_fixture("docker29-root-partial", tmp_path)
    reference = f"docker-root:[{root}]127.0.0.1:5053/multi:10"
    image = open_image(reference)
    theirs = engine_answer("p29-images_127.0.0.1_5053_multi_10_json_platform__7B_22os_22_3A_.json")
    index = engine_answer("p29-images_127.0.0.1_5053_multi_10_json.json")
    same = {"Id": index["Id"], "Descriptor": index["Descriptor"]}
    assert described(image) == {**theirs, **same}
    assert described(open_image(reference, "linux/arm64")) == {**theirs, **same}
    (row,) = list_images(f"docker-root:{root}")
    (listed,) = engine_answer("p29-images_json_manifests_1.json")
    assert (row.id, row.size) == (listed["Id"], listed["Size"])


def test_nothing_is_unreferenced_that_the_engine_keeps(root: Path) -> None:
    """Leases keep its build cache and build records, labels what the classic builder made for its images."""
    found = usage_of(parse_reference(f"docker-root:{root}"))
    assert not found.problems and not found.strays and not unnamed(found)
    assert {layer.held_by for layer in found.layers} == {"", "build cache"}
    assert all(bool(layer.images) != bool(layer.held_by) for layer in found.layers)
    records = [each for each in found.held if each.kind == "build record"]
    assert len(records) == 3 and {each.kind for each in found.held} == {"build record", "build cache"}
    cache = {each.id: each for each in found.held if each.kind == "build cache"}
    assert len(cache) == 18 and all(each.about and each.size > 0 for each in cache.values())
    assert cache["ihngnaven2mp4ujhviqs72lfu"].about == "[stage-1 4/5] WORKDIR /srv"
    for each in cache.values():
        assert open_image(each.reference).layers[-1].unpacked is not None
    parents = {layer.parent for layer in found.layers if layer.images}
    built = [layer for layer in found.layers if layer.id.endswith("-init") and layer.images]
    assert len(built) == 2 and parents > {layer.id for layer in built}
    assert [part.name for part in found.parts if not part.about] == []


def test_what_removing_an_image_frees(root: Path) -> None:
    """Blobs that the build cache has too stay, what is unpacked goes."""
    found = usage_of(parse_reference(f"docker-root:{root}"))
    images = {image.names[0]: image for image in found.images}
    assert set(images) == set(IMAGES)
    unpacked = {
        name: sum(
            layer.size
            for layer in found.layers
            if image.reference in layer.images and "/" not in layer.directory
        )
        for name, image in images.items()
    }
    theirs = {row["RepoTags"][0]: row for row in engine_answer("d29-api-images.json") if row["RepoTags"]}
    assert unpacked == {
        name: sum(
            each["ImageData"]["Size"]["Unpacked"] for each in row["Manifests"] if each["Kind"] == "image"
        )
        for name, row in theirs.items()
    }
    for name in ("foreign:1", "multi:3", "tiny:1"):
        assert images[name].frees == unpacked[name] < images[name].size
    assert images["classic:1"].frees == images["classic:1"].size > unpacked["classic:1"]
    assert images["tiny:1"].containers == ["over", "made", "live"]
