"""Images as every source returns them: immutable data, recorded and never guessed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence

from layertui import TYPE_CHECKING
from layertui.model.blob import Blob, FileState
from layertui.model.digest import sha256_hex
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.model.typed import NamedTuple, Protocol

if TYPE_CHECKING:
    from typing import Any, Literal

    from layertui.model.layer_index import LayerIndex


_NOTHING: Mapping[str, Any] = {}
MAX_LAYERS = 1000
"""Layers of an image that is opened at most. Docker refuses more than 125 (layer/layer.go, ErrMaxDepthExceeded)."""


class Platform(NamedTuple):
    """OS, its version, and CPU that an image is for (OCI image-index, ``platform``)."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        """Return it as containerd writes it, ``windows(10.0.20348.2322)/amd64`` (platforms, ``FormatAll``)."""
        version = f"({self.os_version})" if self.os_version else ""
        parts = (f"{self.os}{version}", self.architecture, self.variant)
        return "/".join(part for part in parts if part)


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


class Link(NamedTuple):
    """One document of the chain from a reference to an image's layers."""

    name: str
    """``index.json``, ``index``, ``manifest``, ``config``, ``manifest.json``, ``repositories.json``."""
    descriptor: Descriptor
    """As the referring document has it; without a digest if only a path refers to it."""
    data: bytes
    """The document's bytes; empty if the source does not provide it."""
    location: str
    """Human-readable location."""


MISSING = "<missing>"
"""Docker's ID for a step whose image does not exist."""


class HistoryEntry(NamedTuple):
    """One build step of the config's ``history``.

    ``layer`` is the number of the layer that the step made, ``None`` for a step without one.
    A layer that no step claims gets an entry with ``recorded`` False.
    """

    created: str | None
    created_by: str
    author: str
    comment: str
    layer: LayerNumber | None
    recorded: bool = True
    id: str = ""
    """ID of the image that the step made, where the engine still has it, else ``<missing>`` as the engine reports."""
    size: int = -1
    """Bytes of the files that the step added, as reported by an engine; -1 if unknown."""
    document: Link | None = None
    """The JSON of the image that the step made, where each has its own: Docker up to 1.9."""


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
    """Size and diff ID that a store recorded when it unpacked a layer."""

    size: int
    """Bytes; -1 if not recorded."""
    of: Literal["tar", "members", "directory", "disk"]
    """What the size counts: the tar, the file sizes in its headers, the files in the directory, or their disk usage."""
    diff_id: str = ""


class Layer(NamedTuple):
    """One file-system changeset of an image."""

    number: LayerNumber
    descriptor: Descriptor
    """As stored: blob digest (may be unknown), media type, size in bytes (see ``measured``)."""
    diff_id: str
    """Digest of the uncompressed tar according to the config; empty if it has none."""
    chain_id: str
    """Digest of the stack up to this layer (OCI config, ChainID); empty if a diff ID is missing."""
    blob: Blob | None
    """The stored bytes; ``None`` if no entries can be read from them (see ``missing``)."""
    missing: str = ""
    """Why the entries cannot be read: foreign, encrypted, not a tar, blob absent."""
    unpacked: Unpacked | None = None
    """The unpacked layer, read in place of ``blob``."""
    places: Sequence[tuple[str, str]] = ()
    """Names and paths of the layer in a store: ``cache-id``, ``unpacked``, ``link``, ``tar-split``, …"""
    recorded: Recorded | None = None
    opaque: Blob | None = None
    """The stored bytes where they are there but have no readable entries: encrypted, not a tar."""

    @property
    def measured(self) -> str:
        """What the descriptor's size counts, human-readable.

        A store of unpacked layers does not know the size of the blob that was pulled.
        """
        if self.recorded is None:
            return "as stored"
        if self.recorded.of != "tar":
            return "on the disk" if self.recorded.of == "disk" else "of files"
        return "as a tar" if self.recorded.size == self.descriptor.size else "as pulled"


class Arrival(Protocol):
    """A stream of all layers of an image, started by the first read of one of them."""

    def watch(self, job: Job) -> None:
        """Report to ``job`` the bytes received, and the estimated total, from any thread."""

    def documents(self) -> Sequence[Link]:
        """Return the documents from the reference to the config, once they have arrived.

        Raises :class:`LayertuiError` if they do not.
        """


class InspectField(NamedTuple):
    """A field of ``docker inspect`` and the place in a store that it comes from."""

    name: str
    value: Any
    file: str = ""
    """The file that records it; empty if none does."""
    key: str = ""
    """Its key in that file, unless it is the file's whole content."""


