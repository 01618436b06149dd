"""Searching in a viewed text: typing, matches, what has not been read yet."""

import pytest
from textual.pilot import Pilot

from layertui.model.job import Job
from layertui.ui.app import LayertuiApp
from layertui.ui.dialogs.reader import ReaderDialog
from layertui.ui.widgets.lines import Document, Line
from layertui.ui.widgets.text_search import MOST, find_text
from layertui.ui.widgets.text_view import TextView
from tests.ui.places import until
from tests.ui.widgets.test_text_view import Endless, Viewer, numbered, rows


def document(*texts: str) -> Document:
    return Document([Line([(text[:2], "bold"), (text[2:], "")]) for text in texts])


def found(query: str, *texts: str) -> list[tuple[int, int]]:
    return [
        (match.line, match.start)
        for match in find_text(document(*texts), 0, len(texts), query, MOST, Job.NONE)
    ]


def test_capitals_matter_if_there_are_any() -> None:
    assert found("port", "Port 80, port 81", "export") == [(0, 0), (0, 9), (1, 2)]
    assert found("Port", "Port 80, port 81", "export") == [(0, 0)]
    assert found("aa", "aaaaa") == [(0, 0), (0, 2)]
    assert found("ß", "İß") == [(0, 1)]  # İ grows in lower case
    assert found("x", "") == []


def style_of(app: Viewer, row: int, text: str) -> str:
    """The style of the segment of a row that is ``text``."""
    return next(str(segment.style) for segment in app.view.render_line(row) if segment.text == text)


async def search(pilot: Pilot[None], text: str, *keys: str) -> None:
    await pilot.press("slash", *text, *keys)
    app = pilot.app
    assert isinstance(app, Viewer)
    await until(pilot, lambda: "searching" not in rows(app)[0] and "reading" not in rows(app)[0])


async def test_a_text_is_typed_found_marked_and_counted() -> None:
    app = Viewer(document("one fish", "two fish", "red", "blue fish"))
    async with app.run_test(size=(60, 11)) as pilot:
        await search(pilot, "fish")
        assert rows(app)[0].startswith("/fish▏  1 of 3")
        assert "reverse" in style_of(app, 1, "fish") and "reverse" not in style_of(app, 2, "fish")
        assert style_of(app, 2, "fish") != style_of(app, 2, "o ")
        await pilot.press("enter")
        assert rows(app)[0].startswith("/fish  1 of 3")
        for key, said in [("n", "2 of 3"), ("n", "3 of 3"), ("n", "1 of 3"), ("N", "3 of 3")]:
            await pilot.press(key)
            assert said in rows(app)[0]
        await pilot.press("escape")
        assert rows(app)[:2] == ["one fish", "two fish"]
        assert not app.view.has_search


async def test_letters_that_are_commands_are_typed() -> None:
    app = Viewer(document("which jargon", "quote"))
    async with app.run_test(size=(60, 11)) as pilot:
        await search(pilot, "jwq")
        assert rows(app)[0].startswith("/jwq▏  not found · esc ends")
        await pilot.press("backspace", "backspace")
        await until(pilot, lambda: "1 of 1" in rows(app)[0])
        await pilot.press("ctrl+u")
        assert rows(app)[0].startswith("/▏")
        await pilot.press("escape", "slash", "w", "enter")
        assert not app.view.folding, "w was a command"


async def test_enter_without_a_text_ends_it() -> None:
    app = Viewer(document("one"))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.press("slash", "enter")
        assert rows(app)[0] == "one"


@pytest.mark.parametrize("folding", [False, True])
async def test_a_match_is_brought_into_view(folding: bool) -> None:
    texts = [f"line {number} " + "and so on " * 20 + f"end {number}." for number in range(300)]
    app = Viewer(document(*texts))
    async with app.run_test(size=(40, 11)) as pilot:
        app.view.folding = folding
        app.view.open(app.document)
        await search(pilot, "end 250.", "enter")
        assert any("end 250." in row for row in rows(app)[1:])
        await search(pilot, "line 3 ", "enter")
        assert any("line 3 " in row for row in rows(app)[1:])


async def test_the_search_begins_where_the_text_is_read() -> None:
    app = Viewer(numbered(500))
    async with app.run_test(size=(40, 11)) as pilot:
        await pilot.press("G")
        await search(pilot, "line", "enter")
        assert "490 of 500" in rows(app)[0]


async def test_what_is_not_read_yet_is_read_until_it_matches() -> None:
    app = Viewer(Endless(200))
    async with app.run_test(size=(60, 6)) as pilot:
        await search(pilot, "line 150")
        assert "not found so far · n reads on · esc ends" in rows(app)[0]
        await pilot.press("enter")
        await until(pilot, lambda: "1 of 1" in rows(app)[0])
        assert any("line 150" in row for row in rows(app)[1:])
        assert len(app.document) < 200, "it was read to its end"
        await pilot.press("n")
        await until(pilot, lambda: "reading" not in rows(app)[0])
        assert len(app.document) == 200
        assert "1 of 1" in rows(app)[0]


async def test_another_document_is_searched_for_the_same() -> None:
    app = Viewer(document("one fish", "red"))
    async with app.run_test(size=(60, 11)) as pilot:
        await search(pilot, "fish", "enter")
        app.view.open(document("fish and fish", "x"))
        await until(pilot, lambda: "2 found" in rows(app)[0])
        await pilot.press("n")
        assert "1 of 2" in rows(app)[0]


async def test_hostile_queries_are_made_visible() -> None:
    app = Viewer(document("one"))
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.press("slash")
        app.view.search.query = "\x1b[2J"
        app.view.search_changed()
        await pilot.pause()
        assert "\x1b" not in rows(app)[0] and "2J" in rows(app)[0]


class Reader(LayertuiApp):
    def _begin(self) -> None:
        self.push_screen(ReaderDialog("A title", document("one", "two quiet"), "i"))


async def test_a_reader_searches_too_and_escape_ends_the_search_first() -> None:
    app = Reader(cache=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReaderDialog) and bool(app.screen.query(TextView)))
        dialog = app.screen
        view = dialog.query_one(TextView)
        await pilot.press("slash", "q", "u")
        await until(pilot, lambda: "1 of 1" in view.render_line(0).text)
        assert app.screen is dialog, "q closed it"
        await pilot.press("enter", "escape")
        assert app.screen is dialog and not view.has_search
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)
