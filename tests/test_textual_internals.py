"""The private names that the tests use are there and are called as ``textual_internals.py`` expects.

What fails here after an update explains what fails elsewhere: fix it here first.
"""

import asyncio
import inspect
from importlib.metadata import version

import pytest
import pytest_textual_snapshot
import textual._wait
from rich.segment import Segment
from textual import app, pilot
from textual.app import App, ComposeResult
from textual.cache import FIFOCache
from textual.css.stylesheet import Stylesheet
from textual.strip import Strip
from textual.widgets import Input, Static

from tests import textual_internals as internals


@pytest.mark.parametrize("package", internals.VERSIONS)
def test_versions(package: str) -> None:
    installed, expected = version(package), internals.VERSIONS[package]
    assert installed.startswith(f"{expected}."), (
        f"{package} {installed} is installed; tests/textual_internals.py was written against {expected}. "
        "Compare what it replaces with the new source, make the other tests of this module pass, "
        "renew the snapshots that changed, and set VERSIONS."
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (internals.wait_for_idle, textual._wait.wait_for_idle),
        (internals._parse_once, internals._parse_rules),
        (internals._new_strip, internals._strip_init),
    ],
    ids=["wait_for_idle", "_parse_rules", "Strip"],
)
def test_replacements_take_the_same_arguments(ours: object, theirs: object) -> None:
    parameters = [
        [(parameter.kind, parameter.default) for parameter in inspect.signature(each).parameters.values()]
        for each in (ours, theirs)
        if callable(each)
    ]
    assert parameters[0] == parameters[1]


def test_replacements_are_used() -> None:
    assert inspect.getattr_static(app, "wait_for_idle") is internals.wait_for_idle
    assert inspect.getattr_static(pilot, "wait_for_idle") is internals.wait_for_idle
    assert inspect.getattr_static(Stylesheet, "_parse_rules") is internals._parse_once
    assert inspect.getattr_static(Strip, "__init__") is internals._new_strip
    for name in ("SVGImageExtension", "SvgSnapshotDiff"):
        assert getattr(pytest_textual_snapshot, name).__module__ == internals.__name__
        uses = (pytest_textual_snapshot.snap_compare, pytest_textual_snapshot.retrieve_svg_diffs)
        assert any(name in inspect.getsource(use) for use in uses), f"the plugin no longer looks up {name}"


def test_a_strip_has_what_textual_gives_it() -> None:
    ours, theirs = Strip([Segment("a")], 1), Strip.__new__(Strip)
    internals._strip_init(theirs, [Segment("a")], 1)
    assert {slot for slot in Strip.__slots__ if slot.endswith("_cache")} - {"_render_cache"} == set(
        internals._CACHES
    )
    for slot in Strip.__slots__:
        one, other = getattr(ours, slot), getattr(theirs, slot)
        if isinstance(other, FIFOCache):
            assert isinstance(one, FIFOCache) and one._maxsize == other._maxsize
        else:
            assert one == other


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("some text")
        yield Input()


async def test_what_is_read_from_an_app() -> None:
    async with Page().run_test(size=(40, 10)) as pilot:
        pilot.app.notify("a message")
        await pilot.pause()
        assert internals.screen_text(pilot).startswith("some text")
        assert internals.notifications(pilot) == ["a message"]
        assert callable(Input._toggle_cursor)


async def test_an_idle_process_is_told_from_a_busy_one() -> None:
    loop, done = asyncio.get_running_loop(), False

    def work() -> None:
        nonlocal done
        end = loop.time() + 0.1
        while loop.time() < end:
            sum(range(1000))
        done = True

    working = loop.run_in_executor(None, work)
    await internals.wait_for_idle()
    assert done, "a thread that works was not noticed"
    await working
    loop.call_later(0.01, working.get_loop)
    timers = vars(loop)["_scheduled"]
    await internals.wait_for_idle()
    assert not any(timer.when() < loop.time() for timer in timers), "a timer that is due was not noticed"
