"""How screens word an error."""

from collections.abc import Sequence

from textual.content import Content

from layertui.model.errors import ImageChanged, LayertuiError
from layertui.text.sanitize import visible

LEAVE_AND_RELOAD = "escape, then R reloads"
"""The keys that help on a screen or dialog above the explorer's."""


def failure_table(error: LayertuiError, tried: Sequence[tuple[str, str]], similar: Sequence[str]) -> Content:
    """Return an error with a table of the places that were searched, and similar names."""
    width = max((len(place) for place, _why in tried), default=0)
    lines = [Content.styled(visible(error.what), "bold"), Content("")]
    lines += [Content.assemble((f"{place:<{width}}  ", "$quiet"), visible(why)) for place, why in tried]
    if similar:
        lines += [Content(""), Content(f"Did you mean {', '.join(map(visible, similar))}? o finds them.")]
    return Content("\n").join(lines)


def failure_text(error: LayertuiError, reload: str = "R reloads") -> str:
    """Return an error in a line, with the keys that help where an image has changed."""
    return f"{error} · {reload}" if isinstance(error, ImageChanged) else str(error)
