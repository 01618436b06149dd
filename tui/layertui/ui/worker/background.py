"""Run a function in a thread and deliver its outcome on the event loop.

Textual's ``@work(thread=True)`` does not fit. It takes its threads from the pool of the event loop, which
has a few threads more than there are processors and is joined when the program ends: a thread that waits
for a registry, an engine or a slow disk would hold up both other work and the exit. These threads are
daemons, as many as are wanted, and end by their :class:`~layertui.model.job.Job`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job, Progress
from layertui.model.unforeseen import unforeseen
from layertui.text.sanitize import visible

T = TypeVar("T")

TICK = 0.1
"""Seconds between two reports of progress, at least."""


computing = threading.Lock()
"""Held by a thread while it computes, so that at most one competes with the event loop for the GIL."""


def background(
    owner: MessagePump,
    function: Callable[[Job], T],
    done: Callable[[T], object] | None = None,
    failed: Callable[[LayertuiError], object] | None = None,
    *,
    name: str,
    progress: Progress | None = None,
    part_of: Job | None = None,
) -> Job:
    """Run ``function(job)`` in a daemon thread and return its job, which may be cancelled.

    ``owner`` then calls ``done`` with the result, or ``failed`` with the error raised (see
    :func:`~layertui.model.unforeseen.unforeseen`; without ``failed`` it is shown as a notification), and
    meanwhile ``progress`` with what the job reports, a few times a second; all on the event loop. None of
    them is called once the job, or the one that it is ``part_of``, is cancelled or ``owner`` is closed.
    """

    def run(deliver: _Delivery, job: Job) -> None:
        result = function(job)
        if done is not None:
            deliver(done, result)

    return _start(_Delivery(owner, progress, part_of), run, failed, name)


def background_each(
    owner: MessagePump,
    function: Callable[[Job], Iterable[T]],
    each: Callable[[T], object],
    done: Callable[[], object] | None = None,
    failed: Callable[[LayertuiError], object] | None = None,
    *,
    name: str,
    progress: Progress | None = None,
    part_of: Job | None = None,
) -> Job:
    """Iterate over ``function(job)`` as :func:`background` runs it, with ``each`` called for every item.

    The thread ends at the next item after the job is cancelled. ``done`` is called after the last item.
    """

    def run(deliver: _Delivery, job: Job) -> None:
        for item in function(job):
            job.check()
            deliver(each, item)
        if done is not None:
            deliver(done)

    return _start(_Delivery(owner, progress, part_of), run, failed, name)


def notify_of(owner: MessagePump, error: LayertuiError) -> None:
    """Show an error as a notification."""
    owner.app.notify(visible(str(error)), severity="error", markup=False)


class _Delivery:
    """Calls back on the event loop of ``owner``, unless :attr:`job` is cancelled by then."""

    def __init__(self, owner: MessagePump, progress: Progress | None, part_of: Job | None) -> None:
        report = self._report if progress is not None else None
        self.job = Job(report) if part_of is None else part_of.part(report)
        self._owner = owner
        self._progress = progress
        self._reported = 0.0

    def __call__(self, callback: Callable[..., object], *arguments: object) -> None:
        if not self.job.is_cancelled:
            self._owner.call_later(self._call, callback, *arguments)

    def _call(self, callback: Callable[..., object], *arguments: object) -> object:
        return None if self.job.is_cancelled else callback(*arguments)

    def tell(self, error: LayertuiError) -> None:
        """Show an error that nothing else on the screen shows."""
        notify_of(self._owner, error)

    def _report(self, done: int, total: int) -> None:
        """Deliver progress; called in any thread, for every piece that is processed."""
        assert self._progress is not None
        now = time.monotonic()
        if now - self._reported >= TICK:
            self._reported = now
            self(self._progress, done, total)


def _start(
    deliver: _Delivery,
    run: Callable[[_Delivery, Job], None],
    failed: Callable[[LayertuiError], object] | None,
    name: str,
) -> Job:
    def guarded() -> None:
        try:
            run(deliver, deliver.job)
        except Cancelled:
            pass
        except Exception as error:
            deliver(failed or deliver.tell, unforeseen(error))

    threading.Thread(target=guarded, name=name, daemon=True).start()
    return deliver.job
