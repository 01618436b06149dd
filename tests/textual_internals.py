"""All that the tests use of the inside of Textual, of asyncio and of the snapshot plugin.

These names are private: a minor release may change them. ``test_textual_internals.py`` checks them and
says what to look at when a version differs from those below. Other tests must not use private names of
these packages.
"""

import asyncio
import contextlib
import gc
import inspect
import pickle
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot
import textual._wait
from rich.segment import Segment
from syrupy.assertion import SnapshotAssertion
from syrupy.data import SnapshotCollections
from syrupy.location import PyTestLocation
from textual import app, pilot
from textual.cache import FIFOCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

VERSIONS = {"textual": "8.2", "pytest-textual-snapshot": "1.1"}
"""The minor releases that this module was written against."""

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"


# Screens


def screen_text(pilot: Pilot[None]) -> str:
    """All that is on the screen, as lines."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)


def notifications(pilot: Pilot[None]) -> list[str]:
    """The messages of the notifications on the screen, oldest first."""
    return [notification.message for notification in pilot.app._notifications]


def keep_cursors_from_blinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cursors of input fields stay, so that a snapshot does not depend on the moment."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _field: None)


# Waiting

_FRAME = 1 / 50
"""Seconds within which an app draws what has changed (Textual draws sixty frames a second)."""
_LOOK = 1 / 200
"""Seconds between two looks at whether the process is idle."""
_MAX_WAIT = 10
"""Seconds after which a process counts as idle whatever it does; less if it has used ``max_sleep`` of the processor."""


async def wait_for_idle(min_sleep: float = _FRAME, max_sleep: float = 1) -> None:
    """Wait until nothing is due within a frame and no thread has anything to do.

    Pilots call Textual's own after every key. That compares the processor time of the process with the
    wall clock in whole frames, twice a key: half the time of a run of the tests, and on busy cores, where
    a thread with work may get no processor for a frame, too short. Here the event loop says whether
    anything is due, and the kernel whether a thread wants to run.
    """
    loop: Any = asyncio.get_running_loop()
    start, used = loop.time(), time.process_time()
    while loop.time() < start + _MAX_WAIT and time.process_time() < used + max_sleep:
        before = time.process_time()
        await asyncio.sleep(_LOOK)
        idle = time.process_time() - before < _LOOK / 10 and not loop._ready and not _wants_to_run()
        timers = loop._scheduled
        if idle and not any(timer.when() < start + _FRAME and not timer.cancelled() for timer in timers):
            return


def _wants_to_run() -> bool:
    """Return whether another thread of this process is running or waits for a processor (proc_pid_stat(5))."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return False
    own = str(threading.get_native_id())
    for task in tasks.iterdir():
        if task.name != own:
            with contextlib.suppress(OSError):  # it has just ended
                if (task / "stat").read_text().rpartition(") ")[2][0] == "R":
                    return True
    return False


def wait_as_textual_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pilots wait whole frames again, for screens that need some refreshes before they stand still."""
    monkeypatch.setattr(app, "wait_for_idle", textual._wait.wait_for_idle)
    monkeypatch.setattr(pilot, "wait_for_idle", textual._wait.wait_for_idle)


# Style sheets

_parse_rules = Stylesheet._parse_rules
_rules: dict[tuple[object, ...], list[RuleSet]] = {}


def _parse_once(
    sheet: Stylesheet,
    css: str,
    read_from: tuple[str, str],
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[RuleSet]:
    """Return the rules of a style sheet, parsed once for all apps (Textual caches them per stylesheet)."""
    key = (css, read_from, is_default_rules, tie_breaker, scope, frozenset(sheet._variables.items()))
    rules = _rules.get(key)
    if rules is None:
        rules = _rules[key] = _parse_rules(sheet, css, read_from, is_default_rules, tie_breaker, scope)
    return rules


# Strips

_CACHES = {
    "_divide_cache": 4,
    "_crop_cache": 16,
    "_style_cache": 16,
    "_filter_cache": 4,
    "_line_length_cache": 4,
    "_crop_extend_cache": 4,
    "_offsets_cache": 4,
}
"""The caches of a strip, and their sizes."""
_strip_init = Strip.__init__


def _new_strip(strip: Any, segments: Iterable[Segment], cell_length: int | None = None) -> None:
    """Initialize a strip without its caches: most are never used, and a sixth of an app's time was spent on them."""
    strip._segments = list(segments)
    strip._cell_length = cell_length
    strip._render_cache = strip._link_ids = strip._cell_count = None


