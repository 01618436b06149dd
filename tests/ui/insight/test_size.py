"""The part Size: a map or a list to go into, by directory and other groups; dead bytes; the largest files."""

import pytest
from textual.pilot import Pilot

from layertui.model.errors import LayertuiError
from layertui.ui.insight.size_browser import Tile
from layertui.ui.insight.size_list import LargestFiles, SizeList
from layertui.ui.insight.size_map import SizeMapView
from layertui.ui.insight.size_pane import SizePane
from layertui.ui.widgets.text_view import TextView
from tests.textual_internals import screen_text
from tests.ui.insight.test_insight import Compare, Looking, added_up, back_at, opened, screen, use
from tests.ui.places import until
from tests.ui.readings import ExplorerApp, Reading, damaged, hostile, sample


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    return use(monkeypatch, Reading(sample()))


def test_size(snap_compare: Compare, size: tuple[int, int], looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "down")

    assert snap_compare(ExplorerApp(), terminal_size=size, run_before=run)


def test_dead_in_a_directory(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "enter", "d", "right")

    assert snap_compare(ExplorerApp("layertui-light"), terminal_size=(120, 40), run_before=run)


def test_dead_in_a_list(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "d", "down")

    assert snap_compare(ExplorerApp(), terminal_size=(80, 12), run_before=run)


def test_sixteen_colors(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "d", "down", "down")

    assert snap_compare(ExplorerApp("layertui-ansi"), terminal_size=(120, 40), run_before=run)


def test_packages(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "v", "v", "v", "c")

    assert snap_compare(ExplorerApp(), terminal_size=(200, 50), run_before=run)


def test_largest_files(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "d", "tab", "j")

    assert snap_compare(ExplorerApp(), terminal_size=(80, 24), run_before=run)


def test_hostile_names(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, hostile())
    assert snap_compare(ExplorerApp(), terminal_size=(120, 40), run_before=opened)


def pane(pilot: Pilot[None]) -> SizePane:
    return screen(pilot).query_one(SizePane)


def tiles(pilot: Pilot[None]) -> list[Tile]:
    level = pane(pilot).level
    assert level is not None
    return list(level.tiles)


def chosen(pilot: Pilot[None]) -> str:
    """The path of the selected box, or the name of a group."""
    tile, browser = pane(pilot).selected, pane(pilot).browser
    assert tile is not None and browser is not None
    item = tile.items[0]
    if tile.is_rest:
        return f"+{len(tile.items)}"
    return item.name if item.is_group else browser.sizes.union.path(item.node)


def title(pilot: Pilot[None]) -> str:
    sizes = screen(pilot).query_one("#sizes")
    return f"{sizes.border_title}, {sizes.border_subtitle}"


def files(pilot: Pilot[None]) -> list[str]:
    document = screen(pilot).query_one("#largest", TextView).document
    assert isinstance(document, LargestFiles)
    return [document.line(number).text for number in range(len(document))]


