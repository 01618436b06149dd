"""Match what is typed against names."""

from __future__ import annotations

from collections.abc import Sequence


def text_positions(query: str, text: str) -> Sequence[int] | None:
    """Return the positions of ``query`` in ``text``, where it is first; None if it is not there. Case is ignored."""
    start = _folded(text).find(query.lower())
    return range(start, start + len(query)) if start >= 0 else None


def match_positions(query: str, text: str) -> Sequence[int] | None:
    """Return the positions of ``query`` in ``text``: as a whole, else letter by letter; None if it does not match.

    For lists that put the better matches first. Case is ignored. Linear in the text, whatever the query: names
    come from images.
    """
    if (whole := text_positions(query, text)) is not None:
        return whole
    folded = _folded(text)
    positions: list[int] = []
    at = -1
    for letter in query.lower():
        at = folded.find(letter, at + 1)
        if at < 0:
            return None
        positions.append(at)
    return positions


def _folded(text: str) -> str:
    folded = text.lower()
    return folded if len(folded) == len(text) else text  # a few letters grow in lower case
