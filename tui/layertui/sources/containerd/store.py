"""A namespace of containerd: names in ``meta.db``, blobs in the content store, unpacked snapshots.

Layout of the databases: containerd, core/metadata/buckets.go and core/snapshots/storage/bolt.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.blob import FileBlob
from layertui.model.digest import DIGEST
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import ContainerSummary, Descriptor, Image, ImageSummary, Layer, Unpacked
from layertui.model.reference import Reference
from layertui.sources.assemble import familiar_name, no_image, with_own_layer
from layertui.sources.containerd.bolt import Bucket, read_bolt
from layertui.sources.containerd.values import go_time, uvarint, varint
from layertui.sources.files import FolderFiles
from layertui.sources.oci import open_layout, summaries
from layertui.sources.oci_layout import IMAGE_NAME, FilesLayout, config_and_layers, manifests_of

METADATA_DB = "io.containerd.metadata.v1.bolt/meta.db"
CONTENT = "io.containerd.content.v1.content"
SNAPSHOTTER = "io.containerd.snapshotter.v1"
DIRECTORIES = "overlayfs"
"""The snapshotter whose snapshots are directories of one layer each."""
UNCOMPRESSED = "containerd.io/uncompressed"
"""The label of a blob that has been unpacked: its diff ID."""
MAX_SNAPSHOTS = 1000


class ContainerdStore:
    """A containerd's root directory. Its databases are read when they are asked for first."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def namespaces(self) -> dict[str, Namespace]:
        """Raises :class:`LayertuiError` if there is no store or its database is damaged."""
        path = self.metadata
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LayertuiError(
                f"{self.root} is no store of containerd", f"it has no {METADATA_DB}"
            ) from error
        except OSError as error:
            why = error.strerror or str(error)
            raise LayertuiError(f"cannot read {path}", why, "run as root") from error
        return {
            name: Namespace(self, name, bucket) for name, bucket in read_bolt(path).bucket("v1").buckets()
        }

    @property
    def metadata(self) -> Path:
        """The database of all namespaces."""
        return self.root / METADATA_DB

    def namespace(self, name: str) -> Namespace:
        if name not in self.namespaces:
            known = ", ".join(self.namespaces) or "none"
            raise LayertuiError(f"{self.root} has no namespace {name}", f"it has {known}")
        return self.namespaces[name]

    @cached_property
    def snapshots(self) -> Bucket:
        """What the snapshotter knows of each. Raises :class:`LayertuiError`."""
        return read_bolt(self.directories.with_name("metadata.db")).bucket("v1", "snapshots")

    @property
    def directories(self) -> Path:
        """Where each snapshot has a directory."""
        return self.root / f"{SNAPSHOTTER}.{DIRECTORIES}" / "snapshots"

    @property
    def blobs(self) -> Path:
        """Where each blob lies, below the name of its digest's algorithm."""
        return self.root / CONTENT / "blobs"

    def blob(self, digest: str) -> FileBlob | None:
        """Return a blob, whether a database names it or not; ``None`` if it is not there."""
        path = self.blobs / digest.replace(":", "/", 1)
        return FileBlob(path) if DIGEST.fullmatch(digest) and path.is_file() else None


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted of a snapshot."""

    parent: str
    """Key of the one below; empty for a base."""
    number: int
    """What its directory is called; -1 if that is not known."""
    size: int
    """Bytes on the disk; -1 while it is written to."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as a namespace names it."""

    key: str
    parent: str
    """Key of the one below; empty for a base."""
    unpacked: Unpacked | None
    missing: str


