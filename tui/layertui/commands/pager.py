"""Long output on a terminal goes through a pager, as git does it (git-config(1), ``core.pager``; ``pager.c``).

The command is ``LAYERTUI_PAGER``, else ``PAGER``, else less, which ends by itself if all fits on the screen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

PAGER_ENVIRONMENT: Mapping[str, str] = {"LESS": "FRX", "LV": "-c"}
"""Environment of the pager, where nothing else is set: colors pass, short output is not paged."""


class _Running:
    def __init__(self, process: subprocess.Popen[bytes], streams: Mapping[int, int]) -> None:
        """``streams``: what the standard streams that are redirected to it were, by number."""
        self.process = process
        self.streams = streams


_running: _Running | None = None


def is_paging() -> bool:
    """Return whether standard output, which was a terminal, is redirected to a pager."""
    return _running is not None


def pager_command() -> str:
    """Return the command line of the pager; empty for none."""
    import shutil

    if os.environ.get("TERM", "dumb") == "dumb":
        return ""
    for name in ("LAYERTUI_PAGER", "PAGER"):
        if (command := os.environ.get(name)) is not None:
            return "" if command == "cat" else command
    return "less" if shutil.which("less") else ""


def start_pager() -> None:
    """Redirect standard output, and standard error if it is the terminal too, to the pager, if there is one."""
    global _running
    command = pager_command()
    if _running is not None or not command:
        return
    import subprocess

    process = subprocess.Popen(
        command, shell=True, stdin=subprocess.PIPE, env={**PAGER_ENVIRONMENT, **os.environ}, bufsize=0
    )
    assert process.stdin is not None
    streams = {}
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            streams[stream.fileno()] = os.dup(stream.fileno())
            os.dup2(process.stdin.fileno(), stream.fileno())
    process.stdin.close()
    _running = _Running(process, streams)


def finish_pager() -> None:
    """Have the pager show the end, wait until the user leaves it, and restore the streams."""
    global _running
    if _running is None:
        return
    for number, before in _running.streams.items():
        os.dup2(before, number)  # the last writing ends of the pipe: now the pager sees its end
        os.close(before)
    while True:
        with suppress(KeyboardInterrupt):  # which is the pager's: it reads keys until the user leaves it
            _running.process.wait()
            break
    _running = None
