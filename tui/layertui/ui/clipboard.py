"""Copy to the clipboard, with a notification."""

from textual.widget import Widget

from layertui.text.sanitize import visible
from layertui.ui.cells import shorten

_SAID = 60
"""Cells of a value that are shown in the notification."""


def copy(widget: Widget, value: str) -> None:
    """Copy a value, sanitized: the clipboard takes only UTF-8, and a terminal may interpret the rest."""
    shown = visible(value)
    widget.app.copy_to_clipboard(shown)
    widget.notify(f"Copied {shorten(shown, _SAID)}", markup=False)
