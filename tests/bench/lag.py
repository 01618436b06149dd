"""``python -m tests.bench.lag REFERENCE ACTION``: how long the app's event loop is held up, from inside it.

A task wants to run every millisecond and notes how late it is, and which threads of the process
used the processor meanwhile. Other programs make it late too, but use none of this process' time:
a hold-up counts for no more than the processor time that this process spent in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field

from rich.console import RenderableType
from textual import events
from textual.screen import Screen

from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.tree.view import TreeView
from layertui.ui.widgets.list_view import ListView

TICK = 0.001


@dataclass
class Lag:
    """How the event loop was held up during an action, in milliseconds."""

    held: list[float] = field(default_factory=list)
    """Of every wake-up: lateness, at most what the process' threads used of the processor."""
    own: list[float] = field(default_factory=list)
    """What of it the loop's own thread used."""
    worst: float = 0.0
    """The longest lateness on the clock, whoever caused it."""
    frames: list[float] = field(default_factory=list)
    """From each key that moved a cursor to the frame after it, counted as in ``held``."""
    threads: dict[str, float] = field(default_factory=dict)
    """Processor time of each thread, by its name, in hold-ups of over 5 ms."""


class TimedApp(LayertuiApp):
    """Notes how long keys take to show."""

    recorder: Recorder | None = None
    _pressed: tuple[float, float, int | None] | None = None

    def press(self, key: str) -> None:
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(self)
        self._pressed = time.perf_counter(), time.process_time(), self._cursor()
        self.post_message(event)

    def _cursor(self) -> int | None:
        """What tells that the focused pane's cursor has moved."""
        return self.focused.cursor if isinstance(self.focused, ListView) else None

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if self._pressed is not None and self._cursor() != self._pressed[2]:
            clock, spent, _ = self._pressed
            self._pressed = None
            if self.recorder is not None:
                taken = min(time.perf_counter() - clock, time.process_time() - spent)
                self.recorder.lag.frames.append(1000 * taken)


class Recorder:
    """Notes the lag of the app's event loop until it is stopped."""

    def __init__(self, app: TimedApp) -> None:
        self.lag = Lag()
        app.recorder = self
        self._task = asyncio.create_task(self._run())

    def stop(self) -> Lag:
        self._task.cancel()
        return self.lag

    async def _run(self) -> None:
        lag, me = self.lag, threading.current_thread()
        used: defaultdict[str, float] = defaultdict(float)
        clock, spent, by_thread = time.perf_counter(), time.process_time(), _threads()
        while True:
            await asyncio.sleep(TICK)
            now, cpu = time.perf_counter(), time.process_time()
            late = 1000 * (now - clock - TICK)
            held = min(late, 1000 * (cpu - spent))
            threads = _threads()
            lag.held.append(held)
            lag.own.append(min(late, 1000 * (threads[me] - by_thread[me])))
            lag.worst = max(lag.worst, late)
            if held > 5:
                for thread, seconds in threads.items():
                    used[thread.name] += 1000 * (seconds - by_thread.get(thread, 0))
                lag.threads = dict(used)
            clock, spent, by_thread = time.perf_counter(), time.process_time(), threads


def _threads() -> dict[threading.Thread, float]:
    """Processor seconds that each thread has used."""
    found = {}
    for thread in threading.enumerate():
        with contextlib.suppress(OSError):  # it has just ended
            assert thread.ident is not None
            found[thread] = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return found


async def until(condition: Callable[[], bool], app: TimedApp, *keys: str) -> None:
    """Press the keys in turn, one every 30 ms, until the condition holds."""
    turn = 0
    while not condition():
        await asyncio.sleep(0.03)
        if keys:
            app.press(keys[turn % len(keys)])
            turn += 1


def explorer(app: TimedApp) -> ExplorerScreen | None:
    return app.screen if isinstance(app.screen, ExplorerScreen) else None


def is_loaded(app: TimedApp) -> bool:
    screen = explorer(app)
    return screen is not None and screen.reading.ended and not screen.panes.busy


def tree(app: TimedApp) -> TreeView:
    return app.screen.query_one(TreeView)


async def load(app: TimedApp) -> Lag:
    """Another layer and back while the layers load."""
    await until(lambda: explorer(app) is not None, app)
    recorder = Recorder(app)
    await until(lambda: (screen := explorer(app)) is not None and screen.reading.ended, app, "j", "k")
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(0.5)
    return recorder.stop()


async def move(app: TimedApp) -> Lag:
    """From layer to layer once all is loaded."""
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(1)
    recorder = Recorder(app)
    for key in "k" * 3 + "j" * 3 + "k" * 3:
        app.press(key)
        await asyncio.sleep(0.4)
        await until(lambda: not tree(app).busy, app)
    return recorder.stop()


async def browse(app: TimedApp) -> Lag:
    """Expanding all, views, sorts and filters over the whole tree, moving on meanwhile."""
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(1)
    app.press("tab")
    recorder = Recorder(app)
    for key in "E", "v", "v", "v", "s", "s", "s", "s", "C":
        app.press(key)
        await asyncio.sleep(0.05)
        await until(lambda: not tree(app).busy, app, "down", "up")
    for query in "l", "li", "lib", "lib size:>1k", "":
        tree(app).filter(query)
        await asyncio.sleep(0.05)
        await until(lambda: not tree(app).busy, app, "down", "up")
    return recorder.stop()


async def read(app: TimedApp) -> Lag:
    """Preview and diff of one file after the other."""
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(1)
    app.press("tab")
    app.press("E")
    await asyncio.sleep(1)
    recorder = Recorder(app)
    for tab in "3", "4":
        app.press(tab)
        for _ in range(12):
            app.press("down")
            await asyncio.sleep(0.5)
    return recorder.stop()


ACTIONS: dict[str, Callable[[TimedApp], Coroutine[None, None, Lag]]] = {
    action.__name__: action for action in (load, move, browse, read)
}


async def _measure(reference: str, action: str, cache: bool) -> Lag:
    app = TimedApp(reference, cache=cache)
    async with app.run_test(size=(120, 40)):
        gc.freeze()  # as the app does in a terminal, but not in tests, which share a process
        return await ACTIONS[action](app)


def lag_of(reference: str, action: str, cache: bool = True) -> Lag:
    """Run an action in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.lag",
        reference,
        action,
        *(() if cache else ("--no-cache",)),
    ]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return Lag(**json.loads(out))


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_measure(sys.argv[1], sys.argv[2], "--no-cache" not in sys.argv)))))
