"""Match what is typed against names."""

from __future__ import annotations


def match_positions(query: str, text: str) -> list[int] | None:
    """Return the positions of ``query`` in ``text``: as a whole, else letter by letter; None if it does not match.

    Case is ignored. Linear in the text, whatever the query: names come from images.
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
