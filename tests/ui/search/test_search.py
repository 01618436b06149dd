"""The screen that searches the files of an image: pictures, every key, and what comes of it while it runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from layertui.content.query import LineMatch, Query
from layertui.content.read import Contents
from layertui.content.search import Search
from layertui.model.errors import LayertuiError
from layertui.model.identity import Identity
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.detail.pane import PREVIEW
from layertui.ui.detail.text_document import TextDocument
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.search.found_pane import FoundPane
from layertui.ui.search.match_list import MatchList
from layertui.ui.search.screen import SearchField, SearchScreen
from layertui.ui.search.switches import Switches
from layertui.ui.worker import search
from layertui.ui.worker.search import MatchesFound, SearchEnded, SearchProgress
from tests.commands.samples import tar
from tests.images import layers_of, union_of
from tests.textual_internals import screen_text
from tests.ui.places import HOSTILE, until
from tests.ui.readings import Reading, detail, explorer, hostile, layers, loaded, quiet, sample, use_reading
from tests.waiting import SECONDS

Compare = Callable[..., bool]
MOTD = "The wiki"


class Here:
    """Stands in for the process that searches: in this one, at once, or as far as a test lets it."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.union = union_of(image.layers)
        self.contents = Contents(image, self.union.indexes, self.union)
        self.queries: list[Query] = []
        self.closed = 0
        self.hold = False
        """Whether searches find something and do not end."""

    def __call__(self, target: MessagePump, _image: Identity, _cache: bool, query: Query) -> Here:
        self.queries.append(query)
        self.target = target
        return self

    def start(self) -> None:
        try:
            search = Search(self.image, self.union, self.contents, self.queries[-1])
            found = list(search.matches())
        except LayertuiError as error:
            self.post(SearchEnded, error=error)
            return
        if self.hold:
            self.post(SearchProgress, 0, 1_000_000, 4_000_000)
            self.post(MatchesFound, found[:1])
            return
        self.post(MatchesFound, found)
        self.post(SearchEnded, ", ".join(search.left_out))

    def post(self, kind: Callable[..., Any], *said: object, **more: object) -> None:
        self.target.post_message(kind(self, *said, **more))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    return use(monkeypatch, Reading(sample()))


def use(monkeypatch: pytest.MonkeyPatch, reading: Reading) -> Here:
    use_reading(monkeypatch, reading)
    stand_in = Here(sample())
    monkeypatch.setattr("layertui.ui.search.screen.Searcher", stand_in)
    return stand_in


def app(theme: str = "layertui-dark") -> LayertuiApp:
    made = LayertuiApp("demo:", cache=False)
    made.theme = theme
    return made


def screen(pilot: Pilot[None]) -> SearchScreen:
    shown = pilot.app.screen
    assert isinstance(shown, SearchScreen)
    return shown


def lines(pilot: Pilot[None]) -> list[tuple[int, str, int]]:
    return [(match.layer, match.path, match.line) for match in screen(pilot).found.matches]


async def opened(pilot: Pilot[None]) -> None:
    await loaded(pilot)
    await pilot.press("F")
    await until(pilot, lambda: isinstance(pilot.app.screen, SearchScreen))


async def type_in(pilot: Pilot[None], text: str) -> None:
    """The last letter as a key, the others all at once."""
    field = pilot.app.screen.focused
    assert isinstance(field, SearchField)
    field.value = text[:-1]
    field.cursor_position = len(field.value)
    await pilot.press({"!": "exclamation_mark"}.get(text[-1], text[-1]))


async def searched(pilot: Pilot[None], text: str) -> None:
    await opened(pilot)
    await type_in(pilot, text)
    await pilot.press("enter")
    await until(pilot, lambda: not screen(pilot).busy and bool(screen(pilot).found.said))


