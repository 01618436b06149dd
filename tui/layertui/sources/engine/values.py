"""Values of an engine's answers, of whatever type they turn out to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layertui.model.entry import rfc3339
from layertui.sources.assemble import known_time


def unix_time(created: object) -> str | None:
    """Return a count of seconds since 1970 as RFC 3339; ``None`` if it is unknown."""
    return known_time(rfc3339(created) if isinstance(created, int) else created)


def integer(value: Mapping[str, Any], name: str) -> int:
    found = value.get(name)
    return found if isinstance(found, int) else -1


def objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
