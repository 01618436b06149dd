"""The explorer: every state as a picture, every key pressed, whatever arrives while one does."""

import math
import signal
from collections.abc import Awaitable, Callable
from copy import copy
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.layer_index import path_of
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.text.format import size_text
from layertui.ui.app import LayertuiApp
from layertui.ui.detail import layer_page
from layertui.ui.detail.changes import Summaries
from layertui.ui.detail.pane import DETAILS, PREVIEW
from layertui.ui.dialogs.choose import ChooseDialog
from layertui.ui.dialogs.extract import ExtractDialog
from layertui.ui.dialogs.reader import ReaderDialog
from layertui.ui.explorer.header import ImageHeader
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.explorer.strip import LayerStrip
from layertui.ui.images.screen import ImagesScreen
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.loader import Loader
from layertui.union.changes import Mark
from layertui.union.merged_tree import MergedTree
from layertui.union.tree_rows import TreeRows
from tests.textual_internals import notifications, screen_text
from tests.ui.places import ALPINE, Places, until
from tests.ui.readings import (
    Reading,
    at_layer,
    damaged,
    detail,
    explorer,
    hostile,
    layers,
    loaded,
    many_layers,
    merged,
    quiet,
    sample,
    subject,
    tree,
    union_of,
    use_reading,
)
from tests.waiting import SECONDS

Compare = Callable[..., bool]
Run = Callable[[Pilot[None]], Awaitable[None]]
Read = Callable[..., Reading]


