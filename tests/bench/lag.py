"""``python -m tests.bench.lag REFERENCE ACTION``: how long the app's event loop is held up, from inside it.

A task wants to run every millisecond and notes how late it is, and which threads of the process
used the processor meanwhile. Other programs make it late too, but use none of this process' time:
a hold-up counts for no more than the processor time that this process spent in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field

from textual import events

from layertui.ui.app import LayertuiApp
from layertui.ui.screens.explorer import ExplorerScreen
from layertui.ui.widgets.tree_view import TreeView

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
    threads: dict[str, float] = field(default_factory=dict)
    """Processor time of each thread, by its name, in hold-ups of over 5 ms."""


class Recorder:
    """Notes the lag of the running event loop until it is stopped."""

    def __init__(self) -> None:
        self.lag = Lag()
        self._task = asyncio.create_task(self._run())

    def stop(self) -> Lag:
        self._task.cancel()
        return self.lag

    async def _run(self) -> None:
        lag, me = self.lag, threading.current_thread()
        used: Counter[str] = Counter()
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


def press(app: LayertuiApp, key: str) -> None:
    character = key if len(key) == 1 else None
    event = events.Key(key, character)
    event.set_sender(app)
    app.post_message(event)


async def until(condition: Callable[[], bool], app: LayertuiApp, *keys: str) -> None:
    """Returns when the condition holds; until then presses the keys in turn, one every 30 ms."""
    turn = 0
    while not condition():
        await asyncio.sleep(0.03)
        if keys:
            press(app, keys[turn % len(keys)])
            turn += 1


def explorer(app: LayertuiApp) -> ExplorerScreen | None:
    return app.screen if isinstance(app.screen, ExplorerScreen) else None


def is_loaded(app: LayertuiApp) -> bool:
    screen = explorer(app)
    return screen is not None and screen.loaded and screen._building is None and not tree(app).busy


def tree(app: LayertuiApp) -> TreeView:
    return app.screen.query_one(TreeView)


async def load(app: LayertuiApp) -> Lag:
    """Another layer and back while the layers load."""
    await until(lambda: explorer(app) is not None, app)
    recorder = Recorder()
    await until(lambda: is_loaded(app), app, "j", "k")
    await asyncio.sleep(0.5)
    return recorder.stop()


async def move(app: LayertuiApp) -> Lag:
    """From layer to layer once all is loaded."""
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(1)
    recorder = Recorder()
    for key in "k" * 3 + "j" * 3 + "k" * 3:
        press(app, key)
        await asyncio.sleep(0.4)
        await until(lambda: not tree(app).busy, app)
    return recorder.stop()


async def browse(app: LayertuiApp) -> Lag:
    """Expanding all, views, sorts and filters over the whole tree, moving on meanwhile."""
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(1)
    press(app, "tab")
    recorder = Recorder()
    for key in "E", "v", "v", "v", "s", "s", "s", "s", "C":
        press(app, key)
        await asyncio.sleep(0.05)
        await until(lambda: not tree(app).busy, app, "down", "up")
    for query in "l", "li", "lib", "lib size:>1k", "":
        tree(app).filter(query)
        await asyncio.sleep(0.05)
        await until(lambda: not tree(app).busy, app, "down", "up")
    return recorder.stop()


async def read(app: LayertuiApp) -> Lag:
    """Preview and diff of one file after the other."""
    await until(lambda: is_loaded(app), app)
    await asyncio.sleep(1)
    press(app, "tab")
    press(app, "E")
    await asyncio.sleep(1)
    recorder = Recorder()
    for tab in "3", "4":
        press(app, tab)
        for _ in range(12):
            press(app, "down")
            await asyncio.sleep(0.5)
    return recorder.stop()


ACTIONS: dict[str, Callable[[LayertuiApp], Coroutine[None, None, Lag]]] = {
    action.__name__: action for action in (load, move, browse, read)
}


async def _measure(reference: str, action: str, cache: bool) -> Lag:
    app = LayertuiApp(reference, cache=cache)
    async with app.run_test(size=(120, 40)):
        return await ACTIONS[action](app)


def lag_of(reference: str, action: str, cache: bool = True) -> Lag:
    """Runs an action in a process of its own."""
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
