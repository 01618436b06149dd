"""Images of a Docker that has them in containerd, named, counted and described as Docker does.

Rules from moby v2.0.0-beta.24, daemon/containerd: image_list.go, image_inspect.go, image.go and
soft_delete.go. An image's ID is the digest of its index, or of its manifest if it has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image, ImageSummary, InspectField, Platform, chain_ids
from layertui.model.platforms import choose_platform
from layertui.model.reference import Reference
from layertui.sources.assemble import created_of, diff_ids_of, familiar_name, labels_of
from layertui.sources.containerd.namespace import ContentStore, Namespace
from layertui.sources.docker_root.files import named_rows, pick, untagged, with_step_ids
from layertui.sources.oci_groups import platform_of_image
from layertui.sources.oci_layout import config_and_layers, manifests_of
from layertui.sources.oci_subjects import attests

PARENT = "org.mobyproject.image.parent"
"""The label of an image that the classic builder made: the ID of the one that it began with."""
DANGLING = "moby-dangling@"
"""What precedes the digest in the name of an image without a name."""


class ContainerdImages:
    """The images of Docker's namespace, by their IDs."""

    def __init__(self, root: Path, namespace: Namespace) -> None:
        self._root = root
        self.namespace = namespace

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """The tags and repository digests of each image, by its ID."""
        found: dict[str, list[str]] = {}
        for full, target in self.namespace.names.items():
            known = found.setdefault(target.digest, [])
            if full == DANGLING + target.digest:
                continue
            name = familiar_name(full)
            by_digest = name if "@" in name else f"{untagged(name)}@{target.digest}"
            known += [each for each in dict.fromkeys((name, by_digest)) if each not in known]
        return found

    def _called(self, identity: str) -> list[tuple[str, Descriptor]]:
        """Return the full names of an image with what they stand for, that of an image without a name last."""
        named = [(name, each) for name, each in self.namespace.names.items() if each.digest == identity]
        return sorted(named, key=lambda known: known[0].startswith(DANGLING))

    def tags_of(self, identity: str) -> list[str]:
        return [name for name in self.names.get(identity, ()) if "@" not in name]

    def repo_digests_of(self, identity: str) -> list[str]:
        return [name for name in self.names.get(identity, ()) if "@" in name]

    def image_ids(self) -> list[str]:
        """Return the IDs of the images to list: those with a name, and those that no other was built from."""
        parents = {self.namespace.image_labels(name).get(PARENT) for name in self.namespace.names}
        return [identity for identity, names in self.names.items() if names or identity not in parents]

    def parent_of(self, identity: str) -> str:
        """Return the ID of the image that the classic builder began with; empty if it did not build this one."""
        labels = (self.namespace.image_labels(name) for name, _ in self._called(identity))
        return next((each[PARENT] for each in labels if PARENT in each), "")

    def find(self, name: str) -> str:
        """Return the ID of a name, tag, digest or (abbreviated) ID. Raises :class:`LayertuiError`."""
        else_ = f"{self._root} has no image {name}", "it"
        return pick(familiar_name(name), self.names, list(self.names), else_)

    def open_image(self, name: str, reference: Reference, platform: str | None) -> Image:
        """Open an image by anything that selects it. Raises :class:`LayertuiError`."""
        return self.open(self.find(name), reference, platform)

    def open(self, identity: str, reference: Reference, platform: str | None) -> Image:
        """Open an image by its ID. Raises :class:`LayertuiError`."""
        full, target = self._called(identity)[0]
        choices = self._choices(full, target)
        if platform is None and choices:
            platform = str(_best(choices))
        image = self._named(
            self.namespace.open_target(target, full, reference, platform), identity, reference
        )
        pinned = str(reference._replace(selector=identity)) if len(choices) == 1 else ""
        return image._replace(pinned=pinned, fields=list(self._fields(identity, target, image)))

    def open_manifest(self, identity: str, manifest: Descriptor, reference: Reference) -> Image:
        """Open a manifest of an image as a container has it, whether the image still has a name or not."""
        full, target = next(iter(self._called(identity)), (identity, manifest))
        image = self.namespace.open_target(target, full, reference, None, manifest.digest)
        return self._named(image, identity, reference)

    def _named(self, image: Image, identity: str, reference: Reference) -> Image:
        """Return an image with the names and the ID that Docker has for it."""
        tags = self.tags_of(identity)
        return image._replace(
            reference=str(reference),
            transport="docker-root",
            name=tags[0] if tags else identity.removeprefix("sha256:")[:12],
            tags=tags,
            repo_digests=self.repo_digests_of(identity),
            id=identity,
            history=with_step_ids(image.history, identity, self.parent_of, self.names),
        )

    def content(self, identity: str) -> ContentStore | None:
        """Return the blobs that an image leads to; ``None`` if it has been removed."""
        return next((ContentStore(self.namespace, *known) for known in self._called(identity)), None)

    def summaries(self, reference: Reference, wanted: str = "") -> Iterator[ImageSummary]:
        """Yield a row for each name of each image, or of the one with the ID ``wanted``, intermediate or not."""
        for identity in [wanted] if wanted else self.image_ids():
            row = self._row(identity, reference)
            yield from named_rows(
                row, self.tags_of(identity), self.repo_digests_of(identity), identity, reference
            )

    def _row(self, identity: str, reference: Reference) -> ImageSummary:
        """Return the row of an image; of one that cannot be read, only its ID is known."""
        row = ImageSummary("", "docker-root", "", "", identity, "", None, None, None, ())
        full, target = self._called(identity)[0]
        try:
            choices = self._choices(full, target)
            platforms = tuple(dict.fromkeys(platform for platform, _ in choices))
            row = row._replace(platforms=platforms, size=self._size(full, target))
            image = self.open(identity, reference, None)
        except (LayertuiError, ValueError):
            return row  # opening it says why
        return row._replace(
            created=created_of(image.config),
            layers=len(image.layers) if len(choices) == 1 else None,
            labels=labels_of(image.config),
        )

    # Sizes

    def _size(self, full: str, target: Descriptor) -> int:
        """Return the bytes that ``docker images`` counts: all blobs and snapshots of all platforms."""
        layout = ContentStore(self.namespace, full, target)
        return sum(self.size_of(layout, found) for found in manifests_of(layout, layout.top()))

    def size_of(self, layout: ContentStore, manifest: Descriptor) -> int:
        """Return the bytes of one platform's image: its blobs as far as they are there, and its snapshots."""
        if not layout.has(manifest):
            return 0
        config, layers = config_and_layers(layout.fetch(manifest, "manifest")[0])
        present = [each for each in (config, *layers) if each is not None and layout.has(each)]
        size = manifest.size + sum(each.size for each in present)
        if config is None or config not in present or attests(layout, manifest):
            return size
        stack = chain_ids(diff_ids_of(layout.fetch(config, "config")[0]))
        return size + self.namespace.total_size(stack[-1] if stack else "")

    # What ``docker inspect`` shows

    def _fields(self, identity: str, target: Descriptor, image: Image) -> Iterator[InspectField]:
        """Yield the fields that are not in the config."""
        file, key = str(self.namespace.store.metadata), f"v1/{self.namespace.name}/images"
        yield InspectField("Id", identity, file, key)
        yield InspectField("RepoTags", list(image.tags), file, key)
        yield InspectField("RepoDigests", list(image.repo_digests), file, key)
        yield InspectField("Parent", self.parent_of(identity), file, key)
        descriptor = {"mediaType": target.media_type, "digest": target.digest, "size": target.size}
        if target.annotations:
            descriptor["annotations"] = dict(target.annotations)
        yield InspectField("Descriptor", descriptor, file, key)
        updated = [self.namespace.updated(name) for name, _ in self._called(identity)]
        latest = max(updated, key=lambda time: time.removesuffix("Z"))  # else .9 would be after .99
        yield InspectField("Metadata", {"LastTagTime": latest}, file, key)
        shown = Descriptor("", image.manifest_digest, len(image.manifest_bytes))
        size = self.size_of(ContentStore(self.namespace, image.name, target), shown)
        yield InspectField("Size", size, "", "blobs and snapshots")
        yield InspectField("GraphDriver", {"Data": None, "Name": self.namespace.snapshotter})

    def _choices(self, full: str, target: Descriptor) -> list[tuple[Platform, Descriptor]]:
        """Return an image's manifests that are there, with their platforms."""
        layout = ContentStore(self.namespace, full, target)
        return [
            (platform_of_image(layout, found), found)
            for found in manifests_of(layout, layout.top())
            if layout.has(found) and not attests(layout, found)
        ]


def _best(choices: Sequence[tuple[Platform, Descriptor]]) -> Platform:
    """Return this machine's platform if it is there, else the first one, as Docker does."""
    offered = [platform for platform, _ in choices]
    try:
        return choose_platform([(each, each) for each in offered], None, "")
    except LayertuiError:
        return offered[0]
