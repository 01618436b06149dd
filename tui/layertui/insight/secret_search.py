"""Finds secrets in texts, in many files at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from layertui.content.stored import Batch
from layertui.insight.secret_rules import ASSIGNMENTS, DOTENV, FILES, TOKENS, Rule
from layertui.union.union import Union

_HEAD = 8000
"""Bytes in which a NUL makes a file binary, as git has it (``buffer_is_binary``)."""
_BEFORE, _BEHIND = 128, 4096
"""Bytes around the start of a literal in which all of its secret lies."""
_MOST = 100
"""Findings of one rule in one text; more tell nothing new."""
_LITERALS = [(literal, rule) for rule in TOKENS for literal in rule.literals]
_NAMED: list[tuple[bytes, Sequence[Rule]]] = [
    *((name, (rule,)) for name, rule in FILES),
    (DOTENV, ASSIGNMENTS),
]


class Match(NamedTuple):
    """A secret in a text."""

    rule: str
    position: int
    secret: str


def matches(rules: Iterable[Rule], text: bytes) -> Iterator[Match]:
    """What the rules find in a text, each secret once a rule."""
    for rule in rules:
        if any(literal in text for literal in rule.literals):
            yield from _matches(rule, text, [(0, len(text))])


class FileSearch:
    """Looks into the files of a union; safe to share between threads."""

    def __init__(self, union: Union) -> None:
        # The library finds the leftmost match many times as fast as all matches.
        self._literals = BytesAhoCorasick([literal for literal, _ in _LITERALS], MatchKind.LeftmostFirst)
        self._rules: defaultdict[int, list[Rule]] = defaultdict(list)
        """Rules of files by their names, by the event that stores them: any of their names counts."""
        for node, number in union.matching(*(rb"[\0/](?:" + name + rb")" for name, _ in _NAMED)):
            for event in filter(union.shows, union.versions(node)):
                self._rules[union.ev_inode[event]] += _NAMED[number][1]

    def find(self, batch: Batch) -> Iterator[tuple[int, int, Match]]:
        """Event, line (from 1) and match of every secret in the text files of a batch."""
        data = batch.data
        for is_text, group in groupby(batch.files, key=lambda file: _is_text(data, *file[1:])):
            for event, start, end, places in self._candidates(data, list(group)) if is_text else ():
                text = data[start:end]
                found = [
                    match
                    for number, positions in places.items()
                    for match in _matches(_LITERALS[number][1], text, _near(positions, end - start))
                ]
                found += matches(self._rules.get(event, ()), text)
                for match in sorted(set(found), key=lambda match: match.position):
                    yield event, text.count(b"\n", 0, match.position) + 1, match

    def _candidates(
        self, data: bytes, files: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[int, int, int, dict[int, list[int]]]]:
        """Of files one after the other, those to be looked into, with the places of each literal in them."""
        first, last = files[0][1], files[-1][2]
        hits = iter(self._literals.find_matches_as_indexes(memoryview(data)[first:last]))
        hit = next(hits, None)
        for event, start, end in files:
            places: defaultdict[int, list[int]] = defaultdict(list)
            while hit is not None and first + hit[1] < end:
                if first + hit[1] >= start:  # else it is in the header of a tar
                    places[hit[0]].append(first + hit[1] - start)
                hit = next(hits, None)
            if places or event in self._rules:
                yield event, start, end, places


def _is_text(data: bytes, start: int, end: int) -> bool:
    return data.find(0, start, min(start + _HEAD, end)) < 0


def _near(positions: Sequence[int], length: int) -> list[tuple[int, int]]:
    """The stretches around positions in ascending order, those that overlap as one."""
    found: list[tuple[int, int]] = []
    for position in positions:
        start, stop = max(position - _BEFORE, 0), min(position + _BEHIND, length)
        if found and start <= found[-1][1]:
            start = found.pop()[0]
        found.append((start, stop))
    return found


def _matches(rule: Rule, text: bytes, stretches: Sequence[tuple[int, int]]) -> Iterator[Match]:
    """What a rule finds in parts of a text; a secret that stands there again is left out."""
    seen: set[bytes] = set()
    for start, stop in stretches:
        for match in rule.pattern.finditer(text, start, stop):
            secret = next((group for group in match.groups()[::-1] if group), match[0])
            if secret not in seen:
                seen.add(secret)
                yield Match(rule.name, match.start(), secret.decode("utf-8", "surrogateescape"))
            if len(seen) == _MOST:
                return
