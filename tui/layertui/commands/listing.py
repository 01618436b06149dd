"""List several sources; one that fails does not keep the others from being listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from layertui.commands.output import warn
from layertui.model.errors import LayertuiError
from layertui.model.unforeseen import unforeseen

Row = TypeVar("Row")


def from_sources(
    list_rows: Callable[[str], Iterable[Row]], sources: Iterable[str], failed: list[LayertuiError]
) -> Iterator[Row]:
    """Yield the rows of all sources; errors are appended to ``failed``."""
    for source in sources:
        try:
            yield from list_rows(source)
        except Exception as error:
            failed.append(unforeseen(error))


def status_of(failed: list[LayertuiError], are_named: bool) -> int:
    """Return the exit status: a missing engine, or a broken file in a directory, is an error only if it was named."""
    return 2 if failed and are_named else 0


def finish(failed: list[LayertuiError], are_named: bool, quiet: bool) -> int:
    """Report what could not be listed, after the rows; return the exit status.

    If the sources were named, the first error is raised.
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
