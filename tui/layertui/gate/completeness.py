"""Whether an image is complete: on a part of it, rules would pass by accident."""

from __future__ import annotations

from collections.abc import Iterator

from layertui.model.config_form import config_problem
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
    if problem := config_problem(image):
        yield problem
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


def _unverified_layers(image: Image, union: LayerUnion, job: Job) -> Iterator[str]:
    """Yield the layers whose bytes are not those of their digest: the index in the cache is of the digest.

    Bytes that come from elsewhere are compared with it as they arrive.
    """
    for layer, index in zip(image.layers, union.indexes, strict=False):
        blob = layer.blob
        if blob is None or blob.digest or not blob.is_local or not is_known(layer.descriptor.digest):
            continue
        if was_checked(layer, index):
            continue
        try:
            problem = verify_layer(layer, job.part())
        except LayertuiError as error:
            problem = str(error)
        if problem:
            yield f"layer {layer.number} could not be read completely: {problem}"
