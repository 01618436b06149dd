"""Whether the config of an image has the form of the specification (OCI config.md, Docker image/spec)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from layertui.model import media_types
from layertui.model.image import Image


def config_problem(image: Image) -> str:
    """Return why environment, labels and history may not be where they are looked for; empty if they are.

    An engine refuses a config whose fields have other types (Go, encoding/json).
    """
    return next(_problems_of(image), "")


def _problems_of(image: Image) -> Iterator[str]:
    if image.id and not image.config and not image.config_bytes:
        yield "the source does not provide the config"
    descriptor = image.manifest.get("config")
    media_type = descriptor.get("mediaType") if isinstance(descriptor, dict) else ""
    if media_type and media_type not in media_types.CONFIGS:
        yield f"the config is of an unknown type, {media_type}"
    own_type = image.config.get("mediaType")
    if own_type in (*media_types.MANIFESTS, *media_types.INDEXES):
        yield f"the config is not a config but {own_type}"
    for name, problem in _types(image.config):
        yield f"{name} in the config is {problem}"


def _types(config: Any) -> Iterator[tuple[str, str]]:
    """Yield the fields of a config that have another type than in the specification, and what they are."""
    settings = _field(config, "config")
    rootfs = _field(config, "rootfs")
    for name, value, kind, of in (
        ("config", settings, dict, None),
        ("config.Env", _field(settings, "Env"), list, str),
        ("config.Labels", _field(settings, "Labels"), dict, str),
        ("rootfs", rootfs, dict, None),
        ("rootfs.diff_ids", _field(rootfs, "diff_ids"), list, str),
        ("history", _field(config, "history"), list, dict),
    ):
        if value is None:
            continue
        if not isinstance(value, kind):
            yield name, f"not {_TYPE_NAMES[kind]}"
        elif of is not None:
            parts = value.values() if isinstance(value, dict) else value
            if not all(isinstance(part, of) or part is None for part in parts):
                yield name, f"not {_TYPE_NAMES[kind]} of {_TYPE_PLURALS[of]}"
            elif of is dict and not all(isinstance(_field(part, "created_by") or "", str) for part in parts):
                yield f"{name}.created_by", "not a string"


_TYPE_NAMES = {dict: "an object", list: "a list", str: "a string"}
_TYPE_PLURALS = {dict: "objects", str: "strings"}


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
