"""An engine's containers: their image's layers and the read-write layer on top of them."""

from __future__ import annotations

import tarfile
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import IO, Any

from layertui.layers.codec import INDEX_COLUMNS
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow
from layertui.layers.unpacked.change_detection import changed_while_read
from layertui.model.blob import Blob, BytesBlob
from layertui.model.errors import ChangedWhileRead, LayertuiError, NotFound
from layertui.model.image import MISSING, ContainerSummary, Descriptor, HistoryEntry, Image, Layer, Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Extra, Kind, LayerIndex, key_of, path_of
from layertui.model.numbers import LayerNumber
from layertui.model.platforms import choose_platform
from layertui.sources.engine.client import ByteStream, Engine
from layertui.sources.engine.images import digest_id, open_image, readable_directories, unpacked_in
from layertui.sources.engine.values import integer, objects, unix_time
from layertui.sources.oci_layout import descriptor_of

CONTAINER_TRANSPORTS = {"Docker": "docker-container", "Podman": "podman-container"}
DELETED = 2
"""``Kind`` of a deleted path (Docker Engine API, "ContainerChanges")."""
HEAD_SIZE = 1 << 16
"""Bytes of an archive that hold its first entry's headers."""
OPEN_FILES = 8
"""Files of a container that are kept available."""


def list_containers(engine: Engine) -> Iterator[ContainerSummary]:
    """Yield every container, running or not. Raises :class:`LayertuiError`."""
    transport = CONTAINER_TRANSPORTS[engine.endpoint.engine]
    for item in objects(engine.get("/containers/json", all="1")):
        names = item.get("Names")
        identity = str(item.get("Id", ""))
        name = str(names[0]).lstrip("/") if isinstance(names, list) and names else identity[:12]
        networks = item.get("NetworkSettings")
        networks = networks.get("Networks") if isinstance(networks, dict) else None
        labels = item.get("Labels")
        yield ContainerSummary(
            reference=f"{transport}:{name}",
            transport=transport,
            id=identity,
            name=name,
            image=str(item.get("Image", "")),
            command=str(item.get("Command", "")),
            created=unix_time(item.get("Created")),
            state=str(item.get("State", "")),
            status=str(item.get("Status", "")),
            labels=labels if isinstance(labels, dict) else {},
            # The engine names them in another order every time.
            mounts=sorted(
                str(each.get("Name") or each.get("Source") or "") for each in objects(item.get("Mounts"))
            ),
            networks=list(networks) if isinstance(networks, dict) else [],
            ports=[_port(each) for each in objects(item.get("Ports"))],
            image_id=digest_id(str(item.get("ImageID") or "")),
            local_volumes=sum(each.get("Driver") == "local" for each in objects(item.get("Mounts"))),
        )


def open_container(engine: Engine, name: str, platform: str | None = None) -> Image:
    """Return a container as an image with its read-write layer as one more layer.

    The image's layers are those of the platform that the container runs, which must be ``platform`` if
    one is given. Docker's init layer (stubs of what it mounts into every container) is a layer of its
    own where its directory can be read; otherwise nothing records it. Raises :class:`LayertuiError`.
    """
    try:
        inspected = engine.get("/containers/{0}/json", name)
    except NotFound as error:
        command = f"{engine.endpoint.engine.lower()} ps --all"
        raise NotFound(
            f"{engine.endpoint.engine} has no container {name}", "", f"{command} lists them"
        ) from error
    if not isinstance(inspected, dict):
        raise LayertuiError(f"{engine.endpoint.engine} does not describe the container {name}")
    # Since API 1.48, in Docker's containerd store: its image may be for several platforms.
    manifest = descriptor_of(inspected.get("ImageManifestDescriptor"))
    try:
        image = open_image(
            engine, str(inspected.get("Image", "")), manifest=manifest.digest if manifest else ""
        )
    except NotFound as error:
        raise LayertuiError(f"cannot open the container {name}", "its image has been removed") from error
    if platform is not None:
        choose_platform([(image.platform, image)], platform, f"the container {name}")
    state = inspected.get("State")
    status = str(state.get("Status", "")) if isinstance(state, dict) else ""
    shown = str(inspected.get("Name", name)).lstrip("/")
    own = f"read-write layer of container {shown} ({status or 'state unknown'})"
    stack = readable_directories(engine, inspected)
    directories = stack[len(image.layers) :]
    extra: list[tuple[Any, str]] = []
    if 1 <= len(directories) <= 2:
        if len(directories) == 2:
            text = "init layer: stubs of what Docker mounts into every container"
            extra.append((unpacked_in(directories[0]), text))
        extra.append((unpacked_in(directories[-1], tuple(reversed(stack[:-1]))), own))
    else:
        extra.append((ContainerChanges(engine, str(inspected.get("Id", name))), own))
    created = inspected.get("Created")
    layers, history = list(image.layers), list(image.history)
    for unpacked, text in extra:
        number = len(layers) + 1
        layers.append(Layer(LayerNumber(number), Descriptor("", "", -1), "", "", None, unpacked=unpacked))
        history.append(
            HistoryEntry(
                created if isinstance(created, str) else None, text, "", "", LayerNumber(number), id=MISSING
            )
        )
    transport = CONTAINER_TRANSPORTS[engine.endpoint.engine]
    return image._replace(
        reference=f"{transport}:{name}",
        transport=transport,
        name=f"{shown} ({image.name})",
        history=history,
        layers=layers,
        inspected=inspected,
        pinned=f"{transport}:{inspected.get('Id', name)}",
        pinned_platform=None,
    )


