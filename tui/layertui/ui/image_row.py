"""An image as the table of images shows it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layertui.safe import visible
from layertui.ui.text import age_text, parse_time, size_text

if TYPE_CHECKING:
    from layertui.image import ImageSummary

NO_NAME = "<none>"


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image: safe texts a column, and what they are sorted by."""

    reference: str
    """What opens it, as it is (not safe to show)."""
    cells: dict[str, str]
    keys: dict[str, Any]
    order: tuple[int, int]
    """Number of its source and its place there."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table. ``width`` 0 takes what the others leave."""

    key: str
    title: str
    width: int
    right: bool = False
    minimum: int = 0
    """The least width of a column without its own."""


COLUMNS = (
    Column("name", "NAME:TAG", 0, minimum=20),
    Column("id", "IMAGE ID", 12),
    Column("size", "SIZE", 8, right=True),
    Column("created", "CREATED", 14),
    Column("layers", "LAYERS", 8, right=True),
    Column("platform", "PLATFORM", 14),
    Column("source", "SOURCE", 0, minimum=16),
)
DROPPED = ("source", "platform", "layers", "id", "created", "size")
"""Columns that a narrow table goes without, the first to go first."""

GAP = 2
"""Cells between two columns."""


def layout(width: int) -> list[tuple[Column, int]]:
    """The columns that fit in ``width`` cells, with their widths."""
    columns = list(COLUMNS)
    for key in (*DROPPED, ""):
        spare = width - sum(column.width or column.minimum for column in columns) - GAP * (len(columns) - 1)
        if spare >= 0 or not key:
            break
        columns = [column for column in columns if column.key != key]
    flexible = [column for column in columns if not column.width]
    widths: list[tuple[Column, int]] = []
    for column in columns:
        extra = 0
        if column in flexible:
            extra = spare // len(flexible) if column is flexible[-1] else spare - spare // len(flexible)
        widths.append((column, max(1, (column.width or column.minimum) + extra)))
    return widths


def row_of(summary: "ImageSummary", order: tuple[int, int], source: str) -> ImageRow:
    """The row of ``summary``, which was found at ``source``: its file's name stands for one it lacks."""
    name = summary.name or source.rstrip("/").rpartition("/")[2].rpartition(":")[2] or NO_NAME
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
        "created": age_text(summary.created),
        "layers": "?" if summary.layers is None else str(summary.layers),
        "platform": platform,
        "source": source,
    }
    return ImageRow(
        reference=summary.reference,
        cells={key: visible(text) for key, text in cells.items()},
        keys={
            "name": cells["name"].lower(),
            "id": cells["id"],
            "size": -1 if summary.size is None else summary.size,
            "created": created.timestamp() if created else float("-inf"),
            "layers": -1 if summary.layers is None else summary.layers,
            "platform": platform,
            "source": cells["source"],
        },
        order=order,
    )


def short_digest(digest: str) -> str:
    """The first 12 digits of a digest, as docker shows IDs."""
    return digest.partition(":")[2][:12] or digest[:12]
