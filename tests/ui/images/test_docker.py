"""The app on a real Docker: its images, what it says of itself, a container with its layer."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui.sources import open_image
from layertui.sources.assemble import diff_ids_of
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.images.table import Table
from layertui.ui.store.screen import StoreScreen, UsageScreen
from tests.engines import Docker, run
from tests.programs import need
from tests.textual_internals import screen_text
from tests.ui.places import until
from tests.waiting import wait_for


@pytest.fixture
def worked(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker]:
    """An engine with an image and a container of it that has written a file."""
    need("busybox")
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    docker.build("live:1", context, "FROM scratch\nCOPY busybox /bin/busybox\nLABEL team=shop\n")
    write = "/bin/busybox echo hello > /written"
    docker("run", "--name=scribe", "--network=host", "live:1", "/bin/busybox", "sh", "-c", write)
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/no-podman.sock")
    monkeypatch.chdir(tmp_path)
    yield docker
    docker("rm", "scribe")
    docker("rmi", "live:1")


def shown(pilot: Pilot[None], table: str) -> list[str]:
    return [row.cells["name"] for row in pilot.app.screen.query_one(table, Table).rows]


async def test_images_events_and_a_container(worked: Docker) -> None:
    app = LayertuiApp()
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "live:1" in shown(pilot, "#images"))
        await until(pilot, lambda: "no-podman.sock" in screen_text(pilot))
        await until(pilot, lambda: any(each.name == "watch" for each in threading.enumerate()))

        def appeared() -> bool:
            worked("tag", "live:1", "live:2")  # again until the engine has noticed that somebody listens
            return "live:2" in shown(pilot, "#images")

        await until(pilot, appeared)
        worked("rmi", "live:2")
        await until(pilot, lambda: "live:2" not in shown(pilot, "#images"))
        await pilot.press("slash")
        pilot.app.screen.query_one(Input).value = "label=team=shop live"
        await until(pilot, lambda: shown(pilot, "#images") == ["live:1"])
        await pilot.press("escape", "c", "slash", *"scribe", "enter")
        await until(pilot, lambda: shown(pilot, "#containers") == ["scribe"])
        assert "exited" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await until(pilot, lambda: "read-write layer" in screen_text(pilot))
        await until(pilot, lambda: "written" in screen_text(pilot))
    wait_for(lambda: not any(each.name == "watch" for each in threading.enumerate()))


@pytest.fixture
def unnamed(docker: Docker, tmp_path: Path) -> Path:
    """A data root whose image lost its config, and the upper one of its layers what was noted of it."""
    need("busybox", "cp")
    context = tmp_path / "context"
    context.mkdir()
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    (context / "own").write_text(str(tmp_path))
    docker.build("lost:1", context, "FROM scratch\nCOPY own /first\nCOPY busybox /second\nCOPY own /third\n")
    run("cp", "--archive", docker.data_root, tmp_path / "docker")
    docker("rmi", "lost:1")
    store = tmp_path / "docker/image/overlay2"
    image = open_image(f"docker-root:[{tmp_path}/docker]lost:1")
    for config in (store / "imagedb/content/sha256").iterdir():  # those of its steps, too
        if {layer.diff_id for layer in image.layers} & set(diff_ids_of(json.loads(config.read_text()))):
            config.unlink()
    shutil.rmtree(store / "layerdb" / image.layers[2].chain_id.replace(":", "/"))
    return tmp_path / "docker"


async def test_layers_that_no_image_names(unnamed: Path) -> None:
    app = LayertuiApp(str(unnamed), cache=False)
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, StoreScreen))
        await pilot.press("u")
        await until(pilot, lambda: "DANGLING LAYER" in screen_text(pilot))
        await pilot.press("G")  # the directory that nothing names
        assert "⏎ explore" in screen_text(pilot)
        await pilot.press("enter")
        await until(
            pilot, lambda: all(text in screen_text(pilot) for text in ("Layers  3", "second", "third"))
        )
        await pilot.press("n")
        await until(pilot, lambda: "/third at layer 3" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, UsageScreen))
        await pilot.press("k")  # the layer below it
        await pilot.press("enter")
        await until(pilot, lambda: "second" in screen_text(pilot))
        assert "Layers  2" in screen_text(pilot) and "third" not in screen_text(pilot)
        # What it is built on is looked for in the store, which no other test may find changed.
        await until(pilot, lambda: not any(each.name == "base" for each in threading.enumerate()))
