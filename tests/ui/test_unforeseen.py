"""Unexpected errors, and images of unusual kinds: a line on the screen, never an endless wait."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui.model.errors import LayertuiError
from layertui.model.identity import identity_of
from layertui.model.job import Job
from layertui.model.unforeseen import ISSUES, TRACEBACK
from layertui.sources import SourceProblem, list_directory, oci, open_image
from layertui.ui.anatomy.screen import AnatomyScreen
from layertui.ui.app import LayertuiApp
from layertui.ui.compare.screen import CompareScreen
from layertui.ui.compare.side_header import Chosen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.insight.header import NAMES
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.worker.background import background
from layertui.ui.worker.insight import Looker, PartSurveyed
from layertui.worker.protocol import Failed, TreeRequest
from tests.layouts import OciLayout
from tests.textual_internals import notifications, screen_text
from tests.ui.images_app import Images, settled
from tests.ui.places import Places, until
from tests.ui.terminal import Terminal
from tests.worker.runs import frames, start


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRACEBACK)


def fail(*_: object, **__: object) -> Iterator[object]:
    raise ValueError("Port could not be cast to integer value")


async def test_a_source_that_fails_is_not_looked_in_for_ever(
    net: None, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layertui.sources.list_directory", fail)
    monkeypatch.setattr("layertui.sources.list_containers", fail)
    async with Images().run_test(size=(200, 40)) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        assert "internal error" in shown and "quarry" in shown
        assert "looking" not in shown.lower()
        await pilot.press("c")
        assert "internal error" in screen_text(pilot)
        assert "looking" not in screen_text(pilot).lower()


async def test_what_fails_in_a_thread_is_shown_where_nothing_else_shows_it(net: None, places: Places) -> None:
    def count(_job: Job) -> int:
        raise IndexError("list index out of range")

    async with Images().run_test() as pilot:
        await settled(pilot)
        background(pilot.app, count, name="count")
        await until(pilot, lambda: bool(notifications(pilot)))
        (shown,) = notifications(pilot)
        assert "IndexError: list index out of range" in shown and ISSUES in shown


def test_a_worker_says_what_has_failed(net: None) -> None:
    """Its standard error is dropped, and a status would say nothing."""
    bug = (
        "import layertui.worker.main as main\n"
        "def answer(*_): raise RecursionError('maximum recursion depth exceeded')\n"
        "main.answer = answer\n"
        "main.main()"
    )
    request = TreeRequest(identity_of(open_image("demo:")), False)
    with start(request, "-c", bug, stderr=subprocess.PIPE) as process:
        (sent,) = frames(process.stdout)
        assert process.stderr is not None and process.stderr.read() == b""
    assert isinstance(sent, Failed)
    assert "internal error" in sent.what and "RecursionError" in sent.why and ISSUES in sent.remedy


async def test_a_frame_that_the_app_cannot_take_ends_the_reading(
    net: None, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Looker, "_read", fail)
    async with Images().run_test() as pilot:
        await settled(pilot)
        posted: list[object] = []
        monkeypatch.setattr(pilot.app, "post_message", posted.append)
        looker = Looker(pilot.app, identity_of(open_image("demo:")), False, "waste")
        looker.start()
        await until(pilot, lambda: any(isinstance(each, PartSurveyed) for each in posted))
        looker.close()
        (result,) = (each.result for each in posted if isinstance(each, PartSurveyed))
        assert isinstance(result, LayertuiError) and "internal error" in result.what


async def test_the_anatomy_of_what_cannot_be_told_says_so(
    net: None, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnatomyScreen, "_read", fail)
    async with Images().run_test() as pilot:
        await settled(pilot)
        pilot.app.push_screen(AnatomyScreen(open_image("demo:"), None))
        await until(pilot, lambda: "internal error" in screen_text(pilot))


async def test_a_comparison_that_fails_says_so(
    net: None, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layertui.compare.comparison.Comparison.__init__", fail)
    monkeypatch.setattr("layertui.sources.open_image", open_image)
    async with Images().run_test(size=(160, 40)) as pilot:
        await settled(pilot)
        pilot.app.push_screen(CompareScreen(Chosen("demo:"), Chosen("demo:")))
        await until(pilot, lambda: "internal error" in screen_text(pilot))
        assert "comparing" not in screen_text(pilot).lower()


async def test_platforms_that_cannot_be_listed_are_not_said_to_be_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(_reference: str) -> Iterator[object]:
        raise LayertuiError("cannot reach the registry", "timed out", "try again")

    async with LayertuiApp("demo:", cache=False).run_test(size=(120, 40)) as pilot:
        await explored(pilot)
        monkeypatch.setattr("layertui.sources.list_images", unreachable)
        await pilot.press("p")
        await until(pilot, lambda: bool(notifications(pilot)))
        assert notifications(pilot) == ["cannot reach the registry, timed out, try again"]


@pytest.mark.parametrize("key", ["?", "i"], ids=["key of the app", "key of the screen"])
def test_a_bug_ends_the_app_with_one_line(key: str, tmp_path: Path) -> None:
    """No traceback: Textual's own prints the values of variables, which images supply."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.argv[-1:] == ['demo:']:\n"
        "    import layertui.ui.app, layertui.ui.explorer.screen\n"
        "    def fail(self): secret = 'hunter2'; raise KeyError('oops')\n"
        "    layertui.ui.app.LayertuiApp.action_help = fail\n"
        "    layertui.ui.explorer.screen.ExplorerScreen.action_facts = fail\n"
    )
    with Terminal("demo:", PYTHONPATH=f"{tmp_path}:{python_path()}", LAYERTUI_TRACEBACK="") as terminal:
        terminal.wait("Layers", "Merged tree", "etc")
        terminal.press(key)
        assert terminal.end() == 2
        last = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "layertui: internal error in" in last and "KeyError: 'oops'" in last
        assert "hunter2" not in last and "Traceback" not in last