@pytest.mark.parametrize(
    ("size", "theme"), [((80, 24), "layertui-dark"), ((120, 40), "layertui-light")], ids=["80x24", "120x40"]
)
def test_found(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    """Hidden files among the matches, their paths struck through."""

    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("ctrl+t")
        await type_in(pilot, "held")
        await pilot.press("enter")
        await until(pilot, lambda: not screen(pilot).busy)
        await pilot.press("down", "down")
        await until(pilot, lambda: context(pilot).subject is not None and not context(pilot).busy)

    assert snap_compare(app(theme), terminal_size=size, run_before=run)


async def test_enter_shows_the_line_in_the_explorer_and_f_the_matches_again() -> None:
    async with app().run_test(size=(120, 40)) as pilot:
        await searched(pilot, MOTD)
        assert lines(pilot) == [(1, "/etc/motd", 3)]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await quiet(pilot)
        assert layers(pilot).merged_layer == 1 and detail(pilot).tab == PREVIEW
        document = detail(pilot).document
        assert isinstance(document, TextDocument) and list(document.marked) == [2]
        assert document.line(2).text.startswith(MOTD)
        await pilot.press("F")
        assert lines(pilot) == [(1, "/etc/motd", 3)] and isinstance(screen(pilot).focused, MatchList)


async def test_a_version_that_is_hidden_is_shown_at_its_layer(here: Here) -> None:
    async with app().run_test(size=(100, 30)) as pilot:
        await searched(pilot, "API_TOKEN")
        assert len(lines(pilot)) == 2
        await pilot.press("slash", "tab", "tab", "right", "right", "space")
        await until(pilot, lambda: not lines(pilot))
        assert "Not searched: hidden (tab: switches)." in screen_text(pilot)
        await pilot.press("space")
        await until(pilot, lambda: len(lines(pilot)) == 2)
        assert [query.with_hidden for query in here.queries] == [True, False, True]
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        await quiet(pilot)
        assert layers(pilot).merged_layer == 5
        assert "QUARRY_API_TOKEN" in screen_text(pilot)


def context(pilot: Pilot[None]) -> FoundPane:
    return pilot.app.screen.query_one(FoundPane)


async def test_the_context_of_a_match_is_below_and_z_gives_it_the_screen() -> None:
    async with app().run_test(size=(120, 40)) as pilot:
        await searched(pilot, MOTD)
        await until(pilot, lambda: isinstance(context(pilot).document, TextDocument))
        document = context(pilot).document
        assert isinstance(document, TextDocument) and list(document.marked) == [2]
        assert "Welcome to Held Linux." in screen_text(pilot)  # a line above the match
        height = context(pilot).size.height
        await pilot.press("z")
        assert context(pilot).has_focus and context(pilot).size.height > 2 * height
        await pilot.press("escape")
        assert context(pilot).size.height == height and isinstance(screen(pilot).focused, MatchList)


async def test_config_and_build_steps_are_found() -> None:
    """A variable and the step that set it; the variable is shown in full, with all others."""
    async with app().run_test(size=(120, 40)) as pilot:
        await searched(pilot, "C.UTF-8")
        assert lines(pilot)[0][:2] == (0, "config.Env") and "in 1 file and the config" in screen_text(pilot)
        await until(pilot, lambda: "config.Env" in str(context(pilot).border_title))
        await until(pilot, lambda: not context(pilot).busy)
        assert "PYTHONUNBUFFERED" in screen_text(pilot)  # what is beside it
        height = context(pilot).size.height
        await pilot.press("enter")
        assert context(pilot).has_focus and context(pilot).size.height > 2 * height
        await pilot.press("escape")
        assert isinstance(screen(pilot).focused, MatchList)
        step = next(n for n, match in enumerate(screen(pilot).found.matches) if match.where == "history")
        await pilot.press(*["down"] * step)
        assert f"build step {screen(pilot).found.matches[step].line}" in screen_text(pilot)


async def test_a_build_step_leads_to_its_layer() -> None:
    async with app().run_test(size=(120, 40)) as pilot:
        await searched(pilot, "apk del build-base")
        assert lines(pilot)[0][:2] == (7, "history")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        assert layers(pilot).merged_layer == 7 and layers(pilot).has_focus


async def test_a_line_far_down_a_file_is_read_up_to(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{number} {'x' * 90}\n" for number in range(1, 3001)) + "needle\n"
    (layer,) = layers_of([tar(("/long", text.encode()))])
    image = explorer_image(layer)
    reading = Reading(image)
    use(monkeypatch, reading)
    async with app().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        explorer(pilot).show_path(b"/long", LayerNumber(1), 3001)
        await until(pilot, lambda: isinstance(detail(pilot).document, TextDocument))
        await quiet(pilot)
        assert "3001  needle" in screen_text(pilot)


def explorer_image(layer: Any) -> Image:
    history = [entry for entry in sample().history if entry.layer == 1]
    return sample()._replace(layers=[layer], history=history)


async def test_switches_by_key_and_mouse(here: Here) -> None:
    async with app().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await type_in(pilot, "H.LD")
        await pilot.press("ctrl+r", "ctrl+t", "tab", "tab", "left", "enter", "h", "l", "up")
        assert not here.queries  # nothing has been asked for yet
        await pilot.press("tab")
        await type_in(pilot, "/etc")
        await pilot.press("enter")
        await until(pilot, lambda: bool(lines(pilot)))
        expected = Query(
            "H.LD", True, True, with_hidden=True, with_binary=True, paths="/etc", with_config=True
        )
        assert here.queries == [expected]
        assert {path for _, path, _ in lines(pilot)} == {"/etc/apk/repositories", "/etc/motd"}
        await pilot.click(Switches, offset=(5, 0))
        await until(pilot, lambda: len(here.queries) == 2)
        assert not here.queries[1].is_regex


async def test_what_is_no_regular_expression_says_why() -> None:
    async with app().run_test() as pilot:
        await opened(pilot)
        await pilot.press("ctrl+r")
        await type_in(pilot, "(a")
        await pilot.press("enter")
        await until(pilot, lambda: screen(pilot).found.failed)
        assert "not a regular expression: (a, missing )" in screen_text(pilot)
        assert "/ edits the pattern" in screen_text(pilot)


async def begun(pilot: Pilot[None]) -> None:
    """Search for a text and wait for the first match, not for the end."""
    await opened(pilot)
    await type_in(pilot, "held")
    await pilot.press("enter")
    await until(pilot, lambda: bool(lines(pilot)))


async def test_escape_stops_the_search_then_leaves(here: Here) -> None:
    here.hold = True
    async with app().run_test(size=(100, 30)) as pilot:
        await begun(pilot)
        assert "1.00 MB of 4.00 MB · esc stops" in screen_text(pilot)
        assert "1 line in 1 file" in screen_text(pilot)
        await pilot.press("escape")
        assert here.closed == 1 and not screen(pilot).busy and len(lines(pilot)) == 1
        assert "stopped" in screen_text(pilot)
        here.post(MatchesFound, [LineMatch("/late", LayerNumber(1), True, 1, "late", 0, 1)])
        await pilot.pause()
        assert len(lines(pilot)) == 1  # what comes late belongs to nothing any more
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_leaving_stops_the_search(here: Here) -> None:
    here.hold = True
    async with app().run_test(size=(100, 30)) as pilot:
        await begun(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
        assert here.closed == 1


async def test_a_search_ends_where_there_are_too_many_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """By way of the real process."""
    monkeypatch.setattr("layertui.ui.search.screen.Searcher", search.Searcher)
    monkeypatch.setattr(search, "MOST", 30)
    monkeypatch.setattr("layertui.ui.search.screen.MOST", 30)
    async with app().run_test(size=(100, 30)) as pilot:
        await searched(pilot, "e")
        assert len(lines(pilot)) == 30
        assert "first 30 matches; narrow the pattern" in screen_text(pilot)


async def test_the_real_process_finds_the_same(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app().run_test(size=(100, 30)) as pilot:
        await searched(pilot, "held")
        expected, said = lines(pilot), screen(pilot).found.said
        monkeypatch.setattr("layertui.ui.search.screen.Searcher", search.Searcher)
        await pilot.press("slash", "enter")
        await until(pilot, lambda: bool(screen(pilot).found.said))
        assert (lines(pilot), screen(pilot).found.said) == (expected, said)


async def test_closing_kills_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[search.Searcher] = []
    begun = threading.Event()

    class Watched(search.Searcher):
        def start(self) -> None:
            started.append(self)
            super().start()
            begun.set()

    monkeypatch.setattr("layertui.ui.search.screen.Searcher", Watched)
    async with app().run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+r")
        await type_in(pilot, "(.*)*(.*)*(.*)*!!")  # takes for ever
        await pilot.press("enter")
        await until(pilot, lambda: bool(started and started[0].worker))
        await pilot.press("escape")
        assert started[0].worker is not None
        assert started[0].worker.process.wait(timeout=SECONDS) == -signal.SIGKILL


async def test_nothing_of_an_image_acts_on_the_terminal(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.hold = True
    use_hostile = hostile()
    monkeypatch.setattr("layertui.sources.open_image", lambda *_: use_hostile.image)
    monkeypatch.setattr("layertui.ui.worker.reading.Loader", use_hostile)
    async with app().run_test(size=(100, 30)) as pilot:
        await begun(pilot)
        text = f"\x1b[2J{HOSTILE}\t\u202e\udcff[bold]"
        here.post(MatchesFound, [LineMatch(f"/{HOSTILE}", LayerNumber(1), True, 1, text, 3, 9)])
        await until(pilot, lambda: len(lines(pilot)) == 2)
        shown = screen_text(pilot)
        assert "\x1b" not in shown and "\u202e" not in shown and "[2J" in shown
