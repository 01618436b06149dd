"""A container as the table of containers shows it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layertui.model.reference import ENGINE_NAMES
from layertui.text.format import age_text, parse_time
from layertui.text.sanitize import visible
from layertui.ui.images.table_model import Column, TableRow
from layertui.ui.widgets.facts import Fact

if TYPE_CHECKING:
    from layertui.model.image import ContainerSummary

CONTAINER_COLUMNS = (
    Column("name", "NAME", 0, 0, minimum=14),
    Column("image", "IMAGE", 0, 1, minimum=14, share=2),
    Column("state", "STATE", 10, 2),
    Column("status", "STATUS", 26, 3),
    Column("created", "CREATED", 14, 4, descends=True),
    Column("id", "CONTAINER ID", 12, 6),
    Column("source", "SOURCE", 8, 5),
)
_STYLES = {"running": "added", "paused": "modified", "restarting": "modified", "dead": "deleted"}
"""Shades of states (Docker Engine API, "ContainerSummary"); all others are quiet."""


def row_of_container(summary: "ContainerSummary", order: tuple[int, int]) -> TableRow:
    """Return the row of a container."""
    created = parse_time(summary.created)
    cells = {
        "name": summary.name,
        "image": summary.image or "unknown",
        "state": summary.state or "unknown",
        "status": summary.status,
        "created": age_text(summary.created),
        "id": summary.id[:12],
        "source": ENGINE_NAMES.get(summary.transport, summary.transport),
    }
    return TableRow(
        summary,
        cells={key: visible(text) for key, text in cells.items()},
        keys={
            **{key: text.lower() for key, text in cells.items()},
            "created": created.timestamp() if created else float("-inf"),
        },
        order=order,
        styles={"state": _STYLES[summary.state]} if summary.state in _STYLES else {},
    )


def container_facts(container: "ContainerSummary") -> list[Fact]:
    """Return the facts of a container in an engine's list; unknown ones are left out."""
    created, labels = container.created, None
    if container.labels is not None:
        labels = [f"{key}={value}" for key, value in sorted(container.labels.items())]
    facts = [
        Fact("state", [container.state or "unknown"]),
        Fact("status", [container.status] if container.status.lower() != container.state else []),
        Fact("image", [container.image]),
        Fact("image ID", [container.image_id]),
        Fact("command", ["unknown" if container.command is None else container.command]),
        Fact("created", [f"{age_text(created)} ({created})"] if created else []),
        Fact("ports", _told(container.ports)),
        Fact("networks", _told(container.networks)),
        Fact("mounts", _told(container.mounts)),
        Fact("reference", [container.reference]),
        Fact("container", [container.id]),
        Fact("labels", _told(labels)),
    ]
    return [fact for fact in facts if any(fact.values)]


def _told(values: Sequence[str] | None) -> Sequence[str]:
    return ["unknown"] if values is None else values
