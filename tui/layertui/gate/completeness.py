"""Whether the rules can be evaluated on all of an image: on less, they would pass by accident."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from layertui.model import media_types
from layertui.model.digest import is_known
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.union.model import LayerUnion
from layertui.verify.layer import verify_layer, was_checked


def incompleteness(image: Image, union: LayerUnion, job: Job = Job.NONE) -> str:
    """Return why rules cannot be evaluated on all of an image; empty if they can. Raises :class:`Cancelled`."""
    return image.damage or next(_problems(image, union, job), "")


def _problems(image: Image, union: LayerUnion, job: Job) -> Iterator[str]:
    for number, index in enumerate(union.indexes, 1):
        if index.damage:
            yield f"layer {number} could not be read completely: {index.damage}"
    yield from _absent_layers(image)
    yield from _unknown_config(image)
    yield from _unverified_layers(image, union, job)


def _absent_layers(image: Image) -> Iterator[str]:
    layers = len(image.layers)
    rootfs = image.config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if isinstance(diff_ids, list) and len(diff_ids) > layers:
        yield f"the config lists {len(diff_ids)} layers, the image has {layers}"
    if layers:
        return
    history = image.config.get("history")
    steps = history if isinstance(history, list) else []
    made = sum(isinstance(step, dict) and step.get("empty_layer") is not True for step in steps)
    if made:
        yield f"the history lists {made} layers, the image has none"
    elif "unknown" in (image.platform.os, image.platform.architecture):
        yield "the image has no layers and no platform: the source may not have it for this platform"


def _unknown_config(image: Image) -> Iterator[str]:
    """Yield why environment, labels and history may not be where they are looked for.

    An engine refuses a config whose fields have other types (Go, encoding/json).
    """
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
            yield name, f"no {_TYPE_NAMES[kind]}"
        elif of is not None:
            parts = value.values() if isinstance(value, dict) else value
            if not all(isinstance(part, of) or part is None for part in parts):
                yield name, f"no {_TYPE_NAMES[kind]} of {_TYPE_NAMES[of]}s"
            elif of is dict and not all(isinstance(_field(part, "created_by") or "", str) for part in parts):
                yield f"{name}.created_by", "no string"


_TYPE_NAMES = {dict: "object", list: "list", str: "string"}


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _unverified_layers(image: Image, union: LayerUnion, job: Job) -> Iterator[str]:
    """Yield the layers whose bytes are not those of their digest: the index in the cache is of the digest."""
    for layer, index in zip(image.layers, union.indexes, strict=False):
        digest = layer.descriptor.digest
        if layer.blob is None or not is_known(digest) or layer.blob.digest == digest:
            continue
        if was_checked(layer, index):
            continue
        try:
            problem = verify_layer(layer, job.part())
        except LayertuiError as error:
            problem = str(error)
        if problem:
            yield f"layer {layer.number} could not be read completely: {problem}"
