"""The terminal of the app, and the signals that end it."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import NoReturn

from layertui.model.job import Job

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals that end the app; by then the terminal is as it was found."""


def is_closed(timeout: float | None = 0) -> bool:
    """Return whether the terminal has been closed, waiting for it up to ``timeout`` seconds, None: for ever."""
    keys = select.poll()
    keys.register(sys.__stdin__ or 0, 0)  # for no input: a hang-up is reported in any case
    return any(event & select.POLLHUP for _, event in keys.poll(timeout))


def wait_until_closed(_job: Job) -> None:
    """End the program when its terminal is closed, even if SIGHUP is delivered to another process.

    Textual would keep polling the closed terminal.
    """
    if is_closed(None):
        os.kill(os.getpid(), signal.SIGHUP)


def die_by(number: signal.Signals) -> NoReturn:
    """End the process by a signal, so that a shell sees 128 + its number."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)  # where the signal is blocked
