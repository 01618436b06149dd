"""Search texts for secrets, many files at once."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, groupby
from operator import attrgetter
from typing import NamedTuple

from layertui.content.extents import ContentBatch, LargeFile
from layertui.content.text import marked_encoding
from layertui.insight.secret_rules import ASSIGNMENTS, DOTENV, SECRET_FILES, TOKENS, Rule
from layertui.model.numbers import Event
from layertui.union.model import LayerUnion

UTF_8 = "utf-8"
"""Used for all texts that are searched byte by byte, also in other encodings that contain ASCII."""
_TEXT_HEAD = 8000
"""First bytes of a file, in which a NUL makes it binary (git, ``buffer_is_binary``)."""
_BEHIND = 1024
"""Bytes after a literal in which its secret ends, for rules that match before it."""
_MOST = 100
"""Findings of one rule in one text; more add no information."""
_WINDOW = 4 << 20
"""Bytes of a large text that are searched at once."""
_OVERLAP = 1 << 16
"""Bytes that two windows share: the longest secret, and what has to be before it."""
_LITERALS = sorted({literal for rule in TOKENS for literal in rule.literals})
_TOKEN_RULES = [[rule for rule in TOKENS if literal in rule.literals] for literal in _LITERALS]
"""The rules of each literal."""
_RULES_BY_NAME: list[tuple[bytes, Sequence[Rule]]] = [
    *((name, (rule,)) for name, rule in SECRET_FILES),
    (DOTENV, ASSIGNMENTS),
]


class Match(NamedTuple):
    """A secret in a text."""

    rule: str
    position: int
    secret: str
    start: int
    """Where the secret itself begins."""

    @property
    def end(self) -> int:
        return self.start + len(self.secret.encode("utf-8", "surrogateescape"))


def matches(text: bytes, rules: Iterable[Rule] = (*TOKENS, *ASSIGNMENTS)) -> list[Match]:
    """Return the secrets in a text by position, each once."""
    return _distinct(_matches(text, rules))


def _matches(text: bytes, rules: Iterable[Rule]) -> Iterator[Match]:
    for rule in rules:
        if any(literal in text for literal in rule.literals):
            yield from _secrets(rule, rule.pattern.finditer(text))


def _distinct(found: Iterable[Match]) -> list[Match]:
    """Return matches by position; of overlapping ones the first: a token's format is more certain than a name."""
    kept: list[Match] = []  # sorted, and none overlaps another
    for match in found:
        place = bisect_left(kept, match.start, key=attrgetter("start"))
        if (place and kept[place - 1].end > match.start) or (
            place < len(kept) and kept[place].start < match.end
        ):
            continue
        kept.insert(place, match)
    return kept


@cache
def _literal_search() -> Callable[[memoryview], Iterable[tuple[int, int, int]]]:
    """Return what finds the literals in a text: number, start and end of each, leftmost first, none in another.

    The library finds the leftmost match many times as fast as all matches.
    """
    try:
        from ahocorasick_rs import BytesAhoCorasick, MatchKind
    except ImportError:
        pattern, number = re.compile(b"|".join(map(re.escape, _LITERALS))), _LITERALS.index
        return lambda text: ((number(hit[0]), *hit.span()) for hit in pattern.finditer(text))
    return BytesAhoCorasick(_LITERALS, MatchKind.LeftmostFirst).find_matches_as_indexes