async def pressed(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await added_up(pilot)


SIZES = pytest.mark.parametrize("columns", [80, 120], ids=["list", "map"])


@SIZES
async def test_directories_are_entered_and_left(looking: Looking, columns: int) -> None:
    async with ExplorerApp().run_test(size=(columns, 40)) as pilot:
        await opened(pilot)
        assert "size" not in looking.asked  # no other process is needed
        assert "164 kB = 119 kB live + 45.1 kB dead (27%)" in screen_text(pilot) or columns < 120
        assert title(pilot) == "/  119 kB live, by directory · color: layer"
        assert chosen(pilot) == "/usr"
        await pressed(pilot, "backspace")  # already at the top
        await pressed(pilot, "enter")
        assert title(pilot).startswith("/usr  84.4 kB live") and chosen(pilot) == "/usr/bin"
        await pressed(pilot, "enter", "backspace")
        assert title(pilot).startswith("/usr  84.4 kB live") and chosen(pilot) == "/usr/bin"
        await pressed(pilot, "backspace")
        assert title(pilot).startswith("/  119 kB") and chosen(pilot) == "/usr"


@SIZES
async def test_a_file_is_opened_in_the_explorer_and_the_place_is_kept(looking: Looking, columns: int) -> None:
    async with ExplorerApp().run_test(size=(columns, 40)) as pilot:
        await opened(pilot, "enter", "enter")
        assert title(pilot).startswith("/usr/bin  45.5 kB live") and chosen(pilot) == "/usr/bin/held-box"
        await pressed(pilot, "y")
        assert isinstance(pilot.app, ExplorerApp) and pilot.app.copied == "/usr/bin/held-box"
        await pilot.press("enter")
        await back_at(pilot, "/usr/bin/held-box", 1)
        await pilot.press("I")
        await added_up(pilot)
        assert title(pilot).startswith("/usr/bin  45.5 kB live") and chosen(pilot) == "/usr/bin/held-box"


async def test_arrows_go_to_the_box_in_their_direction(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        seen = {chosen(pilot)}
        for key, back in (("down", "up"), ("l", "h"), ("j", "k"), ("right", "left"), ("down", "up")):
            before = pane(pilot).selected
            await pressed(pilot, key)
            now = pane(pilot).selected
            assert before is not None and now is not None
            if now is before:
                continue
            ahead, behind = (now.cells, before.cells)
            if key in ("down", "j"):
                assert ahead.top == behind.bottom and ahead.left < behind.right and behind.left < ahead.right
            else:
                assert ahead.left == behind.right and ahead.top < behind.bottom and behind.top < ahead.bottom
            seen.add(chosen(pilot))
            await pressed(pilot, back)
            assert pane(pilot).selected is before
            await pressed(pilot, key)
        assert len(seen) > 3
        await pressed(pilot, "home")
        assert chosen(pilot) == "/usr"


async def test_boxes_cover_the_map_and_have_all_bytes(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        for keys in ((), ("d",), ("v",), ("v",), ("v",), ("enter",)):
            await pressed(pilot, *keys)
            leaves = [tile for tile in tiles(pilot) if tile.inside is None]
            level, browser = pane(pilot).level, pane(pilot).browser
            assert level is not None and browser is not None
            assert sum(browser.shown(tile.size) for tile in leaves) == browser.shown(level.size)
            area = screen(pilot).query_one(SizeMapView).content_size
            assert (
                sum(tile.cells.width * tile.cells.height for tile in tiles(pilot)) == area.width * area.height
            )


async def test_a_click_selects_and_a_second_one_goes_in(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        boxes = [tile for tile in tiles(pilot) if not tile.is_rest and tile.items[0].is_directory]
        tile = boxes[-1]
        path = tile.items[0].rows.union.path(tile.items[0].node)
        await pilot.click(SizeMapView, offset=(tile.cells.left + 1, tile.cells.top))
        await pilot.pause()
        assert chosen(pilot) == path
        await pilot.click(SizeMapView, offset=(tile.cells.left + 1, tile.cells.top), times=2)
        await added_up(pilot)
        assert title(pilot).startswith(f"{path}  ")


async def test_a_list_that_is_longer_than_the_window_has_no_bar_below(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 12)) as pilot:
        await opened(pilot, "v", "v")
        view = screen(pilot).query_one(SizeList)
        assert view.count > view.content_size.height and not view.show_horizontal_scrollbar


async def test_a_click_in_the_list(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.click(SizeList, offset=(30, 2))
        assert chosen(pilot) == "/var"
        await pilot.click(SizeList, offset=(30, 1), times=2)
        await added_up(pilot)
        assert title(pilot).startswith("/usr  ")


async def test_d_adds_the_dead_bytes(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 40)) as pilot:
        await opened(pilot, "down")
        assert chosen(pilot) == "/var" and "░" not in screen_text(pilot)
        await pressed(pilot, "d")
        assert title(pilot).startswith("/  164 kB = 119 kB live + 45.1 kB dead") and chosen(pilot) == "/var"
        shown = [tile.items[0].name for tile in tiles(pilot)]
        assert shown[:3] == ["usr", "var", "srv/quarry"]
        assert "░" in screen_text(pilot)
        await pressed(pilot, "d")
        assert "░" not in screen_text(pilot)


async def test_v_groups_by_layer_type_package_and_leftovers(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        for by, largest in (("layer", "1"), ("type", "other"), ("package", "not owned by a package")):
            await pressed(pilot, "v")
            assert title(pilot) == f"by {by}  119 kB live, by {by} · color: layer"
            assert chosen(pilot) == largest or by == "type"
        await pressed(pilot, "enter")
        assert title(pilot).startswith("not owned by a package  52.5 kB")
        await pressed(pilot, "backspace")
        assert title(pilot).startswith("by package") and chosen(pilot) == "not owned by a package"
        await pressed(pilot, "v")
        assert title(pilot).startswith("by leftover")
        await pressed(pilot, "v")
        assert title(pilot).startswith("/  119 kB live, by directory") and chosen(pilot) == "/usr"


async def test_c_colors_by_type_and_package(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "1 ADD a file in /" in screen_text(pilot)
        await pressed(pilot, "c")
        assert title(pilot).endswith("color: type") and ".so" in screen_text(pilot)
        await pressed(pilot, "c")
        assert title(pilot).endswith("color: package") and "held-box 1.37.0-r4" in screen_text(pilot)
        await pressed(pilot, "c")
        assert title(pilot).endswith("color: layer")


async def test_a_leftover_has_a_remedy(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pressed(pilot, "v", "v", "v", "v", "enter")
        assert title(pilot).startswith("logs · /var/log  28.8 kB") and "rm -rf /var/log/*" in screen_text(
            pilot
        )
        await pressed(pilot, "backspace")
        assert chosen(pilot) == "logs"


async def test_tab_lists_the_largest_files(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot, "tab")
        assert screen(pilot).query_one("#largest").has_focus
        assert files(pilot)[:2] == ["/var/lib/quarry/rocks.db", "/usr/bin/held-box"] or files(pilot)[0]
        await pressed(pilot, "tab")
        assert screen(pilot).query_one(SizeMapView).has_focus
        await pressed(pilot, "enter", "tab")
        assert all(path.startswith("/usr/") for path in files(pilot))
        await pressed(pilot, "d")
        assert len(files(pilot)) > 13
        await pressed(pilot, "shift+tab", "backspace", "d", "tab", "home")
        path = files(pilot)[0]
        await pilot.press("enter")
        await back_at(pilot, path, 1)


async def test_the_files_are_beside_a_wide_map(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(200, 50)) as pilot:
        await opened(pilot)
        assert files(pilot) and screen(pilot).query_one(SizeMapView).has_focus
        await pressed(pilot, "tab")
        assert screen(pilot).query_one("#largest").has_focus
        await pressed(pilot, "shift+tab", "enter")
        assert all(path.startswith("/usr/") for path in files(pilot))


async def test_the_files_beside_the_map_keep_the_focus_where_there_is_no_room_for_both(
    looking: Looking,
) -> None:
    async with ExplorerApp().run_test(size=(200, 50)) as pilot:
        await opened(pilot)
        await pressed(pilot, "tab", "down", "down")
        largest = screen(pilot).query_one("#largest", TextView)
        for size in ((80, 24), (120, 40), (200, 50)):
            await pilot.resize_terminal(*size)
            await added_up(pilot)
            assert largest.has_focus and largest.region and largest.cursor == 2, size
        await pilot.resize_terminal(80, 24)
        await pressed(pilot, "tab")
        assert screen(pilot).query_one(SizeList).has_focus and not largest.region


async def test_what_is_small_is_together_and_can_be_gone_into(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(100, 20)) as pilot:
        await opened(pilot)
        rest = next(tile for tile in tiles(pilot) if tile.is_rest)
        await pilot.click(SizeMapView, offset=rest.cells[:2])
        await pressed(pilot, "enter")
        shown = [item for tile in tiles(pilot) if tile.inside is None for item in tile.items]
        assert {item.node for item in rest.items} <= {item.node for item in shown} or len(shown) >= len(
            rest.items
        )
        await pressed(pilot, "backspace")
        browser = pane(pilot).browser
        assert browser is not None and browser.place == rest.place._replace(skipped=0)


async def test_another_size_of_the_window_keeps_what_is_selected(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot, "enter", "right")
        path = chosen(pilot)
        await pilot.resize_terminal(80, 24)
        await added_up(pilot)
        await until(pilot, lambda: screen(pilot).query_one(SizeList).has_focus)
        assert chosen(pilot) == path
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: screen(pilot).query_one(SizeMapView).has_focus)
        await added_up(pilot)
        assert chosen(pilot) == path


async def test_says_what_could_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, damaged())
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert "⚠ layer 2 could not be read completely" in screen_text(pilot)


async def test_says_why_packages_are_not_known(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise LayertuiError("cannot read layer 2", "[/nope]")

    monkeypatch.setattr("layertui.ui.insight.size_browser.package_sizes", fails)
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot, "v", "v")
        await pilot.press("v")
        await until(pilot, lambda: not pane(pilot).busy)
        await until(pilot, lambda: "cannot read layer 2" in screen_text(pilot))
        await pressed(pilot, "v", "v")
        assert title(pilot).startswith("/  119 kB live, by directory")
