"""Run the app in the terminal."""

from __future__ import annotations

import os

from layertui.model.errors import LayertuiError
from layertui.model.system import usable_processors
from layertui.model.typed import NamedTuple

IN_CI = ("true", "1", "yes")
"""Values of ``CI`` that mean a CI job (dive 0.13, ``options/ci.go``), in any case: AppVeyor sets ``True``."""


class Start(NamedTuple):
    """What the app in a browser begins with."""

    reference: str | None
    platform: str | None
    cache: bool
    path: str = ""
    """Absolute; bytes that are not UTF-8 as lone surrogates. Empty: none is selected."""
    layer: int = 0
    """The layer on top, from 1; 0 for all."""


def is_ci() -> bool:
    """Return whether this is a CI job. Many have a terminal, but no user."""
    return os.environ.get("CI", "").lower() in IN_CI


def obstacle() -> str:
    """Return why the app cannot be opened here; empty if it can."""
    from layertui.ui.terminal import has_terminal

    if not has_terminal():
        return "standard input or output is not a terminal"
    if is_ci():
        return "CI is set in the environment"
    terminal = os.environ.get("TERM", "")
    if terminal in ("", "dumb"):
        return "the terminal cannot move its cursor (TERM=dumb)" if terminal else "TERM is not set"
    return ""


def explore(reference: str | None, platform: str | None, cache: bool) -> int:
    """Run the app and return its exit status. Raises :class:`LayertuiError` if it cannot be opened here."""
    if why := obstacle():
        raise LayertuiError("cannot open the app", why, "see layertui --help for commands")
    from layertui.sources.piped import keep_standard_input

    keep_standard_input(reference)  # keys are read from the terminal
    from layertui.ui.settings import load_settings, settings_file
    from layertui.ui.terminal import die_by, terminal_streams
    from layertui.ui.terminal_background import asking

    settings = load_settings(settings_file())
    if reference is not None and usable_processors() > 1:
        # Importing Textual takes as long as the process needs for its own modules, on another processor.
        from layertui.worker.client import prepare_worker

        prepare_worker()
    with terminal_streams(), asking(keys=0, screen=2) as question:
        from layertui.ui.app import LayertuiApp  # Textual takes longer to import than a terminal to answer

        if question is not None:
            question.listen()
        app = LayertuiApp(reference, platform, cache, question, settings)
        app.run()
    if app.ended_by is not None:
        die_by(app.ended_by)
    return 2 if app.return_code else 0  # 1 means that a check failed
