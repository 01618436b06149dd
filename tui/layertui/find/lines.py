"""Find lines in the files of many images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from layertui.content.line_search import FoundText
from layertui.content.line_visit import line_visitor
from layertui.content.query import Query
from layertui.content.search import Search
from layertui.find.alone import LayerAlone
from layertui.find.found import FoundLine
from layertui.find.memo import LayerMemo, MemoLayer, damage_of
from layertui.find.paths import facts_of
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import EntryNumber, Event
from layertui.text.format import count_text

LayerLine = tuple[EntryNumber, str, FoundText]
"""A match: the entry, its path as the layer has it, and the line."""


class LineFinder:
    """Finds the lines of text files in all layers that contain a text."""

    def __init__(self, memo: LayerMemo, text: str) -> None:
        self.damage: list[str] = []
        self._memo = memo
        self._query = Query(text, with_hidden=True)
        self._known: dict[str, tuple[list[LayerLine], str]] = {}

    def in_image(self, image: Image, job: Job = Job.NONE) -> Iterator[FoundLine]:
        """See :class:`layertui.find.found.Finder`."""
        layers = self._memo.layers(image, job, [line_visitor(self._query)])
        self.damage = damage_of(image, layers)
        union = None
        for row in layers:
            number = row.layer.number
            lines, problem = self._in_layer(image, row, job)
            self.damage += [f"layer {number}: {problem}"] * bool(problem)
            for entry, path, line in lines:
                union = union or self._memo.union(image, layers)
                facts = (False, path, "file", row.index.size[entry])
                start, stop = union.starts[number - 1 : number + 1]
                with suppress(ValueError):  # the union may refuse an entry: a loop of links leads to it
                    facts = facts_of(union, Event(union.ev_entry.index(entry, start, stop)))
                yield FoundLine(image.reference, number, *facts, *line)

    def _in_layer(self, image: Image, row: MemoLayer, job: Job) -> tuple[list[LayerLine], str]:
        """Return the matches in a layer, and what could not be read; each layer is searched once."""
        name = row.identity
        if name in self._known:
            return self._known[name]
        alone, union, contents = LayerAlone.of(image, row.layer, row.index)
        search = Search(alone, union, contents, self._query)
        lines = [
            (union.ev_entry[event], union.path(union.ev_node[event]), found)
            for event, found in search.lines(job)
        ]
        row.index.visits.clear()  # found above: the memo keeps the index
        problem = f"{count_text(search.unreadable, 'file')} cannot be read" if search.unreadable else ""
        if name:
            self._known[name] = lines, problem
        return lines, problem
