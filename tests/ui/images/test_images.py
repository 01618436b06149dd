"""The screen of images: every state as a picture, every key pressed."""

import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from layertui.cache.image_bytes import remember_bytes
from layertui.cache.indexes import IndexCache
from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary, ImageSummary
from layertui.model.sizes import Bytes
from layertui.text import format
from layertui.ui.app import LayertuiApp
from layertui.ui.images.detail import ImageDetail
from layertui.ui.images.image_row import short_source
from layertui.ui.images.screen import EngineScreen, ImagesScreen
from layertui.ui.images.table import Table
from layertui.ui.images.table_model import TableRow
from layertui.ui.widgets.key_bar import KeyBar
from tests.textual_internals import screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import EVIL, GATEWAY, SAMPLE, SHOP, Places, summary, until

Compare = Callable[..., bool]


def table(pilot: Pilot[None]) -> Table:
    return pilot.app.screen.query_one(Table)


def names(pilot: Pilot[None]) -> list[str]:
    return [row.cells["name"] for row in table(pilot).rows]


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Wait until all is there, press ``keys``, and wait for what they bring."""

    async def run(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        if isinstance(pilot.app.screen, ImagesScreen):
            await settled(pilot)

    return run


def test_images(snap_compare: Compare, places: Places, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Images(theme=theme), terminal_size=size, run_before=pressing("j"))


def test_loading(snap_compare: Compare, places: Places, size: tuple[int, int]) -> None:
    places.given["shop.tar"] = [SHOP]
    places.answer.clear()
    try:
        assert snap_compare(Images("shop.tar"), terminal_size=size)
    finally:
        places.answer.set()


def test_empty(snap_compare: Compare, places: Places, size: tuple[int, int]) -> None:
    places.here = []
    places.given["demo:"] = []
    assert snap_compare(Images(), terminal_size=size, run_before=pressing())


@pytest.fixture
def failing(places: Places) -> Places:
    """A file that is no image, a directory with unreadable files, an image that does not open."""
    places.given["broken.tar"] = LayertuiError("broken.tar is not an image", "it ends after 512 bytes", "")
    problems = [
        LayertuiError(f"{name}.tar cannot be read", "it ends early") for name in ("a", "b\x1b[2J", "c", "d")
    ]
    places.here += problems
    return places


def test_failed(snap_compare: Compare, failing: Places, size: tuple[int, int], theme: str) -> None:
    app = Images("broken.tar", theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=pressing("G", "k"))


def test_no_colour(
    snap_compare: Compare, failing: Places, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Images("broken.tar"), terminal_size=size, run_before=pressing("j"))


def test_sixteen_colours(snap_compare: Compare, failing: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM")
    app = Images("broken.tar", theme=LayertuiApp().theme)
    assert app.theme == "layertui-ansi"
    assert snap_compare(app, run_before=pressing("j"))


def test_filter(snap_compare: Compare, places: Places, size: tuple[int, int]) -> None:
    assert snap_compare(Images(), terminal_size=size, run_before=pressing("slash", *"pay arm"))


def test_filter_without_match(snap_compare: Compare, places: Places) -> None:
    assert snap_compare(Images(), run_before=pressing("slash", *"[b]zzz"))


def test_sorted(snap_compare: Compare, places: Places) -> None:
    assert snap_compare(Images(), run_before=pressing("s", "s", "s"))


def test_detail_below(snap_compare: Compare, places: Places, theme: str) -> None:
    assert snap_compare(Images(theme=theme), run_before=pressing("d"))


def test_detail_that_cannot_be_opened(snap_compare: Compare, places: Places) -> None:
    assert snap_compare(Images(), run_before=pressing("G", "k", "d"))


async def test_rows_stand_in_the_order_of_their_places(places: Places) -> None:
    places.given["shop.tar"] = [SHOP]
    async with Images("shop.tar").run_test() as pilot:
        await settled(pilot)
        assert names(pilot)[:2] == ["shop:2.1", "shop:2.0"]
        assert names(pilot)[-1] == "quarry:1.0"
        assert names(pilot).count("shop:2.1") == 1  # given, and in the current directory


async def test_cursor_keys(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        for keys, row in [
            (["j"], 1),
            (["down"], 2),
            (["k"], 1),
            (["up"], 0),
            (["up"], 0),
            (["G"], 6),
            (["j"], 6),
            (["g"], 0),
            (["end"], 6),
            (["home"], 0),
            (["pagedown"], 6),
            (["pageup"], 0),
            (["ctrl+f"], 6),
            (["ctrl+b"], 0),
        ]:
            await pilot.press(*keys)
            assert table(pilot).cursor == row, keys


async def test_cursor_stays_on_its_image_while_rows_arrive(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.press("j", "j")
        await pilot.press("ctrl+r")
        await settled(pilot)
        row = table(pilot).highlighted
        assert row is not None and row.cells["name"] == "alpine:3.20"


async def test_cursor_is_scrolled_into_view(places: Places) -> None:
    places.here = [SHOP, *(SHOP._replace(reference=f"oci:{number}") for number in range(100))]
    async with Images().run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("G")
        assert "quarry" in screen_text(pilot)
        await pilot.press("pageup", "pageup")
        assert "quarry" not in screen_text(pilot)
        await pilot.press("g")
        assert "shop:2.1" in screen_text(pilot)


async def test_enter_explores(places: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("j", "enter")
        assert app.explored == ["docker-archive:shop.tar:shop:2.0"]


async def test_a_click_highlights_and_a_second_one_explores(places: Places) -> None:
    app = Images()
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.click(Table, offset=(10, 3))
        assert table(pilot).cursor == 2
        assert app.explored == []
        await pilot.click(Table, offset=(10, 3), times=2)
        assert app.explored == ["oci:layouts/alpine:3.20"]


async def test_a_click_on_a_header_sorts_and_another_reverses(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.click(Table, offset=(4, 0))
        assert table(pilot).sorted_by == ("name", False)
        assert names(pilot)[0] == "alpine:3.20"
        await pilot.click(Table, offset=(4, 0))
        assert table(pilot).sorted_by == ("name", True)
        assert names(pilot)[0] == "unnamed"


async def test_s_sorts_by_each_column_in_turn_and_back(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        unsorted = names(pilot)
        seen = []
        for _ in range(8):
            await pilot.press("s")
            order = table(pilot).sorted_by
            seen.append(order and order[0])
        assert seen == ["name", "size", "created", "id", "layers", "platform", "source", None]
        assert names(pilot) == unsorted


async def test_sizes_start_with_the_greatest_and_are_reversed(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.press("S")
        assert table(pilot).sorted_by is None  # nothing to reverse
        await pilot.press("s", "s")
        assert ", by size ↓" in screen_text(pilot)
        sizes = [row.cells["size"] for row in table(pilot).rows]
        assert sizes == ["942 MB", "187 MB", "185 MB", "3.62 MB", "2.04 MB", "512 B", "?"]
        await pilot.press("S")
        assert [row.cells["size"] for row in table(pilot).rows] == sizes[::-1]


async def test_filter_is_applied_while_typed_kept_by_enter_and_cleared_by_escape(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.press("slash", *"hop")
        assert names(pilot) == ["shop:2.1", "shop:2.0"]
        await pilot.press("enter")
        assert table(pilot).has_focus
        await pilot.press("slash")
        assert pilot.app.screen.query_one(Input).has_focus
        await pilot.press("escape")
        assert len(names(pilot)) == 7
        assert not pilot.app.screen.query(Input)
        assert table(pilot).has_focus


async def test_filter_takes_every_key_for_a_letter(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        await pilot.press("slash", *"qsd?/")
        assert pilot.app.screen.query_one(Input).value == "qsd?/"
        assert pilot.app.is_running


async def test_d_shows_and_hides_the_detail_below_and_escape_hides_it(places: Places) -> None:
    async with Images().run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        detail = pilot.app.screen.query_one(ImageDetail)
        assert not detail.display
        assert places.opened == []  # nothing is opened that is not shown
        await pilot.press("d")
        await settled(pilot)
        assert detail.display
        assert places.opened == [(SHOP.reference, None)]
        await pilot.press("escape")
        assert not detail.display
        await pilot.press("d", "d")
        assert not detail.display


async def test_d_hides_the_detail_beside_the_table(places: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        detail = pilot.app.screen.query_one(ImageDetail)
        assert detail.display
        await pilot.press("d")
        assert not detail.display
        await pilot.press("d")
        assert detail.display


async def test_detail_is_opened_once_for_the_image_that_the_cursor_rests_on(places: Places) -> None:
    async with Images().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("j", "j", "j")
        await settled(pilot)
        await pilot.press("g")
        await settled(pilot)
        assert [reference for reference, _platform in places.opened].count(SHOP.reference) == 1
        assert GATEWAY.reference in [reference for reference, _platform in places.opened]


async def test_detail_scrolls(places: Places) -> None:
    async with Images().run_test(size=(120, 20)) as pilot:
        await settled(pilot)
        await pilot.press("tab")
        detail = pilot.app.screen.query_one(ImageDetail)
        assert detail.has_focus
        for key, moved in [("j", 1), ("down", 2), ("k", 1), ("up", 0)]:
            await pilot.press(key)
            assert detail.scroll_offset.y == moved, key
        await pilot.press("G")
        assert detail.scroll_offset.y == detail.max_scroll_y > 0
        await pilot.press("g")
        assert detail.scroll_offset.y == 0
        await pilot.press("shift+tab")
        assert table(pilot).has_focus


async def test_shift_r_looks_again(places: Places) -> None:
    async with Images().run_test() as pilot:
        await settled(pilot)
        places.here = []
        await pilot.press("R")
        await settled(pilot)
        assert names(pilot) == ["quarry:1.0"]


async def test_one_place_answers_while_another_does_not(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = threading.Event()
    monkeypatch.setattr("layertui.sources.list_directory", lambda _path: silent.wait() and [])
    async with Images().run_test() as pilot:
        await until(pilot, lambda: names(pilot) == ["quarry:1.0"])
        assert "looking" in screen_text(pilot)
    silent.set()


async def test_hostile_texts_are_shown_and_not_obeyed(places: Places) -> None:
    places.here = [EVIL]
    async with Images().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.click(Table, offset=(12, 1))
        text = screen_text(pilot)
        assert "evil␛[2J[@click=" in text
        assert not any(char in text for char in "\x1b\x9b\u202e")


@pytest.mark.parametrize("height", [1, 2, 5])
async def test_tiny_terminals(places: Places, height: int) -> None:
    places.given["x" * 300] = []
    async with Images("x" * 300).run_test(size=(1, height)) as pilot:
        for width in (1, 2, 3, 5, 9, 20, 40):
            await pilot.resize_terminal(width, height)
            await pilot.press(
                "j", "d", "j", "s", "slash", "a", "escape", "question_mark", "escape", "o", "a", "escape"
            )
            assert pilot.app.is_running


async def test_an_engine_without_a_name_lists_its_images(places: Places) -> None:
    """As `layertui images docker-daemon:` and `layertui docker-root:DIR` do."""
    row = summary("docker-daemon:shop:7", "shop", "7", 1, None, 1)
    places.given["docker-daemon:"] = [row]
    async with LayertuiApp("docker-daemon:").run_test() as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, EngineScreen))
        await settled(pilot)
        assert names(pilot) == ["shop:7"]
        await pilot.press("escape")
        await until(pilot, lambda: type(pilot.app.screen) is ImagesScreen)
        await settled(pilot)
        assert "shop:7" in names(pilot) and len(names(pilot)) == 8


@pytest.mark.parametrize("engine", ["docker", "podman"])
async def test_an_engine_whose_container_is_not_named_lists_them(places: Places, engine: str) -> None:
    row = ContainerSummary(
        reference=f"{engine}-container:web",
        transport=f"{engine}-container",
        id="0" * 64,
        name="web",
        image="app",
        command=None,
        created=None,
        state="running",
        status="Up 2 hours",
        labels=None,
        mounts=None,
        networks=None,
        ports=None,
    )
    images = {"docker": "docker-daemon:", "podman": "podman:"}
    places.containers = {"docker-daemon:": [], "podman:": [], images[engine]: [row]}
    async with LayertuiApp(f"{engine}-container:").run_test() as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, EngineScreen))
        await settled(pilot)
        shown = [table for table in pilot.app.screen.query(Table) if table.display]
        assert [table.id for table in shown] == ["containers"]
        assert [row.cells["name"] for row in shown[0].rows] == ["web"]


async def test_no_match_is_no_verdict_while_sources_are_asked(places: Places) -> None:
    places.answer.clear()
    async with Images().run_test() as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ImagesScreen))
        screen = pilot.app.screen
        assert isinstance(screen, ImagesScreen)
        await pilot.press("slash", *"nosuch")
        assert "No image matches" not in screen_text(pilot)
        places.answer.set()
        await settled(pilot)
        assert "No image matches “nosuch”." in screen_text(pilot)


async def test_no_match_among_what_has_come_says_so(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory has answered, the engines have not."""
    release = threading.Event()
    answer = places.list_images

    def held(reference: str) -> list[ImageSummary]:
        release.wait()
        return answer(reference)

    monkeypatch.setattr("layertui.sources.list_images", held)
    async with Images().run_test() as pilot:
        await until(pilot, lambda: "shop:2.1" in screen_text(pilot))
        await pilot.press("slash", *"nosuch")
        assert "No image matches “nosuch” so far." in screen_text(pilot)
        release.set()
        await settled(pilot)
        assert "No image matches “nosuch”." in screen_text(pilot)