def _new_cache(strip: Strip, name: str) -> object:
    """Make a cache of a strip as it is asked for first."""
    if name not in _CACHES:
        raise AttributeError(name)
    cache: FIFOCache[Any, Any] = FIFOCache(_CACHES[name])
    setattr(strip, name, cache)
    return cache


# Snapshots

_narrowed = False


class SVGImageExtension(pytest_textual_snapshot.SVGImageExtension):  # type: ignore[misc]  # the plugin has no types
    """Snapshots in ``snapshots/<test module>/<test>.svg``, beside the tests."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(SNAPSHOTS / Path(test_location.filepath).stem)

    def discover_snapshots(self, *, test_location: PyTestLocation) -> SnapshotCollections:
        """Return none in a run of some tests only: those it does not touch would be deleted as unused."""
        return SnapshotCollections() if _narrowed else super().discover_snapshots(test_location=test_location)


@dataclass
class SnapshotDifference(pytest_textual_snapshot.SvgSnapshotDiff):  # type: ignore[misc]  # the plugin has no types
    """A difference for the report, without the environment variables of the user who ran the tests."""

    def __post_init__(self) -> None:
        self.environment: dict[str, str] = {}


class Pictures:
    """Pictures of one running app, each compared with a snapshot of its own; the plugin takes one an app."""

    def __init__(self, snapshot: SnapshotAssertion, node: pytest.Function) -> None:
        self.differing: list[str] = []
        """Names of the pictures that differ from their snapshots."""
        self._snapshot = snapshot.use_extension(SVGImageExtension)
        self._node = node

    def take(self, pilot: Pilot[None], name: str) -> None:
        """Compare what is on the screen with the snapshot of this name, and note it for the plugin's report."""
        picture = pilot.app.export_screenshot(title=pilot.app.title, simplify=True)
        same = self._snapshot(name=name) == picture
        if not same:
            self.differing.append(name)
        stored = self._snapshot.executions[self._snapshot.num_executions - 1].final_data
        path, line, test = self._node.reportinfo()
        text = inspect.getdoc(self._node.function) or ""
        app = pytest_textual_snapshot.PseudoApp(pytest_textual_snapshot.PseudoConsole(False, pilot.app.size))
        noted = (
            same,
            stored or "",
            picture,
            app,
            path,
            line,
            f"{test}[{name}]",
            text,
            "",
            stored is not None,
        )
        file = pytest_textual_snapshot.node_to_report_path(self._node)
        file.with_name(f"{file.name}_{name}").write_bytes(pickle.dumps(noted))


def configure_snapshots(config: pytest.Config) -> None:
    """Replace the plugin's classes, which it looks up when it needs them.

    The process that writes the report needs this too (with pytest-xdist, one that runs no test), hence
    it is called from the top ``conftest.py``.
    """
    global _narrowed
    narrowing = ("keyword", "markexpr", "lf", "ignore", "deselect")
    _narrowed = any(getattr(config.option, name, None) for name in narrowing) or any(
        not Path(argument).is_dir() for argument in config.args
    )
    pytest_textual_snapshot.SVGImageExtension = SVGImageExtension
    pytest_textual_snapshot.SvgSnapshotDiff = SnapshotDifference


def hurry() -> None:
    """Let apps take no longer than they must, and collect garbage less often."""
    module: Any
    for module in (app, pilot):
        module.wait_for_idle = wait_for_idle
    stylesheet: Any = Stylesheet
    stylesheet._parse_rules = _parse_once
    strip: Any = Strip
    strip.__init__, strip.__getattr__ = _new_strip, _new_cache
    gc.set_threshold(400_000)
