"""What every source delivers: an image as plain frozen data, nothing of it guessed."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from layertui.model.blob import Blob
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber

if TYPE_CHECKING:
    from layertui.model.layer_index import LayerIndex


_NOTHING: Mapping[str, Any] = {}


class Platform(NamedTuple):
    """OS and CPU an image is for (OCI image-index, ``platform``)."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(NamedTuple):
    """Names a blob (OCI descriptor.md). ``digest`` is empty and ``size`` -1 where the source has none."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = _NOTHING
    urls: Sequence[str] = ()
    platform: Platform | None = None
    artifact_type: str = ""
    data: bytes = b""
    """The blob itself, decoded, where the descriptor embeds it."""


class HistoryEntry(NamedTuple):
    """One build step of the config's ``history``.

    ``layer`` is the number (1 at the base) of the layer it made, ``None`` for a step
    without one. A layer that no step claims gets an entry with ``recorded`` False.
    """

    created: str | None
    created_by: str
    author: str
    comment: str
    layer: LayerNumber | None
    recorded: bool = True
    id: str = ""
    """The image that the step made, where an engine still knows it; ``<missing>`` as it says."""
    size: int = -1
    """Bytes of the files that the step added, as an engine counts them; -1 if none was asked."""


class Unpacked(ABC):
    """A layer that is stored unpacked and read path by path; its content may change meanwhile."""

    __slots__ = ()

    @property
    @abstractmethod
    def location(self) -> str:
        """Human-readable location."""

    @property
    def is_full_tree(self) -> bool:
        """Whether the directory also contains everything below the layer, as some drivers store it."""
        return False

    @property
    def is_compared(self) -> bool:
        """Whether the entries are known only by comparison with the tree below."""
        return False

    def tar(self) -> Iterator[bytes] | None:
        """Reassemble the tar that was unpacked, in pieces; ``None`` where the store has no record of it.

        The iterator raises :class:`~layertui.layers.compression.format.Damaged` for a damaged
        record, :class:`~layertui.layers.unpacked.tar_split.NotRecorded` for an incomplete one,
        and :class:`LayertuiError` for files that are unreadable or have changed.
        """
        return None

    @abstractmethod
    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        """Return the entries, with offsets that mean nothing. Reports the number of entries.

        Raises :class:`LayertuiError`, :class:`Cancelled`.
        """

    @abstractmethod
    def open(self, key: bytes, size: int, stamp: int = 0) -> Blob:
        """Return the content of a file of ``size`` bytes by its entry's key.

        ``stamp`` is that of the entry, 0 if it has none.
        """


class Recorded(NamedTuple):
    """What a store noted of a layer when it unpacked it."""

    size: int
    """Bytes; -1 if it did not note them."""
    of: Literal["tar", "members", "directory", "disk"]
    """What they are of: the tar, the sizes that its headers name, the files of the directory, or the disk that these took."""
    diff_id: str = ""


class Layer(NamedTuple):
    """One file-system changeset of an image."""

    number: LayerNumber
    descriptor: Descriptor
    """As stored: blob digest (may be unknown), media type, size in bytes (see ``measured``)."""
    diff_id: str
    """Digest of the uncompressed tar as the config claims it; empty if it does not."""
    chain_id: str
    """Digest of the stack up to this layer (OCI config, ChainID); empty if a diff ID is missing."""
    blob: Blob | None
    """The stored bytes; ``None`` when they are not here (see ``missing``)."""
    missing: str = ""
    """Why there are no entries to be had: foreign, encrypted, not a tar, blob absent."""
    unpacked: Unpacked | None = None
    """Where it lies unpacked; read in place of ``blob``."""
    places: Sequence[tuple[str, str]] = ()
    """What a store calls it and where it keeps it: ``cache-id``, ``unpacked``, ``link``, ``tar-split``, …"""
    recorded: Recorded | None = None

    @property
    def measured(self) -> str:
        """What the size of its descriptor counts, for people.

        A store that keeps it unpacked does not know what it took where it was stored.
        """
        if self.recorded is None:
            return "as stored"
        if self.recorded.of != "tar":
            return "on the disk" if self.recorded.of == "disk" else "of files"
        return "as a tar" if self.recorded.size == self.descriptor.size else "as pulled"


class Arrival(Protocol):
    """A stream that brings all layers of an image, begun when the first of them is read."""

    def watch(self, job: Job) -> None:
        """Report to ``job`` the bytes received, and the estimated total, from any thread."""
        ...


class Link(NamedTuple):
    """One document of the chain that leads from a reference to an image's layers."""

    name: str
    """``index.json``, ``index``, ``manifest``, ``config``, ``manifest.json``, ``repositories.json``."""
    descriptor: Descriptor
    """As what leads here names it; without a digest where a path leads here."""
    data: bytes
    """The document itself, as its bytes; empty where nobody hands it out."""
    location: str
    """Where it lies, for people."""


