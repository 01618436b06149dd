"""Ask images one after another for what matches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.unforeseen import unforeseen

if TYPE_CHECKING:
    from layertui.cache.indexes import IndexCache
    from layertui.find.found import Finder, FoundItem

FIND_KINDS = ("path", "content", "package", "digest")
"""What a pattern may be of: the tags of :class:`~layertui.find.found.FoundItem`."""


def finder_of(kind: str, pattern: str, cache: IndexCache | None) -> Finder:
    """Return the finder of a kind. Raises :class:`LayertuiError` for a malformed pattern."""
    # Imported here: none pays for the imports of another.
    if kind == "digest":
        from layertui.find.digests import DigestFinder

        return DigestFinder(pattern)
    from layertui.find.memo import LayerMemo

    if kind == "package":
        from layertui.find.packages import PackageFinder
        from layertui.insight.package_databases import PACKAGE_FILES

        return PackageFinder(LayerMemo(cache, PACKAGE_FILES), pattern)
    if kind == "content":
        from layertui.find.lines import LineFinder

        return LineFinder(LayerMemo(cache), pattern)
    from layertui.find.paths import PathFinder

    return PathFinder(LayerMemo(cache), pattern)


def find_in(
    finder: Finder, open_it: Callable[[], Image], problems: list[str], job: Job = Job.NONE
) -> Iterator[FoundItem]:
    """Yield what matches in the image that ``open_it`` opens.

    Why it cannot be opened, or the answer may be incomplete, is appended to ``problems``.
    """
    try:
        finder.damage = []
        yield from finder.in_image(open_it(), job)
        problems += finder.damage
    except Exception as error:
        problems.append(str(unforeseen(error)))
