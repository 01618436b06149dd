"""A store on disk: its tables, what takes how much in it, and every way that leads there."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary
from layertui.model.job import Job
from layertui.model.reference import Reference
from layertui.sources.assemble import layers_alone
from layertui.sources.store_usage import Held, ImageUse, LayerUse, Orphan, RootEntry, StoreUsage
from layertui.ui.anatomy.screen import AnatomyScreen
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.store.screen import StoreScreen, UsageScreen
from layertui.ui.widgets.text_view import TextView
from tests.textual_internals import screen_text
from tests.ui.images_app import settled
from tests.ui.places import AMD64, HOSTILE, Places, summary, until
from tests.ui.readings import Reading, at_layer, layers, loaded, sample
from tests.waiting import wait_for

Compare = Callable[..., bool]

STORE = "docker-root:/mnt/disk/docker"
SHOP = summary(
    "docker-root:[/mnt/disk/docker]shop:2.1", "shop", "2.1", 187_400_000, "2026-11-20T09:00:00Z", 14, AMD64
)
BASE = summary(
    "docker-root:[/mnt/disk/docker]base:1", "base", "1", 80_000_000, "2026-09-20T09:00:00Z", 3, AMD64
)
WEB = ContainerSummary(
    reference="docker-root:[/mnt/disk/docker]/web",
    transport="docker-root",
    id="4c" * 32,
    name="web",
    image="shop:2.1",
    command="python -m shop",
    created="2026-11-23T09:00:00Z",
    state="exited",
    status="Exited (0)",
    labels=None,
    mounts=None,
    networks=None,
    ports=None,
)
ROOT = "docker-root:[/mnt/disk/docker]"
IDS = [f"sha256:{digit * 64}" for digit in "abcdef"]
TOP = f"sha256:{'9' * 64}"
FOUND = StoreUsage(
    root=Path("/mnt/disk/docker"),
    parts=[
        RootEntry("containers", "config, logs and host files of each container", 40_960, 1, ""),
        RootEntry("image", "names, configs, and the chain of layers", 1_204_224, 1, ""),
        RootEntry("linkgraph.db", "names and links of containers (Docker up to 1.9)", 12_288, None, ""),
        RootEntry(HOSTILE, "", 4096, 0, ""),
        RootEntry(
            "overlay2", "layers of images and containers, unpacked", 268_435_456, 21, "it: Permission denied"
        ),
        RootEntry("volumes", "volumes, which outlive their containers", 8_192, 2, ""),
    ],
    images=[
        ImageUse(SHOP.reference, IDS[0], ["shop:2.1"], 187_400_000, 107_400_000, ["web", HOSTILE]),
        ImageUse(BASE.reference, IDS[1], ["base:1", "mirror.example.com/base:1"], 80_000_000, 0, []),
        ImageUse(f"docker-root:[/mnt/disk/docker]{IDS[2]}", IDS[2], [], -1, -1, []),
    ],
    layers=[
        LayerUse(IDS[3], 80_000_000, "d3", [SHOP.reference, BASE.reference], "", f"{ROOT}//{IDS[3]}"),
        LayerUse(IDS[4], 107_400_000, "d4", [SHOP.reference], IDS[3], f"{ROOT}//{IDS[4]}"),
        LayerUse(TOP, -1, "d6", [], IDS[5], f"{ROOT}//{TOP}"),
        LayerUse(IDS[5], 4_200_000, "d5", [], IDS[3], f"{ROOT}//{IDS[5]}"),
    ],
    held=[
        Held(
            "build cache", "0vj1qjrp64nlyv9wpivbg5sb4", "[stage-1 4/5] WORKDIR /srv", 49_000, f"{ROOT}//0vj1"
        )
    ],
    strays=[
        Orphan(Path("/mnt/disk/docker/overlay2/abcdef"), f"{ROOT}//abcdef"),
        Orphan(Path("/mnt/disk/docker/overlay2/abcdef-removing"), ""),
    ],
    links=[("/web", "4c" * 32), ("/web/db", "5d" * 32)],
    problems=["overlay2: it: Permission denied"],
)


class Store(LayertuiApp):
    """The app on a store; notes what it would explore."""

    def __init__(self, reference: str = STORE, theme: str = "layertui-dark") -> None:
        super().__init__(reference, cache=False)
        self.theme = theme
        self.explored: list[str] = []
        self.layers: list[str] = []
        self.copied = ""

    def explore(self, reference: str, layer: str = "") -> None:
        self.explored.append(reference)
        self.layers.append(layer)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


@pytest.fixture(autouse=True)
def store(places: Places, monkeypatch: pytest.MonkeyPatch) -> Places:
    return use(places, monkeypatch)


def use(places: Places, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A data root that has two images and a container."""
    places.given[STORE] = [SHOP, BASE]
    places.containers[STORE] = [WEB]
    monkeypatch.setattr("layertui.sources.store_usage.usage_of", lambda *_: FOUND)
    return places


