"""Docker's filters of a list of images (docker-images(1), ``--filter``), for any source."""

from __future__ import annotations

import re
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
        pattern = _reference_pattern(value)
        return lambda row: _is_named(row, pattern)
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


_GO_MEMBER = r"(?:\\.|[^\]\\-])"
_GO_PATTERN = re.compile(
    rf"(?P<star>\*)|(?P<one>\?)|\[(?P<but>\^?)(?P<members>(?:{_GO_MEMBER}(?:-{_GO_MEMBER})?)+)\]|\\?(?P<plain>(?<=\\).|[^\[\\])",
    re.DOTALL,
)


def _reference_pattern(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for a pattern of path.Match (Go), which Docker uses. Raises :class:`LayertuiError`."""
    parts, at = [], 0
    while at < len(pattern):
        part = _GO_PATTERN.match(pattern, at)
        if part is None:
            raise LayertuiError(f"not a filter: reference={pattern}", "syntax error in the pattern")
        at = part.end()
        if part["star"]:
            parts.append("[^/]*")
        elif part["one"]:
            parts.append("[^/]")
        elif part["members"]:
            members = re.sub(
                r"\\(.)|([^\w-])", lambda found: re.escape(found[1] or found[2]), part["members"]
            )
            parts.append(f"[{part['but']}{members}]")
        else:
            parts.append(re.escape(part["plain"]))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:  # a range from high to low, which matches nothing in Go
        raise LayertuiError(f"not a filter: reference={pattern}", str(error)) from error


def _is_named(row: ImageSummary, pattern: re.Pattern[str]) -> bool:
    """Return whether the name, or name and tag, matches."""
    name = familiar_name(row.name)
    return any(pattern.fullmatch(full) for full in (name, f"{name}:{row.tag}") if name)


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
