"""Run the app in the terminal."""

from __future__ import annotations

import sys

from layertui.model.errors import LayertuiError


def has_terminal() -> bool:
    """Return whether standard input and output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def explore(reference: str | None, platform: str | None, cache: bool) -> int:
    """Run the app and return its exit status. Raises :class:`LayertuiError` without a terminal."""
    if not has_terminal():
        raise LayertuiError(
            "cannot open the app",
            "standard input or output is no terminal",
            "see layertui --help for commands",
        )
    from layertui.ui.app import LayertuiApp  # Textual takes longer to import than most commands take

    app = LayertuiApp(reference, platform, cache)
    app.run()
    return app.return_code or 0
