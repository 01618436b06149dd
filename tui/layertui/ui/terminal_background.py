"""Whether the terminal's background is light: asked for, before Textual takes the terminal.

The terminal is asked for its background (OSC 11) and then for its cursor (CPR), which every terminal answers:
one that does not support the first does not delay the start. A late answer is removed from the keys
(:class:`LateAnswers`), that of a cursor by Textual itself.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

ANSWER_TIME = 0.1
"""Seconds that an answer is waited for."""
LATEST = 2.0
"""Seconds after the question in which an answer is still kept from keys and from the shell."""
QUESTION = b"\x1b]11;?\x1b\\\x1b[6n"
_COLOR_SAID = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F/]+)(?:\x07|\x1b\\)")
_CURSOR_SAID = re.compile(rb"\x1b\[[0-9]+;[0-9]+R")
_LIGHT_LUMA = 0.5
"""Luma of a background from which it is light."""
_LIGHT_INDEXES = (7, 15)
"""Backgrounds in ``COLORFGBG`` (rxvt, Konsole) that are light: white and bright white."""


def is_light_color(values: bytes) -> bool | None:
    """Return whether the ``ffff/ffff/ffff`` of an answer is a light color, None if it is no color."""
    try:
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in values.split(b"/")[:3])
    except ValueError:
        return None
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue >= _LIGHT_LUMA)


def light_by_environment() -> bool | None:
    """Return what ``COLORFGBG`` says of the background, None if it does not."""
    index = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return int(index) in _LIGHT_INDEXES if index.isdecimal() else None


class Question:
    """The question to a terminal. Keys are not echoed from then on until :meth:`release`."""

    is_light: bool | None = None
    """Whether the background is light; None if the terminal has not said."""
    typed = ""
    """What was typed meanwhile."""
    is_open = True
    """Whether the terminal may still answer."""

    def __init__(self, keys: int, screen: int) -> None:
        """Ask the terminal whose keys and screen these file descriptors are.

        Raises ``ImportError`` where there are no POSIX terminals.
        """
        self._keys = keys
        self._asked = time.monotonic()
        import termios

        self._termios = termios
        self._before = termios.tcgetattr(keys)
        quiet = termios.tcgetattr(keys)
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(keys, termios.TCSANOW, quiet)
        os.write(screen, QUESTION)

    def listen(self) -> None:
        """Take the answer, if it comes within :data:`ANSWER_TIME` after the question."""
        data = self._read(self._asked + ANSWER_TIME)
        self.is_open = not _CURSOR_SAID.search(data)
        found = _COLOR_SAID.search(data)
        self.is_light = is_light_color(found[1]) if found is not None else light_by_environment()
        # Of keys that send a sequence nothing is kept.
        self.typed = (
            _CURSOR_SAID.sub(b"", _COLOR_SAID.sub(b"", data)).partition(b"\x1b")[0].decode(errors="ignore")
        )

    def release(self) -> None:
        """Leave the terminal as it was, for the app to take it."""
        with suppress(self._termios.error):  # it has been closed
            self._termios.tcsetattr(self._keys, self._termios.TCSANOW, self._before)

    def close(self) -> None:
        """Discard a late answer after the app has ended, before the shell reads it."""
        with suppress(OSError, self._termios.error):
            if self.is_open:
                self._read(self._asked + LATEST)
                self._termios.tcflush(self._keys, self._termios.TCIFLUSH)
        self.release()

    def _read(self, deadline: float) -> bytes:
        """Read up to the last answer, or a deadline."""
        data = b""
        while not _CURSOR_SAID.search(data):
            rest = max(deadline - time.monotonic(), 0)
            if not select.select([self._keys], [], [], rest)[0]:
                break
            if not (more := os.read(self._keys, 4096)):
                break
            data += more
        return data


@contextmanager
def asking(keys: int, screen: int) -> Iterator[Question | None]:
    """Ask the terminal, if it can be asked; after the app has ended, discard a late answer before the shell reads it."""
    try:
        question = Question(keys, screen)
    except ImportError:
        question = None
    try:
        yield question
    finally:
        if question is not None:
            question.close()


T = TypeVar("T")


class LateAnswers(Generic[T]):
    """Takes an answer about the background out of what comes from the terminal."""

    def __init__(self) -> None:
        self.is_done = False
        """Whether it has come."""
        self._held: list[tuple[T, str]] = []

    def take(self, item: T, text: str) -> list[T]:
        """Return the items that are not part of an answer, after ``item``, which is ``text``."""
        self._held.append((item, text))
        if re.fullmatch(_ANSWER, self._text):
            self.is_done = True
            self._held.clear()
        free = []
        while self._held and not _may_become_answer(self._text):
            free.append(self._held.pop(0)[0])
        return free

    @property
    def _text(self) -> str:
        return "".join(text for _item, text in self._held)


_ANSWER = r"\x1b\]11;rgba?:[0-9a-fA-F/]+(?:\x07|\x1b\\)"
_ANSWER_BEGUN = r"\x1b\]11;rgba?:[0-9a-fA-F/]*\x1b?"
_ANSWER_STARTS = ("\x1b]11;rgb:", "\x1b]11;rgba:")


def _may_become_answer(text: str) -> bool:
    return bool(
        text
        and (any(start.startswith(text) for start in _ANSWER_STARTS) or re.fullmatch(_ANSWER_BEGUN, text))
    )
