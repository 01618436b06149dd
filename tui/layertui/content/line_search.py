"""Search texts line by line, as grep does."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from layertui.content.query import MAX_EXCERPT, Query
from layertui.content.text import WIDE_MARKS, is_text, marked_encoding
from layertui.layers.visit import ContentBatch, Key
from layertui.union.path_filter import compile_pattern, glob_pattern

MAX_SEARCHED_SIZE = 64 << 30
"""Bytes of the largest file searched: a few bytes of tar can claim 2**63 of zeros."""
BINARY_PROBE = 8000
"""Bytes at the start of a file; a NUL in them makes it binary, as in git (``buffer_is_binary``)."""
MAX_REGEX_LINE = 1 << 16
"""Characters of a line that a regular expression sees: many take quadratic time or worse."""
MAX_BUFFERED_LINE = 16 << 20
"""Characters buffered until the end of a line; a longer line is searched in parts."""
EXCERPT_LEAD = 60
"""Of the ``MAX_EXCERPT`` characters shown of a long line, those before the match, at most."""


class FoundText(NamedTuple):
    """A line that matches."""

    line: int
    """Its number, from 1."""
    text: str
    """The line, shortened around the match (:func:`excerpt`)."""
    start: int
    """Start of the match in ``text``."""
    end: int


class LineSearch:
    """Finds the lines of texts that match a query; safe to share between threads."""

    def __init__(self, query: Query) -> None:
        """Raise :class:`LayertuiError` for an invalid pattern, with the reason."""
        self.query = query
        self.search, self._needle = _line_search(query)
        self._bytes = b""
        """What an 8-bit text that matches contains, in lower case if case is ignored; empty if that is not known."""
        with suppress(UnicodeEncodeError):
            self._bytes = (self._needle or "").encode("utf-8", "surrogateescape")

    def candidates(self, batch: ContentBatch[Key]) -> Iterator[tuple[Key, int, int]]:
        """Yield the files of a batch that are binary, or may have a line that matches."""
        data, needle, probes = batch.data, self._bytes, not self.query.with_binary
        text = data.lower() if needle and self.query.ignores_case else data
        hit = text.find(needle)
        for file in batch.files:
            _, start, end = file
            if 0 <= hit < start:
                hit = text.find(needle, start)
            if (
                0 <= hit < end
                or data.startswith(WIDE_MARKS, start, end)
                or (probes and data.find(0, start, min(start + BINARY_PROBE, end)) >= 0)
            ):
                yield file

    def text(self) -> TextLines:
        """Return the search of one file."""
        return TextLines(self)

    def lines(self, block: str) -> tuple[list[str], int]:
        """Return whole lines to search, and how many of them are cut; none if no line matches."""
        if self._needle is not None:
            text = block.lower() if self.query.ignores_case else block
            return (block.removesuffix("\n").split("\n") if self._needle in text else [], 0)
        lines = block.removesuffix("\n").split("\n")
        if not self.query.is_regex or len(block) <= MAX_REGEX_LINE:
            return lines, 0
        return [line[:MAX_REGEX_LINE] for line in lines], sum(len(line) > MAX_REGEX_LINE for line in lines)


class TextLines:
    """The search of one file, which is read from start to end."""

    def __init__(self, lines: LineSearch) -> None:
        self.is_binary = False
        """Whether it is not searched."""
        self.long_lines = 0
        """Lines of which the regular expression saw only ``MAX_REGEX_LINE`` characters."""
        self._lines = lines
        self._decoder: codecs.IncrementalDecoder | None = None  # until the first bytes
        self._rest = ""
        self._line = 1

    def add(self, piece: bytes) -> Iterator[FoundText]:
        """Yield the matches in the next bytes, of which the first must be at least ``BINARY_PROBE`` or all."""
        if self._decoder is None:
            self._begin(piece)
        if not self.is_binary:
            yield from self._in_text(piece, is_last=False)

    def end(self) -> Iterator[FoundText]:
        """Yield the matches in what is left."""
        if self._decoder is not None and not self.is_binary:
            yield from self._in_text(b"", is_last=True)

    def _begin(self, head: bytes) -> None:
        marked = marked_encoding(head)
        codec = marked[0] if marked else "utf-8"
        errors = "surrogateescape" if codec.startswith("utf-8") else "replace"
        self._decoder = codecs.getincrementaldecoder(codec)(errors)
        self.is_binary = not marked and not self._lines.query.with_binary and not is_text(head[:BINARY_PROBE])

    def in_block(self, block: str) -> Iterator[FoundText]:
        """Yield the matches in the next whole lines."""
        lines, cut = self._lines.lines(block)
        self.long_lines += cut
        for number, found in enumerate(map(self._lines.search, lines)):
            if found is not None:
                yield FoundText(self._line + number, *excerpt(lines[number], *found.span()))
        self._line += block.count("\n")

    def _in_text(self, piece: bytes, is_last: bool) -> Iterator[FoundText]:
        """Yield the matches in whole lines, unless one is longer than ``MAX_BUFFERED_LINE``."""
        assert self._decoder is not None
        text = self._rest + self._decoder.decode(piece, is_last)
        end = text.rfind("\n") + 1
        if is_last or (not end and len(text) > MAX_BUFFERED_LINE):
            end = len(text)
        block, self._rest = text[:end], text[end:]
        if block:
            yield from self.in_block(block)


def is_limited(query: Query) -> bool:
    """Return whether only some paths are searched."""
    return bool(query.paths.strip("/"))


def path_test(query: Query) -> Callable[[bytes], object]:
    """Return what decides whether a key is searched."""
    if not is_limited(query):
        return lambda _key: True
    pattern = glob_pattern(query.paths.encode("utf-8", "surrogateescape"), with_descendants=True)
    return compile_pattern(pattern, query.paths, 0).search


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


def excerpt(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Shorten a line around a match; return it with the new start and end of the match."""
    if len(line) <= MAX_EXCERPT:
        return line, start, end
    first = max(min(start - EXCERPT_LEAD, len(line) - MAX_EXCERPT), 0)
    last = first + MAX_EXCERPT
    left, right = "…" if first else "", "…" if last < len(line) else ""
    shift = len(left) - first
    return left + line[first:last] + right, start + shift, min(end, last) + shift
