"""Every screen in a terminal of twelve rows, and in light and in sixteen colours where no other test has it.

Each screen runs once; between its pictures the terminal is resized and the theme changed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.screen import Screen

from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.ui.app import LayertuiApp
from layertui.ui.compare.screen import CompareScreen
from layertui.ui.dialogs.choose import ChooseDialog
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.insight.size_pane import SizePane
from tests.textual_internals import Pictures
from tests.ui import test_commands as commands
from tests.ui.anatomy import test_anatomy as anatomy
from tests.ui.compare import test_compare as compare
from tests.ui.dialogs import test_extract as extract
from tests.ui.dialogs import test_help as help_
from tests.ui.dialogs import test_tags as tags
from tests.ui.dialogs import test_verify as verify
from tests.ui.dockerfile import test_dockerfile as dockerfile
from tests.ui.explorer import test_explorer
from tests.ui.explorer import test_explorer_live as explorer_live
from tests.ui.find import test_find as find
from tests.ui.finder import test_finder as finder
from tests.ui.images import test_images as images
from tests.ui.images import test_live as live
from tests.ui.images_app import Images, settled
from tests.ui.insight import test_insight as insight
from tests.ui.places import ALPINE, SHOP, Places, until
from tests.ui.readings import (
    ExplorerApp,
    Reading,
    damaged,
    explorer,
    loaded,
    quiet,
    sample,
    use_reading,
)
from tests.ui.search import test_search as search
from tests.ui.store import test_store as store

Run = Callable[[Pilot[None]], Awaitable[None]]


@dataclass
class Terminal:
    """A size and a theme."""

    columns: int
    rows: int
    theme: str = "layertui-dark"

    @property
    def name(self) -> str:
        return f"{self.columns}x{self.rows}-{self.theme.removeprefix('layertui-')}"


LOW = Terminal(80, 12)
LIGHT = Terminal(80, 24, "layertui-light")
ANSI = Terminal(80, 24, "layertui-ansi")


class Place:
    """What is made up for a screen: images of every kind, and an image that is read in this process."""

    def __init__(self, places: Places, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.places = places
        self.monkeypatch = monkeypatch
        self.folder = folder

    def read(self, reading: Reading | None = None) -> Reading:
        return use_reading(self.monkeypatch, reading or Reading(sample()))


Scene = Callable[[Place], tuple[LayertuiApp, Run]]


def images_with(*keys: str) -> Scene:
    return lambda _place: (Images(), images.pressing(*keys))


def engines_with(*keys: str) -> Scene:
    def make(place: Place) -> tuple[LayertuiApp, Run]:
        live.use(place.places)
        return Images(), live.pressing(*keys)

    return make


def images_failed(place: Place) -> tuple[LayertuiApp, Run]:
    place.places.given["broken.tar"] = LayertuiError("broken.tar is not an image", "it ends after 512 bytes")
    place.places.here.append(LayertuiError("a.tar cannot be read", "it ends early"))
    return Images("broken.tar"), images.pressing("G", "k")


def images_loading(place: Place) -> tuple[LayertuiApp, Run]:
    place.places.given["shop.tar"] = [SHOP]
    place.places.answer.clear()
    return Images("shop.tar"), drawn


async def drawn(pilot: Pilot[None]) -> None:
    await pilot.pause()


def on_images(run: Run) -> Scene:
    return lambda _place: (Images(), run)


def finder_open(place: Place) -> tuple[LayertuiApp, Run]:
    finder.use(place.places)

    async def run(pilot: Pilot[None]) -> None:
        await finder.opened(pilot)
        await until(pilot, lambda: "image shell:1" in finder.rows(pilot))
        await finder.previewed(pilot)

    return Images(), run


def choose_tag(place: Place) -> tuple[LayertuiApp, Run]:
    tags.use(place.places)
    return Images(), tags.asked


def store_with(run: Run) -> Scene:
    def make(place: Place) -> tuple[LayertuiApp, Run]:
        store.use(place.places, place.monkeypatch)
        return store.Store(), run

    return make


def bare_layers(place: Place) -> tuple[LayertuiApp, Run]:
    store.layers_of_sample(place.monkeypatch)
    return LayertuiApp(f"{store.ROOT}//{store.TOP}", cache=False), loaded


def explorer_with(*keys: str, read: Callable[[], Reading] = lambda: Reading(sample())) -> Scene:
    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        for key in keys:
            await pilot.press(key)
            await quiet(pilot)

    return on_explorer(run, read)


def on_explorer(run: Run, read: Callable[[], Reading] = lambda: Reading(sample())) -> Scene:
    def make(place: Place) -> tuple[LayertuiApp, Run]:
        place.read(read())
        return ExplorerApp(), run

    return make


def explorer_loading(place: Place) -> tuple[LayertuiApp, Run]:
    reading = place.read(Reading(sample(), at_once=False))
    return ExplorerApp(), test_explorer.sending(reading.begin, 3)


def explorer_loading_without_colours(place: Place) -> tuple[LayertuiApp, Run]:
    place.monkeypatch.setenv("NO_COLOR", "1")
    return explorer_loading(place)


def explorer_failed(place: Place) -> tuple[LayertuiApp, Run]:
    def fail(_reference: str, *_: object) -> Image:
        raise LayertuiError("shop.tar is not an image", "it ends after 512 bytes", "save it again")

    place.read()
    place.monkeypatch.setattr("layertui.sources.open_image", fail)

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: explorer(pilot).query_one(".message").display)

    return ExplorerApp(), run


def path_jump(place: Place) -> tuple[LayertuiApp, Run]:
    place.read()

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press(":", *"/etc/")
        await quiet(pilot)

    return ExplorerApp(), run


def platforms(place: Place) -> tuple[LayertuiApp, Run]:
    place.read()
    place.places.given["demo:"] = [ALPINE]

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseDialog))

    return ExplorerApp(), run


def attachments(place: Place) -> tuple[LayertuiApp, Run]:
    explorer_live.attach(place.monkeypatch)
    return ExplorerApp(), explorer_live.asked


def verified(place: Place) -> tuple[LayertuiApp, Run]:
    place.read()
    return verify.Verifying(verify.tampered()), verify.ended


def extracting(place: Place) -> tuple[LayertuiApp, Run]:
    place.read()
    (place.folder / "out").mkdir()
    (place.folder / "outer/inner").mkdir(parents=True)

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await extract.opened(pilot)

    return ExplorerApp(), run


def insight_with(*keys: str) -> Scene:
    def make(place: Place) -> tuple[LayertuiApp, Run]:
        insight.use(place.monkeypatch, Reading(sample()))

        async def run(pilot: Pilot[None]) -> None:
            await insight.opened(pilot, *keys)
            await until(pilot, lambda: not insight.screen(pilot)._lookers)

        return ExplorerApp(), run

    return make


def comparing(*keys: str) -> Scene:
    return lambda _place: (compare.Comparing(*compare.builds()), compare.pressing(*keys))


def searched(place: Place) -> tuple[LayertuiApp, Run]:
    search.use(place.monkeypatch, Reading(sample()))

    async def run(pilot: Pilot[None]) -> None:
        await search.opened(pilot)
        await search.type_in(pilot, "held")
        await pilot.press("enter")
        await until(pilot, lambda: not search.screen(pilot).busy)
        await pilot.press("down", "down")

    return search.app(), run


def found(place: Place) -> tuple[LayertuiApp, Run]:
    find.use(place.monkeypatch)
    return Images(), find.asking("*log4j*.jar", "path", "j", "j")


async def at_step(pilot: Pilot[None]) -> None:
    await dockerfile.opened(pilot)
    await dockerfile.go_to(pilot, "RUN adduser")


async def in_chain(pilot: Pilot[None]) -> None:
    await anatomy.opened(pilot)
    await pilot.press("n")


SCREENS: dict[str, tuple[Scene, tuple[Terminal, ...]]] = {
    "images": (images_with("j"), (LOW,)),
    "images-filter": (images_with("slash", *"pay arm"), (LOW, LIGHT, ANSI)),
    "images-detail": (images_with("d"), (LOW, ANSI)),
    "images-detail-alone": (images_with("d", "tab"), (LOW,)),
    "images-failed": (images_failed, (LOW,)),
    "images-loading": (images_loading, (LOW, LIGHT, ANSI)),
    "images-of-engines": (engines_with("j", "j"), (LOW, ANSI)),
    "containers": (engines_with("c"), (LOW, ANSI)),
    "store": (store_with(settled), (LOW, LIGHT, ANSI)),
    "disk-usage": (store_with(store.counted), (LOW, ANSI)),
    "finder": (finder_open, (LOW,)),
    "choose-tag": (choose_tag, (LOW, ANSI)),
    "commands": (on_images(commands.opened), (LOW,)),
    "help": (on_images(help_.opened), (LOW,)),
    "explorer-layers": (explorer_with("j"), (LOW,)),
    "explorer-tree": (explorer_with("j", "tab", "n", "n"), (ANSI,)),
    "explorer-detail": (explorer_with("tab", "n", "n", "d", "tab"), (LOW, LIGHT, ANSI)),
    "explorer-zoom": (explorer_with("tab", "n", "n", "4", "z"), (LOW, Terminal(120, 40))),
    "explorer-find": (explorer_with("tab", "n", "n", "4", "tab", "slash", *"quarry", "enter"), (LOW,)),
    "explorer-filter": (explorer_with("slash", *"conf"), (LOW, LIGHT, ANSI)),
    "explorer-path": (path_jump, (LOW, LIGHT, ANSI)),
    "bare-layers": (bare_layers, (LOW, LIGHT)),
    "explorer-loading": (explorer_loading, (LOW, LIGHT, ANSI)),
    "explorer-loading-without-colours": (explorer_loading_without_colours, (LOW, Terminal(80, 24))),
    "explorer-failed": (explorer_failed, (LOW, LIGHT, ANSI)),
    "explorer-help": (explorer_with("question_mark"), (LOW,)),
    "facts": (explorer_with("j", "i"), (LOW, LIGHT, ANSI)),
    "warnings": (explorer_with("exclamation_mark", read=damaged), (LOW, ANSI)),
    "attachments": (attachments, (LOW, ANSI)),
    "verify": (verified, (LOW, ANSI)),
    "extract": (extracting, (LOW, LIGHT, ANSI)),
    "platforms": (platforms, (LOW, LIGHT, ANSI)),
    "build-steps": (on_explorer(at_step), (ANSI,)),
    "anatomy": (on_explorer(in_chain), (LOW, ANSI)),
    "size": (insight_with("down"), (LOW, LIGHT)),
    "waste": (insight_with("2", "j"), (LOW, LIGHT)),
    "waste-findings": (insight_with("2", "j", "tab"), (LOW, Terminal(200, 12))),
    "secrets": (insight_with("3"), (LOW, ANSI)),
    "duplicates": (insight_with("4"), (LOW, LIGHT, ANSI)),
    "permissions": (insight_with("5"), (LOW, LIGHT, ANSI)),
    "packages": (insight_with("6"), (LOW, LIGHT, ANSI)),
    "compare": (comparing(*"nnn"), (LOW, LIGHT, ANSI)),
    "compare-facts": (comparing("shift+tab"), (LOW,)),
    "compare-diff": (comparing(*":/srv/quarry/app.py", "enter", "enter"), (LOW, ANSI)),
    "search": (searched, (LOW, ANSI)),
    "find": (found, (LOW, ANSI)),
    "find-nothing-yet": (on_images(find.opened), (LOW, LIGHT)),
}
"""How each screen comes about, and the terminals that it is pictured in."""


@pytest.mark.parametrize("name", SCREENS)
async def test_screen(
    name: str,
    places: Places,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    snapshot: SnapshotAssertion,
    request: pytest.FixtureRequest,
) -> None:
    """A screen in small terminals and in other colours."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    make, terminals = SCREENS[name]
    app, run = make(Place(places, monkeypatch, folder))
    pictures = Pictures(snapshot, request.node)
    try:
        async with app.run_test(size=(terminals[0].columns, terminals[0].rows)) as pilot:
            await until(pilot, lambda: len(app.screen_stack) > 1)
            await run(pilot)
            for terminal in terminals:
                await switch(pilot, terminal)
                pictures.take(pilot, terminal.name)
    finally:
        places.answer.set()
    assert not pictures.differing, f"{name} differs from its snapshots: {', '.join(pictures.differing)}"


async def switch(pilot: Pilot[None], terminal: Terminal) -> None:
    """Give the app a size and a theme, and wait for what that brings."""
    pilot.app.theme = terminal.theme
    await pilot.resize_terminal(terminal.columns, terminal.rows)
    await pilot.pause()
    await until(pilot, lambda: not any(is_busy(screen) for screen in pilot.app.screen_stack))


def is_busy(screen: Screen[object]) -> bool:
    """Return whether something is being read or worked out for a screen."""
    match screen:
        case ExplorerScreen() | CompareScreen():
            return screen.panes.busy
        case InsightScreen():
            return screen.query_one(SizePane).busy
    return False
