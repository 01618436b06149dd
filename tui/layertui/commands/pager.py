"""Long output on a terminal goes through a pager, as git does it (git-config(1), ``core.pager``; ``pager.c``).

The command is ``LAYERTUI_PAGER``, else ``PAGER``, else less, which ends by itself if all fits on the screen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress

from layertui import TYPE_CHECKING

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
_prepared: subprocess.Popen[bytes] | None = None
"""A shell that waits for a line before it starts the pager."""


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


def prepare_pager() -> None:
    """Start a shell that waits to start the pager, if there is one: a confined process can start no program."""
    global _prepared
    command = pager_command()
    if _prepared is not None or not command:
        return
    import subprocess

    _prepared = subprocess.Popen(
        f"read -r _ || exit 0\n{command}",
        shell=True,
        stdin=subprocess.PIPE,
        env={**PAGER_ENVIRONMENT, **os.environ},
        bufsize=0,
    )


def start_pager() -> None:
    """Redirect standard output, and standard error if it is the terminal too, to the pager, if there is one."""
    global _running
    prepare_pager()
    if _running is not None or _prepared is None:
        return
    assert _prepared.stdin is not None
    with suppress(BrokenPipeError):  # Ctrl+C has ended the shell: then nothing can be written
        _prepared.stdin.write(b"\n")
    streams = {}
    for stream in (sys.stdout, sys.stderr):
        if stream.isatty():
            streams[stream.fileno()] = os.dup(stream.fileno())
            os.dup2(_prepared.stdin.fileno(), stream.fileno())
    _prepared.stdin.close()
    _running = _Running(_prepared, streams)


def finish_pager() -> None:
    """Have the pager show the end, wait until the user leaves it, and restore the streams."""
    global _running, _prepared
    if _running is None:
        if _prepared is not None and _prepared.stdin is not None:
            _prepared.stdin.close()  # nothing was written
            _prepared.wait()
        return
    for number, before in _running.streams.items():
        os.dup2(before, number)  # the last writing ends of the pipe: now the pager sees its end
        os.close(before)
    while True:
        with suppress(KeyboardInterrupt):  # which is the pager's: it reads keys until the user leaves it
            _running.process.wait()
            break
    _running = _prepared = None
