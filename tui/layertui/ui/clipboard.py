"""Copy to the clipboard, and report which programs have taken the text."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual.dom import DOMNode

from layertui.model.job import Job
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.worker.background import background

_TOAST = 60
"""Most cells of a notification; it takes at most half of the screen."""
_TOAST_FRAME = 4
"""Cells of its border and padding."""
_PROGRAM_TIME = 2.0
"""Seconds that a program may take."""


class Copier(NamedTuple):
    """A program that puts its standard input on a clipboard."""

    where: str
    command: Sequence[str]
    encoding: str = "utf-8"


def copiers() -> Iterator[Copier]:
    """Return the programs that reach a clipboard from here, the nearest one first.

    tmux does not forward OSC 52 by default, so its own buffer is set, and by ``-w`` the clipboard of its terminal.
    """
    if os.environ.get("TMUX"):
        yield Copier("tmux", ("tmux", "load-buffer", "-w", "-"))
    if sys.platform == "darwin":
        yield Copier("pbcopy", ("pbcopy",))
    if os.environ.get("WAYLAND_DISPLAY"):
        yield Copier("wl-copy", ("wl-copy",))
    if os.environ.get("DISPLAY"):
        yield Copier("xclip", ("xclip", "-selection", "clipboard"))
    if os.environ.get("WSL_DISTRO_NAME"):
        yield Copier("clip.exe", ("clip.exe",), "utf-16-le")


def copy(node: DOMNode, value: str) -> None:
    """Copy a value, sanitized: the clipboard takes only UTF-8, and a terminal may interpret the rest."""
    shown = visible(value)
    room = min(_TOAST, node.app.size.width // 2) - _TOAST_FRAME
    copy_text(node, shown, shorten(shown, max(room, 1)))


def copy_text(node: DOMNode, text: str, what: str) -> None:
    """Copy a text through the terminal (OSC 52, which is not confirmed) and programs, and report it as ``what``."""
    node.app.copy_to_clipboard(text)
    # A browser has its own clipboard: that of this machine may be another user's.
    programs = [each for each in copiers() if shutil.which(each.command[0]) and not node.app.is_web]

    def run(_job: Job) -> list[str]:
        return [each.where for each in programs if _run(each, text)]

    def tell(reached: list[str]) -> None:
        if reached:
            node.app.notify(f"Copied {what} ({', '.join(reached)})", markup=False)
        else:
            node.app.notify(f"Sent {what} to the terminal's clipboard (OSC 52)", markup=False)

    if programs:
        background(node, run, tell, name="copy")
    else:
        tell([])


def _run(copier: Copier, text: str) -> bool:
    """Return whether a program has taken the text; it may stay in the background to serve it, as xclip does."""
    data = text.encode(copier.encoding, "replace")
    try:
        done = subprocess.run(
            copier.command,
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROGRAM_TIME,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
