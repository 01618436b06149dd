"""A folder of Parquet files: what images, layers, entries and packages there are, for DuckDB, Spark or Trino.

``TABLE/KEY.parquet`` are the rows of a layer (its diff ID), of a stack of layers (its chain ID) or of an image. Files
are immutable, and renamed into place once complete, so any number of processes and machines can write to a folder
concurrently. Names have no colons, which Hadoop's paths do not allow, and temporary files begin with a dot, so that
Spark and DuckDB's globs skip them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from layertui.cache.directory import new_file
from layertui.model.errors import LayertuiError

_PATH_COLUMNS = {"path": "VARCHAR", "path_bytes": "BLOB", "type": "VARCHAR", "size": "UBIGINT"}
"""``path_bytes`` is null unless the path is not UTF-8; ``path`` then has U+FFFD for what is not."""
PARQUET_COLUMNS = {
    "images": {
        "reference": "VARCHAR",
        "id": "VARCHAR",
        "name": "VARCHAR",
        "platform": "VARCHAR",
        "created": "VARCHAR",
        "stack": "VARCHAR",
        "digests": "STRUCT(what VARCHAR, layer INTEGER, digest VARCHAR)[]",
    },
    "stacks": {"stack": "VARCHAR", "layers": "VARCHAR[]", "unread": "VARCHAR[]"},
    "layers": {"layer": "VARCHAR", "entries": "BIGINT", "size": "UBIGINT"},
    "entries": {
        "layer": "VARCHAR",
        "entry": "BIGINT",
        **_PATH_COLUMNS,
        "mode": "INTEGER",
        "uid": "BIGINT",
        "gid": "BIGINT",
        "mtime": "BIGINT",
        "linkname": "VARCHAR",
    },
    "exceptions": {
        "stack": "VARCHAR",
        "number": "INTEGER",
        "entry": "BIGINT",
        "refused": "BOOLEAN",
        "visible": "BOOLEAN",
        **_PATH_COLUMNS,
    },
    "packages": {
        "stack": "VARCHAR",
        "number": "INTEGER",
        "kind": "VARCHAR",
        "name": "VARCHAR",
        "version": "VARCHAR",
        "architecture": "VARCHAR",
        "visible": "BOOLEAN",
    },
}
"""The columns of each table with their types; documented in docs/find.md."""


class ParquetFolder:
    """The tables of a folder, written and asked with DuckDB."""

    def __init__(self, folder: Path) -> None:
        """Raises :class:`LayertuiError` if DuckDB is not installed."""
        try:
            import duckdb
        except ImportError as error:
            raise LayertuiError(
                "cannot use Parquet files", "DuckDB is not installed", "pip install 'layertui[export]'"
            ) from error
        self._folder = folder
        self._failure = duckdb.Error
        # It must not fetch extensions from the network.
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self._connection = duckdb.connect(config=config)

    def has(self, table: str, key: str) -> bool:
        """Return whether the rows of a key have been written."""
        return self._file(table, key).exists()

    def write(self, table: str, key: str, rows: Iterable[Sequence[Any]]) -> None:
        """Write the rows of a key, completely or not at all; each has a value for every column.

        Raises :class:`LayertuiError`.
        """
        types = PARQUET_COLUMNS[table]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in types]
        selected = ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, kind in types.items())
        target = self._file(table, key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with new_file(target.parent, mode=0o666) as file:
                options = "FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false"
                self._connection.execute(
                    f"COPY (SELECT {selected}) TO {_quoted(file.path)} ({options})", columns
                )
                file.publish(target)
        except OSError as error:
            raise LayertuiError(f"cannot write {target}", error.strerror or str(error)) from error
        except self._failure as error:
            raise LayertuiError(f"cannot write {target}", str(error).partition("\n")[0]) from error

    def open(self) -> None:
        """Let :meth:`ask` see the tables as they are now, as views. Raises :class:`LayertuiError` if there are none."""
        if not any(self._folder.glob("images/*.parquet")):
            raise LayertuiError(f"no images in {self._folder}", "", "layertui find --export DIR writes them")
        for table, types in PARQUET_COLUMNS.items():
            files = self._folder / table / "*.parquet"
            rows = f"SELECT * FROM read_parquet({_quoted(files)})"
            if not any(files.parent.glob(files.name)):
                rows = f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in types.items())} WHERE false"
            list(self.ask(f"CREATE OR REPLACE VIEW {table} AS {rows}"))

    def ask(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query. Raises :class:`LayertuiError`."""
        try:
            answer = self._connection.cursor().execute(query, values)
            while rows := answer.fetchmany(1000):
                yield from rows
        except self._failure as error:
            raise LayertuiError(f"cannot read {self._folder}", str(error).partition("\n")[0]) from error

    def _file(self, table: str, key: str) -> Path:
        return self._folder / table / f"{key.replace(':', '-')}.parquet"


def place_columns(path: str) -> tuple[str, bytes | None]:
    """Return a path for the columns ``path`` and ``path_bytes``."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogateescape")
        return raw.decode("utf-8", "replace"), raw
    return path, None


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
