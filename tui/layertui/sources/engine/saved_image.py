"""The documents of an engine's image: they come in the same stream as its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from layertui.model import media_types
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Link
from layertui.model.job import Job
from layertui.sources.assemble import diff_ids_of, platform_of
from layertui.sources.attachments import Attachment, attachment_of
from layertui.sources.engine.description import Description
from layertui.sources.engine.save_stream import SaveStream
from layertui.sources.engine.statements import ATTESTATIONS_VERSION, statements_of
from layertui.sources.oci_layout import ImageLayout, checked, descriptor_of, is_index, manifests_of
from layertui.sources.oci_subjects import attests


class SavedLayout(ImageLayout):
    """What a stream brought, as an image layout."""

    transport = "docker-daemon"

    def __init__(self, stream: SaveStream, top: Descriptor) -> None:
        self.place = stream.name
        self._stream = stream
        self._top = top

    def stored(self, descriptor: Descriptor) -> Blob | None:
        checked(descriptor, self.place)
        if self._stream.kept(descriptor.digest) is None:
            self._stream.settle()
        return self._stream.kept(descriptor.digest)

    def top(self) -> list[Descriptor]:
        return [self._top]

    def fetch(self, descriptor: Descriptor, what: str) -> tuple[dict[str, Any], bytes]:
        """See :meth:`ImageLayout.fetch`; waits until the document has arrived."""
        self._stream.wait(descriptor.digest)
        return super().fetch(descriptor, what)


class SavedImage:
    """The stream of an image, and what the engine reports about it (:class:`layertui.model.image.Arrival`)."""

    def __init__(self, stream: SaveStream, described: Description) -> None:
        self.stream = stream
        self._described = described

    def watch(self, job: Job) -> None:
        self.stream.watch(job)

    def documents(self) -> Sequence[Link]:
        """See :class:`layertui.model.image.Arrival`.

        What the engine's ID is the digest of is an index, a manifest or the config, depending on its store.
        """
        described = self._described
        if described.manifest is not None and described.query:  # the index does not come along
            layout = SavedLayout(self.stream, described.manifest.descriptor)
            return [*known_links(described)[:-2], *self._from_manifest(layout, layout.top()[0])]
        layout = SavedLayout(self.stream, described.top or Descriptor("", described.identity, -1))
        top = layout.top()[0]
        document, data = layout.fetch(top, "index")
        if is_index(document):
            return [
                layout.link("index", top, data),
                *self._from_manifest(layout, self._manifest(layout, top)),
            ]
        if descriptor_of(layout.fetch(top, "manifest")[0].get("config")) is not None:
            return self._from_manifest(layout, top)
        return [layout.link("config", top, data)]

    def attachments(self) -> Iterator[Attachment]:
        """Yield the attestations of the image. Raises :class:`LayertuiError` if the engine does not send them."""
        described, engine = self._described, self.stream.engine
        if described.top is None:
            raise LayertuiError(
                f"{engine.endpoint.engine} does not list attachments", "", "its registry may: docker://NAME"
            )
        if not described.attestations:
            return
        subject = described.manifest.descriptor.digest if described.manifest is not None else ""
        if described.is_only:
            layout = SavedLayout(self.stream, described.top)
            layout.fetch(described.top, "index")
            for each in described.attestations:
                yield attachment_of(layout, each, subject)
        elif engine.api_version >= ATTESTATIONS_VERSION:
            documents = statements_of(engine, described)
            yield Attachment(described.attestations[0], media_types.ATTESTATION, documents, subject)
        else:
            raise LayertuiError(
                f"{engine.endpoint.engine} sends attestations with all platforms only",
                "",
                "docker save NAME | layertui - reads them",
            )

    def _from_manifest(self, layout: SavedLayout, found: Descriptor) -> list[Link]:
        manifest, data = layout.fetch(found, "manifest")
        described = descriptor_of(manifest.get("config"))
        if described is None:
            raise LayertuiError(f"the manifest {found.digest} of {layout.place} has no config")
        _, config_bytes = layout.fetch(described, "config")
        return [layout.link("manifest", found, data), layout.link("config", described, config_bytes)]

    def _manifest(self, layout: SavedLayout, index: Descriptor) -> Descriptor:
        """Return the manifest of an index that is for the reported platform."""
        if self._described.manifest is not None:
            return self._described.manifest.descriptor
        for found in manifests_of(layout, [index]):
            if layout.has(found) and not attests(layout, found) and self._is_meant(_config(layout, found)):
                return found
        raise LayertuiError(f"the index {index.digest} of {layout.place} has no manifest for its layers")

    def _is_meant(self, config: Mapping[str, Any]) -> bool:
        platform = platform_of(config)._replace(os_version="")
        is_platform = platform == self._described.platform._replace(os_version="")
        return is_platform and diff_ids_of(config) == self._described.diff_ids


def known_links(described: Description) -> list[Link]:
    """Return the documents that an engine names with an image, without their bytes: it hands out none of them."""
    top, manifest = described.top, described.manifest
    if described.is_config_id:
        return [Link("config", Descriptor("", described.identity, -1), b"", "")]
    links = []
    if top is not None and top.media_type in media_types.INDEXES:
        links.append(Link("index", top, b"", ""))
    unknown = Descriptor("", "", -1)
    known = manifest.descriptor if manifest is not None else unknown
    return [*links, Link("manifest", known, b"", ""), Link("config", unknown, b"", "")]


def _config(layout: SavedLayout, found: Descriptor) -> Mapping[str, Any]:
    described = descriptor_of(layout.fetch(found, "manifest")[0].get("config"))
    return layout.fetch(described, "config")[0] if described is not None and layout.has(described) else {}
