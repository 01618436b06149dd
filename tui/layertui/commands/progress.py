"""A progress bar on stderr."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from layertui.commands.pager import is_paging
from layertui.model.job import Job

DELAY = 0.3
"""Seconds before the bar appears: shorter work needs none."""
PAUSE = 0.1
"""Seconds between two updates."""
BAR = 24


class ProgressBar:
    """Show bytes done and total of a :class:`Job`; nothing if stderr is not a terminal."""

    def __init__(self, quiet: bool, what: str, total: int) -> None:
        self._is_shown = not quiet and sys.stderr.isatty()
        self._what = what
        self._total = total
        self._done: dict[int, int] = {}
        self._started = time.monotonic()
        self._next = self._started + DELAY
        self._drawn = False
        self._lock = threading.Lock()
        self.job = Job(self._all, layers=self._layer)
        """The work to show."""

    def start(self, what: str) -> None:
        """Show other work from now on."""
        self._what, self._total = what, 0
        self._done.clear()
        self._started = time.monotonic()

    def _layer(self, number: int, done: int, total: int) -> None:
        if total < 0:
            return  # an unpacked layer: walked, not read
        self._done[number] = done
        self._tell(f"layer {number}")

    def _all(self, done: int, total: int) -> None:
        self._total = total
        self._done[0] = done
        self._tell("")

    def _tell(self, part: str) -> None:
        now = time.monotonic()
        if not self._is_shown or now < self._next or is_paging() or not self._lock.acquire(blocking=False):
            return
        from layertui.text.format import size_text

        with_part = f"{self._what} {part}".rstrip()
        try:
            self._next = now + PAUSE
            done = sum(self._done.values())
            rate = size_text(int(done / (now - self._started)))
            text = f"{size_text(done)}, {rate}/s, {with_part}"
            if self._total > 0:
                full = min(BAR * done // self._total, BAR)
                text = f"[{'#' * full}{'.' * (BAR - full)}] {size_text(done)} of {size_text(self._total)}, {rate}/s, {with_part}"
            import shutil

            sys.stderr.write("\r" + text[: shutil.get_terminal_size().columns - 1] + "\x1b[K")
            sys.stderr.flush()
            self._drawn = True
        finally:
            self._lock.release()

    def clear(self) -> None:
        """Erase the bar, so that a line can be printed."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