class FileSearch:
    """Searches the files of a union; safe to share between threads."""

    def __init__(self, union: LayerUnion) -> None:
        self._literals = _literal_search()
        self._rules: defaultdict[int, list[Rule]] = defaultdict(list)
        """Rules that apply to files by name, keyed by the event that stores the content: any of its names counts."""
        for node, number in union.matching(*(rb"[\0/](?:" + name + rb")" for name, _ in _RULES_BY_NAME)):
            for event in filter(union.shows, union.versions(node)):
                self._rules[union.ev_inode[event]] += _RULES_BY_NAME[number][1]

    def find(self, batch: ContentBatch) -> Iterator[tuple[Event, int, Match]]:
        """Yield event, line (from 1) and match of every secret in the text files of a batch."""
        data = batch.data
        for codec, group in groupby(batch.files, key=lambda file: _codec(data, *file[1:])):
            if codec == UTF_8:
                yield from self._found(data, list(group))
            elif codec:
                for event, start, end in group:
                    text = data[start:end].decode(codec, "replace").encode()
                    yield from self._found(text, [(event, 0, len(text))])

    def find_in_large(self, file: LargeFile) -> Iterator[tuple[Event, int, Match]]:
        """Yield the same for a large file if it is a text, reading it in windows.

        Raises :class:`LayertuiError` if the file cannot be read.
        """
        window, settled, lines = b"", 0, 0  # what of the window has been searched, and the lines before it
        seen: set[tuple[str, str]] = set()
        counts: Counter[str] = Counter()
        for following, is_last in _windows(_as_utf_8(file.pieces)):
            window += following
            certain = len(window) if is_last else len(window) - _OVERLAP  # beyond, a match may go on
            for event, line, match in self._found(window, [(file.event, 0, len(window))]):
                key = (match.rule, match.secret)
                if settled <= match.position < certain and key not in seen and counts[match.rule] < _MOST:
                    seen.add(key)
                    counts[match.rule] += 1
                    yield event, lines + line, match
            start = max(certain - _OVERLAP, 0)
            lines += window.count(b"\n", 0, start)
            window, settled = window[start:], certain - start

    def _found(
        self, data: bytes, files: Sequence[tuple[Event, int, int]]
    ) -> Iterator[tuple[Event, int, Match]]:
        """Yield event, line and match of the secrets in consecutive texts."""
        for event, start, end, places in self._candidates(data, files):
            text = data[start:end]
            found = [
                match
                for number, positions in places.items()
                for rule in _TOKEN_RULES[number]
                for match in _secrets(rule, _around(rule, text, positions))
            ]
            found += _matches(text, self._rules.get(event, ()))
            for match in _distinct(found):
                yield event, text.count(b"\n", 0, match.position) + 1, match

    def _candidates(
        self, data: bytes, files: Sequence[tuple[Event, int, int]]
    ) -> Iterator[tuple[Event, int, int, dict[int, list[int]]]]:
        """Yield the consecutive files to be searched, with the positions of each literal in them."""
        first, last = files[0][1], files[-1][2]
        hits = iter(self._literals(memoryview(data)[first:last]))
        hit = next(hits, None)
        for event, start, end in files:
            places: defaultdict[int, list[int]] = defaultdict(list)
            while hit is not None and first + hit[1] < end:
                if first + hit[1] >= start:  # else it is in a tar header
                    places[hit[0]].append(first + hit[1] - start)
                hit = next(hits, None)
            if places or event in self._rules:
                yield event, start, end, places


def _windows(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield a text in parts of about :data:`_WINDOW` bytes, and whether each is the last one."""
    read: list[bytes] = []
    for piece in pieces:
        if sum(map(len, read)) >= _WINDOW:
            yield b"".join(read), False
            read = []
        read.append(piece)
    yield b"".join(read), True


def _as_utf_8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a text, in UTF-8; nothing of a binary file."""
    head = next(pieces, b"")
    codec = _codec(head, 0, len(head))
    if codec == UTF_8:
        yield from chain([head], pieces)
    elif codec:
        decoder = codecs.getincrementaldecoder(codec)("replace")
        yield from (decoder.decode(piece).encode() for piece in chain([head], pieces))


def _codec(data: bytes, start: int, end: int) -> str:
    """Return the encoding of a text; empty for a binary file. UTF-16 and UTF-32 need a byte order mark."""
    marked = marked_encoding(data[start : min(start + 4, end)])
    if marked is not None and marked[0].startswith(("utf-16", "utf-32")):
        return marked[0]
    return UTF_8 if data.find(0, start, min(start + _TEXT_HEAD, end)) < 0 else ""


def _around(rule: Rule, text: bytes, positions: Iterable[int]) -> Iterator[re.Match[bytes]]:
    """Yield the matches of a rule at the positions of its literal, in ascending order."""
    if not rule.before:
        yield from filter(None, (rule.pattern.match(text, position) for position in positions))
        return
    behind = 0
    for position in positions:  # overlapping ranges are searched once
        start = max(position - rule.before, behind)
        for match in rule.pattern.finditer(text, start, position + _BEHIND):
            behind = match.end()
            yield match


def _secrets(rule: Rule, found: Iterable[re.Match[bytes]]) -> Iterator[Match]:
    """Yield the secrets that a rule found in a text, repeated ones left out."""
    seen: set[bytes] = set()
    for match in found:
        group = next((group for group in range(len(match.groups()), 0, -1) if match[group]), 0)
        secret = match[group]
        if secret not in seen:
            seen.add(secret)
            yield Match(
                rule.name, match.start(), secret.decode("utf-8", "surrogateescape"), match.start(group)
            )
        if len(seen) == _MOST:
            return
