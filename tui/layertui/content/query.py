"""Query and result of a search in contents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from layertui.model.numbers import LayerNumber

MAX_EXCERPT = 240
"""Characters shown of a line."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for, and where."""

    pattern: str
    is_regex: bool = False
    """Whether ``pattern`` is a regular expression of Python's ``re``, matched within lines; else it is literal."""
    ignores_case: bool = False
    with_hidden: bool = False
    """Whether to search versions that the final tree does not show."""
    with_binary: bool = False
    paths: str = ""
    """A glob, see :mod:`layertui.union.path_filter`; a directory includes everything below it."""


@dataclass(frozen=True, slots=True)
class LineMatch:
    """A matching line in one version of one path."""

    path: str
    layer: LayerNumber
    """The layer of the version."""
    visible: bool
    """Whether the final tree shows the version."""
    line: int
    """Line number, from 1."""
    text: str
    """The line, or ``MAX_EXCERPT`` characters of it around the match, with ``…`` for the rest."""
    start: int
    """Start of the first match in ``text``; a line is reported once."""
    end: int

    def to_json(self) -> dict[str, Any]:
        """Return the match as in the JSON output."""
        return asdict(self)
