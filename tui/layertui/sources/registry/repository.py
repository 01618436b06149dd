"""A repository of a registry as a layout: manifests and blobs, fetched when they are read."""

from __future__ import annotations

from collections.abc import Iterator

from layertui.blob import Blob, BytesBlob
from layertui.blob_cache import BlobCache
from layertui.errors import LayertuiError
from layertui.image import Descriptor
from layertui.sources.assemble import check_digest, digest_of
from layertui.sources.layout import INDEX_TYPES, Found, Layout, checked
from layertui.sources.registry.blob import RegistryBlob
from layertui.sources.registry.client import MANIFEST_TYPES, Client
from layertui.sources.registry.endpoints import endpoints
from layertui.sources.registry.name import Name


class Repository(Layout):
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

    def top(self) -> list[Found]:
        """The manifest or index that the name means now."""
        wanted = self.name.wanted
        failed: list[LayertuiError] = []
        for endpoint in endpoints(self.name):
            try:
                client = Client(endpoint)
                data, media_type, said = client.manifest(wanted)
            except LayertuiError as error:
                failed.append(error)
                continue
            self._client = client
            self.digest = digest = self.name.digest or said or digest_of(data)
            check_digest(data, digest, f"{wanted} of {self.place}")
            if "manifest" not in media_type and media_type not in INDEX_TYPES:
                media_type = ""  # not said: what it holds tells
            self._blobs[digest] = BytesBlob(data, f"{self.place}@{digest}")
            return [Found(Descriptor(media_type, digest, len(data)), "")]
        *mirrors, last = failed
        if not mirrors:
            raise last
        tried = "; ".join(f"{each.what}: {each.why}" for each in mirrors)
        raise LayertuiError(last.what, f"{last.why}; its mirrors failed too: {tried}", last.remedy)

    def tags(self) -> Iterator[str]:
        """The tags of the repository, as the registry gives them."""
        return self.client.tags()

    def has(self, found: Found) -> bool:
        return True  # what a registry lacks is known when it is asked for

    def blob(self, descriptor: Descriptor) -> Blob:
        checked(descriptor, self.place)
        digest = descriptor.digest
        if digest not in self._blobs:
            if descriptor.media_type in MANIFEST_TYPES:
                self._blobs[digest] = self._manifest(digest)
            else:
                self._blobs[digest] = RegistryBlob(self.client, digest, descriptor.size, self._cache)
        return self._blobs[digest]

    def _manifest(self, digest: str) -> Blob:
        """A manifest by its digest, which never changes: it is kept."""
        kept = self._cache.get(digest)
        if kept is not None:
            return kept
        data, _, _ = self.client.manifest(digest)
        check_digest(data, digest, f"the manifest {digest} of {self.place}")
        self._cache.put(digest, data)
        return BytesBlob(data, f"{self.place}@{digest}")