def dead(pilot: Pilot[None]) -> list[str]:
    return [row.cells["dead"] for row in table(pilot).rows]


async def test_images_that_have_been_read_have_a_bar_of_their_live_and_dead_bytes(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_bytes(IndexCache(), SHOP.reference, SHOP.id, Bytes(75, 25))
    remember_bytes(IndexCache(), GATEWAY.reference, "sha256:before", Bytes(1, 1))  # its name has moved since
    had_column: list[bool] = []

    def show(shown: Table, rows: Sequence[TableRow], *others: Any) -> None:
        if rows:
            had_column.append("dead" in {column.key for column in shown.columns})
        show_rows(shown, rows, *others)

    show_rows = Table.show
    monkeypatch.setattr(Table, "show", show)
    async with Images().run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "DEAD" in screen_text(pilot))
        assert {cell.strip() for cell in dead(pilot)} == {"████████░░  25%", "?"}
        assert "DEAD" in screen_text(pilot) and all(had_column)  # it came with the rows
        remember_bytes(IndexCache(), GATEWAY.reference, GATEWAY.id, Bytes(0, 9))
        await pilot.press("question_mark", "escape")  # away from the list and back
        await until(pilot, lambda: len([cell for cell in dead(pilot) if "%" in cell]) == 2)
        assert "░░░░░░░░░░ 100%" in dead(pilot)


