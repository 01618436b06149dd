"""The app in a real terminal (a pty), timed from outside: start to content, key to frame."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue

import pyte

SIZE = (40, 120)
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("ready to go")
Bare().run()
"""


class _Screen(pyte.Screen):
    """Answers questions, such as where the cursor is: every terminal does, and programs wait for that."""

    def __init__(self, answer: Callable[[bytes], object]) -> None:
        super().__init__(SIZE[1], SIZE[0])
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())


class Terminal:
    """A program in a terminal of 120x40."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] = {}) -> None:
        self.screen = _Screen(lambda data: os.write(self._fd, data))
        self._stream = pyte.ByteStream(self.screen)
        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if not self.pid:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment})
            os.execvp(command[0], list(command))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        # To understand a frame takes pyte many milliseconds: they must not count for the next one.
        sys.setswitchinterval(0.0001)
        self._arrived: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        threading.Thread(target=self._receive, daemon=True).start()

    def until(self, condition: Callable[[], bool], seconds: float = 120) -> float:
        """When the bytes arrived that made the condition true of the screen (``perf_counter``).

        Raises ``TimeoutError``.
        """
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            arrived, data = self._read(left)
            if data:
                self._stream.feed(data)
                if condition():
                    return arrived
        raise TimeoutError("\n".join(self.screen.display))

    def quiet(self, seconds: float) -> None:
        """Take in what comes until nothing has come for so long."""
        while data := self._read(seconds)[1]:
            self._stream.feed(data)

    def rest(self, seconds: float) -> None:
        """Take in what comes within so many seconds."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._stream.feed(self._read(left)[1])

    def press(self, key: bytes, condition: Callable[[], bool], seconds: float = 2) -> float:
        """Seconds from a key to the bytes that make the condition true. Raises ``TimeoutError``."""
        pressed = time.perf_counter()
        os.write(self._fd, key)
        return self.until(condition, seconds) - pressed

    def shows(self, text: str) -> bool:
        return any(text in line for line in self.screen.display)

    def cursor(self, column: int, background: str) -> int:
        """The row of the cursor of the pane at a column, by its background; -1 where it is not shown."""
        for y in range(SIZE[0]):
            if self.screen.buffer[y][column].bg == background:
                return y
        return -1

    def _receive(self) -> None:
        """Take what comes as soon as it comes."""
        with contextlib.suppress(OSError):  # the program has ended
            while data := os.read(self._fd, 1 << 16):
                self._arrived.put((time.perf_counter(), data))

    def _read(self, seconds: float) -> tuple[float, bytes]:
        """What came next, and when; nothing if it takes longer than so many seconds."""
        try:
            return self._arrived.get(timeout=seconds)
        except Empty:
            return 0, b""

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        self.quiet(0.3)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


def is_loaded(terminal: Terminal) -> bool:
    """Whether the title says what is known of the whole image alone."""
    return " live" in terminal.screen.display[0]


def content_after(command: Sequence[str], text: str) -> float:
    """Seconds from a program's start to a text on its screen."""
    terminal = Terminal(command)
    try:
        return terminal.until(lambda: terminal.shows(text)) - terminal.started
    finally:
        terminal.close()


def keys_to_frames(
    terminal: Terminal, keys: Iterable[tuple[bytes, int]], column: int, background: str, pause: float
) -> list[float]:
    """Seconds from each key to the frame in which the cursor of the pane at a column is so many rows further.

    Before each key all that comes within ``pause`` seconds is taken in. Raises ``TimeoutError`` where the
    cursor does not get there.
    """
    taken = []
    for key, rows in keys:
        terminal.rest(pause)
        row = terminal.cursor(column, background) + rows
        reached = partial(lambda row: terminal.cursor(column, background) == row, row)
        taken.append(terminal.press(key, reached))
    return taken
