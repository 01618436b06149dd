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
    with_config: bool = False
    """Whether to search config and history too, unless ``paths`` limits the search."""


@dataclass(frozen=True, slots=True)
class LineMatch:
    """A matching line in one version of one path, or in config or history."""

    path: str
    """In config and history, the name of the field: ``config.Env``, ``history``."""
    layer: LayerNumber
    """The layer of the version or of the build step; 0 for none."""
    visible: bool
    """Whether the final tree shows the version."""
    line: int
    """Line number, from 1; in config and history that of the item."""
    text: str
    """The line, or ``MAX_EXCERPT`` characters of it around the match, with ``…`` for the rest."""
    start: int
    """Start of the first match in ``text``; a line is reported once."""
    end: int
    where: str = "file"
    """``file``, ``config`` or ``history``."""

    def to_json(self) -> dict[str, Any]:
        """Return the match as in the JSON output."""
        return {**asdict(self), "layer": self.layer or None}
