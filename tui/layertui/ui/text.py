"""Words and numbers as the screens write them."""

from rich.cells import cell_len, chop_cells

from layertui.text.format import age_text, count_text, parse_time, size_text

__all__ = ["age_text", "count_text", "match_positions", "parse_time", "shorten", "size_text"]


def sentence(text: str) -> str:
    """``text`` with a capital letter in front."""
    return text[:1].upper() + text[1:]


def shorten(text: str, width: int) -> str:
    """Safe ``text`` in at most ``width`` cells, its middle left out if it is longer."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head = chop_cells(text, (width - 1) - (width - 1) // 2)[0]
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > width - 1 - cell_len(head):
            break
        tail = char + tail
    while tail and not cell_len(tail[0]):  # a mark whose letter is left out would go onto the …
        tail = tail[1:]
    return f"{head}…{tail}"


def clip(text: str, width: int) -> str:
    """Safe ``text`` in at most ``width`` cells, its end left out if it is longer."""
    if width <= 0:
        return ""
    text = text[: width * 8]  # letters may take no cells
    if cell_len(text) <= width:
        return text
    return chop_cells(text, width - 1)[0] + "…" if width > 1 else "…"


def clip_start(text: str, width: int) -> str:
    """Safe ``text`` in at most ``width`` cells, its beginning left out if it is longer."""
    text = text[-width * 8 :] if width > 0 else ""
    if cell_len(text) <= width:
        return text
    room, kept = width - 1, len(text)
    while kept and (taken := cell_len(text[kept - 1])) <= room:
        room, kept = room - taken, kept - 1
    return "…" + text[kept:]


def match_positions(query: str, text: str) -> list[int] | None:
    """Where ``query`` is found in ``text``, whole or letter by letter, whatever the case; None if not.

    Linear in the text, whatever is searched for: names come from images.
    """
    query, folded = query.lower(), text.lower()
    if len(folded) != len(text):  # a few letters grow in lower case
        folded = text
    start = folded.find(query)
    if start >= 0:
        return list(range(start, start + len(query)))
    positions: list[int] = []
    at = -1
    for letter in query:
        at = folded.find(letter, at + 1)
        if at < 0:
            return None
        positions.append(at)
    return positions
