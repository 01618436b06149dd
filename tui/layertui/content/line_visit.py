"""Search the lines of a layer's files while it is scanned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from layertui.content.line_search import MAX_SEARCHED_SIZE, FoundText, LineSearch, is_limited, path_test
from layertui.content.query import Query
from layertui.layers.visit import ContentBatch, Room, Visitor
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import EntryNumber

LINES_ROOM = 64 << 20
"""Bytes of memory for the lines found in an image while it is scanned. Files beyond are searched afterwards."""
_LINE_COST = 250
"""Bytes of memory of a found line besides its text, about."""


class SearchedText(NamedTuple):
    """What a search found in a file."""

    found: Sequence[FoundText] = ()
    is_binary: bool = False
    long_lines: int = 0


_NOTHING = SearchedText()
_BINARY = SearchedText(is_binary=True)


def line_visitor(query: Query) -> Visitor:
    """Return the visitor of a query. Raises :class:`LayertuiError` for an invalid pattern, with the reason."""
    lines, room = LineSearch(query), Room(LINES_ROOM)
    return lambda: LineVisit(lines, room)


class LineVisit:
    """A visit that finds the lines that match a query, in files whose own name is asked for."""

    def __init__(self, lines: LineSearch, room: Room) -> None:
        self.query = lines.query
        self.lines = lines
        self._is_asked = path_test(self.query)
        self._room = room
        self._texts: dict[EntryNumber, SearchedText] = {}
        self._searched = bytearray()
        """1 for each entry that was searched."""
        self._is_full = False

    def text(self, entry: EntryNumber) -> SearchedText | None:
        """Return what was found in a file; ``None`` if it was not searched."""
        is_searched = entry < len(self._searched) and self._searched[entry]
        return self._texts.get(entry, _NOTHING) if is_searched else None

    def among(self, keys: Sequence[bytes]) -> Iterator[int] | None:
        if not is_limited(self.query):
            return None
        each = b"/".join(keys).split(b"/")
        return (number for number, key in enumerate(each) if self._is_asked(key))

    def batch(self, batch: ContentBatch[EntryNumber]) -> None:
        for entry, start, end in self.lines.candidates(batch) if not self._is_full else ():
            text = _PassingText(self, entry)
            text.add(batch.data[start:end])
            text.end()
        for entry, _, _ in batch.files if not self._is_full else ():
            self._note(entry)

    def large(self, entry: EntryNumber, size: int) -> _PassingText | None:
        return _PassingText(self, entry) if size <= MAX_SEARCHED_SIZE and not self._is_full else None

    def end(self, index: LayerIndex) -> None:
        index.visits.append(self)

    def has_room(self, found: FoundText) -> bool:
        """Reserve memory for a line; return whether there was enough."""
        self._is_full = self._is_full or not self._room.takes(len(found.text) + _LINE_COST)
        return not self._is_full

    def put(self, entry: EntryNumber, text: SearchedText) -> None:
        """Store what was found in a file."""
        if not self._is_full:
            self._texts[entry] = _BINARY if text.is_binary else text
            self._note(entry)

    def _note(self, entry: EntryNumber) -> None:
        self._searched += bytes(max(entry + 1 - len(self._searched), 0))
        self._searched[entry] = 1


class _PassingText:
    """The search of one file."""

    def __init__(self, visit: LineVisit, entry: EntryNumber) -> None:
        self._visit = visit
        self._entry = entry
        self._search = visit.lines.text()
        self._found: list[FoundText] = []

    def add(self, piece: bytes) -> None:
        self._found += takewhile(self._visit.has_room, self._search.add(piece))

    def end(self) -> None:
        self._found += takewhile(self._visit.has_room, self._search.end())
        self._visit.put(
            self._entry, SearchedText(self._found, self._search.is_binary, self._search.long_lines)
        )
