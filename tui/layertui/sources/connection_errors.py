"""Why an HTTP connection failed: requests, urllib3 and http.client wrap the cause in each other's errors."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import TypeVar

from urllib3.exceptions import IncompleteRead, ProtocolError

E = TypeVar("E", bound=BaseException)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all errors that it wraps."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def cause(error: BaseException, kind: type[E]) -> E | None:
    """Return the first wrapped error of a kind; None if there is none."""
    return next((each for each in causes(error) if isinstance(each, kind)), None)


def broken_answer(error: Exception) -> str:
    """Return what is wrong with an answer, else the library's own words."""
    if (cut := cause(error, IncompleteRead)) is not None:
        return _cut(cut)
    if cause(error, RemoteDisconnected):
        return "it closed the connection without an answer"
    if cause(error, BadStatusLine):
        return "its answer is not HTTP"
    if cause(error, HTTPException) or isinstance(error, ProtocolError):
        return "its answer is malformed or breaks off"
    return str(error).split("\n")[0] or type(error).__name__


def _cut(error: IncompleteRead) -> str:
    """Return how much of a body was received before the connection was closed, and of how much if announced."""
    received = error.partial if isinstance(error.partial, int) else len(error.partial)
    if error.expected is None:
        return f"it closed the connection after {received:,} bytes"
    return f"it closed the connection after {received:,} of {received + error.expected:,} bytes"
