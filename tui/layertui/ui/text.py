"""Words and numbers as the screens write them."""

from datetime import UTC, datetime

from rich.cells import cell_len, chop_cells

from layertui.safe import visible

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def now() -> datetime:
    """The time that ages are counted from."""
    return datetime.now(UTC)


def size_text(size: int | None) -> str:
    """``size`` bytes in decimal units with three digits at most: ``1.98 MB``; ``?`` if unknown (-1)."""
    if size is None or size < 0:
        return "?"
    if size < 1000:
        return f"{size} B"
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {_UNITS[unit]}"


def age_text(created: str | None) -> str:
    """How long ago an RFC 3339 time was, in words; the text itself if it is no such time."""
    if not created:
        return "unknown"
    moment = parse_time(created)
    if moment is None:
        return visible(created)
    age = now() - moment
    if 365 <= age.days < 730:
        return f"{age.days // 30} months ago"  # as docker says, and no longer than the others
    import humanize

    return humanize.naturaltime(age)


def parse_time(text: str | None) -> datetime | None:
    """The moment that an RFC 3339 text names, None if it names none that a calendar has."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def count_text(count: int, noun: str) -> str:
    """``1 image``, ``1,204 images``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


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
    return f"{head}…{tail}"


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
