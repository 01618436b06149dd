"""Docker's filters of a list of images (docker-images(1), ``--filter``), for any source."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable

from layertui.model.errors import LayertuiError
from layertui.model.image import ImageSummary
from layertui.sources.assemble import familiar_name
from layertui.text.format import parse_time

FILTER_KEYS = ("dangling", "label", "reference", "before", "since")
_LISTED = f"{', '.join(FILTER_KEYS[:-1])} and {FILTER_KEYS[-1]}"


def filter_images(rows: list[ImageSummary], filters: Iterable[str]) -> list[ImageSummary]:
    """Return the rows that match. Raises :class:`LayertuiError` for an invalid filter."""
    tests: dict[str, list[Callable[[ImageSummary], bool]]] = {}
    for text in filters:
        key, equals, value = text.partition("=")
        if not equals or not value:
            raise LayertuiError(f"not a filter: {text}", "", f"write KEY=VALUE, KEY being {_LISTED}")
        tests.setdefault(text if key == "label" else key, []).append(_test(rows, key, value))
    return [row for row in rows if all(any(test(row) for test in each) for each in tests.values())]


def _test(rows: list[ImageSummary], key: str, value: str) -> Callable[[ImageSummary], bool]:
    if key == "dangling":
        if value.lower() not in ("true", "false", "1", "0"):
            raise LayertuiError(
                f"not a filter: dangling={value}", "", "write dangling=true or dangling=false"
            )
        wanted = value.lower() in ("true", "1")
        return lambda row: (not row.name and not row.tag) == wanted
    if key == "label":
        name, equals, content = value.partition("=")
        return lambda row: name in row.labels and (not equals or row.labels[name] == content)
    if key == "reference":
        return lambda row: _is_named(row, value)
    if key in ("before", "since"):
        other = parse_time(_one(rows, value).created)
        if other is None:
            raise LayertuiError(
                f"cannot filter by {key}={value}", "the creation time of that image is unknown"
            )
        sign = -1 if key == "before" else 1
        return lambda row: (
            (moment := parse_time(row.created)) is not None and (moment - other).total_seconds() * sign > 0
        )
    raise LayertuiError(f"unknown filter {key}", "", f"filters: {_LISTED}")


def _is_named(row: ImageSummary, pattern: str) -> bool:
    """Return whether the name, or name and tag, matches; no star matches a slash, as in Docker."""
    name = familiar_name(row.name)
    return any(
        len(parts := full.split("/")) == len(wanted := pattern.split("/"))
        and all(map(fnmatch.fnmatchcase, parts, wanted))
        for full in (name, f"{name}:{row.tag}")
        if name
    )


def _one(rows: list[ImageSummary], text: str) -> ImageSummary:
    """Return the image of a name, ID or reference."""
    for row in rows:
        full = f"{row.name}:{row.tag}"
        identity = row.id.removeprefix("sha256:")
        if text in (row.reference, full) or f"{text}:latest" == full or row.id == text:
            return row
        if len(text) >= 4 and identity.startswith(text.removeprefix("sha256:")):
            return row
    raise LayertuiError(f"{text} is not one of the listed images", "", "list its source")
