"""JSON that commands print, checked against docs/schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parent.parent / "docs/schema"
MOST = 300
"""Lines of an output that are checked, at most."""


def name_of(words: Sequence[str]) -> str:
    """The schema of a command's JSON, by its arguments."""
    if words[0] == "log" and "--lines" in words:
        return "log-lines"
    if words[0] == "cache":
        return "cache-prune" if "prune" in words else "cache-list"
    return words[0]


def complaints(words: Sequence[str], objects: Iterable[Any]) -> list[str]:
    """What in the output of a command is not as its schema says, or not in it."""
    check = _validator(name_of(words))
    found = []
    for number, value in enumerate(objects):
        if number >= MOST:
            break
        found += [f"{error.json_path}: {error.message[:200]}" for error in check.iter_errors(value)]
    return found


@cache
def _validator(name: str) -> Draft202012Validator:
    schemas = [_strict(json.loads(path.read_text())) for path in FOLDER.glob("*.json")]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    (schema,) = [each for each in schemas if each["$id"].endswith(f"/{name}.json")]
    return Draft202012Validator(schema, registry=registry)


def _strict(schema: Any) -> Any:
    """A schema that allows only the fields that it names; for users, more may come."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        strict.setdefault("additionalProperties", False)
    return strict
