"""Find images and layers by digest; no layer is read."""

from __future__ import annotations

from collections.abc import Iterator

from layertui.find.found import FoundDigest
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber


class DigestFinder:
    """Finds the documents and layers of images that have a digest."""

    def __init__(self, digest: str) -> None:
        """``digest`` may be abbreviated, and without its algorithm."""
        self.damage: list[str] = []
        self._digest = digest.lower()

    def in_image(self, image: Image, job: Job = Job.NONE) -> Iterator[FoundDigest]:
        """See :class:`layertui.find.found.Finder`."""
        job.check()
        for what, layer, digest in dict.fromkeys(digests_of(image)):
            if self._digest and digest.startswith((self._digest, f"sha256:{self._digest}")):
                yield FoundDigest(image.reference, layer, what, digest)


def digests_of(image: Image) -> Iterator[tuple[str, LayerNumber | None, str]]:
    """Yield what each digest of an image is of, its layer, and the digest, empty if unknown; may repeat."""
    for link in image.chain:
        yield link.name, None, link.descriptor.digest
    yield "config", None, image.id
    yield "manifest", None, image.manifest_digest
    for name in image.repo_digests:
        yield "repository digest", None, name.rpartition("@")[2]
    for layer in image.layers:
        yield "blob", layer.number, layer.descriptor.digest
        yield "diff ID", layer.number, layer.diff_id
        yield "chain ID", layer.number, layer.chain_id
