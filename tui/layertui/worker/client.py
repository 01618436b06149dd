"""A worker process, as the app sees it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BufferedReader
from typing import TYPE_CHECKING, Self

from layertui.model.errors import LayertuiError

if TYPE_CHECKING:
    from layertui.worker.protocol import Frame, Request


MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(128 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
"""How glibc gets memory (mallopt(3)): columns from the heap too, so that all that is free of it can be returned at once."""


class Worker:
    """One run of ``python -m layertui.worker.main``, which serves one request.

    To be used by one thread, as a context that ends the process; :meth:`kill` may be called
    by any thread, at any time.
    """

    def __init__(self) -> None:
        """Start the process, which prepares itself for :meth:`ask`.

        Raises :class:`LayertuiError` if it cannot be started.
        """
        try:
            # -P: a file json.py in the current directory must not be run
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "layertui.worker.main"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **MALLOC},
            )
        except OSError as error:
            raise LayertuiError("cannot start the reader", error.strerror or str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.process.__exit__(None, None, None)

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()

    def ask(self, request: "Request") -> Iterator["Frame"]:
        """Send the request and return the frames up to the final one, as they arrive.

        The iterator raises the :class:`LayertuiError` that the worker reports, or that it ended early.
        """
        from layertui.worker.protocol import Sender

        assert self.process.stdin is not None
        # Where the process has ended already, there will be no frame.
        with self.process.stdin as requests, contextlib.suppress(BrokenPipeError):
            Sender(requests.fileno()).send(request)
        return self._frames()

    def _frames(self) -> Iterator["Frame"]:
        from layertui.worker.protocol import Changed, Failed, FinalFrame, receive

        assert isinstance(self.process.stdout, BufferedReader)
        while (frame := receive(self.process.stdout)) is not None:
            if isinstance(frame, Changed | Failed):
                raise frame.error()
            yield frame
            if isinstance(frame, FinalFrame):
                return
        self.kill()
        status = self.process.wait()
        ended = (
            f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        )
        why = f"the worker process {ended}"
        raise LayertuiError("reading stopped", why, "press escape and open it again")


_prepared: list[Worker] = []


def prepare_worker() -> None:
    """Start the process that is needed first: it imports its modules meanwhile."""
    with contextlib.suppress(LayertuiError):  # reported when it is needed
        _prepared.append(Worker())


def take_worker() -> Worker:
    """Return the prepared process, else a new one. Raises :class:`LayertuiError` as :class:`Worker`."""
    try:
        return _prepared.pop()
    except IndexError:
        return Worker()
