"""The screen that shows how an image is organised: pictures, every key, where lines lead."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui import demo
from layertui.anatomy.chain import System
from layertui.dockerfile.base_candidates import Neighbour
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.sources import open_image
from layertui.ui.anatomy.screen import AnatomyScreen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.widgets.text_view import TextView
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.other_projects import docker_root
from tests.textual_internals import screen_text
from tests.ui.places import HOSTILE, until
from tests.ui.readings import ExplorerApp, Reading, hostile, layers, loaded, sample, use_reading

Compare = Callable[..., bool]


def use(monkeypatch: pytest.MonkeyPatch, reading: Reading) -> Reading:
    return use_reading(monkeypatch, reading)


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return use(monkeypatch, Reading(sample()))


def screen(pilot: Pilot[None]) -> AnatomyScreen:
    shown = pilot.app.screen
    assert isinstance(shown, AnatomyScreen)
    return shown


def view(pilot: Pilot[None], name: str) -> TextView:
    return screen(pilot).query_one(f"#{name}", TextView)


def lines(pilot: Pilot[None], name: str = "chain") -> list[str]:
    document = view(pilot, name).document
    found = (document.line(number) for number in range(len(document)))
    return ["".join(text for text, _style in line.gutter).strip() + "|" + line.text for line in found]


def at(pilot: Pilot[None]) -> str:
    return lines(pilot)[view(pilot, "chain").cursor]


def about(pilot: Pilot[None]) -> str:
    """What the JSON is of."""
    return str(view(pilot, "json").border_title)


async def opened(pilot: Pilot[None]) -> None:
    await loaded(pilot)
    await pilot.press("A")
    await until(pilot, lambda: screen(pilot).ready)


def test_anatomy(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("n")

    assert snap_compare(ExplorerApp(theme), terminal_size=size, run_before=run)


def test_a_layer(snap_compare: Compare) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press(*"nnnnn")

    assert snap_compare(ExplorerApp(), terminal_size=(120, 40), run_before=run)


def test_what_runs_it(snap_compare: Compare) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("G", "j")

    assert snap_compare(ExplorerApp(), terminal_size=(120, 40), run_before=run)


def test_hostile(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, hostile())
    assert snap_compare(ExplorerApp(), terminal_size=(120, 40), run_before=opened)


async def test_walking_the_chain() -> None:
    image = sample()
    app = ExplorerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert at(pilot) == "|reference" and about(pilot) == "reference"
        assert "No JSON" in lines(pilot, "json")[0]
        await pilot.press("j", "y")
        assert app.copied == "demo:"
        await pilot.press("j", "j", "j")
        assert at(pilot) == f"refers to|→ {image.manifest_digest}"
        await pilot.press("enter")
        assert at(pilot) == "|manifest" and about(pilot) == "manifest"
        assert any("schemaVersion" in line for line in lines(pilot, "json"))
        await pilot.press("n")
        assert at(pilot) == "|config" and any("architecture" in line for line in lines(pilot, "json"))
        await pilot.press("n", "j")
        assert at(pilot).startswith("layer 1|→ ") and about(pilot) == "history, in the config"
        await pilot.press("enter")
        assert at(pilot) == "|▌ layer 1" and about(pilot) == "layer 1, in the manifest"
        assert any(image.layers[0].descriptor.digest in line for line in lines(pilot, "json"))
        await pilot.press("N")
        assert at(pilot) == "|history"


async def test_what_names_a_layer_leads_back() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press(*"nnnnn")
        assert at(pilot) == "|▌ layer 2"
        start = view(pilot, "chain").cursor
        block = lines(pilot)[start : start + 12]
        assert "referenced by|→ manifest" in block and "referenced by|→ config" in block
        assert f"chain ID|{sample().layers[1].chain_id}" in block
        assert "size|75,292 bytes" in block
        while at(pilot) != "referenced by|→ config":
            await pilot.press("j")
        await pilot.press("enter")
        assert at(pilot) == "|config"


async def test_a_layer_leads_to_the_explorer() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press(*"nnnnnn")
        assert at(pilot) == "|▌ layer 3"
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ExplorerScreen)
        assert layers(pilot).merged_layer == 3 and layers(pilot).has_focus


async def test_escape_goes_back_and_tab_to_the_json() -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("n", "tab", "j")
        assert view(pilot, "json").scroll_offset.y == 1 and at(pilot) == "|manifest"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_copying_the_json_gives_what_is_stored() -> None:
    app = ExplorerApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("tab", "y")  # a reference has none
        assert app.copied == "" and view(pilot, "json").has_focus
        await pilot.press("n", "y")
        assert app.copied.encode() == sample().manifest_bytes
        assert "stored bytes" in str(view(pilot, "json").border_subtitle)
        await pilot.press("n", "n", "y")  # the history is only a part of the config
        assert about(pilot) == "history, in the config" and app.copied.encode() == sample().manifest_bytes


async def of_docker_1_9(pilot: Pilot[None], root: Path) -> Image:
    """Open the anatomy of an image of Docker's old data root, and return the image."""
    await loaded(pilot)
    image = open_image(f"docker-root:[{root}]busybox")
    await pilot.app.push_screen(AnatomyScreen(image, None))
    await until(pilot, lambda: screen(pilot).ready)
    return image


