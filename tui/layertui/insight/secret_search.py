"""Search texts for secrets, many files at once."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from layertui.content.text import WIDE_MARKS, marked_encoding
from layertui.insight.secret_rules import ASSIGNMENTS, DOTENV, SECRET_FILES, TOKENS, Rule
from layertui.layers.visit import ContentBatch, Key
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
NAMED_FILES: Sequence[bytes] = [rb"[\0/](?:" + name + rb")" for name, _ in _RULES_BY_NAME]
"""Patterns of the files that have rules of their own (:meth:`layertui.union.model.LayerUnion.matching`)."""


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


def rules_by_name(union: LayerUnion) -> Mapping[Event, Sequence[Rule]]:
    """Return the rules that apply to files by name, keyed by the event that stores the content: any of its names counts."""
    rules: defaultdict[Event, list[Rule]] = defaultdict(list)
    for node, number in union.matching(*NAMED_FILES):
        for event in filter(union.shows, union.versions(node)):
            rules[union.ev_inode[event]] += _RULES_BY_NAME[number][1]
    return rules


class FileSearch:
    """Searches files; safe to share between threads."""

    def __init__(self, rules: Mapping[Event, Sequence[Rule]] | None = None) -> None:
        """``rules`` are those of :func:`rules_by_name`, by the keys of files; without them, only tokens are found."""
        self._literals = _literal_search()
        self._rules = dict[int, Sequence[Rule]]((rules or {}).items())

    def find(self, batch: ContentBatch[Key]) -> Iterator[tuple[Key, int, Match]]:
        """Yield key, line (from 1) and match of every secret in the text files of a batch."""
        data = batch.data
        for codec, group in groupby(batch.files, key=lambda file: _codec(data, file[1], file[2])):
            if codec == UTF_8:
                yield from self.found(data, list(group))
            elif codec:
                for key, start, end in group:
                    text = data[start:end].decode(codec, "replace").encode()
                    yield from self.found(text, [(key, 0, len(text))])

    def found(self, data: bytes, files: Sequence[tuple[Key, int, int]]) -> Iterator[tuple[Key, int, Match]]:
        """Yield key, line and match of the secrets in consecutive texts, in UTF-8."""
        for key, start, end, places in self._candidates(data, files):
            text = data[start:end]
            found = [
                match
                for number, positions in places.items()
                for rule in _TOKEN_RULES[number]
                for match in _secrets(rule, _around(rule, text, positions))
            ]
            found += _matches(text, self._rules.get(key, ()))
            for match in _distinct(found):
                yield key, text.count(b"\n", 0, match.position) + 1, match

    def _candidates(
        self, data: bytes, files: Sequence[tuple[Key, int, int]]
    ) -> Iterator[tuple[Key, int, int, dict[int, list[int]]]]:
        """Yield the consecutive files to be searched, with the positions of each literal in them."""
        first, last = files[0][1], files[-1][2]
        hits = iter(self._literals(memoryview(data)[first:last]))
        hit = next(hits, None)
        for key, start, end in files if hit is not None or self._rules else ():
            places: defaultdict[int, list[int]] = defaultdict(list)
            while hit is not None and first + hit[1] < end:
                if first + hit[1] >= start:  # else it is in a tar header
                    places[hit[0]].append(first + hit[1] - start)
                hit = next(hits, None)
            if places or key in self._rules:
                yield key, start, end, places


class LargeSearch:
    """Searches a file that is larger than a batch, in windows."""

    def __init__(self, search: FileSearch, key: int) -> None:
        self.found: list[tuple[int, Match]] = []
        """Line and match of every secret so far."""
        self._search = search
        self._key = key
        self._codec: str | None = None  # not known yet
        self._decode: Callable[[bytes], str] | None = None
        self._waiting: list[bytes] = []
        self._window, self._settled, self._lines = (
            b"",
            0,
            0,
        )  # what of it was searched, and the lines before it
        self._seen: set[tuple[str, str]] = set()
        self._counts: Counter[str] = Counter()

    def add(self, piece: bytes) -> None:
        """Search the next bytes of the file, if it is a text."""
        if self._codec is None:
            self._codec = _codec(piece, 0, len(piece))
            if self._codec not in ("", UTF_8):
                self._decode = codecs.getincrementaldecoder(self._codec)("replace").decode
        if not self._codec:
            return
        if sum(map(len, self._waiting)) >= _WINDOW:
            self._look(is_last=False)
        self._waiting.append(piece if self._decode is None else self._decode(piece).encode())

    def end(self) -> None:
        """Search the end of the file."""
        self._look(is_last=True)

    def _look(self, is_last: bool) -> None:
        window = self._window + b"".join(self._waiting)
        self._waiting.clear()
        certain = len(window) if is_last else len(window) - _OVERLAP  # beyond, a match may go on
        for _, line, match in self._search.found(window, [(self._key, 0, len(window))]):
            secret = (match.rule, match.secret)
            is_new = secret not in self._seen and self._counts[match.rule] < _MOST
            if self._settled <= match.position < certain and is_new:
                self._seen.add(secret)
                self._counts[match.rule] += 1
                self.found.append((self._lines + line, match))
        start = max(certain - _OVERLAP, 0)
        self._lines += window.count(b"\n", 0, start)
        self._window, self._settled = window[start:], certain - start


def _codec(data: bytes, start: int, end: int) -> str:
    """Return the encoding of a text; empty for a binary file. UTF-16 and UTF-32 need a byte order mark."""
    if data.startswith(WIDE_MARKS, start, end):
        marked = marked_encoding(data[start : min(start + 4, end)])
        return marked[0] if marked else ""
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
