"""An image as the table of images shows it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from layertui.model.reference import ENGINE_NAMES, FILE_TRANSPORTS
from layertui.model.sizes import Bytes
from layertui.text.format import age_text, parse_time, share_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten_path
from layertui.ui.images.table_model import Column, TableRow
from layertui.ui.widgets.bars import two_part_bar

if TYPE_CHECKING:
    from layertui.model.image import ImageSummary

NO_NAME = "<none>"


def short_source(source: str, width: int) -> str:
    """Return a source in at most ``width`` cells: its file says more than its transport."""
    _, _, location = source.partition(":")
    return source if cell_len(source) <= width else shorten_path(location or source, width)


SHARED = (
    Column("shared", "SHARED", 8, 8, right=True, descends=True),
    Column("unique", "UNIQUE", 8, 7, right=True, descends=True),
)
"""The sizes shared with other images of the engine, and unique to it."""
IMAGE_COLUMNS = (
    Column("name", "NAME:TAG", 0, 0, minimum=20, share=2),
    Column("id", "IMAGE ID", 12, 4),
    Column("size", "SIZE", 8, 1, right=True, descends=True),
    Column("created", "CREATED", 14, 3, descends=True),
    Column("layers", "LAYERS", 8, 5, right=True, descends=True),
    Column("platform", "PLATFORM", 14, 6),
    Column("source", "SOURCE", 0, 2, minimum=12, shorten=short_source),
)
DEAD = Column("dead", "DEAD", 15, 4, descends=True)
"""Live and dead bytes of images that have been read."""
_BAR = 10


def columns_of(has_engine: bool, has_dead: bool, chosen: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns: with shared sizes if an engine is among the sources, with dead bytes if some are known.

    ``chosen`` are the keys of those wanted after the name; none: all.
    """
    shared, dead = SHARED if has_engine else (), (DEAD,) if has_dead else ()
    columns = (*IMAGE_COLUMNS[:3], *dead, *shared, *IMAGE_COLUMNS[3:])
    if not chosen:
        return columns
    by_key = {column.key: column for column in columns}
    return (columns[0], *(by_key[key] for key in chosen if key in by_key))


def descends(key: str) -> bool:
    """Return whether a column is sorted in descending order at first."""
    return next(column.descends for column in (*IMAGE_COLUMNS, *SHARED, DEAD) if column.key == key)


def row_of_image(summary: "ImageSummary", order: tuple[int, int]) -> TableRow:
    """Return the row of an image: its file's name stands for one it lacks."""
    source = source_of(summary.reference)
    file = (
        source.rstrip("/").rpartition("/")[2].rpartition(":")[2]
        if summary.transport in FILE_TRANSPORTS
        else ""
    )
    name = summary.name or file or NO_NAME
    created = parse_time(summary.created)
    platforms = [str(platform) for platform in summary.platforms]
    if len(platforms) > 1:
        platform = f"{len(platforms)} platforms"
    else:
        platform = platforms[0] if platforms else "unknown"
    cells = {
        "name": f"{name}:{summary.tag}" if summary.tag else name,
        "id": short_digest(summary.id),
        "size": size_text(summary.size),
        "shared": "?",
        "unique": "?",
        "dead": "?".rjust(DEAD.width),
        "created": age_text(summary.created),
        "layers": "?" if summary.layers is None else str(summary.layers),
        "platform": platform,
        "source": source,
    }
    return TableRow(
        summary,
        cells={key: visible(text) for key, text in cells.items()},
        keys={
            "name": cells["name"].lower(),
            "id": cells["id"],
            "size": -1 if summary.size is None else summary.size,
            "shared": -1,
            "unique": -1,
            "dead": -1,
            "created": created.timestamp() if created else float("-inf"),
            "layers": -1 if summary.layers is None else summary.layers,
            "platform": platform,
            "source": cells["source"],
        },
        order=order,
    )


def with_shared(row: TableRow, shared: int) -> TableRow:
    """Return the row of an image that has ``shared`` bytes in common with others."""
    size = row.keys["size"]
    unique = max(size - shared, -1)  # Docker may count more as shared than as the image's size
    return replace(
        row,
        cells={**row.cells, "shared": size_text(shared), "unique": size_text(unique)},
        keys={**row.keys, "shared": shared, "unique": unique},
    )


def with_dead(row: TableRow, size: Bytes) -> TableRow:
    """Return the row of an image whose live and dead bytes are known: a bar of all of them, and the dead share."""
    bar = "".join(text for text, _ in two_part_bar(size, size.size, _BAR, ""))
    said = f"{bar}{share_text(size.dead, size.size):>5}" if size.size else ""
    return replace(
        row,
        cells={**row.cells, "dead": said},
        keys={**row.keys, "dead": size.dead},
        styles={**row.styles, "dead": "quiet"},
    )


def source_of(reference: str) -> str:
    """Return where ``reference`` leads, without the name that the image has there."""
    from layertui.model.reference import parse_reference

    parsed = parse_reference(reference)
    return ENGINE_NAMES.get(parsed.transport) or f"{parsed.transport}:{parsed.location}"


def short_digest(digest: str) -> str:
    """Return the first 12 digits of a digest, as docker shows IDs."""
    return digest.partition(":")[2][:12] or digest[:12]
