"""Format numbers and times, for screens and commands."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from layertui import TYPE_CHECKING
from layertui.text.sanitize import visible

if TYPE_CHECKING:
    from layertui.model.entry import Entry
    from layertui.model.sizes import Bytes


UNKNOWN_AGE = "unknown"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def now() -> datetime:
    """Return the time that ages are counted from."""
    return datetime.now(UTC)


def share_text(part: int, total: int) -> str:
    """Return a share in percent: ``<1%`` for what is not nothing, ``>99%`` for what is not all."""
    percent = round(part / total * 100) if total else 0
    if part and not percent:
        return "<1%"
    return ">99%" if part < total and percent == 100 else f"{percent}%"


def size_text(size: int | None) -> str:
    """Return bytes in decimal units with three digits at most: ``1.98 MB``; ``?`` if unknown (-1).

    As ``humanize.metric(size, "B")`` from 1,000 bytes on; importing that takes longer than Python takes to start.
    """
    if size is None or size < 0:
        return "?"
    if size < 1000:
        return f"{size} B"
    value, unit = _scaled(size)
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {_UNITS[unit]}"


def _scaled(size: float) -> tuple[float, int]:
    """Return bytes in the largest unit that leaves at least 1, and the position of that in :data:`_UNITS`."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return value, unit


def short_size(size: float) -> str:
    """Return bytes with two digits at least, in six cells at most: ``4.1 MB``, ``12 kB``, ``999 B``."""
    value, unit = _scaled(size)
    return f"{value:.{1 if unit and value < 9.95 else 0}f} {_UNITS[unit]}"


def rate_text(rate: float) -> str:
    """Return bytes a second: ``4.1 MB/s``."""
    return f"{short_size(rate)}/s"


def wait_text(seconds: float) -> str:
    """Return how long something will take: ``16 s``, ``3 min``, ``2 h``."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{round(seconds / 3600)} h"


def parts_text(size: Bytes) -> str:
    """Return live and dead bytes in a sentence: ``642 MB = 280 MB live + 363 MB dead (56%)``."""
    share = f" ({share_text(size.dead, size.size)})" if size.size else ""
    return f"{size_text(size.size)} = {size_text(size.live)} live + {size_text(size.dead)} dead{share}"


def growth_text(size: int, minus: str = "-") -> str:
    """Return a difference of sizes: ``+1.98 MB``, ``-3 B``, ``0 B``."""
    return f"{'+' if size > 0 else minus if size < 0 else ''}{size_text(abs(size))}"


def age_text(created: str | None) -> str:
    """Return how long ago an RFC 3339 time was, in words; the text itself if it is not such a time.

    ``unknown`` if there is none, or that of a builder that records none: year 1 (kaniko, ko, crane) or 1970,
    for which Docker 28 prints ``N/A``.
    """
    if not created:
        return UNKNOWN_AGE
    moment = parse_time(created)
    if moment is None:
        return visible(created)
    if moment <= _EPOCH:
        return UNKNOWN_AGE
    age = now() - moment
    if 365 <= age.days < 730:
        return f"{age.days // 30} months ago"  # as docker says, and no longer than the others
    import humanize

    return humanize.naturaltime(age)


def parse_time(text: str | None) -> datetime | None:
    """Return the time that an RFC 3339 text names; None if it is not one, or beyond the calendar."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # by its offset it may be before year 1 or after 9999
        return None


def count_text(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 image``, ``1,204 images``; the plural is ``noun`` with an ``s`` by default."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def sentence(text: str) -> str:
    """Return ``text`` with its first letter capitalized."""
    return text[:1].upper() + text[1:]


FACT_NAMES = {
    "type": "type",
    "content": "content",
    "mode": "mode",
    "owner": "owner",
    "mtime": "mtime",
    "linkname": "linkname",
    "xattrs": "xattrs",
    "device": "device",
}
"""How the facts that may differ between two versions of a path are displayed; the keys are those of the JSON."""


def facts_text(facts: Iterable[str]) -> str:
    """Return facts that differ as they are displayed: ``mode, owner``."""
    return ", ".join(FACT_NAMES[fact] for fact in facts)


_TYPE_BITS = {
    "file": stat.S_IFREG,
    "directory": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "char": stat.S_IFCHR,
    "block": stat.S_IFBLK,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}


def mode_text(entry: Entry) -> str:
    """Return type and mode as ``ls -l`` writes them: ``-rw-r--r--``."""
    return stat.filemode(_TYPE_BITS[entry.type] | entry.mode)


def owner(entry: Entry) -> str:
    """Return UID and GID: ``1000:1000``."""
    return f"{entry.uid}:{entry.gid}"


def moment(entry: Entry) -> str:
    """Return when an entry was last modified, in UTC to the second; seconds since 1970 beyond the calendar."""
    try:
        when = datetime.fromtimestamp(0, UTC) + timedelta(seconds=entry.mtime)
    except OverflowError:
        return f"{entry.mtime} s"
    return f"{when:%Y-%m-%d %H:%M:%S}".rjust(19, "0")


def exact_size(size: int) -> str:
    """Return ``1,204 bytes``."""
    return f"{size:,} byte" + ("" if size == 1 else "s")
