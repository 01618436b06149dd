"""The installed ``layertui`` in a real terminal: a pty, with a terminal emulator reading it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

from tests.waiting import SECONDS

COMMAND = Path(sys.executable).with_name("layertui")


class Terminal:
    """Runs a command in a pty; ``raw`` is all it wrote, ``screen`` what a person sees."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 120,
        rows: int = 40,
        cwd: Path | None = None,
        program: str = str(COMMAND),
        **environment: str,
    ) -> None:
        self.raw = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.process = pexpect.spawn(
            program,
            list(arguments),
            dimensions=(rows, columns),
            env=self.environment(**environment),
            cwd=cwd,
            timeout=SECONDS,
            use_poll=True,  # select has no room for more than 1,024 files of this process
        )

    @staticmethod
    def environment(**more: str) -> dict[str, str]:
        """What programs in the terminal find in their environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", "/nonexistent"),
            "XDG_STATE_HOME": os.environ.get("XDG_STATE_HOME", "/nonexistent"),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "PAGER": "cat",
            "TZ": "UTC",
            "LAYERTUI_TRACEBACK": "1",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            **more,
        }

    @property
    def text(self) -> str:
        # Not Screen.display: pyte 0.8 fails where half of a wide character was overwritten.
        rows, columns = self._screen.buffer, range(self._screen.columns)
        return "\n".join("".join(rows[y][x].data for x in columns) for y in range(self._screen.lines))

    def wait(self, *wanted: str | Callable[[str], bool], seconds: float = SECONDS) -> str:
        """The screen's text once all that is wanted is on it."""
        deadline = time.monotonic() + seconds
        while not all(want(self.text) if callable(want) else want in self.text for want in wanted):
            if time.monotonic() > deadline:
                raise AssertionError(f"not on the screen: {wanted}\n{self.text}")
            self._read(0.1)
        return self.text

    def press(self, keys: str) -> None:
        self.process.send(keys)
        self._read(0.05)

    def settle(self, still: float = 0.15, seconds: float = SECONDS) -> str:
        """The screen's text once nothing has been written for ``still`` seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            before = len(self.raw)
            self._read(still)
            if len(self.raw) == before:
                break
        return self.text

    def quit(self) -> int:
        """Press q until the program has ended, once for each screen that is open; return its exit status."""
        while self.process.isalive():
            with suppress(OSError):  # it has ended since
                self.press("q")
            self.settle()
        return self.end()

    def end(self, seconds: float = SECONDS) -> int:
        """Read on until the program ends; its exit status."""
        deadline = time.monotonic() + seconds
        while self.process.isalive() and time.monotonic() < deadline:
            self._read(0.1)
        assert not self.process.isalive(), f"still running\n{self.text}"
        while self._read(0.1):  # what it wrote last
            pass
        self.process.close()
        return self.process.exitstatus if self.process.exitstatus is not None else -1

    def _read(self, seconds: float) -> bool:
        """Whether something has been written."""
        try:
            data = self.process.read_nonblocking(1 << 16, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.raw += data
        # pyte 0.8 takes the private forms of these sequences for the public ones.
        self._stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;]*[um]", b"", data))
        return True

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close(force=True)
