"""The part Size of insight: directories to go into, live and dead bytes, sums of the image, largest files."""

import pytest
from textual.pilot import Pilot

from layertui.insight import size_survey
from layertui.insight.tally import Survey
from layertui.model.errors import LayertuiError
from layertui.ui.widgets.text_view import TextView
from tests.textual_internals import screen_text
from tests.ui.insight.test_insight import (
    Compare,
    Looking,
    at,
    back_at,
    go_to,
    lines,
    opened,
    screen,
    title,
    use,
)
from tests.ui.readings import ExplorerApp, Reading, damaged, hostile, sample


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    return use(monkeypatch, Reading(sample()))


def test_size(snap_compare: Compare, size: tuple[int, int], looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "j")

    assert snap_compare(ExplorerApp(), terminal_size=size, run_before=run)


def test_dead_in_a_directory(snap_compare: Compare, looking: Looking) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot, "j", "enter", "d", "j")

    assert snap_compare(ExplorerApp("layertui-light"), terminal_size=(120, 40), run_before=run)


def test_hostile_names(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, hostile())
    assert snap_compare(ExplorerApp(), terminal_size=(120, 40), run_before=opened)


def rows(pilot: Pilot[None], heading: str) -> list[str]:
    """The lines of the sums below a heading, without their bars."""
    found = lines(pilot, "sums")
    start = next(number for number, line in enumerate(found) if line.endswith(f"FILES {heading}"))
    group = found[start + 1 :]
    stop = group.index("") if "" in group else len(group)
    return [
        " ".join(word for word in line.split() if not set(word) <= set("█░▏▎▍▌▋▊▉")) for line in group[:stop]
    ]


async def test_directories_are_entered_and_left(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        assert title(pilot, "sums").startswith("164 kB = 119 kB live + 45.1 kB dead (27%)")
        assert rows(pilot, "DIRECTORY")[:2] == ["84.4 kB 13 usr/", "28.8 kB 2 var/"]
        await pilot.press("backspace")  # already in the root
        await pilot.press("j", "enter")
        await pilot.pause()
        assert at(pilot, "sums").endswith("/usr")
        assert title(pilot, "findings") == "/usr, 13 files · live"
        assert rows(pilot, "DIRECTORY") == [
            "45.5 kB 4 bin/",
            "31.7 kB 7 lib/",
            "7.00 kB 1 sbin/",
            "241 B 1 local/",
        ]
        assert not [line for line in lines(pilot, "sums") if line.endswith("TYPE")]  # those are of the image
        await pilot.press("backspace")
        await pilot.pause()
        assert at(pilot, "sums").endswith("usr/") and title(pilot, "findings") == "/usr, 13 files · live"


async def test_keys_pressed_at_once_act_on_the_row_at_the_cursor(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        view = screen(pilot).query_one("#sums", TextView)
        view.cursor = next(row for row, line in enumerate(lines(pilot, "sums")) if line.endswith("usr/"))
        screen(pilot).action_open()
        view.cursor = next(row for row, line in enumerate(lines(pilot, "sums")) if line.endswith("lib/"))
        screen(pilot).action_open()
        assert lines(pilot, "sums")[0].endswith("/usr/lib")


async def test_a_directory_without_directories_shows_its_files(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot, "j", "enter", "j", "enter")
        assert screen(pilot).query_one("#findings").has_focus
        assert at(pilot, "findings") == "24.0 kB ▌ 1 /usr/bin/held-box"
        await pilot.press("j", "enter")
        await back_at(pilot, "/usr/bin/python3", 2)


async def test_a_key_switches_to_what_is_dead(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        go_to(pilot, "srv/")
        await pilot.press("d")
        await pilot.pause()
        assert rows(pilot, "DIRECTORY") == [
            "18.1 kB 4 var/",
            "15.6 kB 7 usr/",
            "10.0 kB 31 srv/",
            "1.40 kB 4 etc/",
        ]
        assert at(pilot, "sums").endswith("srv/") and title(pilot, "findings") == "/srv, 31 files · dead"
        assert not [line for line in lines(pilot, "sums") if line.endswith(("PACKAGE", "LEFTOVERS"))]
        await pilot.press("home", "tab")
        await pilot.pause()
        dead = next(row for row in looking.survey("size").findings if row.is_hidden)
        await pilot.press("enter")
        await back_at(pilot, dead.path, dead.layer)


async def test_a_group_shows_its_files_and_leftovers_their_remedy(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        go_to(pilot, "logs")
        await pilot.pause()
        assert title(pilot, "findings") == "logs: rm -rf /var/log/*, 2 files · live"
        go_to(pilot, "libc 1.2.5-r1")
        await pilot.pause()
        assert title(pilot, "findings") == "libc 1.2.5-r1, 1 file · live"
        go_to(pilot, ".so")
        await pilot.press("enter")
        assert screen(pilot).query_one("#findings").has_focus
        await pilot.press("shift+tab")
        row = next(number for number, line in enumerate(lines(pilot, "sums")) if "▌ 2 RUN apk add" in line)
        screen(pilot).query_one("#sums", TextView).go_to(row)
        await pilot.press("enter")
        await back_at(pilot, "/", 2)


async def test_nothing_dead_and_no_files_are_said(monkeypatch: pytest.MonkeyPatch, looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        go_to(pilot, "var/")
        await pilot.press("enter", "j", "enter", "d")
        await pilot.pause()
        assert "No dead files here: the final tree shows all of them." in screen_text(pilot)
    none = use(monkeypatch, Reading(sample()))
    monkeypatch.setattr(none, "survey", lambda _part: Survey(0, 0))
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot, "d", "backspace")
        assert "0 B = 0 B live + 0 B dead" in screen_text(pilot) and "No files with content." in screen_text(
            pilot
        )


async def test_files_that_are_not_listed_are_said(monkeypatch: pytest.MonkeyPatch, looking: Looking) -> None:
    monkeypatch.setattr(size_survey, "MAX_FINDINGS", 3)
    monkeypatch.setattr(size_survey, "OF_EACH", 0)
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        assert title(pilot, "findings") == "/, 3 of 43 files · live"
        go_to(pilot, "etc/")
        await pilot.pause()
        assert title(pilot, "findings") == "/etc, 0 of 11 files · live"
        assert "Not among the findings that are listed." in screen_text(pilot)


async def test_an_error_is_said_and_enter_retries(looking: Looking) -> None:
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        looking.error = LayertuiError("cannot read layer 2", "it is damaged", "pull it again")
        await opened(pilot, "d", "backspace")
        assert lines(pilot, "sums") == ["cannot read layer 2, it is damaged, pull it again. Enter retries."]
        looking.error = None
        await pilot.press("enter")
        await pilot.pause()
        assert len(lines(pilot, "findings")) == 43


async def test_sizes_of_a_damaged_image_are_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, damaged())
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert lines(pilot, "sums")[0].startswith("⚠ layer 2 could not be read completely: the tar ends")