async def test_ages_are_those_of_now(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Images().run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        assert table(pilot).rows[0].cells["created"] == "4 days ago"
        later = format.now() + timedelta(days=1000)
        monkeypatch.setattr(format, "now", lambda: later)
        await pilot.press("question_mark", "escape")  # away from the list and back
        await until(pilot, lambda: table(pilot).rows[0].cells["created"] == "3 years ago")
        await until(pilot, lambda: "4 days ago" not in screen_text(pilot))


async def test_the_detail_is_of_the_row_that_a_filter_leaves_under_the_cursor(places: Places) -> None:
    async with Images().run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down")
        left = table(pilot).rows[2].cells["name"]
        await pilot.press("slash", *"gateway", "enter")
        detail = pilot.app.screen.query_one(ImageDetail)
        await until(pilot, lambda: "gateway" in str(detail.border_title))
        assert "gateway" not in left


async def test_without_a_row_there_are_no_keys_for_one(places: Places) -> None:
    async with Images().run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        keys = pilot.app.screen.query_one(KeyBar)
        assert all(key in str(keys.render()) for key in ("explore", "mark", "compare"))
        await pilot.press("c")
        await until(pilot, lambda: not table(pilot).display)
        assert not any(key in str(keys.render()) for key in ("explore", "mark", "compare"))
        assert "Nothing selected." in screen_text(pilot)


def test_a_source_is_cut_to_its_file() -> None:
    assert short_source("docker-archive:orders.tar", 25) == "docker-archive:orders.tar"
    assert short_source("docker-archive:orders.tar", 16) == "orders.tar"
    assert short_source("oci:/var/lib/images/orders", 14) == "/var/…/orders"


async def test_no_column_moves_when_only_the_last_place_has_images_that_have_been_read(
    places: Places,
) -> None:
    remember_bytes(IndexCache(), SAMPLE.reference, SAMPLE.id, Bytes(75, 25))
    places.answer.clear()
    async with Images().run_test(size=(160, 40)) as pilot:
        columns = [column.key for column in table(pilot).columns]
        places.answer.set()
        await settled(pilot)
        assert columns == [column.key for column in table(pilot).columns] and "dead" in columns


async def test_without_the_cache_nothing_is_said_of_dead_bytes(places: Places) -> None:
    remember_bytes(IndexCache(), SHOP.reference, SHOP.id, Bytes(75, 25))
    app = Images()
    app.cache = False
    async with app.run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        assert not any("%" in cell for cell in dead(pilot)) and "DEAD" not in screen_text(pilot)
