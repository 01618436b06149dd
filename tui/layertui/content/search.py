"""Search config, history and the contents of files line by line, as grep does, hidden versions included."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby

from layertui.content.extents import LargeFile
from layertui.content.query import MAX_EXCERPT, LineMatch, Query
from layertui.content.read import Contents
from layertui.content.settings import settings
from layertui.content.side_by_side import side_by_side
from layertui.content.text import is_text, marked_encoding
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.layer_index import Kind
from layertui.model.numbers import Event
from layertui.text.format import count_text
from layertui.union.model import LayerUnion
from layertui.union.path_filter import compile_pattern, glob_pattern

BINARY_PROBE = 8000
"""Bytes at the start of a file; a NUL in them makes it binary, as in git (``buffer_is_binary``)."""
MAX_SEARCHED_SIZE = 64 << 30
"""Bytes of the largest file searched: a few bytes of tar can claim 2**63 of zeros."""
MAX_REGEX_LINE = 1 << 16
"""Characters of a line that a regular expression sees: many take quadratic time or worse."""
MAX_BUFFERED_LINE = 16 << 20
"""Characters buffered until the end of a line; a longer line is searched in parts."""
EXCERPT_LEAD = 60
"""Of the ``MAX_EXCERPT`` characters shown of a long line, those before the match, at most."""


_Found = tuple[int, str, int, int]
"""Line number, excerpt, and start and end of the match in it."""


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
        self._search, self._needle = _line_search(query)
        self._is_asked = _path_test(query.paths)

    def matches(self, job: Job = Job.NONE) -> Iterator[LineMatch]:
        """Yield every line that matches: in config and history, then layer by layer, each read once.

        Reports bytes of files. Raises :class:`Cancelled`.
        """
        if self._query.with_config and not _is_limited(self._query.paths):
            yield from self._in_settings()
        union = self._union
        for version, line, text, start, end in self.lines(job):
            path, layer = union.path(union.ev_node[version]), union.ev_layer[version]
            yield LineMatch(path, layer, self._is_visible(version), line, text, start, end)

    def lines(self, job: Job = Job.NONE) -> Iterator[tuple[Event, int, str, int, int]]:
        """Yield every line of a file that matches, as event, and number to end as of :class:`LineMatch`.

        Reports and raises as :meth:`matches`.
        """
        union, part = self._union, job.part()
        versions = self._versions()
        total, done = sum(map(union.size, versions)), 0
        layer_of = union.ev_layer.__getitem__
        layers = groupby(sorted(versions, key=layer_of), key=layer_of)
        for event, found in side_by_side([self._in_layer(list(events), part) for _, events in layers], part):
            job.check()
            if found is None:
                done += union.size(event)
                job.report(done, total)
                continue
            for version in versions[event]:
                yield version, *found

    def _in_layer(self, events: Sequence[Event], job: Job) -> Iterator[tuple[Event, _Found | None]]:
        """Yield the lines of files of one layer that match, each with the file's event, and None after each file."""
        done: set[Event] = set()
        for event, pieces in chain(
            self._together([event for event in events if not self._has_holes(event)], done, job),
            self._contents.in_order((event for event in events if event not in done), job),
        ):
            try:
                for found in self._in_file(event, pieces):
                    yield event, found
            except LayertuiError:
                self._leave_out("unreadable")
            yield event, None

    def _together(
        self, events: Sequence[Event], done: set[Event], job: Job
    ) -> Iterator[tuple[Event, Iterator[bytes]]]:
        """Yield the files of a layer that can be read, small ones read at once, and add each to ``done``."""
        for batch in self._contents.streams(events, job):
            if isinstance(batch, LargeFile):
                done.add(batch.event)
                yield batch.event, batch.pieces
                continue
            for event, start, end in batch.files:
                done.add(event)
                yield event, iter((batch.data[start:end],))

    def _leave_out(self, what: str, count: int = 1) -> None:
        with self._lock:
            setattr(self, what, getattr(self, what) + count)

    def _in_settings(self) -> Iterator[LineMatch]:
        for where, field, item, layer, text in settings(self._image):
            if self._needle is None or self._needle in (text.lower() if self._query.ignores_case else text):
                for _line, line, start, end in self._in_block(text, 1):
                    yield LineMatch(field, layer, True, item, line, start, end, where)

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

    def _in_file(self, event: Event, pieces: Iterator[bytes]) -> Iterator[_Found]:
        if self._union.size(event) > MAX_SEARCHED_SIZE:
            raise LayertuiError("too large")
        if self._has_holes(event) and not self._query.with_binary:
            self._leave_out("binary")
            return
        head = next(pieces, b"")
        marked = marked_encoding(head)
        if marked is None and not self._query.with_binary and not is_text(head[:BINARY_PROBE]):
            self._leave_out("binary")
            return
        line = 1
        for block in _blocks(head, pieces, marked[0] if marked else "utf-8"):
            if self._needle is None or self._needle in (block.lower() if self._query.ignores_case else block):
                yield from self._in_block(block, line)
            line += block.count("\n")

    def _has_holes(self, event: Event) -> bool:
        """Return whether a file is sparse: its holes are NULs, however many bytes they claim."""
        extra = self._union.extra(event)
        return extra is not None and extra.sparse is not None

    def _in_block(self, block: str, first: int) -> Iterator[_Found]:
        lines = block.removesuffix("\n").split("\n")
        if self._query.is_regex and len(block) > MAX_REGEX_LINE:
            self._leave_out("long_lines", sum(len(line) > MAX_REGEX_LINE for line in lines))
            lines = [line[:MAX_REGEX_LINE] for line in lines]
        for number, found in enumerate(map(self._search, lines)):
            if found is not None:
                yield first + number, *excerpt(lines[number], *found.span())


