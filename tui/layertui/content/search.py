"""Search config, history and the contents of files line by line, as grep does, hidden versions included."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from layertui.content.extents import LargeFile
from layertui.content.line_search import (
    MAX_REGEX_LINE,
    MAX_SEARCHED_SIZE,
    FoundText,
    LineSearch,
    is_limited,
    path_test,
)
from layertui.content.line_visit import LineVisit, SearchedText
from layertui.content.query import LineMatch, Query
from layertui.content.read import Contents
from layertui.content.settings import settings
from layertui.content.side_by_side import side_by_side
from layertui.layers.visit import in_pieces, visit_of
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import Event, LayerNumber
from layertui.text.format import count_text
from layertui.union.model import LayerUnion


class Search:
    """A search through an image and the files of its union; :meth:`matches` also counts what is left out."""

    def __init__(self, image: Image, union: LayerUnion, contents: Contents, query: Query) -> None:
        """Raise :class:`LayertuiError` for an invalid pattern, with the reason."""
        self.binary = 0
        """Binary files left out."""
        self.unreadable = 0
        """Files that could not be read, or not completely."""
        self.long_lines = 0
        """Lines of which the regular expression saw only ``MAX_REGEX_LINE`` characters."""
        self._lock = threading.Lock()  # of the counts
        self._image = image
        self._union = union
        self._contents = contents
        self._query = query
        self._lines = LineSearch(query)
        self._is_asked = path_test(query)

    def matches(self, job: Job = Job.NONE) -> Iterator[LineMatch]:
        """Yield every line that matches: in config and history, then layer by layer, each read once.

        Reports bytes of files. Raises :class:`Cancelled`.
        """
        if self._query.with_config and not is_limited(self._query):
            yield from self._in_settings()
        union = self._union
        for version, found in self.lines(job):
            path, layer = union.path(union.ev_node[version]), union.ev_layer[version]
            yield LineMatch(path, layer, self._is_visible(version), *found)

    def lines(self, job: Job = Job.NONE) -> Iterator[tuple[Event, FoundText]]:
        """Yield every line of a file that matches, with the event of the file's version.

        Reports and raises as :meth:`matches`.
        """
        union, part = self._union, job.part()
        versions = self._versions()
        total, done = sum(map(union.size, versions)), 0
        layer_of = union.ev_layer.__getitem__
        layers = groupby(sorted(versions, key=layer_of), key=layer_of)
        parts = [self._in_layer(layer, list(events), part) for layer, events in layers]
        for item in side_by_side(parts, part):
            job.check()
            if isinstance(item, int):
                done += item
                job.report(done, total)
                continue
            event, found = item
            for version in versions[event]:
                yield version, found

    def _in_layer(
        self, layer: LayerNumber, events: Sequence[Event], job: Job
    ) -> Iterator[tuple[Event, FoundText] | int]:
        """Yield the lines that match in files of one layer, in the order of the tar, those with holes last.

        Each with the file's event; between them the bytes of files that have been searched.
        """
        union, index = self._union, self._union.indexes[layer - 1]
        visit = visit_of(index, LineVisit)
        visited: dict[Event, SearchedText] = {}
        if visit is not None and visit.query == self._query:
            texts = ((event, visit.text(union.ev_entry[event])) for event in events)
            visited = {event: text for event, text in texts if text is not None}
        dense = [event for event in events if not self._has_holes(event)]
        dense.sort(key=lambda event: index.offset[union.ev_entry[event]])
        done: set[Event] = set()
        for is_visited, group in groupby(dense, visited.__contains__):
            if not is_visited:
                yield from self._read(list(group), done, job)
                continue
            together = list(group)
            done.update(together)
            for event in together:
                yield from ((event, found) for found in visited[event].found)
                self._count(visited[event].is_binary, visited[event].long_lines)
            yield sum(map(union.size, together))
        for event, pieces in self._contents.in_order((event for event in events if event not in done), job):
            yield from self._in_file(event, in_pieces(pieces))

    def _read(
        self, events: Sequence[Event], done: set[Event], job: Job
    ) -> Iterator[tuple[Event, FoundText] | int]:
        """Yield what :meth:`_in_layer` does for files that can be read, and add each to ``done``."""
        for batch in self._contents.streams(events, job):
            if isinstance(batch, LargeFile):
                done.add(batch.event)
                yield from self._in_file(batch.event, batch.pieces)
                continue
            for event, start, end in self._lines.candidates(batch):
                text = self._lines.text()
                for found in chain(text.add(batch.data[start:end]), text.end()):
                    yield event, found
                self._count(text.is_binary, text.long_lines)
            done.update(event for event, _, _ in batch.files)
            yield sum(end - start for _, start, end in batch.files)

    def _count(self, is_binary: bool, long_lines: int, is_unreadable: bool = False) -> None:
        with self._lock:
            self.binary += is_binary
            self.long_lines += long_lines
            self.unreadable += is_unreadable

    def _in_settings(self) -> Iterator[LineMatch]:
        for where, field, item, layer, text in settings(self._image):
            block = self._lines.text()
            for _, line, start, end in block.in_block(text):
                yield LineMatch(field, layer, True, item, line, start, end, where)
            self._count(False, block.long_lines)

    @property
    def left_out(self) -> list[str]:
        """Descriptions of what was not searched."""
        counts = (
            (self.binary, "binary file", ""),
            (self.unreadable, "file", " that cannot be read"),
            (self.long_lines, "line", f" beyond {MAX_REGEX_LINE:,} characters"),
        )
        return [count_text(count, noun) + more for count, noun, more in counts if count]

    def _versions(self) -> dict[Event, list[Event]]:
        """Return the events to search, by the event that stores their content: hardlinks share one."""
        union, found = self._union, dict[Event, list[Event]]()
        for event, kind in zip(union.events, union.ev_kind, strict=True):
            if kind != Kind.FILE or not (self._query.with_hidden or self._is_visible(event)):
                continue
            stored = union.ev_inode[event]
            if union.size(stored) and self._is_asked(union.key(union.ev_node[event])):
                found.setdefault(stored, []).append(event)
        return found

    def _is_visible(self, event: Event) -> bool:
        return self._union.last[self._union.ev_node[event]] == event

    def _in_file(self, event: Event, pieces: Iterator[bytes]) -> Iterator[tuple[Event, FoundText] | int]:
        """Yield what :meth:`_in_layer` does for one file, which may turn out to be unreadable."""
        size, text = self._union.size(event), self._lines.text()
        is_binary = self._has_holes(event) and not self._query.with_binary
        is_unreadable = size > MAX_SEARCHED_SIZE
        try:
            for piece in pieces if not (is_binary or is_unreadable) else ():
                for found in text.add(piece):
                    yield event, found
                if text.is_binary:
                    break
            for found in text.end():
                yield event, found
        except LayertuiError:
            is_unreadable = True
        is_binary = not is_unreadable and (is_binary or text.is_binary)
        self._count(is_binary, text.long_lines, is_unreadable)
        yield size

    def _has_holes(self, event: Event) -> bool:
        """Return whether a file is sparse: its holes are NULs, however many bytes they claim."""
        extra = self._union.extra(event)
        return extra is not None and extra.sparse is not None