class Image(NamedTuple):
    """One image for one platform."""

    reference: str
    """The reference that opens it again, ``docker-archive:app.tar:app:1``."""
    transport: str
    name: str
    """Display name: a tag if it has one, else the file's name."""
    tags: Sequence[str]
    repo_digests: Sequence[str]
    id: str
    """Digest of the config."""
    config: Mapping[str, Any]
    """The config, parsed: a JSON object; any of its fields may be missing or null."""
    config_bytes: bytes
    """Empty if there is no config."""
    manifest: Mapping[str, Any]
    """The manifest (or the archive's manifest.json item), parsed; empty if there is none."""
    manifest_bytes: bytes
    manifest_digest: str
    """Empty if the source has no manifest with a digest (docker-archive)."""
    platform: Platform
    history: Sequence[HistoryEntry]
    """Oldest first; mentions every layer exactly once."""
    layers: Sequence[Layer]
    attestations: Sequence[Descriptor] = ()
    warnings: Sequence[str] = ()
    """Problems that do not prevent it from being shown, a sentence each."""
    inspected: Mapping[str, Any] = _NOTHING
    """The engine's own ``inspect``; empty for an image not from an engine."""
    fields: Sequence[InspectField] = ()
    """What a Docker data root records for ``docker inspect`` besides the config: names, parent, sizes, …"""
    arrival: Arrival | None = None
    """The stream that all its layers arrive in, if there is one."""
    damage: str = ""
    """Why some of its files may be missing, which is also among the warnings; empty if none is."""
    asked_platform: str | None = None
    """What it was opened for, ``os/arch[/variant]``; ``None``: the usual platform."""
    pinned: str = ""
    """A reference to this image alone, by digest or ID; empty where the source has none."""
    pinned_platform: str | None = None
    """What to open ``pinned`` for, where that digest is for several platforms, ``os/arch[/variant]``."""
    file: FileState | None = None
    """Of the archive that contains it, when it was opened."""
    links: Sequence[Link] = ()
    """The documents from the reference to the config, in order; see :meth:`chain`."""
    is_container: bool = False
    """Whether the top layer is a container's read-write layer."""

    @property
    def size(self) -> int:
        """Sum of its layers' descriptor sizes in bytes; -1 if one is unknown."""
        sizes = [layer.descriptor.size for layer in self.layers]
        return -1 if any(size < 0 for size in sizes) else sum(sizes)

    @property
    def measured(self) -> str:
        """What its size counts, human-readable (see :attr:`Layer.measured`)."""
        return ", ".join(dict.fromkeys(layer.measured for layer in self.layers)) or "in no layer"

    @property
    def chain(self) -> Sequence[Link]:
        """The documents from the reference to the config, as far as the source has them."""
        if self.links:
            return self.links
        if not self.id and not self.config_bytes:
            return ()  # layers without an image, and containers without a base image
        links = [Link("config", Descriptor("", self.id, -1), self.config_bytes, "")]
        if self.manifest_bytes:
            media_type = self.manifest.get("mediaType")
            known = Descriptor(media_type if isinstance(media_type, str) else "", self.manifest_digest, -1)
            links.insert(0, Link("manifest", known, self.manifest_bytes, ""))
        return links


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """Return the chain ID of each layer, base first (OCI image config, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        if not diff_id or (chain and not chain[-1]):
            chain.append("")
        elif not chain:
            chain.append(diff_id)
        else:
            joined = f"{chain[-1]} {diff_id}".encode()
            chain.append(f"sha256:{sha256_hex(joined)}")
    return chain


class ImageSummary(NamedTuple):
    """One row of a list of images: what is known without reading layers."""

    reference: str
    """The reference that opens it."""
    transport: str
    name: str
    """Repository; empty if it has no name."""
    tag: str
    id: str
    """Digest of the config, or of the index of a multi-platform image."""
    digest: str
    """Digest of the manifest or index; empty if there is none."""
    size: int | None
    """Bytes of its layers as stored, of all platforms together."""
    created: str | None
    layers: int | None
    """``None`` for several platforms."""
    platforms: tuple[Platform, ...]
    labels: Mapping[str, str] = _NOTHING


class ContainerSummary(NamedTuple):
    """One row of a list of containers."""

    reference: str
    """The reference that opens it."""
    transport: str
    id: str
    """64 hexadecimal digits."""
    name: str
    image: str
    """The image it was started from, as the engine reports it."""
    command: str | None
    """``None`` if the source does not record it."""
    created: str | None
    """RFC 3339."""
    state: str
    """``running``, ``exited``, ``created`` and so on."""
    status: str
    """The same human-readable: ``Up 2 hours``."""
    labels: Mapping[str, str] | None
    """``None``, here and below, if the source does not record it."""
    mounts: Sequence[str] | None
    """Volumes and bind mounts."""
    networks: Sequence[str] | None
    ports: Sequence[str] | None
    """``8080/tcp``, ``0.0.0.0:80->8080/tcp``."""
    image_id: str = ""
    """Digest of that image's config; empty if unknown."""
    local_volumes: int | None = None
    """Number of mounts that are volumes of the ``local`` driver; ``None`` if unknown."""
