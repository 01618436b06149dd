"""The screen of what an image costs and leaks: pictures, every key, where rows lead, what stops."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from layertui.content.read import Contents
from layertui.insight.survey import survey
from layertui.insight.tally import Finding, Survey
from layertui.model.errors import LayertuiError
from layertui.model.identity import identity_of
from layertui.model.numbers import LayerNumber
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.insight.parts import PARTS, column_widths
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.insight.size_pane import SizePane
from layertui.ui.widgets.lines import Document
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.insight import Looker, PartProgress, PartSurveyed
from tests.textual_internals import notifications, screen_text
from tests.ui.places import until
from tests.ui.readings import (
    ExplorerApp,
    Reading,
    at_layer,
    damaged,
    hostile,
    layers,
    loaded,
    quiet,
    sample,
    tree,
    union_of,
    use_reading,
)
from tests.waiting import SECONDS, wait_for

Compare = Callable[..., bool]


AHEAD = ["waste", "permissions", "packages"]
"""The parts that are scanned without being asked for."""


class Looking:
    """Stands in for the looker: answers from what has been read, or as a test tells it."""

    def __init__(self, reading: Reading) -> None:
        self.held = False
        self.error: LayertuiError | None = None
        self.asked: list[str] = []
        self.closed: list[str] = []
        self._reading = reading
        self._target: MessagePump | None = None

    def __call__(self, target: MessagePump, *source: Any) -> "Look":
        self._target = target
        return Look(self, source[-1])

    def post(self, message: Any) -> None:
        assert self._target is not None
        self._target.post_message(message)

    def answer(self, part: str) -> None:
        self.post(PartSurveyed(part, self.error or self.survey(part)))

    def survey(self, part: str) -> Survey:
        image, union = self._reading.image, union_of(self._reading.indexes)
        return survey(part, image, union, Contents(image, union.indexes, union))


class Look:
    """What a screen holds of it."""

    def __init__(self, looking: Looking, part: str) -> None:
        self._looking = looking
        self._part = part

    def start(self) -> None:
        self._looking.asked.append(self._part)
        if not self._looking.held:
            self._looking.answer(self._part)

    def close(self) -> None:
        self._looking.closed.append(self._part)


def use(monkeypatch: pytest.MonkeyPatch, reading: Reading) -> Looking:
    looking = Looking(reading)
    use_reading(monkeypatch, reading)
    monkeypatch.setattr("layertui.ui.insight.screen.Looker", looking)
    return looking


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    return use(monkeypatch, Reading(sample()))


def screen(pilot: Pilot[None]) -> InsightScreen:
    shown = pilot.app.screen
    assert isinstance(shown, InsightScreen)
    return shown


def lines(pilot: Pilot[None], name: str) -> list[str]:
    document: Document = screen(pilot).query_one(f"#{name}", TextView).document
    found = (document.line(number) for number in range(len(document)))
    return [" ".join(("".join(text for text, _ in line.gutter) + line.text).split()) for line in found]


def at(pilot: Pilot[None], name: str) -> str:
    return lines(pilot, name)[screen(pilot).query_one(f"#{name}", TextView).cursor]


def title(pilot: Pilot[None], name: str) -> str:
    view = screen(pilot).query_one(f"#{name}", TextView)
    return f"{view.border_title}, {view.border_subtitle}"


def go_to(pilot: Pilot[None], name: str) -> None:
    """Put the cursor on a sum."""
    row = next(number for number, line in enumerate(lines(pilot, "sums")) if line.endswith(name))
    screen(pilot).query_one("#sums", TextView).go_to(row)


async def opened(pilot: Pilot[None], *keys: str) -> None:
    await loaded(pilot)
    await pilot.press("I")
    await until(pilot, lambda: isinstance(pilot.app.screen, InsightScreen))
    await added_up(pilot)
    await until(pilot, lambda: not screen(pilot)._lookers)
    for key in keys:
        await pilot.press(key)
        await added_up(pilot)


async def added_up(pilot: Pilot[None]) -> None:
    """The part Size shows what it is to show."""
    await until(pilot, lambda: isinstance(pilot.app.screen, InsightScreen))
    pane = screen(pilot).query_one(SizePane)
    await until(pilot, lambda: not pane.busy and (pane.selected is not None or not pane.display))


async def at_waste(pilot: Pilot[None]) -> None:
    await opened(pilot, "2")


async def back_at(pilot: Pilot[None], path: str, layer: int) -> None:
    """The explorer is shown, at this path and layer."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))
    await quiet(pilot)

    def is_there() -> bool:
        view = tree(pilot)
        if view.rows is None or at_layer(pilot) != layer:
            return False
        return view.rows.merged.union.path(view.node) == path

    await until(pilot, is_there)


