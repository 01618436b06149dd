"""What commands that list several sources have in common: one that fails leaves the others in the list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from layertui.commands.output import warn
from layertui.model.errors import LayertuiError

Row = TypeVar("Row")


def from_sources(
    list_rows: Callable[[str], Iterable[Row]], sources: Iterable[str], failed: list[LayertuiError]
) -> Iterator[Row]:
    """The rows of all sources; why some could not be listed is added to ``failed``."""
    for source in sources:
        try:
            yield from list_rows(source)
        except LayertuiError as error:
            failed.append(error)


def finish(failed: list[LayertuiError], are_named: bool, quiet: bool) -> int:
    """Say what could not be listed, once the rows are printed; gives the exit status.

    That a machine has no engine, or a folder a broken file, does not make the answer wrong:
    it counts only for sources that were named. Raises the first of their errors.
    """
    if not are_named:
        for error in [] if quiet else failed:
            warn(str(error))
        return 0
    for error in failed[1:]:
        warn(str(error))
    if failed:
        raise failed[0]
    return 0
