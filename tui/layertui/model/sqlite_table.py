"""Read a table of an SQLite database that may be malformed or hostile (sqlite.org, "Defense Against The Dark Arts")."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

MAX_STEPS = 10_000
"""Thousands of steps of SQLite's virtual machine for one table: many times what the largest real one takes."""
MAX_VALUE = 1 << 28
"""Bytes of a value: as many as rpm allows in a header (``lib/header.c``)."""

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError, MemoryError)
"""What reading raises. SQLite quotes damaged bytes in its messages, which Python then cannot decode, and takes some
damage for a lack of memory."""


def rows_of(
    connection: sqlite3.Connection, table: str, columns: str, longest: int
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table, with values of at most ``longest`` bytes. Raises :data:`SQLITE_ERRORS`."""
    steps = iter(range(MAX_STEPS))
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(MAX_VALUE, longest))
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.set_progress_handler(lambda: next(steps, None) is None, 1000)
    # A view or virtual table, which has no page, could compute any number of rows.
    stored = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND rootpage > 0"
    if connection.execute(stored, (table,)).fetchone() is None:
        raise sqlite3.DatabaseError(f"it has no table {table}")
    yield from connection.execute(f"SELECT {columns} FROM {table}")


def sqlite_reason(error: BaseException) -> str:
    """Return the cause of one of :data:`SQLITE_ERRORS`."""
    return str(error) if isinstance(error, sqlite3.Error) else "it is malformed"