def _line_search(query: Query) -> tuple[Callable[[str], re.Match[str] | None], str | None]:
    """Return the search function for a line, and a string that a matching text must contain.

    The string is lower case if case is ignored, and ``None`` if there is none to look for.
    """
    source = query.pattern if query.is_regex else re.escape(query.pattern)
    flags = re.IGNORECASE if query.ignores_case else 0
    is_plain = not query.is_regex and query.pattern.isascii()
    if is_plain:
        flags |= re.ASCII  # else "k" would match the Kelvin sign, which the lower-case test above may miss
    search = compile_pattern(source, query.pattern, flags).search
    if not query.ignores_case:
        return search, None if query.is_regex else query.pattern
    return search, query.pattern.lower() if is_plain else None


def _is_limited(paths: str) -> bool:
    return bool(paths.strip("/"))


def _path_test(paths: str) -> Callable[[bytes], object]:
    if not _is_limited(paths):
        return lambda _key: True
    return compile_pattern(
        glob_pattern(paths.encode("utf-8", "surrogateescape"), with_descendants=True), paths, 0
    ).search


def _blocks(head: bytes, pieces: Iterator[bytes], codec: str) -> Iterator[str]:
    """Yield a text in blocks of whole lines, unless a line is longer than ``MAX_BUFFERED_LINE``."""
    errors = "surrogateescape" if codec.startswith("utf-8") else "replace"
    decoder = codecs.getincrementaldecoder(codec)(errors)
    rest = ""
    for piece in chain((head,), pieces, (b"",)):
        text = rest + decoder.decode(piece, not piece)
        end = text.rfind("\n") + 1
        if not piece or (not end and len(text) > MAX_BUFFERED_LINE):
            end = len(text)
        if end:
            yield text[:end]
        rest = text[end:]


def excerpt(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Shorten a line around a match; return it with the new start and end of the match."""
    if len(line) <= MAX_EXCERPT:
        return line, start, end
    first = max(min(start - EXCERPT_LEAD, len(line) - MAX_EXCERPT), 0)
    last = first + MAX_EXCERPT
    left, right = "…" if first else "", "…" if last < len(line) else ""
    shift = len(left) - first
    return left + line[first:last] + right, start + shift, min(end, last) + shift
