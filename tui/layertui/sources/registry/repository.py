"""A repository of a registry as a layout: manifests and blobs, fetched when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from layertui.cache.blobs import BlobCache
from layertui.model import media_types
from layertui.model.blob import Blob, BytesBlob
from layertui.model.digest import DIGEST, check_digest, digest_of
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import Descriptor, Image
from layertui.model.reference import Reference
from layertui.sources.assemble import config_list
from layertui.sources.files import MAX_JSON
from layertui.sources.oci_layout import ImageLayout, checked, descriptor_of
from layertui.sources.registry.blob import RegistryBlob
from layertui.sources.registry.client import MANIFEST_TYPES, Client
from layertui.sources.registry.endpoints import endpoints
from layertui.sources.registry.name import Name

COSIGN = (".sig", ".att", ".sbom")
"""Ends of the tags under which cosign keeps what belongs to a digest."""


class Repository(ImageLayout):
    """What a name leads to, at the first of its endpoints that has it."""

    transport = "docker"

    def __init__(self, name: Name) -> None:
        self.name = name
        self.place = f"{name.host}/{name.repository}"
        self._cache = BlobCache()
        self._blobs: dict[str, Blob] = {}
        self._client: Client | None = None
        self.digest = ""
        """Of the manifest or index that the name means, once :meth:`top` has asked."""

    @property
    def client(self) -> Client:
        """The endpoint that has the name, once that is known; else the registry itself."""
        if self._client is None:
            self._client = Client(endpoints(self.name)[-1])
        return self._client

    def top(self) -> list[Descriptor]:
        """Return the manifest or index that the name means now."""
        wanted = self.name.wanted
        failed: list[LayertuiError] = []
        for endpoint in endpoints(self.name):
            try:
                client = Client(endpoint)
                answer = client.manifest(wanted)
            except LayertuiError as error:
                failed.append(error)
                continue
            self._client = client
            found = self._take(wanted, *answer)
            self.digest = found.digest
            return [found]
        *mirrors, last = failed
        if not mirrors:
            raise last
        tried = "; ".join(f"{each.what}: {each.why}" for each in mirrors)
        kind = NotFound if isinstance(last, NotFound) else LayertuiError
        raise kind(last.what, f"{last.why}; its mirrors failed too: {tried}", last.remedy)

    def tags(self) -> Iterator[str]:
        """Return the tags of the repository, as the registry gives them."""
        return self.client.tags()

    def referrers(self, image: Image) -> Iterator[tuple[Descriptor, str]]:
        """Yield the manifests that are about an image, or about the index that led to it, with the digest of that.

        Asked for through the referrers API, else as the tag that stands for it
        (distribution-spec, "Listing Referrers"), and by cosign's tags.
        """
        subjects = [image.manifest_digest, *(each.partition("@")[2] for each in image.repo_digests)]
        for subject in dict.fromkeys(subjects):
            tag = subject.replace(":", "-")
            try:
                described: Iterable[object] = list(self.client.referrers(subject))
            except NotFound:
                index = self._tagged(tag)
                described = config_list(self.fetch(index, "index")[0], "manifests") if index else ()
            found = [descriptor_of(each) for each in described]
            found += [self._tagged(tag + suffix) for suffix in COSIGN]
            yield from ((each, subject) for each in found if each is not None)

    def pinned(self, _reference: Reference, digest: str) -> str:
        return str(Reference("docker", f"//{replace(self.name, digest=digest)}"))

    def has(self, descriptor: Descriptor) -> bool:
        return True  # what a registry lacks is known when it is asked for

    def stored(self, descriptor: Descriptor) -> Blob:
        checked(descriptor, self.place)
        digest = descriptor.digest
        if digest not in self._blobs:
            if descriptor.media_type in MANIFEST_TYPES:
                self._blobs[digest] = self._manifest(digest)
            else:
                self._blobs[digest] = RegistryBlob(self.client, digest, descriptor.size, self._cache)
        return self._blobs[digest]

    def _tagged(self, tag: str) -> Descriptor | None:
        """Return what a tag means; ``None`` if there is no such tag."""
        try:
            return self._take(tag, *self.client.manifest(tag))
        except NotFound:
            return None

    def _take(self, wanted: str, data: bytes, media_type: str, said: str) -> Descriptor:
        """Return a manifest that has just come, by tag or digest, with the digest that the registry says."""
        digest = wanted if DIGEST.fullmatch(wanted) else said or digest_of(data)
        check_digest(data, digest, f"{wanted} of {self.place}")
        if "manifest" not in media_type and media_type not in media_types.INDEXES:
            media_type = ""  # not said: what it holds tells
        self._blobs[digest] = BytesBlob(data, f"{self.place}@{digest}")
        return Descriptor(media_type, digest, len(data))

    def _manifest(self, digest: str) -> Blob:
        """Return a manifest by its digest, which never changes: it is cached, and checked as it is small."""
        kept = self._cache.get(digest)
        if kept is not None and digest_of(kept.pread(min(kept.size, MAX_JSON), 0), digest) == digest:
            return kept
        data, _, _ = self.client.manifest(digest)
        check_digest(data, digest, f"the manifest {digest} of {self.place}")
        self._cache.put(digest, data)
        return BytesBlob(data, f"{self.place}@{digest}")
