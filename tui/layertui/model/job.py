"""Cancel long work and report how far it has come."""

from __future__ import annotations

import threading
from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; ``total`` is -1 where it is not known. In bytes, unless the function says otherwise."""


class Cancelled(Exception):
    """Raised by :meth:`Job.check` after :meth:`Job.cancel`."""


class Job:
    """One piece of long work, seen from inside it.

    Every function that may take longer than a moment has a parameter ``job: Job = Job.NONE``,
    calls :meth:`check` often and :meth:`report` as it proceeds. Safe to share between threads.
    """

    NONE: Job
    """Work that nobody watches or cancels."""

    def __init__(self, progress: Progress | None = None, stop: threading.Event | None = None) -> None:
        self._progress = progress
        self._stop = stop or threading.Event()

    @property
    def is_cancelled(self) -> bool:
        return self._stop.is_set()

    def cancel(self) -> None:
        """End the work at its next :meth:`check`."""
        self._stop.set()

    def check(self) -> None:
        """Raise :class:`Cancelled` if the work has been cancelled."""
        if self._stop.is_set():
            raise Cancelled

    def report(self, done: int, total: int = -1) -> None:
        """Report ``done`` of ``total``."""
        if self._progress is not None:
            self._progress(done, total)

    def part(self, progress: Progress | None) -> Job:
        """Return a part of this work, cancelled with it, that reports to ``progress``."""
        return Job(progress, self._stop)


Job.NONE = Job()
