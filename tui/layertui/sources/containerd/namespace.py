"""A namespace of containerd: names in ``meta.db``, blobs in the content store, unpacked snapshots.

Layout of the database: containerd, core/metadata/buckets.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from layertui.model.blob import FileBlob
from layertui.model.digest import DIGEST
from layertui.model.errors import LayertuiError, NotFound, few
from layertui.model.image import Descriptor, Image, ImageSummary, Layer
from layertui.model.reference import Reference
from layertui.sources.assemble import familiar_name
from layertui.sources.containerd.bolt import Bucket
from layertui.sources.containerd.snapshots import OVERLAYFS, Snapshots, Snapshotter
from layertui.sources.containerd.values import go_time, varint
from layertui.sources.files import FolderFiles, listed
from layertui.sources.oci import open_layout, summaries
from layertui.sources.oci_layout import IMAGE_NAME, FilesLayout, config_and_layers, manifests_of

METADATA_DB = "io.containerd.metadata.v1.bolt/meta.db"
CONTENT = "io.containerd.content.v1.content"
SNAPSHOTTER = "io.containerd.snapshotter.v1."
UNCOMPRESSED = "containerd.io/uncompressed"
"""The label of a blob that has been unpacked: its diff ID."""


class StoreFiles:
    """The files in a containerd's root directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._snapshotters: dict[str, Snapshotter] = {}

    @property
    def metadata(self) -> Path:
        """The database of all namespaces."""
        return self.root / METADATA_DB

    def snapshotter(self, name: str) -> Snapshotter:
        """Return a snapshotter's files, read once."""
        if name not in self._snapshotters:
            self._snapshotters[name] = Snapshotter(self.root / f"{SNAPSHOTTER}{name}", name)
        return self._snapshotters[name]

    def snapshotters(self) -> list[Snapshotter]:
        """Return those that have files in it. Raises :class:`LayertuiError` if it cannot be listed."""
        names = [name for name in listed(self.root) if name.startswith(SNAPSHOTTER)]
        return [self.snapshotter(name.removeprefix(SNAPSHOTTER)) for name in names]

    @property
    def blobs(self) -> Path:
        """The directory of all blobs, each in that of its digest's algorithm."""
        return self.root / CONTENT / "blobs"

    def blob(self, digest: str) -> FileBlob | None:
        """Return a blob, whether a database names it or not; ``None`` if it does not exist."""
        path = self.blobs / digest.replace(":", "/", 1)
        return FileBlob(path) if DIGEST.fullmatch(digest) and path.is_file() else None


class Namespace:
    """Images and snapshots of one namespace."""

    def __init__(self, store: StoreFiles, name: str, bucket: Bucket) -> None:
        self.store = store
        self.name = name
        self.bucket = bucket
        """What ``meta.db`` records of it."""

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
        for name, bucket in self.bucket.bucket("images").buckets():
            target = bucket.bucket("target")
            media_type, digest, size = target.text("mediatype"), target.text("digest"), target.value("size")
            found[name] = Descriptor(media_type, digest, varint(size), bucket.texts("annotations"))
        return found

    def image_labels(self, name: str) -> dict[str, str]:
        return self.bucket.bucket("images", name).texts("labels")

    def updated(self, name: str) -> str:
        """Return when a name was last set, as RFC 3339; empty if that is unknown."""
        return go_time(self.bucket.bucket("images", name).value("updatedat")) or ""

    @cached_property
    def blobs(self) -> dict[str, tuple[int, str]]:
        """Size of each blob by its digest, and its diff ID if it is known to be a layer."""
        return {
            digest: (varint(bucket.value("size")), bucket.bucket("labels").text(UNCOMPRESSED))
            for digest, bucket in self.bucket.bucket("content", "blob").buckets()
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
            raise LayertuiError(f"{name} could be several images", few(found))
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
            raise LayertuiError(f"{name} could be several images", few(found.values()))
        if not found:
            known = few(self.listed()) or "no images"
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
        """Return the blobs that an image leads to. Raises :class:`LayertuiError`."""
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

    @cached_property
    def snapshots(self) -> dict[str, Snapshots]:
        """Its snapshots by their snapshotter, those of overlayfs first."""
        known = sorted(self.bucket.bucket("snapshots").buckets(), key=lambda each: each[0] != OVERLAYFS)
        return {name: Snapshots(self.store.snapshotter(name), self.place, bucket) for name, bucket in known}

    @property
    def snapshotter(self) -> str:
        """The snapshotter that it has snapshots of."""
        return next(iter(self.snapshots), OVERLAYFS)

    def holding(self, key: str) -> Snapshots | None:
        """Return the snapshots that one with a key is among; ``None`` if there is none."""
        return next((each for each in self.snapshots.values() if key in each.noted), None)

    def total_size(self, key: str) -> int:
        """Return the bytes of a snapshot and of those below it, as far as they exist and are known."""
        found = self.holding(key)
        return found.total_size(key) if found is not None else 0

    def _here(self, layer: Layer) -> Layer:
        """Return a layer without a blob, as its snapshot if it has been unpacked."""
        if layer.blob is not None or not layer.chain_id:
            return layer
        try:
            snapshots = self.holding(layer.chain_id)
        except LayertuiError as error:
            return layer._replace(missing=f"{layer.missing}; {error}")
        if snapshots is None:
            return layer._replace(missing=f"{layer.missing}; {self.place} has no snapshot {layer.chain_id}")
        snapshot = snapshots.snapshot(layer.chain_id)
        missing = f"{layer.missing}; {snapshot.missing}" if snapshot.missing else ""
        places = [("snapshot", snapshot.key)]
        if snapshot.unpacked is not None:
            places.append(("unpacked", snapshot.unpacked.location))
        return layer._replace(unpacked=snapshot.unpacked, missing=missing, places=places)


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