def python_path() -> str:
    import layertui

    return str(Path(layertui.__path__[0]).parent)


# Images of unusual kinds


async def explored(pilot: Pilot[None]) -> ExplorerScreen:
    await until(
        pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen) and pilot.app.screen.reading.ended
    )
    screen = pilot.app.screen
    assert isinstance(screen, ExplorerScreen)
    return screen


async def test_an_image_without_layers(tmp_path: Path) -> None:
    """``FROM scratch`` with ENV alone makes one; docker loads it, and podman runs ``create`` on it."""
    OciLayout(tmp_path / "layout").add(
        "1", [], config={"history": [{"created_by": "ENV A=b", "empty_layer": True}]}
    )
    reference = f"oci:{tmp_path}/layout:1"
    async with LayertuiApp(reference, cache=False).run_test(size=(120, 40)) as pilot:
        await explored(pilot)
        await until(pilot, lambda: "0 paths" in screen_text(pilot))
        assert "-1" not in screen_text(pilot)
        for key in (
            "j",
            "tab",
            "v",
            "E",
            "slash",
            "a",
            "enter",
            "escape",
            "1",
            "2",
            "3",
            "4",
            "5",
            "i",
            "escape",
        ):
            await pilot.press(key)
        await pilot.press("I")
        insight = pilot.app.screen
        assert isinstance(insight, InsightScreen)
        for number, part in enumerate(NAMES):
            insight.action_part(number)
            await until(pilot, lambda: not insight.busy)
            if part != "size":  # which is computed in the app
                assert part in insight._surveys, screen_text(pilot)
            assert "failed" not in screen_text(pilot) and "status" not in screen_text(pilot)


async def test_a_time_that_no_calendar_has(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "layout")
    for tag, created in (("first", "0001-01-01T00:00:00+23:59"), ("last", "9999-12-31T23:59:59-23:59")):
        history = [{"created": created, "created_by": "RUN x", "empty_layer": True}]
        layout.add(tag, [], config={"created": created, "history": history})
    for tag in ("first", "last"):
        async with LayertuiApp(f"oci:{tmp_path}/layout:{tag}", cache=False).run_test(size=(160, 40)) as pilot:
            await explored(pilot)
            await pilot.press("i")
            assert "RUN x" in screen_text(pilot)


def test_a_file_that_fails_does_not_hide_the_others(
    net: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "good"):
        OciLayout(tmp_path / name).add("1", [])
    listed = oci.list_images
    monkeypatch.setattr(
        "layertui.sources.oci.list_images",
        lambda reference: fail() if "bad" in reference.location else listed(reference),
    )
    problem, image = list_directory(tmp_path)
    assert isinstance(problem, SourceProblem) and "internal error" in problem.what
    assert not isinstance(image, SourceProblem) and image.reference.endswith("good:1")
