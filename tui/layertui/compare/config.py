"""How the configs of two images differ, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

IGNORED_FIELDS = ("rootfs", "history", "container", "container_config", "id", "parent")
"""What layers tell of, and what a builder noted of its own work (Docker image spec v1)."""
_BY_NAME = ("Labels", "ExposedPorts", "Volumes")
"""Fields of ``config`` whose keys are of the author's choice: one that holds nothing is there as well."""


class ConfigChange(NamedTuple):
    """A field that the configs do not have alike."""

    field: str
    """``architecture``, ``config.User``, ``config.Env.PATH``, ``config.Labels.version``."""
    a: Any
    """As in the JSON; ``None`` where it is not set."""
    b: Any


def config_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[ConfigChange]:
    """The fields that differ, sorted; what is null or empty counts as not set."""
    one, other = dict(_config_fields(a)), dict(_config_fields(b))
    fields = [
        field
        for field in sorted(one.keys() | other.keys())
        if one.get(field, _UNSET) != other.get(field, _UNSET)
    ]
    if any(field.startswith("config.Env.") for field in fields):
        fields = [field for field in fields if field != "config.Env"]  # else only their order differs
    return [ConfigChange(field, one.get(field), other.get(field)) for field in fields]


_UNSET = object()


def _config_fields(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if name == "config" and isinstance(value, dict):
            yield from _of_container(value)
        elif value and name not in IGNORED_FIELDS:
            yield name, value


def _of_container(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of ``config``, what a container is started with."""
    for name, value in config.items():
        field = f"config.{name}"
        if name in _BY_NAME and isinstance(value, dict):
            for key, of_key in value.items():
                yield f"{field}.{key}", of_key
        elif name == "Env" and isinstance(value, list) and all(isinstance(word, str) for word in value):
            yield field, value
            for word in value:
                variable, _, text = word.partition("=")
                yield f"{field}.{variable}", text
        elif name == "Healthcheck" and isinstance(value, dict):
            yield from ((f"{field}.{key}", part) for key, part in value.items() if part)
        elif value:
            yield field, value
