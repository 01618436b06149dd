"""Memory that the app and its worker process take while an image loads, seen from outside."""

from __future__ import annotations

import resource
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.screen import Terminal, is_loaded

EVERY = 0.005
"""Seconds between two looks."""


@dataclass
class Peaks:
    """Bytes of resident memory at most; pages that both processes share count twice."""

    app: int = 0
    worker: int = 0
    together: int = 0
    """At one moment: less than the sum of the others where these are not at the same time."""

    def look(self, pid: int) -> None:
        """Take what the process has now, and its children."""
        app, worker = _resident(pid), sum(map(_resident, _children(pid)))
        self.app, self.worker = max(self.app, app), max(self.worker, worker)
        self.together = max(self.together, app + worker)


def peaks_of(command: Sequence[str], seconds: float = 600) -> Peaks:
    """Return what the app takes until the image of a command is loaded. Raises ``TimeoutError``."""
    peaks, ended = Peaks(), threading.Event()
    terminal = Terminal(command)

    def watch() -> None:
        while not ended.wait(EVERY):
            peaks.look(terminal.pid)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        terminal.until(lambda: is_loaded(terminal), seconds)
        terminal.quiet(1)
    finally:
        ended.set()
        watcher.join()
        terminal.close()
    return peaks


def _resident(pid: int) -> int:
    with suppress(OSError):  # it has ended
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found
