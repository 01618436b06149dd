"""Detect existing files where an extraction would write."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from layertui.content.extract.selection import Selection
from layertui.layers.unpacked.safe_open import Beneath
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.layer_index import path_of

_NAMED_PATHS = 3
"""Paths named in an error."""


class InTheWay(LayertuiError):
    """The extraction would replace something."""

    def __init__(self, paths: list[str], can_replace: bool) -> None:
        self.paths = paths
        self.can_replace = can_replace
        """Whether ``--force`` would replace them: a directory is neither replaced nor replaces a file."""
        more = f" and {len(paths) - _NAMED_PATHS:,} more" if len(paths) > _NAMED_PATHS else ""
        super().__init__(
            f"will not replace {', '.join(paths[:_NAMED_PATHS])}{more}",
            "already there" if can_replace else "a directory can neither be replaced nor take a file's place",
            "--force replaces files" if can_replace else "",
        )


def refuse(selection: Selection, destination: Path, force: bool, job: Job = Job.NONE) -> None:
    """Raise :class:`InTheWay` unless all of a selection can be written to a directory.

    Existing directories are accepted, with ``force`` also existing files. Raises ``OSError`` if
    ``destination`` is not a directory.
    """
    if not destination.exists():
        return
    with closing(Beneath(destination)) as beneath:
        found = list(_obstacles(selection, beneath, job))
    hard = [key for key, is_file in found if not is_file]
    if hard or (found and not force):
        keys = hard or [key for key, _ in found]
        raise InTheWay([f"{destination}{path_of(key)}" for key in keys], not hard)


def _obstacles(selection: Selection, beneath: Beneath, job: Job) -> Iterator[tuple[bytes, bool]]:
    """Yield the key of each obstacle, and whether it is a file in place of a file.

    A directory in place of a directory is none.
    """
    union, absent_until = selection.union, 0
    for event in selection.events:
        job.check()
        node = union.ev_node[event]
        if node < absent_until:
            continue
        key, is_directory = selection.key(event), union.is_directory(event)
        mode = _mode(beneath, key)
        if mode and not (is_directory and stat.S_ISDIR(mode)):
            yield key, not is_directory and not stat.S_ISDIR(mode)
        if not stat.S_ISDIR(mode):
            absent_until = union.end[node]
    links = (selection.key(event) for event, _ in selection.links)
    for key in (*links, *selection.whiteouts):
        if mode := _mode(beneath, key):
            yield key, not stat.S_ISDIR(mode)


def _mode(beneath: Beneath, key: bytes) -> int:
    """Return the mode of what exists at a key; 0 if there is nothing, or it cannot be examined."""
    try:
        directory, name = beneath.place(key)
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    except (OSError, ValueError):
        return 0
