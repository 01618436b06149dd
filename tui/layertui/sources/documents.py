"""Read the JSON documents of images by the rules of Go's encoding/json, which Docker and Podman read them with.

A field is found by its exact name, else by its name in any case. Of a field that is given several times, objects
are merged and the last of other values counts; ``null`` leaves a string or number as it is.
Keys of maps (labels, annotations) are values and stay as they are, and so do keys that name no field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from layertui import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    Schema = Callable[[Any, Any], Any]
    """Returns a parsed value with its fields under their own names, merged into what the field had before."""


MAX_VALUES = 1_000_000
"""Values of a document at most: each takes about a hundred bytes of memory, and as few as three of the document."""

MAX_DEPTH = 500
"""Values within values at most, the same on every Python: from 3.12 on only the stack limits what its decoder reads, and
printed with indents a document takes the square of its depth."""


class TooManyValues(ValueError):
    """A document has more than :data:`MAX_VALUES`."""


TOO_DEEP = "nested too deeply"

# A pair of surrogates, or half of one, or any other escaped character: "\\ud800" is none.
_ESCAPED = rb"(?s)\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"


def decode(data: bytes, schema: Schema | None = None) -> Any:
    """Parse a JSON document. Raises :class:`ValueError` if it is not valid JSON, :class:`TooManyValues`.

    Invalid UTF-8 and lone surrogates, which cannot be printed or sent, are replaced as Go does.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:
        raise TooManyValues(f"more than {MAX_VALUES:,} values")
    if b"\\ud" in data or b"\\uD" in data:
        data = re.sub(_ESCAPED, lambda found: rb"\ufffd" if found["half"] else found[0], data)
    try:
        value = _DECODER.decode(data.decode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    if data.count(b"[") + data.count(b"{") >= MAX_DEPTH and _is_too_deep(value):
        raise ValueError(TOO_DEEP)
    return value if schema is None else schema(value, None)


def json_problem(error: Exception) -> str:
    """Return why text is not JSON that can be read; Python's words for deep nesting are about its stack."""
    return TOO_DEEP if isinstance(error, RecursionError) else str(error)


def _is_too_deep(value: Any) -> bool:
    """Return whether a parsed value has values at more than :data:`MAX_DEPTH` levels, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def as_read(value: Any, name: str) -> Any:
    """Return a parsed document of an image, by the name of its link, with its fields under their own names."""
    return SCHEMAS.get(name, _plain)(value, None)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found = {}
        for key, value in pairs:
            found[key] = _plain(value, found.pop(key, None))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


# Kinds of values


def _plain(value: Any, before: Any) -> Any:
    """Read a value without fields."""
    if isinstance(value, dict) and isinstance(before, dict):
        return {**before, **value}
    return before if value is None and isinstance(before, str | int | float) else value


def _words(value: Any, before: Any) -> Any:
    """Read a command, for which Docker takes a string too (strslice.StrSlice)."""
    return [value] if isinstance(value, str) else _plain(value, before)


def _list_of(item: Schema) -> Schema:
    def read(value: Any, before: Any) -> Any:
        return [item(each, None) for each in value] if isinstance(value, list) else _plain(value, before)

    return read


def _map_of(item: Schema) -> Schema:
    def read(value: Any, before: Any) -> Any:
        if isinstance(value, dict):
            value = {key: item(each, None) for key, each in value.items()}
        return _plain(value, before)

    return read


def _struct(fields: Mapping[str, Schema] = {}, plain: str = "") -> Schema:
    """Return what reads an object; ``plain`` are the names of fields without fields of their own."""
    exact: dict[str, Schema] = {**dict.fromkeys(plain.split(), _plain), **fields}
    folded: dict[str, str] = {_fold(name): name for name in exact}

    def read(value: Any, before: Any) -> Any:
        if not isinstance(value, dict):
            return _plain(value, before)
        found = dict(before) if isinstance(before, dict) else {}
        for key, each in value.items():
            name = key if key in exact else folded.get(_fold(key)) or key
            found[name] = exact.get(name, _plain)(each, found.get(name))
        return found

    return read


def _fold(name: str) -> str:
    """Return a name without its case, as encoding/json folds it: ``ſ`` is an ``s``, the Kelvin sign a ``k``."""
    return name.lower().replace("ſ", "s")


# The documents

_PLATFORM = _struct(plain="architecture os os.version os.features variant")
_DESCRIPTOR = _struct({"platform": _PLATFORM}, "mediaType artifactType digest size urls annotations data")
_SETTINGS = _struct(
    {
        "Cmd": _words,
        "Entrypoint": _words,
        "Shell": _words,
        "Healthcheck": _struct(plain="Test Interval Timeout StartPeriod StartInterval Retries"),
    },
    "Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env "
    "ArgsEscaped Image Volumes WorkingDir NetworkDisabled MacAddress OnBuild Labels StopSignal StopTimeout",
)
CONFIG_SCHEMA = _struct(
    {
        "config": _SETTINGS,
        "container_config": _SETTINGS,
        "rootfs": _struct(plain="type diff_ids base_layer"),
        "history": _list_of(_struct(plain="created created_by author comment empty_layer")),
    },
    "id parent comment created container docker_version author architecture variant os os.version os.features Size",
)
"""The config of an image (OCI config.md, Docker image/spec), and ``json`` of a layer up to Docker 1.9."""
MANIFEST_SCHEMA = _struct(
    {
        "config": _DESCRIPTOR,
        "subject": _DESCRIPTOR,
        "layers": _list_of(_DESCRIPTOR),
        "manifests": _list_of(_DESCRIPTOR),
    },
    "schemaVersion mediaType artifactType annotations",
)
"""A manifest or index (OCI manifest.md, image-index.md)."""
ARCHIVE_SCHEMA = _list_of(_struct({"LayerSources": _map_of(_DESCRIPTOR)}, "Config RepoTags Layers Parent"))
"""``manifest.json`` of a docker-archive."""
SCHEMAS: Mapping[str, Schema] = {
    "config": CONFIG_SCHEMA, "manifest": MANIFEST_SCHEMA, "index": MANIFEST_SCHEMA, "index.json": MANIFEST_SCHEMA, "manifest.json": ARCHIVE_SCHEMA,
}  # fmt: skip
"""By the name of a :class:`~layertui.model.image.Link`."""
