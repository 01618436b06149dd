"""Cancel long work and report how far it has come."""

from __future__ import annotations

from collections.abc import Callable

from layertui.model.numbers import LayerNumber

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``; ``total`` is -1 where it is not known. In bytes, unless the function says otherwise."""

LayerProgress = Callable[[LayerNumber, int, int], None]
"""Called as ``progress(layer, done, total)``, ``layer`` from 1 at the base."""


class Cancelled(Exception):
    """Raised by :meth:`Job.check` after :meth:`Job.cancel`."""


class Job:
    """One piece of long work: how its caller watches and cancels it.

    Every function that may take longer than a moment has a parameter ``job: Job = Job.NONE``,
    calls :meth:`check` often and :meth:`report` as it proceeds. All of it may be called from
    any thread; the callbacks run in the thread that reports.
    """

    NONE: Job
    """A job without progress that is never cancelled."""

    def __init__(self, progress: Progress | None = None, *, layers: LayerProgress | None = None) -> None:
        """``layers`` receives what is reported of single layers, ``progress`` all else."""
        self._progress = progress
        self._layers = layers
        self._whole: Job | None = None
        self._is_cancelled = False

    @property
    def is_cancelled(self) -> bool:
        return self._is_cancelled or (self._whole is not None and self._whole.is_cancelled)

    def cancel(self) -> None:
        """End the work at its next :meth:`check`."""
        self._is_cancelled = True

    def check(self) -> None:
        """Raise :class:`Cancelled` if the work, or what it is part of, has been cancelled."""
        if self._is_cancelled:
            raise Cancelled
        if self._whole is not None:
            self._whole.check()

    def report(self, done: int, total: int = -1) -> None:
        """Report ``done`` of ``total``."""
        if self._progress is not None:
            self._progress(done, total)

    def part(self, progress: Progress | None = None) -> Job:
        """Return a part of this work, which reports to ``progress`` and may be cancelled alone."""
        part = Job(progress)
        part._whole = self
        return part

    def layer(self, number: LayerNumber) -> Job:
        """Return the part of this work that is about one layer."""
        layers = self._layers
        return self.part(layers and (lambda done, total: layers(number, done, total)))


Job.NONE = Job()
