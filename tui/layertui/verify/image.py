"""Verify an image: recompute every digest from the bytes."""

from __future__ import annotations

from collections.abc import Iterator

from layertui.model import media_types
from layertui.model.digest import digest_of, is_known
from layertui.model.errors import LayertuiError
from layertui.model.image import Image, Layer, Link, chain_ids
from layertui.model.job import Job
from layertui.verify.layer import Check, checks, compare_values


def verify_image(image: Image, job: Job = Job.NONE) -> Iterator[Check]:
    """Yield the checks of an image, from its reference down to its layers, as each is done.

    Reports each layer by its number, and what a stream of all layers has received. If one cannot
    be read, the others are verified before its :class:`LayertuiError` is raised. Raises
    :class:`Cancelled`.
    """
    if image.arrival is not None:
        image.arrival.watch(job)
    failed: list[LayertuiError] = []
    chain = image.chain
    if image.arrival is not None:
        try:
            chain = image.arrival.documents()
        except LayertuiError as error:
            failed.append(error)
    for link in chain:
        yield from _checks_of_link(link)
    found: list[str] = []
    for layer in image.layers:
        diff_id = ""
        try:
            for check in checks(layer, job.layer(layer.number)):
                yield check
                if check.what == "diff ID" and check.status != "unchecked":
                    diff_id = check.found
        except LayertuiError as error:
            failed.append(error)
            yield Check(f"layer {layer.number}", "diff ID", "unchecked", layer.diff_id, why=str(error))
        if _is_absent(layer):
            failed.append(LayertuiError(f"layer {layer.number} cannot be verified", layer.missing))
        found.append(diff_id)
        if layer.chain_id:
            yield _chain_id(layer, chain_ids(found)[-1])
    from layertui.verify.attached import attachment_checks  # imports what reads layouts

    yield from attachment_checks(image, job)
    if failed:
        raise failed[0]


def _checks_of_link(link: Link) -> Iterator[Check]:
    """Yield the checks of a document's size and digest, if something records them."""
    digest, size = link.descriptor.digest, link.descriptor.size
    if not link.data:
        yield Check(link.name, "digest", "unchecked", digest, "", "not provided by the source")
        return
    if size >= 0:
        yield compare_values(link.name, "size", str(size), str(len(link.data)))
    if is_known(digest):
        yield compare_values(link.name, "digest", digest, digest_of(link.data, digest))
    elif digest:
        yield Check(link.name, "digest", "unchecked", digest, "", "unsupported algorithm")
    elif link.name in ("manifest", "config"):
        yield Check(link.name, "digest", "unchecked", "", digest_of(link.data), "no digest recorded")


def _chain_id(layer: Layer, found: str) -> Check:
    """Compare the recorded chain ID with that of the computed diff IDs."""
    if found:
        return compare_values(f"layer {layer.number}", "chain ID", layer.chain_id, found)
    why = "depends on a diff ID that could not be verified"
    return Check(f"layer {layer.number}", "chain ID", "unchecked", layer.chain_id, "", why)


def _is_absent(layer: Layer) -> bool:
    """Return whether a layer is missing that should be present; foreign and encrypted layers need not be."""
    media_type = layer.descriptor.media_type
    is_tar = not media_type or media_type.partition("+")[0] in media_types.LAYERS
    is_elsewhere = bool(layer.descriptor.urls) or "foreign" in media_type or "nondistributable" in media_type
    return bool(layer.missing) and is_tar and not is_elsewhere and not media_type.endswith("+encrypted")
