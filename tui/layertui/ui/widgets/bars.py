"""Two-part bars: solid for live bytes, hatched for dead ones. The hatching tells them apart without color."""

from collections.abc import Sequence

from layertui.model.sizes import Bytes
from layertui.text.format import share_text, size_text
from layertui.ui.widgets.lines import Span

LIVE, DEAD = "█", "░"
_EIGHTHS = "▏▎▍▌▋▊▉"


def two_part_bar(size: Bytes, largest: int, cells: int, style: str) -> list[Span]:
    """Return a bar of ``cells`` cells for ``largest`` bytes, padded; at least an eighth for what is not empty."""
    if size.size <= 0 or largest <= 0:
        return [(" " * cells, "")]
    if not size.dead:
        eighths = max(round(size.size / largest * cells * 8), 1)
        part = _EIGHTHS[eighths % 8 - 1] if eighths % 8 else ""
        return [((LIVE * (eighths // 8) + part).ljust(cells), style)]
    filled = max(round(size.size / largest * cells), 1)
    live = min(round(size.live / size.size * filled), filled - 1)
    return [(LIVE * live, style), ((DEAD * (filled - live)).ljust(cells - live), style)]


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
        live = round(size.live / size.size * (end - drawn)) if size.size else 0
        found.append((live, end - drawn - live))
        drawn = end
    return found
