"""The list of layers: every key, what each state looks like, how it fits."""

import pytest
from textual.app import ComposeResult
from textual.screen import Screen

from layertui.model.image import Descriptor, HistoryEntry, Image
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.layer_list import LayerList
from tests.ui.places import HOSTILE
from tests.ui.readings import many_layers, sample


class Alone(Screen[None]):
    """The list on a screen of its own; notes what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []
        self.opened = 0

    def compose(self) -> ComposeResult:
        yield LayerList()

    def on_mount(self) -> None:
        self.query_one(LayerList).focus()

    def on_layer_list_highlighted(self) -> None:
        self.told.append(self.query_one(LayerList).merged_layer)

    def on_layer_list_opened(self) -> None:
        self.opened += 1


class Layers(LayertuiApp):
    def __init__(self, image: Image) -> None:
        super().__init__()
        self.image = image

    def _images(self) -> Screen[None]:
        return Alone()

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(lambda: self.pane.show(self.image))

    @property
    def alone(self) -> Alone:
        assert isinstance(self.screen, Alone)
        return self.screen

    @property
    def pane(self) -> LayerList:
        return self.screen.query_one(LayerList)

    def rows(self) -> list[str]:
        height = self.pane.content_size.height
        return [self.pane.render_line(y).text.rstrip() for y in range(height)]


def of_steps(*steps: tuple[str, int | None], sizes: tuple[int, ...] = ()) -> Image:
    """An image of these history entries."""
    history = [
        HistoryEntry(None, text, "", "", LayerNumber(layer) if layer else None) for text, layer in steps
    ]
    count = max((layer or 0 for _text, layer in steps), default=0)
    layers = [
        sample().layers[0]._replace(number=LayerNumber(number), descriptor=Descriptor("", "", size))
        for number, size in zip(range(1, count + 1), sizes or (1000,) * count, strict=True)
    ]
    return sample()._replace(history=history, layers=layers)


async def test_keys_move_the_cursor() -> None:
    app = Layers(many_layers().image)
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        for key, layer in [
            ("j", 59),
            ("down", 58),
            ("k", 59),
            ("up", 60),
            ("up", 60),
            ("G", 1),
            ("j", 1),
            ("g", 60),
            ("end", 1),
            ("home", 60),
            ("pagedown", 29),
            ("pageup", 60),
            ("ctrl+f", 29),
            ("ctrl+b", 60),
        ]:
            await pilot.press(key)
            assert app.pane.merged_layer == layer, key


async def test_the_cursor_is_always_on_the_screen() -> None:
    app = Layers(many_layers().image)
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        for key in ("G", "pageup", "g", "pagedown", "pagedown", "r", "e"):
            await pilot.press(key)
            assert sum(row.startswith("▶") for row in app.rows()) == 1, key
        await pilot.resize_terminal(80, 6)
        assert sum(row.startswith("▶") for row in app.rows()) == 1


async def test_a_step_without_a_layer_stands_for_the_layer_below() -> None:
    app = Layers(of_steps(("ARG X", None), ("RUN a", 1), ("ENV A=1", None), ("RUN b", 2), ("CMD x", None)))
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        assert app.pane.merged_layer == 2
        assert app.rows()[1].startswith("▶▌ 2 ")
        seen = []
        for key in ("g", "j", "j", "j", "j"):
            await pilot.press(key)
            seen.append(app.pane.merged_layer)
        assert seen == [2, 2, 1, 1, 1]


async def test_r_turns_the_order_and_keeps_the_cursor() -> None:
    app = Layers(sample())
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        await pilot.press("j", "r")
        assert app.rows()[0].startswith(" ▌ 1 ")
        assert app.pane.merged_layer == 8
        await pilot.press("j")
        assert app.pane.merged_layer == 9
        await pilot.press("r")
        assert app.rows()[0].startswith("   · CMD")


async def test_e_hides_the_steps_without_a_layer_and_shows_them_again() -> None:
    app = Layers(sample())
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        await pilot.press("g", "e")
        rows = [row for row in app.rows() if row]
        assert len(rows) == 9
        assert rows[0].startswith("▶▌ 9")
        await pilot.press("e")
        assert len([row for row in app.rows() if row]) == 17
        assert app.pane.merged_layer == 9


async def test_shift_w_shows_what_the_builder_recorded() -> None:
    app = Layers(of_steps(("RUN /bin/sh -c make    all # buildkit", 1), ("", 2)))
    async with app.run_test(size=(120, 34)) as pilot:
        await pilot.pause()
        assert app.rows()[1].endswith("RUN make all")
        assert "not recorded" in app.rows()[0]
        await pilot.press("W")
        assert "RUN /bin/sh -c make    all # buildkit" in app.rows()[1]


async def test_enter_and_a_second_click_open() -> None:
    app = Layers(sample())
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        assert app.alone.opened == 1
        await pilot.click(LayerList, offset=(10, 8))
        assert app.pane.merged_layer == 7
        assert app.alone.opened == 1
        await pilot.click(LayerList, offset=(10, 8), times=2)
        assert app.alone.opened == 2


async def test_every_move_is_told_once() -> None:
    app = Layers(sample())
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        await pilot.press("j", "k", "g", "g")
        assert app.alone.told[-3:] == [8, 9, 9]


async def test_sizes_and_bars_are_those_of_the_files() -> None:
    """Until they are known, the size is the stored one."""
    app = Layers(of_steps(("RUN a", 1), ("RUN b", 2), ("RUN c", 3), sizes=(4_000_000, 1_000_000, -1)))
    async with app.run_test(size=(100, 34)) as pilot:
        await pilot.pause()
        rows = app.rows()
        assert ["4.00 MB" in rows[2], "1.00 MB" in rows[1], "   ? " in rows[0]] == [True] * 3
        assert not any(mark in row for row in rows for mark in "█░")
        app.pane.sizes = [Bytes(8_000_000, 0), Bytes(1_000_000, 3_000_000), Bytes(0, 10)]
        rows = app.rows()
        assert "8.00 MB" in rows[2] and rows[2].count("█") == 16 and "%" not in rows[2]
        assert (
            "4.00 MB" in rows[1] and (rows[1].count("█"), rows[1].count("░")) == (2, 6) and " 75% " in rows[1]
        )
        assert "10 B" in rows[0] and rows[0].count("░") == 1 and "100%" in rows[0]


async def test_steps_without_a_layer_are_folded_where_there_is_no_room() -> None:
    """And said to be, until e shows them."""
    for height, folded in ((24, True), (34, False)):
        app = Layers(sample())
        async with app.run_test(size=(80, height)) as pilot:
            await pilot.pause()
            rows = [row for row in app.rows() if row]
            assert len(rows) == (9 if folded else 17)
            assert ("8 config steps (e)" in str(app.pane.border_title)) is folded
            await pilot.press("e")
            assert len([row for row in app.rows() if row]) == min(
                17 if folded else 9, app.pane.content_size.height
            )


async def test_states_are_told_by_marks() -> None:
    app = Layers(of_steps(("RUN a", 1), ("RUN b", 2), ("RUN c", 3), ("RUN d", 4), ("RUN e", 5)))
    async with app.run_test(size=(100, 34)) as pilot:
        await pilot.pause()
        states = app.pane.states
        states[LayerNumber(1)].read = states[LayerNumber(1)].checked = True
        states[LayerNumber(2)].read = True
        states[LayerNumber(3)].read, states[LayerNumber(3)].problem = True, "wrong digest"
        states[LayerNumber(4)].done, states[LayerNumber(4)].total = 500, 1000
        app.pane.update()
        five, four, three, two, one = app.rows()[:5]
        assert "✓" in one
        assert "✓" not in two
        assert "✗" not in two
        assert "✗" in three
        assert "500B" in four
        assert "…" in five
        assert "loading · 3 of 5 layers" in str(app.pane.border_subtitle)
        await pilot.press("j", "j")
        assert "layer 3: wrong digest" in str(app.pane.border_subtitle)
        states[LayerNumber(4)].read = states[LayerNumber(5)].read = True
        await pilot.press("g")
        assert "digests: 1/5 verified" in str(app.pane.border_subtitle)


async def test_the_steps_of_the_base_are_marked() -> None:
    app = Layers(of_steps(("ADD a", 1), ("CMD b", None), ("RUN c", 2), ("RUN d", 3)))
    async with app.run_test(size=(100, 34)) as pilot:
        await pilot.pause()
        app.pane.mark_base(2)
        assert [row[0] for row in app.rows()[:4]] == ["▶", " ", "┆", "┆"]
        await pilot.press("G")
        assert [row[0] for row in app.rows()[:4]] == [" ", " ", "┆", "▶"]


@pytest.mark.parametrize("width", [1, 3, 12, 30, 45, 79, 200])
async def test_rows_fill_any_width_exactly(width: int) -> None:
    steps = [
        ("RUN " + "石" * 50, 1),
        (f"COPY {HOSTILE}\r\n\x9b /", 2),
        ("ENV " + "e\u0301" * 300, None),
        ("", 3),
    ]
    app = Layers(of_steps(*steps))
    async with app.run_test(size=(width, 22)) as pilot:
        await pilot.pause()
        for _raw in range(2):
            for y in range(app.pane.content_size.height):
                strip = app.pane.render_line(y)
                assert strip.cell_length == app.pane.content_size.width
                assert strip.text.isprintable()
            await pilot.press("W")


async def test_an_image_without_layers_or_history() -> None:
    app = Layers(of_steps())
    async with app.run_test(size=(80, 34)) as pilot:
        await pilot.pause()
        await pilot.press("j", "G", "r", "e", "W", "enter", "y")
        assert app.pane.merged_layer == 0
        assert app.pane.step == -1
