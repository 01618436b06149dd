"""``layertui cache``: list or prune the cache."""

from __future__ import annotations

import argparse

from layertui.cache.usage import cache_usage, prune_cache
from layertui.commands.output import Output, created_cell
from layertui.commands.parsing import add_common
from layertui.text.format import count_text, size_text

DESCRIPTION = """\
List what is in the cache: indexes of layers, decompressed archives, and blobs
from registries and engines; or delete it.
"""
EPILOG = """\
prune keeps what was used in the last minute. What is deleted is computed or
downloaded again when it is needed. The cache is in $XDG_CACHE_HOME/layertui.

--json prints one object per folder; with prune, what was deleted.

examples:
  layertui cache
  layertui cache prune
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("list", "prune"), metavar="ACTION", nargs="?", default="list", help="list or prune"
    )
    add_common(parser, has_quiet=False, has_layers=False)


def run(options: argparse.Namespace) -> int:
    return _prune(options.json) if options.action == "prune" else _list(options.json)


def _list(is_json: bool) -> int:
    out = Output(0)
    rows = cache_usage()
    if not is_json:
        cells = [
            (
                row.name,
                f"{row.entries:,}",
                size_text(row.size),
                size_text(row.limit),
                created_cell(row.used.isoformat()) if row.used else "",
                str(row.path),
            )
            for row in rows
        ]
        out.table(("NAME", "ENTRIES", "SIZE", "LIMIT", "LAST USED", "PATH"), cells, right=(1, 2, 3))
        return 0
    for row in rows:
        out.json(
            {
                "name": row.name,
                "path": str(row.path),
                "entries": row.entries,
                "size": row.size,
                "limit": row.limit,
                "last_used": row.used.strftime("%Y-%m-%dT%H:%M:%SZ") if row.used else None,
            }
        )
    return 0


def _prune(is_json: bool) -> int:
    before = cache_usage()
    prune_cache()
    after = cache_usage()
    entries = sum(row.entries for row in before) - sum(row.entries for row in after)
    size = sum(row.size for row in before) - sum(row.size for row in after)
    left = sum(row.entries for row in after)
    out = Output(0)
    if is_json:
        out.json({"deleted_entries": entries, "deleted_bytes": size, "left_entries": left})
        return 0
    out.line(f"deleted {count_text(entries, 'entry', 'entries')}, {size_text(size)}")
    if left:
        out.line(f"{count_text(left, 'entry', 'entries')} left, used in the last minute")
    return 0