def _port(item: Mapping[str, Any]) -> str:
    inside = f"{item.get('PrivatePort', '?')}/{item.get('Type', 'tcp')}"
    public = integer(item, "PublicPort")
    return f"{item.get('IP', '')}:{public}->{inside}" if public >= 0 else inside


@dataclass(frozen=True)
class ContainerChanges(Unpacked):
    """A container's read-write layer as its engine tells of it.

    The list is that of ``docker diff``; metadata and contents come path by path.
    """

    engine: Engine
    container: str

    @property
    def location(self) -> str:
        return f"container {self.container[:12]}, asked from {self.engine.endpoint.engine}"

    def scan(self, job: Job = Job.NONE) -> LayerIndex:
        index = LayerIndex()
        keys: list[bytes] = []
        gone: list[bytes] = []
        changes = self.engine.get("/containers/{0}/changes", self.container)
        for item in sorted(objects(changes), key=lambda item: key_of(str(item.get("Path", "")))):
            job.check()
            key = key_of(str(item.get("Path", "")))
            if item.get("Kind") == DELETED:
                _append(index, keys, key, Kind.WHITEOUT, LayerIndex(), -1)
                continue
            try:
                found = self._entry(key)
            except NotFound:
                gone.append(key)
                continue
            _append(index, keys, key, found.kind[0], found, 0)
            job.report(len(keys))
        index.count = len(keys)
        index.keys = b"/".join(keys)
        index.warnings += changed_while_read(gone)
        return index

    def open(self, key: bytes, size: int, stamp: int = 0) -> FetchedFile:
        return _fetched(self, key, size, stamp)

    def _entry(self, key: bytes) -> LayerIndex:
        """Return an index whose first entry is that of a path; no more of its archive is fetched."""
        with closing(self.archive(key)) as chunks:
            return self.first_entry(key, head_of(chunks))

    def first_entry(self, key: bytes, head: bytes) -> LayerIndex:
        """Return the index of the beginning of a path's archive."""
        found = scan(PlainWindow(BytesBlob(head[:HEAD_SIZE], self.location)))
        if not found.count:
            raise LayertuiError(f"{self.engine.endpoint.engine} sends no {path_of(key)}", found.damage)
        return found

    def archive(self, key: bytes) -> Generator[bytes, None, None]:
        """Return the tar in which the engine sends a path and all below it."""
        path = path_of(key).encode("utf-8", "surrogateescape")
        return self.engine.stream("/containers/{0}/archive", self.container, path=path)


def head_of(chunks: Iterator[bytes]) -> bytes:
    """Return what comes first of an archive, ``HEAD`` bytes or more if there are as many."""
    head = b""
    while len(head) < HEAD_SIZE and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _stamp_of(found: LayerIndex) -> int:
    """64 bits that are others once a file, the first entry of an index, is of another type, size or time."""
    return hash((found.kind[0], found.size[0], found.mtime[0], found.mtime_ns[0])) & ((1 << 64) - 1)


class FetchedFile(Blob):
    """A file of a container, fetched whole when it is first read.

    Reading raises :class:`ChangedWhileRead` if it is not the one any more that was listed.
    """

    size = 0

    def __init__(self, changes: ContainerChanges, key: bytes, size: int, stamp: int) -> None:
        self.size = size
        self._stamp = stamp
        self._changes = changes
        self._key = key
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    @property
    def location(self) -> str:
        return f"{path_of(self._key)} of {self._changes.location}"

    @property
    def is_local(self) -> bool:
        return self._file is not None

    def pread(self, length: int, offset: int) -> bytes:
        with self._lock:
            if self._file is None:
                self._file = self._fetch()
            self._file.seek(offset)
            return self._file.read(length)

    def _fetch(self) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(1 << 22)  # noqa: SIM115 (it lives as long as this)
        with closing(self._changes.archive(self._key)) as chunks:
            head = head_of(chunks)
            found = self._changes.first_entry(self._key, head)
            if _stamp_of(found) != self._stamp:
                raise ChangedWhileRead(self.location, self.size, found.size[0])
            try:
                with tarfile.open(fileobj=ByteStream(chain((head,), chunks)), mode="r|") as archive:
                    member = archive.next()
                    content = archive.extractfile(member) if member is not None and member.isfile() else None
                    while content is not None and (data := content.read(1 << 20)):
                        spool.write(data)
            except tarfile.TarError as error:
                raise LayertuiError(f"cannot read {self.location}", str(error)) from error
        return spool


@lru_cache(OPEN_FILES)
def _fetched(changes: ContainerChanges, key: bytes, size: int, stamp: int) -> FetchedFile:
    return FetchedFile(changes, key, size, stamp)


def _append(
    index: LayerIndex, keys: list[bytes], key: bytes, kind: int, found: LayerIndex, entry: int
) -> None:
    """Add an entry under a key, with the columns that ``entry`` has in another index (-1: none)."""
    number = len(keys)
    keys.append(key)
    index.kind.append(kind)
    for name, _code in INDEX_COLUMNS:
        getattr(index, name).append(getattr(found, name)[entry] if entry >= 0 else 0)
    index.stamp.append(_stamp_of(found) if entry >= 0 else 0)
    index.offset[number] = 0
    index.link[number] = -1
    if entry >= 0 and found.link[entry] >= 0:
        index.link[number] = len(index.links)
        index.links.append(found.links[found.link[entry]])
    if entry >= 0 and (extra := found.extra.get(entry)) is not None:
        index.extra[number] = Extra(extra.xattrs, extra.device)
