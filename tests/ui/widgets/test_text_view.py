"""The viewer of documents: folding, scrolling, cursor, reading on, selecting."""

from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from layertui.model.job import Job
from layertui.ui.app import LayertuiApp
from layertui.ui.widgets.lines import Document, Line, Read, folds, part, skip_cells
from layertui.ui.widgets.text_view import TextView

Compare = Callable[..., bool]
WIDE = "漢字かな交じり文 e\u0301te\u0301 👍🏽 "


class Endless(Document):
    """Has as many lines as have been read, ten at a time, up to ``total``."""

    def __init__(self, total: int) -> None:
        super().__init__([Line([(f"line {number}", "")]) for number in range(10)])
        self.total = total
        self.asked: list[tuple[int, int]] = []

    def missing(self, first: int, last: int) -> Read | None:
        if last < len(self.lines) or len(self.lines) >= self.total:
            return None
        self.asked.append((first, last))
        start = len(self.lines)

        def read(_job: Job) -> Callable[[], None]:
            more = [Line([(f"line {number}", "")]) for number in range(start, start + 10)]

            def show() -> None:
                self.lines = [*self.lines, *more]

            return show

        return read


class Viewer(App[None]):
    """A view alone; what it wants is read at once."""

    def __init__(self, document: Document, heading: list[Line] | None = None) -> None:
        super().__init__()
        self.document = document
        self.heading = heading or []
        self.view = TextView()

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.open(self.document, self.heading)
        self.view.focus()

    def on_text_view_wanted(self, event: TextView.Wanted) -> None:
        event.read(Job.NONE)()
        self.view.grown()


def rows(app: Viewer) -> list[str]:
    """What is on the screen."""
    height = app.view.size.height
    return [app.view.render_line(y).text.rstrip() for y in range(height)]


def numbered(count: int, **options: Any) -> Document:
    lines = [Line([(f"line {number}", "")], [(f"{number:>4} ", "quiet")]) for number in range(count)]
    return Document(lines, gutter=5, **options)


MARKS = "a" + "\u0301" * 60 + "b"
"""Marks that take no cells, more than a row has."""


@pytest.mark.parametrize("width", [1, 2, 3, 7, 20, 500])
@pytest.mark.parametrize(
    "text", ["", "word", "some words that go on " * 9, "x" * 100, WIDE * 7, "漢" * 50, MARKS]
)
def test_folds_lose_nothing_and_fit(text: str, width: int) -> None:
    starts = folds(text, width)
    pieces = [text[start:stop] for start, stop in zip(starts, [*starts[1:], len(text)], strict=True)]
    assert "".join(pieces) == text
    for piece in pieces:
        assert cell_len(piece.rstrip()) <= width or len(piece) <= 2


def test_folds_between_words() -> None:
    assert folds("aaa bbb ccc", 8) == [0, 8]
    assert folds("aaa bbbbbbbbbb", 8) == [0, 8]


def test_part_keeps_styles() -> None:
    spans = [("abc", "a"), ("def", "b"), ("ghi", "c")]
    assert part(spans, 2, 7) == [("c", "a"), ("def", "b"), ("g", "c")]
    assert part(spans, 3, 6) == [("def", "b")]
    assert part(spans, 9, 12) == []


def test_skip_cells_tells_what_a_cut_through_a_wide_character_leaves() -> None:
    assert skip_cells("abcdef", 4) == (4, 0)
    assert skip_cells("漢字x", 2) == (1, 0)
    assert skip_cells("漢字x", 3) == (2, 1)
    assert skip_cells("漢", 9) == (1, 0)


async def test_keys_scroll_a_document_without_items() -> None:
    app = Viewer(numbered(500), [Line([("heading", "bold")])])
    async with app.run_test(size=(40, 11)) as pilot:
        assert rows(app)[:2] == ["heading", "   0 line 0"]
        for key, top in [
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("up", 0),
            ("pagedown", 9),
            ("ctrl+f", 18),
            ("ctrl+b", 9),
            ("pageup", 0),
            ("G", 490),
            ("g", 0),
            ("end", 490),
            ("home", 0),
        ]:
            await pilot.press(key)
            await pilot.pause()
            assert rows(app)[0] == "heading", key
            assert rows(app)[1].split()[0] == str(top), key
        await pilot.press("end")
        assert rows(app)[-1] == " 499 line 499"