def test_waste(snap_compare: Compare, size: tuple[int, int], looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await at_waste(pilot)
        await pilot.press("j")

    assert snap_compare(ExplorerApp(), terminal_size=size, run_before=run)


async def test_of_more_files_than_are_listed_it_says_which_are(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layertui.insight.tally.MAX_FINDINGS", 5)
    async with ExplorerApp().run_test() as pilot:
        await at_waste(pilot)
        assert title(pilot, "findings") == "all, the largest 5 of 46 files"


def test_secrets(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("3", "m", "tab")

    assert snap_compare(ExplorerApp("layertui-light"), terminal_size=(120, 40), run_before=run)


async def test_columns_leave_the_path_what_they_do_not_need(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("5", "tab")
        await quiet(pilot)
        assert "LAYER RIGHT           MODE        OWNER  PATH" in screen_text(pilot)
    widths = column_widths(PARTS["waste"], [Finding(LayerNumber(1), "/a", 1, ["deleted", "9"], "/a", ())])
    assert widths == {"reason": 9, "hidden by": 9}
    long = Finding(LayerNumber(1), "/a", 1, ["r" * 90, "-rwxr-xr-x", "0:0"], "/a", ())
    assert column_widths(PARTS["permissions"], [long])["right"] == PARTS["permissions"].columns["right"]


async def test_headings_stand_over_their_columns_at_every_width(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("3", "m", "tab")
        for width in (90, 200, 120):
            await pilot.resize_terminal(width, 40)
            await quiet(pilot)
            rows = screen_text(pilot).splitlines()
            heading = next(row for row in rows if "LAYER RULE" in row)
            finding = next(row for row in rows if ".env:" in row)
            assert heading.rindex("WHERE") == finding.index("/srv"), width


def test_sixteen_colours(snap_compare: Compare, looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await at_waste(pilot)
        await pilot.press("tab", "j")

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM")
    assert snap_compare(ExplorerApp("layertui-ansi"), terminal_size=(120, 40), run_before=run)


def test_under_way(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        looking.held = True
        await pilot.press("4")
        looking.post(PartProgress("duplicates", 40_000_000, 160_000_000))
        await pilot.pause()

    assert snap_compare(ExplorerApp(), terminal_size=(80, 24), run_before=run)


def test_hostile(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, hostile())
    assert snap_compare(ExplorerApp(), terminal_size=(120, 40), run_before=at_waste)


async def test_says_what_the_image_costs_and_leaks(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert looking.asked == AHEAD  # nothing else before it is asked for
        assert "164 kB = 119 kB live + 45.1 kB dead (27%)" in screen_text(pilot)
        await pilot.press("2")
        await pilot.pause()
        shown = screen_text(pilot)
        waste = looking.survey("waste")
        assert f"{waste.size / 1000:.1f} kB reclaimable" in shown
        assert "3 Secrets: not scanned" in shown and "3 Secrets ?" not in shown
        await pilot.press("3")
        await pilot.pause()
        assert looking.asked == [*AHEAD, "secrets"]
        assert "6 secrets" in screen_text(pilot).splitlines()[0]
        for key, name in (("4", "duplicates"), ("5", "permissions"), ("6", "packages")):
            await pilot.press(key)
            await pilot.pause()
            survey = looking.survey(name)
            assert screen(pilot).part == name and len(lines(pilot, "findings")) == survey.count
        await pilot.press("2")
        assert looking.asked == [*AHEAD, "secrets", "duplicates"]
        assert title(pilot, "sums").startswith("45.1 kB of 164 kB wasted")


async def test_a_sum_shows_its_findings_and_leads_to_its_layer(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await at_waste(pilot)
        assert title(pilot, "findings") == "all, 46 files"
        await pilot.press("j")
        assert "7 RUN apk del build-base" in at(pilot, "sums")
        assert title(pilot, "findings").endswith("8 files")
        assert all(" ▌ 7 " in line for line in lines(pilot, "findings"))
        await pilot.press("enter")
        await back_at(pilot, "/", 7)
        # What was found is still known.
        await pilot.press("I", "2")
        await pilot.pause()
        assert looking.asked == AHEAD and title(pilot, "findings") == "all, 46 files"


async def test_a_reason_leads_to_its_findings_and_these_to_their_path(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(200, 40)) as pilot:
        await at_waste(pilot)
        go_to(pilot, "mtime only")
        await pilot.pause()
        await pilot.press("enter")
        assert screen(pilot).query_one("#findings").has_focus
        (line,) = lines(pilot, "findings")
        assert line == "195 B ▌ 5 * mtime only ▌ 8 /srv/quarry/static/quarry.css"
        await pilot.press("y")
        assert isinstance(pilot.app, ExplorerApp) and pilot.app.copied == "/srv/quarry/static/quarry.css"
        await pilot.press("enter")
        await back_at(pilot, "/srv/quarry/static/quarry.css", 5)


async def test_a_directory_leads_to_itself_by_a_second_click(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await at_waste(pilot)
        row = next(number for number, line in enumerate(lines(pilot, "sums")) if line.endswith("/usr/bin"))
        await pilot.click("#sums", offset=(20, row + 1), times=2)
        await back_at(pilot, "/usr/bin", 2)


async def test_enter_on_a_secret_shows_its_line(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("3", "tab")
        assert "/srv/…/.env:2" in screen_text(pilot) or "/srv/quarry/.env:2" in screen_text(pilot)
        await pilot.press("enter")
        await back_at(pilot, "/srv/quarry/.env", 4)
        await until(pilot, lambda: "TOKEN=sample-token" in screen_text(pilot))
        (shown,) = (row for row in screen_text(pilot).splitlines() if "TOKEN=sample-token" in row)
        assert shown.lstrip("│ ").startswith("2 ")


async def test_secrets_are_masked_until_a_key_shows_them(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(200, 40)) as pilot:
        await opened(pilot)
        await pilot.press("m")  # nothing to unmask here
        await pilot.press("3")
        await pilot.pause()
        assert not any("sample-token" in line for line in lines(pilot, "findings"))
        await pilot.press("m")
        assert any("sample-token-THIS" in line for line in lines(pilot, "findings"))
        await pilot.press("m")
        assert not any("sample-token" in line for line in lines(pilot, "findings"))


async def looked(pilot: Pilot[None], looking: Looking, key: str, progress: PartProgress) -> None:
    """Go to a part whose scan does not end, and report its progress."""
    looking.held = True
    await pilot.press(key)
    looking.post(progress)
    await pilot.pause()


async def test_escape_stops_looking_then_leaves(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await at_waste(pilot)
        await looked(pilot, looking, "3", PartProgress("secrets", 5, 10))
        assert lines(pilot, "sums") == ["Scanning … 5 B of 10 B. esc to stop"]
        await pilot.press("2")  # meanwhile the rest can be used
        assert len(lines(pilot, "findings")) == 46
        await pilot.press("3", "escape")
        assert looking.closed == ["secrets"]
        looking.answer("secrets")  # was on its way
        await pilot.pause()
        assert lines(pilot, "sums") == ["Stopped · enter to resume"]
        looking.held = False
        await pilot.press("enter")
        await pilot.pause()
        assert looking.asked == [*AHEAD, "secrets", "secrets"] and len(lines(pilot, "findings")) == 6
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_leaving_stops_what_is_under_way(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await at_waste(pilot)
        looking.held = True
        await pilot.press("3", "4", "2", "escape")
        assert isinstance(pilot.app.screen, ExplorerScreen)
        assert sorted(looking.closed) == ["duplicates", "secrets"]


async def test_says_why_it_could_not_look_and_looks_again(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        looking.error = LayertuiError("cannot read layer 2", "[/nope]", "try again")
        await at_waste(pilot)
        assert lines(pilot, "sums") == ["cannot read layer 2, [/nope], try again. Enter retries."]
        looking.error = None
        await pilot.press("enter")
        await pilot.pause()
        assert len(lines(pilot, "findings")) == 46


async def test_says_that_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = use(monkeypatch, Reading(sample()))
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        found = Survey(0, 0, notes=["2 files could not be read"])
        monkeypatch.setattr(looking, "survey", lambda _part: found)
        await pilot.press("4")
        await pilot.pause()
        shown = screen_text(pilot)
        assert "No duplicates." in shown and "2 files could not be read" in shown


async def test_says_that_the_layers_have_to_be_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(sample(), at_once=False)
    use(monkeypatch, reading)
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(layers(pilot).states))
        await pilot.press("I")
        assert isinstance(pilot.app.screen, ExplorerScreen)
        (told,) = notifications(pilot)
        assert told == "Insight opens when the layers are loaded; esc cancels."


async def test_figures_of_a_damaged_image_are_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, damaged())
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await at_waste(pilot)
        assert "⚠ 40 B reclaimable" in screen_text(pilot)
        heading = screen(pilot).query_one("#sums", TextView).heading[0]
        assert heading.text.startswith("⚠ layer 2 could not be read completely: the tar ends")


async def test_of_a_registry_nothing_is_scanned_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = use(monkeypatch, Reading(sample()._replace(transport="docker")))
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert looking.asked == []
        await pilot.press("2")
        assert looking.asked == ["waste"]


async def test_progress_ends_at_100_percent(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 24)) as pilot:
        await opened(pilot)
        await looked(pilot, looking, "4", PartProgress("duplicates", 138, 100))
        assert "4 Duplicates 100%" in screen_text(pilot) and "Scanning … 100 B of 100 B" in screen_text(pilot)


class Target(MessagePump):
    """Keeps what is posted."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Any] = []
        self.ended = threading.Event()

    def post_message(self, message: Any) -> bool:
        self.messages.append(message)
        if isinstance(message, PartSurveyed):
            self.ended.set()
        return True


async def test_a_process_of_its_own_looks(looking: Looking) -> None:
    target = Target()
    looker = Looker(target, identity_of(sample()), False, "secrets")
    looker.start()
    assert target.ended.wait(SECONDS)
    found, expected = target.messages[-1].result, looking.survey("secrets")
    assert found.sums == expected.sums
    assert [(row.where, row.secret, row.layer) for row in found.findings] == [
        (row.where, row.secret, row.layer) for row in expected.findings
    ]
    looker.close()


async def test_a_process_that_is_closed_ends_and_says_nothing() -> None:
    target = Target()
    looker = Looker(target, identity_of(sample()), False, "secrets")
    looker.start()
    wait_for(lambda: looker.worker is not None)
    assert looker.worker is not None
    process = looker.worker.process
    looker.close()
    wait_for(lambda: process.returncode is not None)
    wait_for(lambda: not any(thread.name == "worker" for thread in threading.enumerate()))
    assert not target.ended.is_set()
