"""Where a container's own layers are read: the data root that a Docker 29 wrote, and what it answered of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layertui.content.read import Contents
from layertui.model.image import Image
from layertui.sources import open_image
from layertui.sources.engine.changes import ContainerChanges
from layertui.union.changes import changes
from tests.images import union_of
from tests.other_projects import engine_answer, engine_fixture
from tests.programs import need_root
from tests.sources.engine.docker29 import serving

NAMES = ("made", "over")
"""``live`` was stopped after these answers."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_root()  # it has device files
    return engine_fixture("docker29-root", tmp_path_factory.mktemp("docker29"))


@pytest.fixture
def answers(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the engine answers at each path, which a test may change."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny = engine_answer("d29-api-image-tiny-1.json")
    found: dict[str, Any] = {
        "/version": {"ApiVersion": "1.56", "Version": "29.0.0"},
        "/info": {"DockerRootDir": str(root)},
        f"/images/{tiny['Id']}/json": tiny,
        f"/images/{tiny['Id']}/history": [],
    }
    for name in NAMES:
        (found[f"/containers/{name}/json"],) = engine_answer(f"d29-inspect-container-{name}.json")
    with serving(tmp_path / "s", lambda path, _: found.get(path)) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        yield found


def own_layers(image: Image) -> list[object]:
    return [layer.unpacked for layer in image.layers if not layer.diff_id]


@pytest.mark.parametrize("name", NAMES)
def test_snapshots_of_a_local_engine_are_read_in_its_data_root(
    answers: dict[str, Any], root: Path, name: str
) -> None:
    """No path is requested on its own. The engine lists the same changes."""
    image = open_image(f"docker-container:{name}")
    on_disk = open_image(f"docker-root:[{root}]/{name}")
    assert own_layers(image) == own_layers(on_disk) and len(own_layers(image)) == 2
    assert [step.created_by for step in image.history[-2:]] == [
        step.created_by.replace("(created)", "(exited)" if name == "over" else "(created)")
        for step in on_disk.history[-2:]
    ]
    union = union_of(on_disk.layers)
    same = Contents(on_disk, union.indexes, union).same
    kinds = {"added": "A", "modified": "C", "repeated": "C", "deleted": "D"}
    found = {f"{kinds[each.change]} {each.path}" for each in changes(union, union.layers, same)}
    assert found == set(engine_answer(f"d29-diff-{name}.txt").splitlines())


def test_the_snapshotter_as_api_1_52_names_it(answers: dict[str, Any], root: Path) -> None:
    """In place of a storage driver without data."""
    driver = answers["/containers/made/json"].pop("GraphDriver")
    assert driver == {"Data": None, "Name": "overlayfs"}
    answers["/containers/made/json"]["Storage"] = {"RootFS": {"Snapshot": {"Name": "overlayfs"}}}
    on_disk = open_image(f"docker-root:[{root}]/made")
    assert own_layers(open_image("docker-container:made")) == own_layers(on_disk)
    junk: Any
    for junk in (5, {"RootFS": 5}, {"RootFS": {"Snapshot": []}}, {"RootFS": {"Snapshot": {"Name": 5}}}):
        answers["/containers/made/json"]["Storage"] = junk
        (own,) = own_layers(open_image("docker-container:made"))
        assert isinstance(own, ContainerChanges)


@pytest.mark.parametrize(
    "info",
    [{}, {"DockerRootDir": "/nonexistent"}, {"DockerRootDir": "/"}, {"DockerRootDir": 5}, [], None],
    ids=["nothing", "absent", "no root", "no path", "no object", "no answer"],
)
def test_the_engine_is_asked_where_its_data_root_cannot_be_read(
    answers: dict[str, Any], info: object
) -> None:
    answers["/info"] = info
    (own,) = own_layers(open_image("docker-container:made"))
    assert isinstance(own, ContainerChanges)


def test_a_container_that_the_data_root_does_not_have(answers: dict[str, Any]) -> None:
    """As where the engine is in a virtual machine, and another one runs here."""
    answers["/containers/made/json"]["Id"] = "5" * 64
    (own,) = own_layers(open_image("docker-container:made"))
    assert isinstance(own, ContainerChanges)