class InspectField(NamedTuple):
    """A field of ``docker inspect``, and the entry of a store that it comes from."""

    name: str
    value: Any
    file: str = ""
    """Where it lies; empty if nothing on disk says it."""
    key: str = ""
    """Its key there, where it is not all that the file says."""


class Image(NamedTuple):
    """One image for one platform."""

    reference: str
    """What to pass back to open it again, ``docker-archive:app.tar:app:1``."""
    transport: str
    name: str
    """What people call it: a tag if it has one, else the file's name."""
    tags: Sequence[str]
    repo_digests: Sequence[str]
    id: str
    """Digest of the config."""
    config: Mapping[str, Any]
    """The config, parsed: a JSON object; any of its fields may be missing or null."""
    config_bytes: bytes
    """Empty where no config is known."""
    manifest: Mapping[str, Any]
    """The manifest (or the archive's manifest.json item), parsed; empty where there is none."""
    manifest_bytes: bytes
    manifest_digest: str
    """Empty where the source has no manifest with a digest (docker-archive)."""
    platform: Platform
    history: Sequence[HistoryEntry]
    """Oldest first; mentions every layer exactly once."""
    layers: Sequence[Layer]
    attestations: Sequence[Descriptor] = ()
    warnings: Sequence[str] = ()
    """What is odd about it but does not keep it from being shown, a sentence each."""
    inspected: Mapping[str, Any] = _NOTHING
    """What an engine says of it, field by field; empty where none was asked."""
    fields: Sequence[InspectField] = ()
    """What a store of Docker keeps for ``docker inspect`` beside the config: names, parent, sizes, …"""
    arrival: Arrival | None = None
    """Where all its layers come in one stream: that stream."""
    damage: str = ""
    """Why its files may not all be there; stands among the warnings too. Empty if all is well."""
    links: Sequence[Link] = ()
    """How the reference leads to the config, the first document first; see :meth:`chain`."""

    @property
    def size(self) -> int:
        """Bytes of its layers as their descriptors have them; -1 if one is unknown."""
        sizes = [layer.descriptor.size for layer in self.layers]
        return -1 if any(size < 0 for size in sizes) else sum(sizes)

    @property
    def measured(self) -> str:
        """What its size counts, for people (see :attr:`Layer.measured`)."""
        return ", ".join(dict.fromkeys(layer.measured for layer in self.layers)) or "in no layer"

    @property
    def chain(self) -> Sequence[Link]:
        """The documents from the reference to the config, as far as the source knows them."""
        if self.links:
            return self.links
        if not self.id and not self.config_bytes:
            return ()  # layers without an image, and containers that began from scratch
        links = [Link("config", Descriptor("", self.id, -1), self.config_bytes, "")]
        if self.manifest_bytes:
            media_type = self.manifest.get("mediaType")
            known = Descriptor(media_type if isinstance(media_type, str) else "", self.manifest_digest, -1)
            links.insert(0, Link("manifest", known, self.manifest_bytes, ""))
        return links


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """Chain ID of each layer, base first (OCI image config, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        if not diff_id or (chain and not chain[-1]):
            chain.append("")
        elif not chain:
            chain.append(diff_id)
        else:
            joined = f"{chain[-1]} {diff_id}".encode()
            chain.append("sha256:" + hashlib.sha256(joined).hexdigest())
    return chain


class ImageSummary(NamedTuple):
    """One image as a list shows it: what is known without reading its layers."""

    reference: str
    """What opens it."""
    transport: str
    name: str
    """Repository; empty if it has no name."""
    tag: str
    id: str
    """Digest of the config, or of the index of a multi-platform image."""
    digest: str
    """Digest of the manifest or index; empty where there is none."""
    size: int | None
    """Bytes of its layers as stored; of all platforms together."""
    created: str | None
    layers: int | None
    """``None`` for several platforms."""
    platforms: tuple[Platform, ...]
    labels: Mapping[str, str] = _NOTHING


class ContainerSummary(NamedTuple):
    """One container as a list shows it."""

    reference: str
    """What opens it."""
    transport: str
    id: str
    """64 hexadecimal digits."""
    name: str
    image: str
    """What it was started from, as the engine shows it."""
    command: str | None
    """``None`` where the source does not tell."""
    created: str | None
    """RFC 3339."""
    state: str
    """``running``, ``exited``, ``created`` and so on."""
    status: str
    """The same for people, ``Up 2 hours``."""
    labels: Mapping[str, str] | None
    """``None``, here and below, where the source does not tell."""
    mounts: Sequence[str] | None
    """Volumes and directories of the host that it sees."""
    networks: Sequence[str] | None
    ports: Sequence[str] | None
    """``8080/tcp``, ``0.0.0.0:80->8080/tcp``."""
    image_id: str = ""
    """Digest of that image's config; empty where it is not known."""
    local_volumes: int | None = None
    """How many of the mounts are volumes of the engine itself."""
