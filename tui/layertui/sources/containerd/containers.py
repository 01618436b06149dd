"""Containers of a namespace, each as its image with its snapshots on top."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from layertui.model.errors import NotFound, few
from layertui.model.image import ContainerSummary, Image
from layertui.model.reference import Reference
from layertui.sources.assemble import INIT_LAYER, READ_WRITE, no_image, with_own_layer
from layertui.sources.containerd.bolt import Bucket
from layertui.sources.containerd.namespace import ContentStore, Namespace
from layertui.sources.containerd.values import go_time


class Containers:
    """Containers of one namespace by their IDs."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    @cached_property
    def by_id(self) -> dict[str, Bucket]:
        """What ``meta.db`` records of each."""
        return dict(self._namespace.bucket.bucket("containers").buckets())

    def open(self, name: str, reference: Reference) -> Image:
        """Return a container as its image with its snapshots on top. Raises :class:`LayertuiError`."""
        identity = self.find(name)
        container, shown = self.by_id[identity], self.name_of(identity)
        from_image = container.text("image")
        image = no_image(str(reference), "containerd")
        if from_image in self._namespace.names:
            image = self._namespace.open(from_image, reference, None)
        created = go_time(container.value("createdat"))
        text = f"{READ_WRITE}{shown} (state unknown)"
        pinned = str(reference._replace(selector=f"{self._namespace.name}//{identity}"))
        image = image._replace(name=f"{shown} ({image.name})", pinned=pinned)
        key, snapshotter = container.text("snapshotKey"), container.text("snapshotter")
        return stacked(self._namespace, image, snapshotter, key, text, created)

    def find(self, name: str) -> str:
        """Return the ID of a container by its name or (part of) its ID. Raises :class:`LayertuiError`."""
        found = [each for each in self.by_id if name in (each, self.name_of(each))] or [
            each for each in self.by_id if len(name) >= 2 and each.startswith(name)
        ]
        if len(found) != 1:
            known = few(map(self.name_of, self.by_id)) or "none"
            raise NotFound(f"{self._namespace.place} has no container {name}", f"it has {known}")
        return found[0]

    def content(self, name: str) -> ContentStore:
        """Return the blobs that a container's image leads to. Raises :class:`LayertuiError`."""
        return self._namespace.content(self.by_id[self.find(name)].text("image"))

    def name_of(self, identity: str) -> str:
        return self.by_id[identity].bucket("labels").text("nerdctl/name") or identity[:64]

    def summaries(self, reference: Reference) -> Iterator[ContainerSummary]:
        for identity, container in self.by_id.items():
            yield ContainerSummary(
                reference=str(reference._replace(selector=f"{self._namespace.name}//{identity}")),
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


def stacked(
    namespace: Namespace, image: Image, snapshotter: str, key: str, text: str, created: str | None
) -> Image:
    """Return an image with a snapshot on top, and what is between them; ``text`` says what it is.

    Raises :class:`LayertuiError`.
    """
    snapshots = namespace.snapshots.get(snapshotter)
    if snapshots is None:
        why = f"{namespace.place} has no snapshots of {snapshotter or 'an unknown snapshotter'}"
        return with_own_layer(image, None, why, text, created)
    below = {"", *(layer.chain_id for layer in image.layers)}
    found = snapshots.stack(key, below)
    if (lowest := found[0].parent if found else key) not in below:
        snapshots.snapshot(lowest)  # raises: it is not recorded
    for snapshot in found:
        says = text if snapshot.key == key else f"snapshot {snapshot.key}"
        if snapshot.key == f"{key}-init":
            says = INIT_LAYER
        image = with_own_layer(image, snapshot.unpacked, snapshot.missing, says, created)
    return image
