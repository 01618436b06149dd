"""The terminal of the app, and the signals that end it."""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from layertui.model.job import Job

_STREAMS = (0, 2)
"""Standard input and error."""
_TERMINAL = "/dev/tty"
ENDING = tuple(
    getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM") if hasattr(signal, name)
)
"""Signals that end the app; by then the terminal is as it was found."""


def is_closed(timeout: float | None = 0) -> bool:
    """Return whether the terminal has been closed, waiting for it up to ``timeout`` seconds, None: for ever.

    Without poll(2) it is not known, and False is returned at once.
    """
    if not hasattr(select, "poll"):
        return False
    # Its own descriptor: when the app ends, that of standard input becomes the pipe again that an image came by.
    terminal = os.dup(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0)
    try:
        keys = select.poll()
        keys.register(terminal, 0)  # for no input: a hang-up is reported in any case
        return any(event & select.POLLHUP for _, event in keys.poll(timeout))
    finally:
        os.close(terminal)


@contextmanager
def terminal_streams() -> Iterator[None]:
    """Put the terminal in place of a redirected standard input or error: Textual reads keys and draws there."""
    replaced = [(number, os.dup(number)) for number in _STREAMS if not os.isatty(number)]
    try:
        if replaced:
            terminal = os.open(_TERMINAL, os.O_RDWR)
            for number, _kept in replaced:
                os.dup2(terminal, number)
            os.close(terminal)
        yield
    finally:
        for number, kept in replaced:
            os.dup2(kept, number)
            os.close(kept)


def has_terminal() -> bool:
    """Return whether keys can be read and the screen be drawn, by standard streams or else by ``/dev/tty``."""
    if None in (sys.__stdin__, sys.__stdout__, sys.__stderr__) or not os.isatty(1):
        return False  # closed, or its output is wanted elsewhere
    if not all(map(os.isatty, _STREAMS)):
        try:
            os.close(os.open(_TERMINAL, os.O_RDWR))
        except OSError:  # the process has no controlling terminal
            return False
    return True


def wait_until_closed(_job: Job) -> None:
    """End the program when its terminal is closed, even if SIGHUP is delivered to another process.

    Textual would keep polling the closed terminal.
    """
    if is_closed(None):
        os.kill(os.getpid(), signal.SIGHUP)


def die_by(number: signal.Signals) -> NoReturn:
    """Delete temporary files and end the process by a signal, so that a shell sees 128 + its number."""
    atexit._run_exitfuncs()  # a signal skips them
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)  # where the signal is blocked
