"""Match what is typed against names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


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


def text_rank(query: str, text: str) -> int:
    """Return how well a query matches a text: from 0 for the text itself to 3 for no match. Case is ignored."""
    text, query = text.lower(), query.lower()
    if text == query:
        return 0
    return 1 if text.startswith(query) else 2 if query in text else 3


def match_rank(word: str, text: str) -> int | None:
    """Return how well a word, in lower case, matches a name or path: the less, the better; None if not at all.

    Better than elsewhere is a match in the last component, at its start or at the start of a word; letters in
    order come last, and only where they are close to each other. Linear in the text.
    """
    folded = text.lower()
    name = folded[folded.rfind("/") + 1 :]
    if (at := name.find(word)) >= 0:
        if not at:
            return 0 if name == word else 1
        return 3 if name[at - 1].isalnum() else 2
    if word in folded:
        return 4
    start = end = -1
    for letter in word:
        end = folded.find(letter, end + 1)
        if end < 0:
            return None
        start = end if start < 0 else start
    return 6 if end - start < 2 * len(word) + 2 else None


def marked(query: str, text: str) -> set[int]:
    """Return the positions of ``text`` that the words of a query match."""
    positions: set[int] = set()
    for word in query.lower().split():
        at = _folded(text).rfind(word)
        positions.update(range(at, at + len(word)) if at >= 0 else match_positions(word, text) or ())
    return positions


def similar_names(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three similar names: those that contain it, else those with a similar spelling."""
    from difflib import get_close_matches

    known = list(dict.fromkeys(names))
    parts = [each for each in known if name.lower() in each.lower()]
    return sorted(parts, key=len)[:3] or get_close_matches(name, known[:1000], 3, 0.7)


def _folded(text: str) -> str:
    folded = text.lower()
    return folded if len(folded) == len(text) else text  # a few letters grow in lower case
