"""Search for a text in the lines of a document."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from textual import events

from layertui.model.job import Job
from layertui.text.sanitize import visible
from layertui.ui.widgets.lines import Document, Line, Span, part

MOST = 10_000
"""Matches that are found at most."""
_CHECKED = 1000
"""Lines between checks for cancellation."""


class TextMatch(NamedTuple):
    """Where a line matches, in characters."""

    line: int
    start: int
    stop: int


def find_text(document: Document, first: int, last: int, query: str, most: int, job: Job) -> list[TextMatch]:
    """Return up to ``most`` matches in the lines ``first`` to ``last`` (exclusive); capitals matter if there are any."""
    fold = query == query.lower()
    found: list[TextMatch] = []
    for number in range(first, last):
        if number % _CHECKED == 0:
            job.check()
        text = document.line(number).text
        folded = text.lower() if fold else text
        text = folded if len(folded) == len(text) else text  # a few letters grow in lower case
        at = text.find(query)
        while at >= 0:
            if len(found) >= most:
                return found
            found.append(TextMatch(number, at, at + len(query)))
            at = text.find(query, at + len(query))
    return found


@dataclass
class TextSearch:
    """What is searched for in a view, and what has been found; the view paints it."""

    query: str = ""
    typing: bool = False
    found: list[TextMatch] = field(default_factory=list)
    at: int = -1
    """The selected match; -1: none."""
    searched: int = 0
    """Lines that have been searched."""
    step: int = 0
    """The direction of a requested match that has not been found yet; 0: none."""

    @property
    def active(self) -> bool:
        return self.typing or bool(self.query)

    def type(self, event: events.Key) -> bool:
        """Apply a key to the query; return whether it changed."""
        before = self.query
        if event.key == "ctrl+u":
            self.query = ""
        elif event.key == "backspace":
            self.query = before[:-1]
        elif event.is_printable and event.character:
            self.query += event.character
        return self.query != before

    def forget(self) -> None:
        """Drop what has been found."""
        self.found, self.at, self.searched = [], -1, 0

    def take(self, found: Sequence[TextMatch], searched: int) -> None:
        """Add what has been found up to the line ``searched``."""
        self.found += found
        self.searched = searched

    def select(self, origin: int) -> None:
        """Select the first match at or below a line, else the first of all."""
        at = bisect_left(self.found, origin, key=lambda match: match.line)
        self.at = -1 if not self.found else at if at < len(self.found) else 0

    def line(self, complete: bool, busy: bool) -> Line:
        """Return the line that shows query and matches; ``complete``: the document has no unread rest."""
        typed = [("/", "accent"), (visible(self.query), "bold"), ("▏" if self.typing else "", "accent")]
        count = f"{len(self.found):,}" + ("+" if len(self.found) >= MOST else "")
        if not self.query:
            said = "type a text · esc ends"
        elif self.step and not complete:
            said = "reading on … · esc ends"
        elif not self.found:
            said = "searching …" if busy else "not found" + ("" if complete else " so far · n reads on")
            said += " · esc ends"
        else:
            said = f"{self.at + 1:,} of {count}" if self.at >= 0 else f"{count} found"
            said += ("" if complete else " so far") + ("" if self.typing else " · n N · esc ends")
        return Line([*typed, (f"  {said}", "quiet")])

    def highlighted(self, body: Sequence[Span], number: int, start: int) -> Sequence[Span]:
        """Return the spans of a line from its character ``start`` on, with matches marked."""
        first = bisect_left(self.found, number, key=lambda match: match.line)
        spans: list[Span] = []
        done, length = start, start + sum(len(text) for text, _style in body)
        for at in range(first, len(self.found)):
            match = self.found[at]
            if match.line != number or match.start >= length:
                break
            spans += part(body, done - start, max(match.start - start, 0))
            style = "reverse bold" if at == self.at else "inside-modified"
            inside = part(body, max(match.start, done) - start, max(match.stop - start, 0))
            spans += [(text, f"{under} {style}") for text, under in inside]
            done = max(match.stop, done)
        return [*spans, *part(body, done - start, length - start)] if spans else body
