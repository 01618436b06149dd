"""What a search of contents looks for, and a line that it finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from layertui.model.numbers import LayerNumber

MAX_EXCERPT = 240
"""Characters that are given of a line."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and where."""

    pattern: str
    is_regex: bool = False
    """As Python's ``re`` has them, tried on each line by itself; else the text as it stands."""
    ignores_case: bool = False
    with_hidden: bool = False
    """Whether versions count that the final tree does not show."""
    with_binary: bool = False
    paths: str = ""
    """A glob as :mod:`layertui.union.path_filter` has them; a directory stands for all below it."""


@dataclass(frozen=True, slots=True)
class LineMatch:
    """One line of one version of one path."""

    path: str
    layer: LayerNumber
    """That the version comes from."""
    visible: bool
    """Whether the final tree shows the version."""
    line: int
    """From 1."""
    text: str
    """The line, or ``MAX_EXCERPT`` characters of it around what matches, with ``…`` for the rest."""
    start: int
    """Where in ``text`` that begins; a line that matches twice is given once."""
    end: int

    def to_json(self) -> dict[str, Any]:
        """The match as the command line prints it."""
        return asdict(self)
