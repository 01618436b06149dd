"""Copies what is at hand, and says so."""

from textual.widget import Widget

from layertui.text.sanitize import visible
from layertui.ui.cells import shorten

_SAID = 60
"""Cells of a value that are said."""


def copy(widget: Widget, value: str) -> None:
    """Copies a value as it can be shown: the clipboard takes UTF-8 alone, a terminal may act on the rest."""
    shown = visible(value)
    widget.app.copy_to_clipboard(shown)
    widget.notify(f"Copied {shorten(shown, _SAID)}", markup=False)