def usage(pilot: Pilot[None]) -> UsageScreen:
    screen = pilot.app.screen
    assert isinstance(screen, UsageScreen)
    return screen


def line(pilot: Pilot[None]) -> str:
    """The line that the cursor is on."""
    view = usage(pilot).query_one(TextView)
    return view.document.line(view.cursor).text


async def counted(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("u")
    await until(pilot, lambda: not usage(pilot).busy)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], indirect=True, ids=["small", "large"])
def test_images_of_a_store(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Store(), terminal_size=size, run_before=settled)


def test_usage(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Store(theme=theme), terminal_size=size, run_before=counted)


def test_no_such_store(snap_compare: Compare, store: Places) -> None:
    store.given[STORE] = LayertuiError("/mnt/disk/docker is not a data root", "there is no such directory")
    assert snap_compare(Store(), terminal_size=(120, 40), run_before=settled)


async def test_its_keys() -> None:
    app = Store()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, StoreScreen)
        assert "sample" not in screen_text(pilot) and "current directory" not in screen_text(pilot)
        await pilot.press("enter")
        assert app.explored == [SHOP.reference]
        await pilot.press("c", "enter")
        assert app.explored[1:] == [WEB.reference]
        await pilot.press("slash", "u")  # a letter like any other
        assert app.screen.query_one(Input).value == "u"
        await pilot.press("escape", "escape")
        await pilot.press("escape")
        assert type(app.screen) is ImagesScreen


async def test_keys_of_usage() -> None:
    app = Store()
    async with app.run_test(size=(120, 40)) as pilot:
        await counted(pilot)
        assert line(pilot).startswith("containers")
        await pilot.press("y")
        assert app.copied == "/mnt/disk/docker/containers"
        await pilot.press("enter")
        assert not app.explored  # a part is no image
        await pilot.press(*"jjjjjj")
        assert line(pilot).startswith("shop:2.1")
        await pilot.press("enter", "y")
        assert app.explored == [SHOP.reference] and app.copied == IDS[0]
        await pilot.press("j", "j", "j")
        assert line(pilot) == f"{'d' * 12}  shop:2.1, base:1"
        await pilot.press("enter")
        assert (app.explored[-1], app.layers[-1]) == (SHOP.reference, IDS[3])
        await pilot.press("j", "enter")
        assert line(pilot) == "build cache  0vj1qjrp64nl  [stage-1 4/5] WORKDIR /srv"
        assert app.explored[-1] == f"{ROOT}//0vj1"
        await pilot.press("j", "enter")
        assert line(pilot) == f"{'f' * 12}  on {'d' * 12}"  # no image has this layer
        assert (app.explored[-1], app.layers[-1]) == (f"{ROOT}//{IDS[5]}", "")
        await pilot.press("j", "enter", "y")
        assert line(pilot) == f"{'9' * 12}  on {'f' * 12}"
        assert app.explored[-1] == f"{ROOT}//{TOP}" and app.copied == TOP
        await pilot.press("j", "enter", "y")
        assert line(pilot) == "overlay2/abcdef" and app.explored[-1] == f"{ROOT}//abcdef"
        assert app.copied == "/mnt/disk/docker/overlay2/abcdef"
        assert "⏎ explore" in screen_text(pilot)
        explored = len(app.explored)
        await pilot.press("j", "enter")
        assert (
            line(pilot) == "overlay2/abcdef-removing" and len(app.explored) == explored
        )  # nothing to be read
        assert "explore" not in screen_text(pilot)
        await pilot.press("G")
        assert line(pilot).startswith("/web/db")
        await pilot.press("y", "enter")
        assert app.copied == "5d" * 32
        assert app.explored[-1] == f"docker-root:[/mnt/disk/docker]/{'5d' * 32}"
        await pilot.press("escape")
        assert isinstance(app.screen, StoreScreen)


async def test_counting_is_told_and_ends_with_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Job] = []

    def slow(_reference: Reference, job: Job) -> StoreUsage:
        jobs.append(job)
        job.report(1_500_000)
        wait_for(lambda: job.is_cancelled)
        return FOUND

    monkeypatch.setattr("layertui.sources.store_usage.usage_of", slow)
    async with Store().run_test() as pilot:
        await settled(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "1.50 MB so far" in screen_text(pilot))
        await pilot.press("R")
        await until(pilot, lambda: len(jobs) == 2)
        assert jobs[0].is_cancelled and not jobs[1].is_cancelled
        assert usage(pilot).busy
        await pilot.press("escape")
        assert jobs[1].is_cancelled


