"""How screens word an error."""

from layertui.model.errors import ImageChanged, LayertuiError

LEAVE_AND_RELOAD = "escape, then R reloads"
"""The keys that help on a screen or dialog above the explorer's."""


def failure_text(error: LayertuiError, reload: str = "R reloads") -> str:
    """Return an error in a line, with the keys that help where an image has changed."""
    return f"{error} · {reload}" if isinstance(error, ImageChanged) else str(error)