class Explorer(LayertuiApp):
    """The app on one image."""

    def __init__(self, reference: str = "demo:", theme: str = "layertui-dark") -> None:
        super().__init__(reference, cache=False)
        self.theme = theme


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Have the explorer open the image of a reading, and read it as that reading sends it."""

    def use(reading: Reading | None = None, at_once: bool = True) -> Reading:
        return use_reading(monkeypatch, reading or Reading(sample(), at_once=at_once))

    return use


def pressing(*keys: str) -> Run:
    """Wait until all is there, then press ``keys``, each after what the one before brought."""

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        for key in keys:
            await pilot.press(key)
            await quiet(pilot)

    return run


def sending(send: Callable[[], None], layer: int) -> Run:
    """Send a part of the reading once the layers are listed, and wait until ``layer`` is shown."""

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: bool(layers(pilot).states))
        send()
        await until(pilot, lambda: at_layer(pilot) == layer)
        await quiet(pilot)

    return run


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def header(pilot: Pilot[None]) -> str:
    return explorer(pilot).query_one(ImageHeader).render().plain


def subtitle(pilot: Pilot[None]) -> str:
    return str(layers(pilot).border_subtitle)


# Pictures


def test_explorer(snap_compare: Compare, read: Read, size: tuple[int, int], theme: str) -> None:
    read()
    run = pressing("j", "tab", "n", "n")
    assert snap_compare(Explorer(theme=theme), terminal_size=size, run_before=run)


def test_layer(snap_compare: Compare, read: Read, size: tuple[int, int], theme: str) -> None:
    """While the layers have the focus, the detail is about the layer."""
    read()
    run = pressing("j", "j", "j", "j", "j", "j", "j")
    assert snap_compare(Explorer(theme=theme), terminal_size=size, run_before=run)


def test_low(snap_compare: Compare, read: Read) -> None:
    """In twelve rows the focused pane has the room."""
    read()
    assert snap_compare(Explorer(), terminal_size=(80, 12), run_before=pressing("tab"))


@pytest.mark.parametrize("keys", [(), ("tab",), ("tab", "v"), ("tab", "v", "v"), ("d",), ("tab", "d"), ("3",), ("slash", "e", "enter")], ids=" ".join)  # fmt: skip
async def test_twelve_rows_show_three_of_the_tree(read: Read, keys: tuple[str, ...]) -> None:
    read()
    async with Explorer().run_test(size=(80, 12)) as pilot:
        await pressing(*keys)(pilot)
        pane = tree(pilot)
        shown = [pane.render_line(y).text for y in range(pane.content_size.height)]
        assert sum("▌" in row for row in shown) >= 3, shown  # each has its layer


def test_detail_in_a_small_terminal(snap_compare: Compare, read: Read) -> None:
    read()
    assert snap_compare(Explorer(), terminal_size=(80, 24), run_before=pressing("tab", "n", "n", "d"))


def test_opening(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExplorerScreen, "_start", lambda _screen, _reading: None)
    assert snap_compare(Explorer(), terminal_size=(120, 40))


def test_loading(snap_compare: Compare, read: Read, size: tuple[int, int]) -> None:
    """The newest layer is read last: those below it are shown in its place."""
    reading = read(at_once=False)
    assert snap_compare(Explorer(), terminal_size=size, run_before=sending(reading.begin, 3))


@SIZES
def test_loading_the_newest_layer_first(snap_compare: Compare, read: Read, size: tuple[int, int]) -> None:
    reading = read(at_once=False)

    def send() -> None:
        for layer in (6, 9):
            reading.index(layer)
        reading.progress(1, 41_000, 109_000, 4_100.0)
        reading.speed(4_100.0)

    assert snap_compare(Explorer(), terminal_size=size, run_before=sending(send, 9))


@SIZES
def test_loading_the_selected_layer(snap_compare: Compare, read: Read, size: tuple[int, int]) -> None:
    reading = read(at_once=False)

    def send() -> None:
        reading.index(9)
        reading.progress(8, 7_200, 14_900, 4_100.0)

    async def run(pilot: Pilot[None]) -> None:
        await sending(send, 9)(pilot)
        await pilot.press("j")
        await until(pilot, lambda: "Reading layer 8" in " ".join(screen_text(pilot).split()))
        await quiet(pilot)

    assert snap_compare(Explorer(), terminal_size=size, run_before=run)


def test_failed(
    snap_compare: Compare, places: Places, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    def fail(_reference: str, *_: object) -> Image:
        raise LayertuiError("shop.tar is no image", "it ends after 512 bytes", "save it again")

    monkeypatch.setattr("layertui.sources.open_image", fail)
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", Reading(sample()))
    places.given["shop.tar"] = []
    assert snap_compare(Explorer("shop.tar"), terminal_size=size, run_before=_failure)


async def _failure(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: explorer(pilot).query_one(".message").display)


def test_failed_while_it_was_read(snap_compare: Compare, read: Read) -> None:
    reading = read(at_once=False)

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: bool(layers(pilot).states))
        reading.index(1)
        reading.fail(
            LayertuiError("loading stopped", "the worker process exited with status -9", "open it again")
        )
        await until(pilot, lambda: "status -9" in layers(pilot).failure)

    assert snap_compare(Explorer(), terminal_size=(120, 40), run_before=run)


def test_damaged(snap_compare: Compare, read: Read, size: tuple[int, int]) -> None:
    read(damaged())
    assert snap_compare(Explorer(), terminal_size=size, run_before=pressing("j", "j"))


def test_warnings(snap_compare: Compare, read: Read, theme: str) -> None:
    read(damaged())
    run = pressing("exclamation_mark")
    assert snap_compare(Explorer(theme=theme), terminal_size=(120, 40), run_before=run)


def test_layer_facts(snap_compare: Compare, read: Read) -> None:
    read()
    assert snap_compare(Explorer(), terminal_size=(120, 40), run_before=pressing("j", "i"))


def test_sixty_layers(snap_compare: Compare, read: Read, size: tuple[int, int]) -> None:
    read(many_layers())
    assert snap_compare(Explorer(), terminal_size=size, run_before=pressing("pagedown"))


def test_hostile(snap_compare: Compare, read: Read) -> None:
    read(hostile())
    assert snap_compare(Explorer(), terminal_size=(120, 40), run_before=pressing("tab", "E"))


def test_no_colour(
    snap_compare: Compare, read: Read, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    read(damaged())
    assert snap_compare(Explorer(), terminal_size=size, run_before=pressing("j"))


def test_sixteen_colours(snap_compare: Compare, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    read()
    app = Explorer(theme="layertui-ansi")
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressing("j"))


def test_help(snap_compare: Compare, read: Read) -> None:
    read()
    assert snap_compare(Explorer(), terminal_size=(120, 60), run_before=pressing("question_mark"))


async def test_a_choice_is_as_wide_as_the_step_of_its_layer(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("D")
        await until(
            pilot,
            lambda: "│ layer 2  RUN apk add python3 sqlite-libs stonecut build-base" in screen_text(pilot),
        )


def test_platforms(snap_compare: Compare, read: Read, places: Places) -> None:
    read()
    places.given["demo:"] = [ALPINE]

    async def run(pilot: Pilot[None]) -> None:
        await pressing("p")(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseDialog))

    assert snap_compare(Explorer(), terminal_size=(80, 24), run_before=run)


# Moving about


async def test_the_detail_tells_about_the_path_that_one_jumps_to(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await pressing("tab", "colon", *"etc/group", "enter")(pilot)
        subject = detail(pilot).subject
        assert subject is not None and subject.union.path(subject.node) == "/etc/group"


async def test_the_newest_layer_is_at_hand_and_the_layers_have_the_focus(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert at_layer(pilot) == layers(pilot).merged_layer == 9
        assert layers(pilot).has_focus


async def test_moving_in_the_layers_moves_the_tree_at_once(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for key, layer in [("j", 8), ("down", 7), ("k", 8), ("G", 1), ("k", 1), ("k", 1), ("g", 9)]:
            await pilot.press(key)
            await quiet(pilot)
            assert at_layer(pilot) == layer, key
            assert subject(pilot).merged_layer == layer


async def test_what_was_only_stored_again_is_told_from_changes_once_it_was_compared(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for key in ("j", "k", "j"):
            await pilot.press(key)
            await quiet(pilot)
        assert merged(pilot).layer == 8
        assert Mark.REWRITTEN not in merged(pilot).marks
        assert Mark.REPEATED in merged(pilot).marks


async def test_the_detail_follows_the_focus(read: Read) -> None:
    """The layer in Layers, the path in the tree and where n leads, a tab of the path on its key."""
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for _ in range(7):
            await pilot.press("j")
        await quiet(pilot)
        text = shown(pilot)
        assert "RUN apk add python3 sqlite-libs stonecut build-base" in text
        assert "57.0 kB = 25.1 kB live + 31.9 kB dead (56%)" in text
        assert "/var/cache/apk/python3-3.12.9-r0.apk" in text
        assert "Layer 2" in str(detail(pilot).border_title)
        await pilot.press("n")
        await quiet(pilot)
        assert "Largest files" not in shown(pilot) and "Layer" not in str(detail(pilot).border_title)
        await pilot.press("j")
        await quiet(pilot)
        assert "Largest files" in shown(pilot)
        await pilot.press("5")
        await quiet(pilot)
        assert "Largest files" not in shown(pilot)
        await pilot.press("k", "tab")
        await quiet(pilot)
        assert "Largest files" not in shown(pilot)


async def test_a_layer_is_summed_up_before_the_tree_has_followed(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        at_top = detail(pilot).subject
    assert at_top is not None and at_top.merged_layer == 9
    step = next(step for step, entry in enumerate(at_top.image.history) if entry.layer == 2)
    page = next(iter(layer_page.pages(at_top, step, (), Summaries(), Job())))
    assert page.heading[0].text.startswith("▌layer 2: +")


async def test_enter_on_a_dead_file_of_a_layer_shows_it(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for _ in range(5):
            await pilot.press("j")
        assert layers(pilot).merged_layer == 4
        await quiet(pilot)
        detail(pilot).focus()
        await pilot.pause()
        lines = detail(pilot).document.lines
        detail(pilot).go_to_row(next(at for at, line in enumerate(lines) if "id_ed25519" in line.text))
        await pilot.press("enter")
        await quiet(pilot)
        assert "PRIVATE KEY" in shown(pilot)


async def test_a_click_on_the_strip_goes_to_the_layer(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.click(LayerStrip, offset=(1, 0))
        assert layers(pilot).merged_layer == 1
        await pilot.click(LayerStrip, offset=(118, 0))
        assert layers(pilot).merged_layer == 9


def shown(pilot: Pilot[None]) -> str:
    """What the detail shows."""
    pane = detail(pilot)
    return "\n".join(pane.render_line(y).text.rstrip() for y in range(pane.content_size.height))


async def test_z_gives_a_pane_the_screen_and_takes_it_back(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        panes = explorer(pilot).panes
        places = [each.region for each in (layers(pilot), panes.tree_pane, detail(pilot))]
        for pane in (layers(pilot), tree(pilot), detail(pilot)):
            pane.focus()
            await pilot.press("z")
            await quiet(pilot)
            assert pane.region.width >= 110 and pane.region.height >= 30
            await pilot.press("z")
        layers(pilot).focus()
        await quiet(pilot)
        assert [each.region for each in (layers(pilot), panes.tree_pane, detail(pilot))] == places
        await pilot.press("z", "enter")  # to the tree, which was not there
        await quiet(pilot)
        assert tree(pilot).has_focus and tree(pilot).region.height and layers(pilot).region.height
        await pilot.press("z", "escape")
        await quiet(pilot)
        assert explorer(pilot).is_current and layers(pilot).region.height
        await pilot.press("z", "4")  # the detail of the path
        await quiet(pilot)
        assert detail(pilot).region.height and tree(pilot).has_focus
        await pilot.press("z")  # of what was opened
        await quiet(pilot)
        assert detail(pilot).has_focus and detail(pilot).region.height >= 30
        await pilot.press("z", "escape", "4", "j", "z")
        await quiet(pilot)
        assert explorer(pilot).panes.tree_pane.region.height >= 30


async def test_keys_of_the_tree_in_every_pane(read: Read) -> None:
    """What a newcomer types where the app begins: it filters, and runs no commands."""
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert layers(pilot).has_focus
        await pilot.press("slash", *"passwd")
        await until(pilot, lambda: tree(pilot).query_text == "passwd")
        await pilot.press("enter")
        await until(pilot, lambda: tree(pilot).has_focus)
        assert explorer(pilot).is_current
        detail(pilot).focus()
        await pilot.press("v")
        await until(pilot, lambda: "hanges" in str(explorer(pilot).panes.tree_pane.border_title))
        await pilot.press("colon", *"etc/motd", "enter")
        await until(pilot, lambda: subject(pilot).union.path(subject(pilot).node) == "/etc/motd")


async def test_n_leads_from_change_to_change_without_leaving_the_layers(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for key, path in [
            ("n", "/srv/quarry/app.py"),
            ("n", "/srv/quarry/templates/index.html"),
            ("n", "/usr/lib/stonecut.so"),
            ("N", "/srv/quarry/templates/index.html"),
        ]:
            await pilot.press(key)
            await quiet(pilot)
            assert merged(pilot).union.path(tree(pilot).node) == path
            assert subject(pilot).node == tree(pilot).node
        assert layers(pilot).has_focus


async def test_brackets_move_between_layers_from_the_tree(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("enter")
        assert tree(pilot).has_focus
        for key, layer in [
            ("left_square_bracket", 8),
            ("comma", 7),
            ("right_square_bracket", 8),
            ("full_stop", 9),
            ("right_square_bracket", 9),
        ]:
            await pilot.press(key)
            await quiet(pilot)
            assert at_layer(pilot) == layers(pilot).merged_layer == layer, key
        assert tree(pilot).has_focus


@pytest.mark.parametrize(("path", "layer"), [("/etc/passwd", 5), ("/usr/bin/cc", 8)])
async def test_a_path_is_shown_at_a_layer_hidden_there_or_not(read: Read, path: str, layer: int) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        explorer(pilot).show_path(path.encode(), LayerNumber(layer))
        await quiet(pilot)
        view = tree(pilot)
        assert view.has_focus
        assert (merged(pilot).union.path(view.node), at_layer(pilot)) == (path, layer)
        assert subject(pilot).node == view.node


async def test_a_path_is_shown_once_its_layer_is_there(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(layers(pilot).states))
        for layer in (1, 2):
            reading.index(layer)
        reading.union(2)
        await until(pilot, lambda: at_layer(pilot) == 2)
        explorer(pilot).show_path(b"/etc/passwd", LayerNumber(5))
        assert tree(pilot).node == 0
        reading.rest(3)
        await loaded(pilot)
        view = tree(pilot)
        assert (merged(pilot).union.path(view.node), at_layer(pilot)) == ("/etc/passwd", 5)


async def test_a_path_that_no_layer_stores_so_far_is_said_not_to_be_there(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        explorer(pilot).show_path(b"/srv/quarry", LayerNumber(1))
        await quiet(pilot)
        assert (tree(pilot).node, at_layer(pilot)) == (0, 1)
        told = notifications(pilot)
        assert told == ["/srv/quarry is in no layer up to 1."]


async def test_tab_goes_from_pane_to_pane(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for pane in (tree(pilot), detail(pilot), layers(pilot)):
            await pilot.press("tab")
            assert pane.has_focus
        await pilot.press("shift+tab")
        assert detail(pilot).has_focus


async def test_numbers_show_the_tabs_of_the_detail_from_anywhere(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        assert not detail(pilot).display
        for tab in range(5):
            await pilot.press(str(tab + 1))
            await quiet(pilot)
            assert detail(pilot).display
            assert detail(pilot).tab == tab
        assert tree(pilot).has_focus


async def test_enter_on_a_file_goes_to_its_detail_and_escape_comes_back(read: Read) -> None:
    for size in ((120, 40), (80, 24)):
        read()
        async with Explorer().run_test(size=size) as pilot:
            await loaded(pilot)
            await pilot.press("enter", "n")
            await quiet(pilot)
            await pilot.press("enter")
            await quiet(pilot)
            assert detail(pilot).display
            assert detail(pilot).has_focus
            assert subject(pilot).node == tree(pilot).node
            await pilot.press("escape")
            assert tree(pilot).has_focus
            assert detail(pilot).display == (size[1] == 40)


async def test_d_shows_and_hides_the_detail_at_every_size(read: Read, size: tuple[int, int]) -> None:
    read()
    async with Explorer().run_test(size=size) as pilot:
        await loaded(pilot)
        small = size == (80, 24)
        assert detail(pilot).display != small
        await pilot.press("d")
        await quiet(pilot)
        assert detail(pilot).display == small
        assert layers(pilot).display != small
        assert pilot.app.focused is not None
        assert pilot.app.focused.display
        await pilot.press("d")
        await quiet(pilot)
        assert detail(pilot).display != small


async def test_the_detail_tells_about_the_path_that_was_chosen_before_it_was_shown(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await pilot.press("enter", "n")
        await quiet(pilot)
        assert detail(pilot).subject is None
        await pilot.press("5")
        await quiet(pilot)
        assert detail(pilot).tab == DETAILS
        assert subject(pilot).node == tree(pilot).node


async def test_escape_leads_back_to_the_images(read: Read, places: Places) -> None:
    reading = read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ImagesScreen)
        assert not reading.closed  # kept for the way back


# What the header says


async def test_the_header_says_what_the_image_is_and_costs(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for said in (
            "quarry:1.1",
            "demo",
            "linux/amd64",
            "164 kB = 119 kB live + 45.1 kB dead (27%)",
            "114 paths",
            "Held Linux",
        ):
            assert said in header(pilot)
        assert "warning" not in header(pilot)


async def test_a_narrow_header_keeps_the_name_and_the_warnings(read: Read) -> None:
    read(damaged())
    async with Explorer().run_test(size=(50, 24)) as pilot:
        await loaded(pilot)
        assert "odd:1" in header(pilot)
        assert "warnings" in header(pilot)
        assert "\n" not in header(pilot)


async def test_of_an_image_that_is_not_whole_nothing_is_said_to_be_dead(read: Read) -> None:
    read(damaged())
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert "as stored" in header(pilot) and "dead" not in header(pilot)


# While it is read


async def test_the_layers_are_there_before_anything_is_read(read: Read) -> None:
    read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(layers(pilot).states))
        assert "335 kB as stored, 9 layers  … paths" in header(pilot)
        await pilot.press("j", "i")
        assert isinstance(pilot.app.screen, ReaderDialog)


async def begun(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: bool(layers(pilot).states))


def tree_title(pilot: Pilot[None]) -> str:
    return str(explorer(pilot).panes.tree_pane.border_title)


async def test_before_the_newest_layer_is_read_those_below_are_shown_as_provisional(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        for layer in (1, 2, 3):
            reading.index(layer)
        reading.union(3)
        await until(pilot, lambda: at_layer(pilot) == 3)
        assert tree_title(pilot).startswith("Provisional: layers 1–3 of 9")
        assert "dead" not in screen_text(pilot) and "loading · 3 of 9 layers" in subtitle(pilot)
        await until(pilot, lambda: "layer 9: what it changes is known once" in screen_text(pilot))
        await pilot.press("G", *["k"] * 4)
        await quiet(pilot)
        assert layers(pilot).merged_layer == at_layer(pilot) == 2
        assert "Provisional" not in tree_title(pilot)
        reading.rest(4)
        await loaded(pilot)
        assert at_layer(pilot) == 2
        await pilot.press("g")
        await quiet(pilot)
        assert at_layer(pilot) == 9 and tree_title(pilot).startswith("Merged tree at layer 9")


async def test_a_layer_that_is_read_shows_its_entries_before_those_below_are(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        own = {path_of(key) for key in reading.indexes[8].entry_keys()}
        reading.index(9)
        await until(pilot, lambda: at_layer(pilot) == 9)
        assert tree_title(pilot).startswith("Provisional: layer 9 of 9 alone")
        union = merged(pilot).union
        assert {union.path(node) for node in union.subtree(ROOT)} >= own - {"/"}
        assert not merged(pilot).changes_below(ROOT)[Mark.ADDED]
        assert "added" not in screen_text(pilot) and "dead" not in header(pilot)
        await until(pilot, lambda: "layer 9: what it changes is known once" in screen_text(pilot))
        await pilot.press("tab", "1")
        await until(pilot, lambda: "at layer 9: layers are still being read" in screen_text(pilot))
        await pilot.press("x")
        assert not isinstance(pilot.app.screen, ExtractDialog)


async def test_a_layer_that_is_not_read_says_how_far_it_is(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        for layer in (1, 2, 3):
            reading.index(layer)
        reading.union(3)
        await until(pilot, lambda: at_layer(pilot) == 3)
        await pilot.press("j")
        await until(pilot, lambda: "Layer 8 has not been read yet." in screen_text(pilot))
        reading.progress(8, 41_000_000, 80_000_000, 4_100_000)
        said = "Reading layer 8: 41.0 MB of 80.0 MB, 4.1 MB/s."
        await until(pilot, lambda: said in " ".join(screen_text(pilot).split()))
        assert "41MB 4.1MB/s" in screen_text(pilot)
        reading.index(8)
        await until(pilot, lambda: "layer 8 of 9 alone" in tree_title(pilot))


async def test_the_header_says_how_much_has_been_read_and_how_long_the_rest_takes(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(160, 40)) as pilot:
        await begun(pilot)
        total = sum(layer.descriptor.size for layer in reading.image.layers)
        reading.progress(1, 30_000, reading.image.layers[0].descriptor.size)
        reading.speed(10_000.0)
        await until(pilot, lambda: "30.0 kB of" in header(pilot))
        left = math.ceil((total - 30_000) / 10_000)
        assert f"30.0 kB of {size_text(total)} read ·  10 kB/s" in header(pilot)
        assert f"{left} s left" in header(pilot)
        reading.rest(1)
        await loaded(pilot)
        assert "left" not in header(pilot) and "live" in header(pilot)


async def test_open_directories_and_cursor_outlive_what_is_provisional(read: Read) -> None:
    """A layer that lacks them is looked at in between, and one that is not read."""
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        for layer in (1, 2, 3, 8):
            reading.index(layer)
        reading.union(3)
        await until(pilot, lambda: at_layer(pilot) == 3)
        await pilot.press("tab")
        shown = merged(pilot).union
        tree(pilot).go_to(Node(shown.find("/etc") + 1))
        await quiet(pilot)
        before = shown.path(tree(pilot).node)
        assert before.startswith("/etc/")
        for _ in range(5):
            await pilot.press("left_square_bracket")
            await quiet(pilot)
        assert layers(pilot).merged_layer == 4 and at_layer(pilot) == 4
        reading.rest(4)
        await loaded(pilot)
        union = merged(pilot).union
        assert union.path(tree(pilot).node) == before
        rows = tree(pilot).rows
        assert rows is not None and rows.is_open(union.parent[tree(pilot).node])


async def test_who_is_in_the_tree_stays_in_it_when_the_newest_layer_arrives_first(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await begun(pilot)
        for layer in (1, 2, 3):
            reading.index(layer)
        reading.union(3)
        await until(pilot, lambda: at_layer(pilot) == 3)
        await pilot.press("tab", "j", "j")
        reading.index(9)
        await until(pilot, lambda: layers(pilot).states[LayerNumber(9)].read)
        await quiet(pilot)
        assert at_layer(pilot) == 3
        reading.rest(4)
        await loaded(pilot)
        assert at_layer(pilot) == 9


async def test_the_cursor_stays_on_its_path_when_more_layers_arrive(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(layers(pilot).states))
        for layer in range(1, 5):
            reading.index(layer)
        reading.union(4)
        await until(pilot, lambda: at_layer(pilot) == 4)
        await pilot.press("enter", "n", "n")
        await quiet(pilot)
        before = merged(pilot).union.path(tree(pilot).node)
        reading.rest(5)
        await loaded(pilot)
        assert at_layer(pilot) == 9
        assert merged(pilot).union.path(tree(pilot).node) == before
        assert subject(pilot).union is merged(pilot).union


async def test_moving_to_a_layer_that_is_on_its_way_to_be_shown(read: Read) -> None:
    reading = read(at_once=False)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(layers(pilot).states))
        for layer in (1, 2, 3):
            reading.index(layer)
        reading.union(3)
        await until(pilot, lambda: at_layer(pilot) == 3 and not merged(pilot).union.is_alone)
        await until(pilot, lambda: explorer(pilot).panes._has_waited)  # which has the tree follow once more
        await quiet(pilot)
        tree(pilot).show(TreeRows(MergedTree(union_of(reading.indexes), LayerNumber(3))))
        tree(pilot).move(LayerNumber(9))  # a thread still makes the new rows look like those before
        await until(pilot, lambda: at_layer(pilot) == 9)


async def test_indexes_that_come_before_the_image_is_open_are_not_lost(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = read()

    def slow(_reference: str, *_: object) -> Image:
        assert reading.sent.wait(SECONDS)
        return reading.image

    monkeypatch.setattr("layertui.sources.open_image", slow)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert at_layer(pilot) == 9


async def test_quitting_while_it_loads_stops_the_reader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\nexec sleep 600\n")
    endless.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(endless))
    started: list[Loader] = []
    start = Loader.start

    def noting(loader: Loader) -> None:
        started.append(loader)
        start(loader)

    monkeypatch.setattr(Loader, "start", noting)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(started and started[0].worker))
        await pilot.press("q")
    assert started[0].worker is not None
    assert started[0].worker.process.wait(timeout=SECONDS) == -signal.SIGKILL


async def test_reads_an_image_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert at_layer(pilot) == 9
        assert "✓ digests: 9/9 verified" in subtitle(pilot)


# What is wrong


async def test_what_cannot_be_opened_says_why_and_leaves_the_app_usable(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Explorer("nowhere.tar")
    places.given["nowhere.tar"] = LayertuiError("nowhere.tar is not there")

    def fail(_reference: str, *_: object) -> Image:
        raise LayertuiError("nowhere.tar is not there", "", "give the path of an image")

    monkeypatch.setattr("layertui.sources.open_image", fail)
    async with app.run_test(size=(80, 24)) as pilot:
        await _failure(pilot)
        said = str(explorer(pilot).query_one(".message", Static).content)
        assert "nowhere.tar is not there" in said
        assert "esc goes back" in said
        await pilot.press(
            "d", "i", "1", "tab", "exclamation_mark", "left_square_bracket", "question_mark", "escape"
        )
        assert isinstance(pilot.app.screen, ExplorerScreen)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ImagesScreen)


async def test_an_image_for_other_platforms_alone_offers_them(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(sample())
    places.given["alpine.oci"] = [ALPINE]

    def choose(_reference: str, platform: str | None = None, *_: object) -> Image:
        if platform is None:
            raise LayertuiError(
                "alpine.oci is for several platforms", "it is for …", "choose with --platform"
            )
        reading.platform = platform
        return reading.image

    monkeypatch.setattr("layertui.sources.open_image", choose)
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", reading)
    async with Explorer("alpine.oci").run_test(size=(120, 40)) as pilot:
        await _failure(pilot)
        message = explorer(pilot).query_one(".message", Static)
        await until(pilot, lambda: "p selects a platform" in str(message.content))
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseDialog))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen) and at_layer(pilot) == 9)
        assert reading.platform == "linux/amd64"


async def test_damaged_layers_say_what_is_wrong_with_them(read: Read) -> None:
    read(damaged())
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("j")
        assert "layer 3: a foreign" in subtitle(pilot)
        await pilot.press("j")
        assert "layer 2:" in subtitle(pilot)
        await quiet(pilot)
        assert at_layer(pilot) == 2  # what could be read is shown


async def test_warnings_name_layer_path_and_what_engines_do(read: Read) -> None:
    read(damaged())
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("exclamation_mark")
        assert isinstance(pilot.app.screen, ReaderDialog)
        document = pilot.app.screen.query_one(TextView).document
        said = "\n".join(document.line(number).text for number in range(len(document)))
        assert "the history tells of 5 layers, the image has 4" in said
        assert "the tar ends in the middle of a header" in said
        assert "/srv/file" in said
        await pilot.press("exclamation_mark")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_there_are_no_warnings_to_show_of_a_sound_image(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("exclamation_mark")
        assert isinstance(pilot.app.screen, ExplorerScreen)


# Digests


async def test_what_was_not_checked_while_it_was_read_is_checked_afterwards(read: Read) -> None:
    reading = read()
    for index in reading.indexes:
        index.blob_digest = ""  # as when it comes out of the cache
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert "✓ digests: 9/9 verified" in subtitle(pilot)


async def test_a_wrong_digest_is_an_error_of_its_layer_that_names_both(read: Read) -> None:
    image = sample()
    wrong = "sha256:" + "0" * 64
    layer = image.layers[4]._replace(descriptor=image.layers[4].descriptor._replace(digest=wrong))
    indexes = Reading(image).indexes
    changed = image._replace(layers=[*image.layers[:4], layer, *image.layers[5:]])
    read(Reading(changed, indexes))
    async with Explorer().run_test(size=(200, 60)) as pilot:
        await loaded(pilot)
        state = layers(pilot).states[LayerNumber(5)]
        assert not state.checked
        assert wrong in state.problem
        assert image.layers[4].descriptor.digest in state.problem
        assert "1 warning" in header(pilot)


async def test_bytes_that_are_not_at_hand_stay_unchecked(read: Read) -> None:
    reading = read()
    remote = reading.image.layers[0]._replace(blob=None)
    reading.image = reading.image._replace(layers=[remote, *reading.image.layers[1:]])
    reading.indexes = [copy(index) for index in reading.indexes]
    for index in reading.indexes:
        index.blob_digest = ""
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: layers(pilot).checked == 8)
        assert "digests: 8/9 verified" in subtitle(pilot)


# Facts and platforms


async def test_i_tells_the_facts_of_the_image_and_of_the_step(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("j", "j", "i")
        document = pilot.app.screen.query_one(TextView).document
        said = "\n".join(document.line(number).text for number in range(len(document)))
        layer = sample().layers[6]
        for fact in (layer.descriptor.digest, layer.diff_id, layer.chain_id, "buildkit.dockerfile.v0", "✓"):
            assert fact in said
        config = sample().config["config"]
        for fact in (*config["Env"], config["User"], config["WorkingDir"], sample().id, "python3 app.py"):
            assert fact in said
        await pilot.press("y", "j", "y")
        assert pilot.app.clipboard == str(sample().platform)
        await pilot.press("i")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_p_opens_the_image_for_another_platform(read: Read, places: Places) -> None:
    reading = read()
    places.given["demo:"] = [ALPINE]
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseDialog))
        await pilot.press("j", "enter")
        await until(pilot, lambda: reading.platform == "linux/arm64/v8")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_p_says_if_there_is_no_other_platform(read: Read) -> None:
    read()
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("p")
        await until(pilot, lambda: bool(notifications(pilot)))
        assert isinstance(pilot.app.screen, ExplorerScreen)


@pytest.mark.parametrize("size", [(1, 2), (2, 5), (7, 5), (20, 5), (300, 4)])
async def test_lives_in_terminals_of_any_size(read: Read, size: tuple[int, int]) -> None:
    read(damaged())
    async with Explorer().run_test(size=size) as pilot:
        await loaded(pilot)
        for key in (
            "j",
            "tab",
            "n",
            "d",
            "4",
            "i",
            "escape",
            "exclamation_mark",
            "escape",
            "d",
            "r",
            "e",
            "W",
        ):
            await pilot.press(key)
            await quiet(pilot)
        assert detail(pilot).tab == PREVIEW
