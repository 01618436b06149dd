"""Two-part bars: solid for live bytes, hatched for dead ones. The hatching distinguishes them without color."""

from collections.abc import Sequence

from layertui.model.sizes import Bytes
from layertui.text.format import share_text, size_text
from layertui.ui.widgets.lines import Span

LIVE, DEAD, MIXED = "█", "░", "▒"
BEYOND = "»"
"""The end of a bar that is longer than the scale."""
_DWARFS = 20
"""A size that is so many times the next one does not count for the scale."""
_EIGHTHS = "▏▎▍▌▋▊▉"


def two_part_bar(size: Bytes, largest: int, cells: int, style: str) -> list[Span]:
    """Return a bar of ``cells`` cells for ``largest`` bytes, padded; at least an eighth for what is not empty.

    With both kinds of bytes it has both parts; in a single cell they are mixed, and in less only the live part is seen.
    """
    if size.size <= 0 or largest <= 0:
        return [(" " * cells, "")]
    if size.size > largest:
        return [*two_part_bar(size, size.size, cells - 1, style), (BEYOND, style)]
    if not size.dead:
        eighths = max(round(size.size / largest * cells * 8), 1)
        part = _EIGHTHS[eighths % 8 - 1] if eighths % 8 else ""
        return [((LIVE * (eighths // 8) + part).ljust(cells), style)]
    filled = round(size.size / largest * cells)
    if size.live and filled < 2:
        return [((MIXED if filled else _EIGHTHS[0]).ljust(cells), style)]
    filled = max(filled, 1)
    live = min(max(round(size.live / size.size * filled), 1), filled - 1) if size.live else 0
    return [(LIVE * live, style), ((DEAD * (filled - live)).ljust(cells - live), style)]


def scale_of(sizes: Sequence[Bytes]) -> int:
    """Return the bytes of the longest bar: the largest size, unless it dwarfs all others, which would have no bars."""
    largest, second = ([0, 0, *sorted(size.size for size in sizes)])[:-3:-1]
    return second if second and largest > _DWARFS * second else largest


def parts_spans(size: Bytes) -> list[Span]:
    """Return live and dead bytes in a sentence, each in its color."""
    whole = (size_text(size.size), "bold")
    if not size.dead:
        return [whole, (" live" if size.live else "", "quiet")]
    return [
        whole,
        (" = ", "quiet"),
        (f"{size_text(size.live)} live", "added"),
        (" + ", "quiet"),
        (f"{size_text(size.dead)} dead ({share_text(size.dead, size.size)})", "deleted"),
    ]


def strip_cells(sizes: Sequence[Bytes], cells: int) -> list[tuple[int, int]]:
    """Return the solid and hatched cells of each part of a strip that all of them fill."""
    total, behind, drawn, found = sum(size.size for size in sizes), 0, 0, []
    for size in sizes:
        behind += size.size
        end = round(behind / total * cells) if total else 0
        room = end - drawn
        live = round(size.live / size.size * room) if size.size else 0
        if size.live and size.dead:  # both are seen; in a single cell what is live
            live = min(max(live, 1), max(room - 1, 1), room)
        found.append((live, room - live))
        drawn = end
    return found
