"""The screen that compares: pictures, every key, what cannot be read, and the ways that lead there."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from layertui.compare.comparison import Side
from layertui.layers.load import index_layer
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.compare.screen import CompareScreen
from layertui.ui.compare.side_header import Chosen, SideHeader
from layertui.ui.detail.pane import CHANGES, DIFF, PREVIEW
from layertui.ui.explorer.open_screens import OTHER
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.finder.dialog import FinderDialog
from layertui.ui.images.screen import ImagesScreen
from tests.commands.samples import HOSTILE, tar
from tests.layouts import OciLayout
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, until
from tests.ui.readings import Reading, loaded, sample, union_of

Compare = Callable[..., bool]


def build(name: str, layers: int, **config: object) -> Side:
    """The sample as it was after some of its layers, with another config."""
    image = sample()
    config = {**image.config, "config": {**image.config["config"], **config}}
    image = image._replace(
        reference=f"docker-archive:{name}.tar",
        layers=image.layers[:layers],
        history=[entry for entry in image.history if (entry.layer or 0) <= layers],
        config=config,
    )
    return Side(image, union_of([index_layer(layer, None) for layer in image.layers]), LayerNumber(layers))


def builds() -> tuple[Chosen, Chosen]:
    sides = (
        build("yesterday", 6, User="root"),
        build("today", 9, Env=[*sample().config["config"]["Env"], "NEW=1"]),
    )
    a, b = (Chosen(side.image.reference, None, None, side) for side in sides)
    return a, b


class Comparing(LayertuiApp):
    """The app on a comparison; notes what is copied."""

    def __init__(self, a: Chosen, b: Chosen, theme: str = "layertui-dark") -> None:
        super().__init__("demo:", cache=False)
        self.theme = theme
        self._chosen = a, b
        self.copied = ""

    def _screen(self, reference: str, layer: str = "") -> CompareScreen:
        return CompareScreen(*self._chosen)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


def screen(pilot: Pilot[None]) -> CompareScreen:
    return next(shown for shown in reversed(pilot.app.screen_stack) if isinstance(shown, CompareScreen))


def verdict(pilot: Pilot[None]) -> str:
    return str(screen(pilot).query_one("#verdict", Static).content)


def path(pilot: Pilot[None]) -> str:
    return screen(pilot).panes.path


async def compared(pilot: Pilot[None]) -> None:
    """All has been found and shown."""

    def ready() -> bool:
        shown = screen(pilot)
        return shown.comparison is not None and "comparing" not in verdict(pilot) and not shown.panes.busy

    await until(pilot, ready)


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await compared(pilot)
        for key in keys:
            await pilot.press(key)
            await compared(pilot)

    return run


def test_two_builds(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Comparing(*builds()), terminal_size=size, run_before=pressing(*"nnn"))


def test_the_diff_in_light_colours(snap_compare: Compare) -> None:
    run = pressing(":", *"/srv/quarry/app.py", "enter", "enter")
    assert snap_compare(Comparing(*builds(), theme="layertui-light"), terminal_size=(120, 40), run_before=run)


async def test_every_key() -> None:
    app = Comparing(*builds())
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot)
        panes = screen(pilot).panes
        assert verdict(pilot).startswith("B is ") and verdict(pilot).endswith(" paths: mtime ignored (i)")
        found = screen(pilot).comparison
        assert found is not None
        await pilot.press("n")
        first = path(pilot)
        assert found.what(panes.tree_view.node) is not None
        await pilot.press("n", "N")
        assert path(pilot) == first
        await pilot.press(":", *"/srv/quarry/app.py", "enter", "enter")
        await compared(pilot)
        assert panes.detail.tab == DIFF and panes.detail.has_focus
        assert "VERSION" in screen_text(pilot)
        await pilot.press("4")
        await compared(pilot)
        assert panes.detail.tab == PREVIEW and "hidden" not in screen_text(pilot)
        await pilot.press("1", "escape")
        await compared(pilot)
        assert panes.detail.tab == CHANGES and panes.tree_view.has_focus
        assert "in both, different: content" in screen_text(pilot)
        await pilot.press("v")
        await compared(pilot)
        assert panes.tree_view.rows is not None and panes.tree_view.rows.view == "merged"
        await pilot.press(":", *"/bin", "enter")
        await compared(pilot)
        assert "identical in A and B" in screen_text(pilot)
        await pilot.press("v", "s")
        await compared(pilot)
        rows = panes.tree_view.rows
        assert rows is not None and rows.sort == "growth"
        assert rows.merged.union.path(rows.nodes[1]) == "/var"  # it shrank most
        await pilot.press("i")
        await compared(pilot)
        assert verdict(pilot).endswith("mtime and owner ignored (i)")
        await pilot.press("i")
        await compared(pilot)
        assert verdict(pilot).endswith(" mtime only.  nothing ignored (i)")
        before = verdict(pilot)
        await pilot.press("X")
        await compared(pilot)
        assert ("larger" in before) != ("larger" in verdict(pilot))


async def test_the_facts_lead_into_the_tree() -> None:
    app = Comparing(*builds())
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot)
        facts = screen(pilot).panes.facts
        text = "\n".join(facts.document.line(number).text for number in range(len(facts.document)))
        assert "config.User root → quarry" in text and "config.Env.NEW 1" in text
        assert "apk build-base 0.5-r3" in text and "9 COPY release-1.1/ /" in text
        await pilot.press("shift+tab")
        assert facts.has_focus
        await pilot.press("y")
        assert app.copied == "apk build-base 0.5-r3"
        while not app.copied.startswith("/"):
            await pilot.press("j", "y")
        await pilot.press("enter")
        await compared(pilot)
        assert path(pilot) == app.copied and screen(pilot).panes.tree_view.has_focus


async def test_a_path_in_the_explorer_of_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.sources.pinned.open_pinned", lambda _identity: sample())
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", Reading(sample()))
    app = Comparing(*builds())
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot)
        await pilot.press(":", *"/srv/quarry/app.py", "enter", "a")
        await loaded(pilot)
        shown = pilot.app.screen
        assert isinstance(shown, ExplorerScreen) and shown.reference == "docker-archive:yesterday.tar"
        rows = shown.panes.tree_view.rows
        assert rows is not None and rows.merged.layer == 6
        assert rows.merged.union.path(shown.panes.tree_view.node) == "/srv/quarry/app.py"


async def test_real_images_that_are_hostile(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "x")
    layout.add("a", [tar((HOSTILE, b"1\n"), ("/same", b""))], config={"config": {"Labels": {HOSTILE: "1"}}})
    layout.add(
        "b", [tar((HOSTILE, b"2\n"), ("/same", b""))], config={"config": {"Labels": {HOSTILE: HOSTILE}}}
    )
    app = Comparing(Chosen(f"oci:{layout.directory}:a"), Chosen(f"oci:{layout.directory}:b"))
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot)
        await pilot.press("n", "enter")
        await compared(pilot)
        text = screen_text(pilot)
        assert "1 modified" in text and "␛[2J" in text and "−" in text
        assert not {"\x1b", "\u202e"} & set(text)


async def test_a_side_that_is_not_there(tmp_path: Path) -> None:
    side = builds()[0]
    async with Comparing(side, Chosen(str(tmp_path / "none.tar"))).run_test(size=(80, 24)) as pilot:
        message = screen(pilot).query_one(".message", Static)
        await until(pilot, lambda: message.display)
        assert "none.tar" in str(message.content) and "esc goes back" in str(message.content)
        header = screen(pilot).query(SideHeader).last()
        assert header.render().cell_length <= header.content_size.width, "its end is cut without a sign"
        await pilot.press("n", "i", "a", "v", "enter", "X")
        await until(pilot, lambda: screen(pilot).query_one(".message", Static).display)


async def test_what_cannot_be_read(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "x")
    layout.add("a", [tar(("/one", b"1" * 600))])
    whole = tar(("/one", b"1" * 600), ("/two", b"2" * 600))
    layout.add("b", [whole])
    (blob,) = (file for file in (tmp_path / "x/blobs/sha256").iterdir() if file.read_bytes() == whole)
    blob.write_bytes(whole[:700])
    app = Comparing(Chosen(f"oci:{layout.directory}:a"), Chosen(f"oci:{layout.directory}:b"))
    async with app.run_test(size=(120, 40)) as pilot:
        await compared(pilot)
        assert "✗ 1 not compared" in verdict(pilot)
        text = screen_text(pilot)
        assert "✗ layer 1 could not be read completely" in text and "Not compared" in text


async def test_from_the_images(places: Places) -> None:
    app = Images()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        images = pilot.app.screen
        assert isinstance(images, ImagesScreen)
        table = images._table
        await pilot.press("space")
        assert "◆" in screen_text(pilot) and "D compares" in screen_text(pilot)
        marked = table.highlighted
        await pilot.press("j")
        other = table.highlighted
        assert marked is not None and other is not None
        await pilot.press("D")
        sides = screen(pilot)._sides
        assert [side.chosen.reference for side in sides] == [marked.reference, other.reference]
        await pilot.press("escape", "k", "space")
        assert "◆" not in screen_text(pilot)
        await pilot.press("D")
        assert isinstance(pilot.app.screen, FinderDialog) and "Compare " in screen_text(pilot)
        await pilot.press(*"demo:", "enter")
        assert [side.chosen.reference for side in screen(pilot)._sides] == [marked.reference, "demo:"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.setattr("layertui.sources.open_image", lambda *_: sample())
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", Reading(sample()))
    return sample()


async def test_two_layers_from_the_explorer(opened: Image) -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("D")
        options = pilot.app.screen.query_one(OptionList)
        assert str(options.get_option_at_index(0).prompt) == OTHER
        assert options.option_count == len(opened.layers)
        await pilot.press("down", "down", "enter")
        await compared(pilot)
        sides = [side.side for side in screen(pilot)._sides]
        assert [side.layer for side in sides if side is not None] == [7, 9]
        assert "layers 1–7 of 9" in screen_text(pilot) and "Config the same" in screen_text(pilot)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_another_image_from_the_explorer(opened: Image) -> None:
    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("D", "enter", *"other.tar", "enter")
        await compared(pilot)
        assert [side.chosen.reference for side in screen(pilot)._sides] == ["demo:", "other.tar"]
        assert verdict(pilot) == "Config and files are the same.  mtime ignored (i)"
        assert "No differences. v shows all paths." in screen_text(pilot)


async def test_the_header_names_an_archive_whole() -> None:
    sides = (build("2026-11-30/nightly-build-of-orders", 6), build("today", 9))
    a, b = (Chosen(side.image.reference, None, None, side) for side in sides)
    async with Comparing(a, b).run_test(size=(120, 24)) as pilot:
        await compared(pilot)
        assert "▌A docker-archive:2026-11-30/nightly-build-of-orders.tar  " in screen_text(pilot)
        assert "151 kB = 144 kB live + 7.93 kB dead (5%)" in screen_text(pilot)
