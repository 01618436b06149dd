"""A line of a file around the match in it."""

from typing import TYPE_CHECKING

from rich.cells import cell_len

from layertui.text.sanitize import visible
from layertui.ui.cells import clip, clip_start
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.content.query import LineMatch
    from layertui.find.found import FoundLine


def excerpt_spans(match: "LineMatch | FoundLine", room: int) -> list[Span]:
    """Return as much of the line as fits ``room`` cells, with the match visible."""
    before, found, after = (
        visible(part.replace("\t", " "))
        for part in (
            match.text[: match.start].lstrip(),
            match.text[match.start : match.end],
            match.text[match.end :].rstrip(),
        )
    )
    # If not all fits, the match and what follows it come first.
    if cell_len(before) + cell_len(found) + cell_len(after) > room:
        before = clip_start(before, max(room // 4, room - cell_len(found) - cell_len(after)))
    found = clip(found, room - cell_len(before))
    after = clip(after, room - cell_len(before) - cell_len(found))
    return [(before, "quiet"), (found, "accent bold underline"), (after, "quiet")]