async def test_where_each_field_of_inspect_comes_from(tmp_path: Path) -> None:
    app = ExplorerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        image = await of_docker_1_9(pilot, docker_root("aufs.v1", tmp_path))
        await pilot.press("n", "n", "n")
        assert at(pilot) == "|inspect" and about(pilot) == "inspect"
        assert any('"ContainerConfig"' in line for line in lines(pilot, "json"))
        assert "field|Size             graph/1cee97b18f87/layersize  0" in lines(pilot)
        await pilot.press(*"jjjjjj", "y")
        assert at(pilot).startswith("field|Created          graph/1cee97b18f87/json: created  ")
        assert app.copied == next(each.file for each in image.fields if each.name == "Id") + "/json"


async def test_the_parents_of_an_old_image_are_walked_with_enter(tmp_path: Path) -> None:
    root = docker_root("aufs.v1", tmp_path)
    app = ExplorerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        image = await of_docker_1_9(pilot, root)
        view(pilot, "chain").go_to(next(row for row, text in enumerate(lines(pilot)) if "Parent" in text))
        walked: list[str] = []
        assert len(image.layers) > 1
        for _ in image.layers[1:]:
            await pilot.press("enter")
            walked.append(at(pilot))
            path = root / "graph" / image.history[len(image.layers) - 1 - len(walked)].id / "json"
            assert about(pilot) == f"JSON of layer {len(image.layers) - len(walked)}"
            await pilot.press("tab", "y", "tab")
            assert app.copied == path.read_text()
            while not at(pilot).startswith("parent|") and len(walked) < len(image.layers) - 1:
                await pilot.press("j")
        assert walked == [f"|▌ layer {number}" for number in range(len(image.layers) - 1, 0, -1)]


async def test_the_system_is_named() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("G")
        assert about(pilot) == "distribution"
        assert any(line.startswith("system|") and "/etc/os-release says" in line for line in lines(pilot))
        assert any("no running kernel" in line for line in lines(pilot))


async def test_the_base_image_and_its_layers(tmp_path: Path) -> None:
    layout, below = OciLayout(tmp_path / "layout"), tar(("/a", b"1"))
    layout.add("base", [below])
    layout.add("app", [below, tar(("/b", b"2"))])
    image = open_image(f"oci:{tmp_path / 'layout'}:app")
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.app.push_screen(AnatomyScreen(image, None))
        await until(pilot, lambda: screen(pilot).ready)
        start = lines(pilot).index("|base image")
        assert lines(pilot)[start + 1] == "base|base"
        assert lines(pilot)[start + 2 : start + 4] == [
            "known|its layer is the first of this image",
            "layers|→ layer 1",
        ]
        while at(pilot) != "|base image":
            await pilot.press("n")
        await pilot.press("j", "j", "j")
        await pilot.press("enter")
        assert at(pilot) == "|▌ layer 1  of the base image"
        assert "|▌ layer 2" in lines(pilot)


async def test_the_chain_is_there_before_its_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines may take long to list their images; then no line moves, and one without an answer says so."""
    asked, answer = threading.Event(), threading.Event()

    def neighbours(_image: Image, _job: Job) -> list[Neighbour]:
        asked.set()
        answer.wait()
        raise LayertuiError("the engine is gone")

    monkeypatch.setattr("layertui.ui.anatomy.screen.neighbours", neighbours)
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.app.push_screen(AnatomyScreen(sample(), None))
        await until(pilot, asked.is_set)
        await until(pilot, lambda: "base|looking …" in lines(pilot))
        before = lines(pilot)
        answer.set()
        await until(pilot, lambda: screen(pilot).ready)
        changed = [(one, other) for one, other in zip(before, lines(pilot), strict=True) if one != other]
        assert changed == [("base|looking …", "base|the engine is gone")]


def broken() -> System:
    raise LayertuiError("cannot read layer 1", "the disk is gone")


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (None, "unknown until the layers have been read"),
        (broken, "unknown: cannot read layer 1, the disk is gone"),
        (lambda: System("", "", []), "unknown: no os-release"),
        (
            lambda: System("Bits", "/etc/os-release", ["/boot/vmlinuz"]),
            "unused|/boot/vmlinuz: not used by containers",
        ),
    ],
    ids=["unread", "broken", "nameless", "kernel"],
)
async def test_what_is_said_of_the_system(system: Callable[[], System] | None, said: str) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.app.push_screen(AnatomyScreen(sample(), system))
        await until(pilot, lambda: screen(pilot).ready)
        assert any(said in line for line in lines(pilot))


async def test_a_document_that_is_not_handed_out() -> None:
    image: Image = sample()._replace(manifest={}, manifest_bytes=b"", name=HOSTILE, links=())
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.app.push_screen(AnatomyScreen(image, None))
        await until(pilot, lambda: screen(pilot).ready)
        assert "|manifest" not in lines(pilot)
        await pilot.press("G")
        assert "\x1b" not in screen_text(pilot)


async def test_an_index_offers_other_platforms(tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add_image("1", demo.image())
    image = open_image(str(tmp_path / "image"))
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.app.push_screen(AnatomyScreen(image, None))
        await until(pilot, lambda: screen(pilot).ready)
        await pilot.press("n")
        assert at(pilot) == "|index.json"
        while not at(pilot).startswith("refers to|→ "):
            await pilot.press("j")
        await pilot.press("enter")
        assert at(pilot) == "|manifest"
        blob = tmp_path / "image/blobs" / image.layers[0].descriptor.digest.replace(":", "/")
        assert f"file|{blob}" in lines(pilot)
