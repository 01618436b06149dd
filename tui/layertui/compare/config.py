"""Compare the configs of two images field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

IGNORED_FIELDS = ("rootfs", "history", "container", "container_config", "id", "parent")
"""Fields that describe the layers, or the build itself (Docker image spec v1)."""
_OF_THE_BUILD = ("Image", "Hostname")
"""Fields of ``config`` in which a builder recorded its parent image and its container: no container is created
with them (moby 28, ``daemon/commit.go`` merge), and they differ between equal builds."""
_BY_NAME = ("Labels", "ExposedPorts", "Volumes")
"""Fields of ``config`` whose keys the author chooses: a key with an empty value is set, too."""


class ConfigChange(NamedTuple):
    """A field that differs between two configs."""

    field: str
    """``architecture``, ``config.User``, ``config.Env.PATH``, ``config.Labels.version``."""
    a: Any
    """Value in the JSON; ``None`` if not set."""
    b: Any


def config_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[ConfigChange]:
    """Return the fields that differ, sorted; null and empty values count as not set."""
    one, other = dict(_config_fields(a)), dict(_config_fields(b))
    fields = [
        field
        for field in sorted(one.keys() | other.keys())
        if one.get(field, _UNSET) != other.get(field, _UNSET)
    ]
    if any(field.startswith("config.Env.") for field in fields):
        fields = [field for field in fields if field != "config.Env"]  # without one, the order differs
    return [ConfigChange(field, one.get(field), other.get(field)) for field in fields]


_UNSET = object()


def _config_fields(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if name == "config" and isinstance(value, dict):
            yield from _of_container(value)
        elif value and name not in IGNORED_FIELDS:
            yield name, value


def _of_container(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of ``config``, the settings of a container."""
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
        elif value and name not in _OF_THE_BUILD:
            yield field, value