async def test_what_cannot_be_counted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> StoreUsage:
        raise LayertuiError("/mnt/disk/docker is not a data root", "there is no such directory")

    monkeypatch.setattr("layertui.sources.store_usage.usage_of", fail)
    async with Store().run_test(size=(120, 40)) as pilot:
        await counted(pilot)
        assert "is not a data root, there is no such directory" in screen_text(pilot)
        await pilot.press("enter", "y")  # nothing to open or copy
        assert pilot.app.is_running


@pytest.mark.parametrize("reference", ["containers-storage:/mnt/disk/storage", "containerd:k8s.io"])
async def test_usage_of_other_stores(store: Places, reference: str) -> None:
    store.given[reference], store.containers[reference] = [], []
    async with Store(reference).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert "disk usage" in screen_text(pilot)
        await counted(pilot)
        assert str(usage(pilot).query_one(TextView).border_title) == reference


@pytest.mark.parametrize("called", ["chain ID", "digest", "graph", "layer ID"])
async def test_the_explorer_begins_at_a_layer(monkeypatch: pytest.MonkeyPatch, called: str) -> None:
    image = sample()
    identity = {"chain ID": image.layers[3].chain_id, "digest": image.layers[3].descriptor.digest}.get(called)
    if identity is None:
        identity = "ab" * 32
        stacked = list(image.layers)
        where = f"/mnt/disk/docker/graph/{identity}" if called == "graph" else identity
        stacked[3] = stacked[3]._replace(places=[(called, where)])
        image = image._replace(layers=stacked)
    reading = Reading(image)
    monkeypatch.setattr("layertui.sources.open_image", lambda *_: image)
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", reading)
    app = LayertuiApp("demo:", cache=False)
    async with app.run_test(size=(80, 24)) as pilot:
        app.explore(SHOP.reference, identity)
        await until(pilot, lambda: isinstance(app.screen, ExplorerScreen) and len(app.screen_stack) == 3)
        await loaded(pilot)
        assert layers(pilot).merged_layer == at_layer(pilot) == 4
        await pilot.pause()
        assert any("▌ 4 " in line for line in screen_text(pilot).splitlines()), screen_text(pilot)


def layers_of_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reference opens are the sample's layers, of which no image is known."""
    reference = f"{ROOT}//{TOP}"
    layers = sample().layers[:4]
    image = layers_alone(reference, "docker-root", TOP, layers)
    monkeypatch.setattr("layertui.sources.open_image", lambda *_: image)
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", Reading(image))


def test_layers_without_an_image(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    layers_of_sample(monkeypatch)
    app = LayertuiApp(f"{ROOT}//{TOP}", cache=False)
    assert snap_compare(app, terminal_size=size, run_before=loaded)


async def test_screens_of_layers_without_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    layers_of_sample(monkeypatch)
    async with LayertuiApp(f"{ROOT}//{TOP}", cache=False).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        shown = screen_text(pilot)
        assert f"layer {'9' * 12}" in shown and "unknown platform" in shown and "⚠ 1 warning" in shown
        assert shown.count("not recorded") == 5  # four layers, and the detail of one
        await pilot.press("A")
        assert isinstance(pilot.app.screen, AnatomyScreen)
        assert "none: layers opened without an image" in screen_text(pilot)
        assert "No JSON for this item." in screen_text(pilot)
        await pilot.press("escape", "exclamation_mark")
        assert "steps, times and platform are unknown" in screen_text(pilot)
        await pilot.press("escape", "i")
        assert "not recorded" in screen_text(pilot)


@pytest.mark.parametrize("how", ["reference", "path", "open"])
async def test_ways_that_lead_to_a_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.undo()  # the real sources
    (tmp_path / "docker/image/overlay2/imagedb").mkdir(parents=True)
    (tmp_path / "docker/image/overlay2/repositories.json").write_text(json.dumps({"Repositories": {}}))
    reference = f"docker-root:{tmp_path / 'docker'}"
    given = {"reference": reference, "path": str(tmp_path / "docker"), "open": "demo:"}[how]
    app = LayertuiApp(given, cache=False)
    async with app.run_test(size=(120, 40)) as pilot:
        if how == "open":
            await until(pilot, lambda: isinstance(app.screen, ExplorerScreen))
            await pilot.press("o")
            app.screen.query_one(Input).value = reference
            await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StoreScreen))
        await settled(pilot)
        assert "No images." in screen_text(pilot)
        await pilot.press("u")
        await until(pilot, lambda: not usage(pilot).busy)
        assert "image  names, configs, and the chain of layers" in screen_text(pilot)


async def test_no_images_is_said_where_images_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "layertui.sources.store_usage.usage_of", lambda *_: replace(FOUND, images=[], layers=[])
    )
    async with Store().run_test(size=(120, 40)) as pilot:
        await counted(pilot)
        lines = screen_text(pilot).splitlines()
        at = next(number for number, text in enumerate(lines) if "RECLAIMABLE" in text)
        assert lines[at + 1].index("none") == lines[at].index("IMAGE")