async def test_keys_move_the_cursor_over_items() -> None:
    document = numbered(300)
    document.items = range(0, 300, 3)
    app = Viewer(document)
    async with app.run_test(size=(40, 10)) as pilot:
        assert app.view.cursor == 0
        for key, line in [("j", 3), ("down", 6), ("k", 3), ("end", 297), ("j", 297), ("home", 0), ("k", 0)]:
            await pilot.press(key)
            assert app.view.cursor == line, key
        await pilot.press("pagedown")
        assert app.view.cursor == 9
        await pilot.press("pageup")
        assert app.view.cursor == 0
        await pilot.press("end")
        await pilot.pause()
        assert " 297 line 297" in rows(app)
        await pilot.press("home")
        await pilot.click(TextView, offset=(8, 6))
        assert app.view.cursor == 6
        await pilot.click(TextView, offset=(8, 7))
        assert app.view.cursor == 6, "a line that is no item"


async def test_long_lines_scroll_sideways_or_fold() -> None:
    text = "".join(f"{number:04}" for number in range(100))
    app = Viewer(Document([Line([(text, "")], [("1 ", "")]), Line([("short", "")], [("2 ", "")])], gutter=2))
    async with app.run_test(size=(40, 24)) as pilot:
        await pilot.press("right", "l")
        assert rows(app)[0] == "1 " + text[16:54]
        assert rows(app)[1] == "2"
        await pilot.press("h", "left", "left")
        assert rows(app)[0] == "1 " + text[:38]
        await pilot.press("w")
        await pilot.pause()
        assert rows(app)[0] == "1 " + text[:37], "the last column is the scrollbar's"
        assert rows(app)[1] == "  " + text[37:74]
        assert rows(app)[11] == "2 short"
        assert app.view.virtual_size.height == 12
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert rows(app)[6] == "2 short"
        await pilot.press("w")
        await pilot.pause()
        assert rows(app)[1] == "2 short"


async def test_folding_keeps_the_line_at_the_top() -> None:
    document = Document([Line([("word " * 30 + str(number), "")]) for number in range(200)])
    app = Viewer(document)
    async with app.run_test(size=(40, 10)) as pilot:
        app.view.scroll_to(y=100, animate=False, immediate=True)
        await pilot.press("w")
        await pilot.pause()
        line, row = app.view._line_at(app.view.scroll_offset.y)
        assert (line, row) == (100, 0)
        await pilot.press("w")
        await pilot.pause()
        assert app.view.scroll_offset.y == 100


async def test_reads_on_as_one_scrolls() -> None:
    document = Endless(100)
    app = Viewer(document)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        first = len(document)
        assert first < 50, "what nobody looks at is not read"
        for _ in range(30):
            await pilot.press("pagedown")
        await pilot.pause()
        assert len(document) == 100
        assert rows(app)[-1] == "line 99"
        assert all(last <= 120 for _first, last in document.asked)


async def test_wide_characters_stay_in_their_columns() -> None:
    app = Viewer(Document([Line([(WIDE * 20, "")]), Line([("漢" * 60, "")])]))
    async with app.run_test(size=(41, 10)) as pilot:
        for _ in range(12):
            for y in range(2):
                assert app.view.render_line(y).cell_length == 41
            await pilot.press("right")
        app.view.scroll_to(x=3, animate=False, immediate=True)
        assert app.view.render_line(1).text.startswith(" 漢")


async def test_one_column_terminal() -> None:
    document = numbered(20)
    document.items = [1, 2]
    app = Viewer(document, [Line([("a heading", "")])])
    async with app.run_test(size=(1, 3)) as pilot:
        await pilot.press("w", "j", "w", "pagedown")
        await pilot.pause()


async def test_selected_text_is_what_is_shown_without_the_gutter() -> None:
    app = Viewer(numbered(50))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.mouse_down(TextView, offset=(7, 1))
        await pilot.hover(TextView, offset=(9, 2))
        await pilot.mouse_up(TextView, offset=(9, 2))
        await pilot.pause()
        assert app.screen.get_selected_text() == "ne 1\nline ", "up to what is under the mouse"


