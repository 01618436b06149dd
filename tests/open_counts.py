"""Which files are opened, and how often."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_counting: list[Counter[str]] = []


@contextmanager
def counted_opens() -> Iterator[Counter[str]]:
    """How often each path is opened meanwhile, however Python does it."""
    _listen()
    _counting.append(Counter())
    try:
        yield _counting[-1]
    finally:
        _counting.pop()


@cache
def _listen() -> None:
    """A hook can never be removed again."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and _counting and isinstance(arguments[0], str | bytes | os.PathLike):
            _counting[-1][os.fsdecode(arguments[0])] += 1

    sys.addaudithook(note)