class Namespace:
    """Images and containers of one namespace."""

    def __init__(self, store: ContainerdStore, name: str, bucket: Bucket) -> None:
        self.store = store
        self.name = name
        self._bucket = bucket

    def reference(self, name: str = "") -> Reference:
        """Return what leads to an image in it, or to all."""
        return Reference("containerd", str(self.store.root), f"{self.name}/{name}")

    @property
    def place(self) -> str:
        return f"the namespace {self.name} of {self.store.root}"

    @cached_property
    def names(self) -> dict[str, Descriptor]:
        """What each name stands for."""
        found = {}
        for name, bucket in self._bucket.bucket("images").buckets():
            target = bucket.bucket("target")
            media_type, digest, size = target.text("mediatype"), target.text("digest"), target.value("size")
            found[name] = Descriptor(media_type, digest, varint(size), bucket.texts("annotations"))
        return found

    def image_labels(self, name: str) -> dict[str, str]:
        return self._bucket.bucket("images", name).texts("labels")

    def updated(self, name: str) -> str:
        """Return when a name was last set, as RFC 3339; empty if that is unknown."""
        return go_time(self._bucket.bucket("images", name).value("updatedat")) or ""

    @cached_property
    def blobs(self) -> dict[str, tuple[int, str]]:
        """Size of each blob by its digest, and its diff ID if it is known to be a layer."""
        return {
            digest: (varint(bucket.value("size")), bucket.bucket("labels").text(UNCOMPRESSED))
            for digest, bucket in self._bucket.bucket("content", "blob").buckets()
        }

    def find(self, name: str) -> str:
        """Return the whole name of an image: by that, a short one, or (part of) its digest or its config's.

        Raises :class:`LayertuiError`.
        """
        wanted = {name, f"{name}:latest"}
        if whole := wanted & self.names.keys():
            return min(whole, key=len)
        digest = name.rpartition("@")[2].removeprefix("sha256:")
        found = [
            each for each in self.names if any(each.endswith(f"/{one}") for one in wanted) and "@" not in each
        ] or [
            each
            for each, target in self.names.items()
            if len(digest) >= 2 and target.digest.startswith(f"sha256:{digest}")
        ]
        if len({self.names[each].digest for each in found}) > 1:
            raise LayertuiError(f"{name} could be several images", ", ".join(found))
        is_digest = len(digest) >= 2 and set(digest) <= set("0123456789abcdef")
        return found[0] if found else self._find_config(name, f"sha256:{digest}" if is_digest else "")

    def _find_config(self, name: str, digest: str) -> str:
        """Return the first image whose config's digest begins with one: to CRI that is the image's ID."""
        found: dict[str, str] = {}
        for each in self.listed() if digest else ():
            for config in self._configs(each):
                if config.startswith(digest):
                    found.setdefault(config, each)
        if len(found) > 1:
            raise LayertuiError(f"{name} could be several images", ", ".join(found.values()))
        if not found:
            known = ", ".join(self.listed()) or "no images"
            raise NotFound(f"{self.place} has no image {name}", f"it has {known}")
        return next(iter(found.values()))

    def _configs(self, name: str) -> list[str]:
        """Return the digests of the configs of an image's platforms that are there."""
        layout = ContentStore(self, name, self.names[name])
        try:
            found = [each for each in manifests_of(layout, layout.top()) if layout.has(each)]
            configs = [config_and_layers(layout.fetch(each, "manifest")[0])[0] for each in found]
        except LayertuiError:
            return []  # opening it says why
        return [config.digest for config in configs if config is not None]

    def open(self, name: str, reference: Reference, platform: str | None) -> Image:
        """Return an image by its whole name. Raises :class:`LayertuiError`."""
        return self.open_target(self.names[name], name, reference, platform)

    def open_target(
        self, target: Descriptor, name: str, reference: Reference, platform: str | None, manifest: str = ""
    ) -> Image:
        """Return what a descriptor leads to, of the image of a name or digest.

        ``manifest`` is the digest of the manifest that is meant, regardless of platforms. Raises
        :class:`LayertuiError`.
        """
        layout = ContentStore(self, name, target)
        image = open_layout(layout, reference._replace(selector=manifest and f"@{manifest}"), platform)
        digest = self.names[name].digest if name in self.names else name
        same = [each for each, known in self.names.items() if known.digest == digest]
        tags = [each for each in same if is_tag(each)]
        return image._replace(
            reference=str(reference),
            name=name if is_tag(name) else next(iter(tags), name),
            tags=tags,
            repo_digests=[each for each in same if "@" in each],
            layers=[self._here(layer) for layer in image.layers],
        )

    def content(self, name: str) -> ContentStore:
        """Return the blobs that the name of an image or (``/NAME``) container leads to. Raises :class:`LayertuiError`."""
        if name.startswith("/"):
            name = self.containers[self.find_container(name[1:])].text("image")
        whole = self.find(name)
        return ContentStore(self, whole, self.names[whole])

    def summaries(self, reference: Reference, wanted: str = "") -> Iterator[ImageSummary]:
        """Yield a row for each name, or for those of the image of one; those that only repeat a digest are left out.

        Of an image that cannot be read, only what its name stands for is known. Raises
        :class:`LayertuiError` if no image has the wanted name.
        """
        digest = self.names[self.find(wanted)].digest if wanted else ""
        for name in self.listed():
            target = self.names[name]
            if digest not in ("", target.digest):
                continue
            try:
                (row,) = summaries(ContentStore(self, name, target), reference._replace(selector=""))
            except (LayertuiError, ValueError):
                row = ImageSummary("", "containerd", "", "", target.digest, "", None, None, None, ())
            full, _, at = familiar_name(name).partition("@")
            repository, _, tag = full.rpartition(":") if not at else (full, "", "")
            yield row._replace(
                reference=str(reference._replace(selector=f"{self.name}/{name}")),
                name=repository if is_tag(name) or at else "",
                tag=tag if is_tag(name) else "",
                digest=target.digest,
            )

    def listed(self) -> list[str]:
        """Return the names, without those by which CRI repeats an image's digest and ID."""
        tagged = {target.digest for name, target in self.names.items() if is_tag(name)}
        repeated: set[str] = set()
        found = []
        for name, target in self.names.items():
            if is_tag(name) or target.digest not in tagged | repeated:
                repeated.add(target.digest)
                found.append(name)
        return found

    # Snapshots

    def _here(self, layer: Layer) -> Layer:
        """Return a layer without a blob, as its snapshot if it has been unpacked."""
        if layer.blob is not None or not layer.chain_id:
            return layer
        try:
            snapshot = self.snapshot(layer.chain_id)
        except LayertuiError as error:
            return layer._replace(missing=f"{layer.missing}; {error}")
        missing = f"{layer.missing}; {snapshot.missing}" if snapshot.missing else ""
        places = [("snapshot", snapshot.key)]
        if snapshot.unpacked is not None:
            places.append(("unpacked", snapshot.unpacked.location))
        return layer._replace(unpacked=snapshot.unpacked, missing=missing, places=places)

    def snapshot(self, key: str) -> Snapshot:
        """Return a snapshot by its key, for an image's layer its chain ID. Raises :class:`LayertuiError`."""
        if key not in self.unpacked:
            raise LayertuiError(f"{self.place} has no snapshot {key} of {DIRECTORIES}")
        noted = self.unpacked[key]
        directory = self.store.directories / str(noted.number) / "fs"
        if noted.number < 0 or not directory.is_dir():
            where = f"its directory {directory}" if noted.number >= 0 else "the name of its directory"
            return Snapshot(key, noted.parent, None, f"{where} is not there")
        below = self._below(noted.parent)
        return Snapshot(key, noted.parent, UnpackedDirectory(directory, below=below), "")

    def _below(self, key: str) -> tuple[Path, ...]:
        """Return the directories of a snapshot and of those below it, the topmost first; none where one is missing."""
        numbers = [
            self.unpacked[each].number if each in self.unpacked else -1 for each in self.down_from(key)
        ]
        return () if -1 in numbers else tuple(self.store.directories / str(each) / "fs" for each in numbers)

    def down_from(self, key: str) -> Iterator[str]:
        """Yield the keys of a snapshot and of those below it, the topmost first."""
        for _ in range(MAX_SNAPSHOTS):
            if not key:
                return
            yield key
            key = self.unpacked[key].parent if key in self.unpacked else ""

    @property
    def snapshotter(self) -> str:
        """The snapshotter that it has snapshots of."""
        return next((name for name, _ in self._bucket.bucket("snapshots").buckets()), DIRECTORIES)

    def size_down_from(self, key: str) -> int:
        """Return the bytes of a snapshot and of those below it, as far as they are there and known."""
        found = [self.unpacked[each].size for each in self.down_from(key) if each in self.unpacked]
        return sum(size for size in found if size > 0)

    @cached_property
    def unpacked(self) -> dict[str, Noted]:
        """What is noted of each snapshot, by its key. Raises :class:`LayertuiError` for a damaged database."""
        found = {}
        for key, bucket in self._bucket.bucket("snapshots", DIRECTORIES).buckets():
            noted = self.store.snapshots.bucket(bucket.text("name"))
            found[key] = Noted(bucket.text("parent"), uvarint(noted.value("id")), varint(noted.value("size")))
        return found

    # Containers

    @cached_property
    def containers(self) -> dict[str, Bucket]:
        return dict(self._bucket.bucket("containers").buckets())

    def open_container(self, name: str, reference: Reference) -> Image:
        """Return a container as its image with its snapshots on top. Raises :class:`LayertuiError`."""
        identity = self.find_container(name)
        container, shown = self.containers[identity], self.name_of(identity)
        from_image = container.text("image")
        image = no_image(str(reference), "containerd")
        if from_image in self.names:
            image = self.open(from_image, reference, None)
        created = go_time(container.value("createdat"))
        text = f"read-write layer of container {shown} (state unknown)"
        image = image._replace(name=f"{shown} ({image.name})")
        if container.text("snapshotter") != DIRECTORIES:
            why = f"the snapshotter {container.text('snapshotter') or 'unknown'} is not read here"
            return with_own_layer(image, None, why, text, created)
        image = image._replace(pinned=str(reference._replace(selector=f"{self.name}//{identity}")))
        return self.stacked(image, container.text("snapshotKey"), text, created)

    def find_container(self, name: str) -> str:
        """Return the ID of a container by its name or (part of) its ID. Raises :class:`LayertuiError`."""
        found = [each for each in self.containers if name in (each, self.name_of(each))] or [
            each for each in self.containers if len(name) >= 2 and each.startswith(name)
        ]
        if len(found) != 1:
            known = ", ".join(map(self.name_of, self.containers)) or "none"
            raise NotFound(f"{self.place} has no container {name}", f"it has {known}")
        return found[0]

    def stacked(self, image: Image, key: str, text: str, created: str | None) -> Image:
        """Return an image with a snapshot on top, and what is between them; ``text`` says what it is.

        Raises :class:`LayertuiError`.
        """
        below = {layer.chain_id for layer in image.layers}
        found: list[Snapshot] = []
        at = key
        while at and at not in below:
            if len(found) == MAX_SNAPSHOTS:
                raise LayertuiError(f"the parents of a snapshot form a circle in {self.place}")
            found.append(self.snapshot(at))
            at = found[-1].parent
        for snapshot in reversed(found):
            says = text if snapshot is found[0] else f"snapshot {snapshot.key}"
            if snapshot.key == f"{key}-init":
                says = "init layer: stubs of what Docker mounts into every container"
            image = with_own_layer(image, snapshot.unpacked, snapshot.missing, says, created)
        return image

    def stands_on(self, container: str) -> tuple[str, list[str]]:
        """Return the name of the image that a container was made from, and the keys of its snapshots, the topmost first."""
        bucket = self.containers[container]
        is_known = bucket.text("snapshotter") == DIRECTORIES
        return bucket.text("image"), list(self.down_from(bucket.text("snapshotKey"))) if is_known else []

    def name_of(self, container: str) -> str:
        return self.containers[container].bucket("labels").text("nerdctl/name") or container[:64]

    def container_summaries(self, reference: Reference) -> Iterator[ContainerSummary]:
        for identity, container in self.containers.items():
            yield ContainerSummary(
                reference=str(reference._replace(selector=f"{self.name}//{identity}")),
                transport="containerd",
                id=identity,
                name=self.name_of(identity),
                image=container.text("image"),
                command="",
                created=go_time(container.value("createdat")),
                state="unknown",
                status="unknown: the store does not say",
                labels=container.texts("labels"),
                mounts=[],
                networks=[],
                ports=[],
            )


class ContentStore(FilesLayout):
    """The blobs of a store, reached from what a name stands for."""

    def __init__(self, namespace: Namespace, name: str, target: Descriptor) -> None:
        super().__init__(FolderFiles(namespace.store.root / CONTENT), "containerd")
        self.place = f"{name} in {namespace.place}"
        self._target = target._replace(annotations={IMAGE_NAME: name})

    def top(self) -> list[Descriptor]:
        return [self._target]

    def pinned(self, _reference: Reference, _digest: str) -> str:
        return ""  # a digest without a name is deleted soon


def is_tag(name: str) -> bool:
    return "@" not in name and not name.startswith("sha256:")
