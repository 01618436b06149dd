"""Whether an image is what its digests say: every one of them computed anew from the bytes."""

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

    Reports each layer by its number, and what a stream that brings all of them has received. The others are checked even if one cannot be read: the
    :class:`LayertuiError` is raised at the end. Raises :class:`Cancelled`.
    """
    if image.arrival is not None:
        image.arrival.watch(job)
    for link in image.chain:
        yield from _checks_of_link(link)
    failed: list[LayertuiError] = []
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
            failed.append(LayertuiError(f"layer {layer.number} cannot be checked", layer.missing))
        found.append(diff_id)
        if layer.chain_id:
            yield _chain_id(layer, chain_ids(found)[-1])
    if failed:
        raise failed[0]


def _checks_of_link(link: Link) -> Iterator[Check]:
    """Size and digest of a document; nothing is expected of what only a path leads to."""
    digest, size = link.descriptor.digest, link.descriptor.size
    if not link.data:
        yield Check(link.name, "digest", "unchecked", digest, "", "the source does not hand it out")
        return
    if size >= 0:
        yield compare_values(link.name, "size", str(size), str(len(link.data)))
    if is_known(digest):
        yield compare_values(link.name, "digest", digest, digest_of(link.data, digest))
    elif digest:
        yield Check(link.name, "digest", "unchecked", digest, "", "its algorithm is not known here")
    elif link.name in ("manifest", "config"):
        yield Check(link.name, "digest", "unchecked", "", digest_of(link.data), "nothing names its digest")


def _chain_id(layer: Layer, found: str) -> Check:
    """The chain ID that the diff IDs claim against that of those which were computed."""
    if found:
        return compare_values(f"layer {layer.number}", "chain ID", layer.chain_id, found)
    why = "a diff ID that it is made of could not be checked"
    return Check(f"layer {layer.number}", "chain ID", "unchecked", layer.chain_id, "", why)


def _is_absent(layer: Layer) -> bool:
    """Whether a layer should be here and is not: foreign, encrypted and other layers need not be."""
    media_type = layer.descriptor.media_type
    is_tar = not media_type or media_type.partition("+")[0] in media_types.LAYERS
    is_elsewhere = bool(layer.descriptor.urls) or "foreign" in media_type or "nondistributable" in media_type
    return bool(layer.missing) and is_tar and not is_elsewhere and not media_type.endswith("+encrypted")