async def test_paints_a_screenful_of_a_long_document_at_once() -> None:
    lines = [Line([("a line", "")])] * 999_999
    app = Viewer(Document([*lines, Line([("the last", "")])], clip=True))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        assert rows(app)[-2:] == ["a line", "the last"]


class Pictured(LayertuiApp):
    def __init__(self, theme: str) -> None:
        super().__init__()
        self.theme = theme

    def _images(self) -> Screen[None]:
        class Alone(Screen[None]):
            def compose(self) -> ComposeResult:
                yield TextView(classes="pane")

        return Alone()


def test_styles(snap_compare: Compare, theme: str) -> None:
    async def fill(pilot: Pilot[None]) -> None:
        view = pilot.app.screen.query_one(TextView)
        names = ["", "quiet", "bold", "strike", "accent", "added", "modified", "deleted"]
        names += ["keyword", "string", "name", "comment"]
        lines = [
            Line([(f"{name or 'plain':<10}{WIDE}", name)], [(f"{at:>3} ", "quiet")])
            for at, name in enumerate(names)
        ]
        for kind in ("added", "deleted"):
            body = [("unchanged ", ""), ("changed", f"inside-{kind}"), (" keyword", "keyword")]
            lines.append(Line(body, [(f"  {'+' if kind == 'added' else '-'} ", kind)], f"on-{kind}"))
        lines.append(Line([(f"▌{layer} ", f"layer:{layer}") for layer in range(1, 61)], [("    ", "")]))
        view.open(Document(lines, gutter=4, items=[3, 5]), [Line([("A heading that stays", "quiet")])])
        view.focus()
        await pilot.press("j", "w")

    assert snap_compare(Pictured(theme), terminal_size=(80, 24), run_before=fill)


async def test_a_document_shows_its_start_until_a_key_is_pressed() -> None:
    """The headline stays, though the first line that the cursor can be on is far below."""
    app = Viewer(numbered(60, items=[40, 41, 42]))
    async with app.run_test(size=(40, 12)) as pilot:
        assert app.view.cursor == 40 and app.view.scroll_offset.y == 0
        await pilot.resize_terminal(40, 10)
        assert app.view.scroll_offset.y == 0
        await pilot.press("j")
        assert app.view.cursor == 40 and "line 40" in "".join(rows(app))
        await pilot.press("j")
        assert app.view.cursor == 41


async def test_what_is_cut_at_the_edge_says_so() -> None:
    for count, width in ((1, 20), (9, 19)):  # with many lines a scroll bar takes a column
        app = Viewer(Document([Line([("a name that is too long for it", "")])] * count, clip=True))
        async with app.run_test(size=(20, 4)) as pilot:
            await pilot.pause()
            assert rows(app)[0].rstrip() == "a name that is too long"[: width - 1] + "…"


async def test_a_path_that_is_cut_keeps_its_name() -> None:
    app = Viewer(Document([Line([("/opt/venv/lib/python3.11/pandas", "")], is_path=True)], clip=True))
    async with app.run_test(size=(20, 4)) as pilot:
        await pilot.pause()
        assert rows(app)[0].rstrip() == "/opt/venv/…/pandas"


class Framed(TextView):
    """Notes the first row of every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[str] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        self.frames.append(strips[0].text.rstrip())
        return strips


@pytest.mark.parametrize("folding", [False, True])
async def test_what_was_opened_out_of_sight_is_laid_out_for_its_first_frame(folding: bool) -> None:
    app = Viewer(Document())
    app.view = view = Framed()
    view.folding = folding
    async with app.run_test(size=(40, 10)) as pilot:
        view.display = False
        await pilot.pause()
        view.frames.clear()
        view.open(Document([Line([("the first line", "")])]), [Line([("SIZE  PATH", "")])])
        view.display = True
        await pilot.pause()
        assert {*view.frames} == {"SIZE  PATH"}
        assert rows(app)[:2] == ["SIZE  PATH", "the first line"]
