"""What keeps blobs and snapshots: the references that containerd's garbage collector follows.

Rules from containerd 2.3.5, core/metadata/gc.go: images, containers and leases are roots, so is what
has the label ``containerd.io/gc.root``; labels refer to more, and a snapshot to its parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from layertui.model.digest import HEX
from layertui.sources.containerd.bolt import Bucket
from layertui.sources.containerd.namespace import Namespace
from layertui.text.format import now, parse_time

ResourceKind = Literal["content", "snapshot", "image", "container"]
PREFIX = "containerd.io/gc."
EXPIRE = f"{PREFIX}expire"
REFERRED: Mapping[str, ResourceKind] = {
    "content": "content",
    "snapshot": "snapshot",
    "image": "image",
    "container": "container",
}


class Resource(NamedTuple):
    """Something that can be referred to."""

    kind: ResourceKind
    namespace: str
    key: str
    """A digest, a name, an ID, or ``SNAPSHOTTER/KEY``."""


class Lease(NamedTuple):
    """A lease and what it keeps."""

    namespace: str
    id: str
    labels: Mapping[str, str]
    resources: tuple[Resource, ...]

    @property
    def is_flat(self) -> bool:
        """Whether it keeps no more than its resources and the parents of snapshots."""
        return f"{PREFIX}flat" in self.labels

    @property
    def expires(self) -> str:
        """When it ends by itself, as RFC 3339; empty if never."""
        return self.labels.get(EXPIRE, "")


HISTORY = "_history"
"""What BuildKit adds to the name of its namespace for that of its build records (moby, buildkit/history)."""
BUILD_CACHE, LABEL = "build cache", "label"
BUILDKIT_ID = re.compile(r"([0-9a-z]{25})(?:-[a-z]+)?")
"""The lease of a cache record, of its variants, or of a view of it (BuildKit, identity/randomid.go, cache/)."""


def lease_of(lease: Lease) -> tuple[str, str]:
    """Return what a lease is for, in Docker's words, and the ID of that."""
    if lease.namespace.endswith(HISTORY):
        return "build record", lease.id.removeprefix("ref_")
    if record := BUILDKIT_ID.fullmatch(lease.id):
        return BUILD_CACHE, record[1]
    return "container" if HEX.fullmatch(lease.id) else "lease", lease.id


class References:
    """The references between all that some namespaces have."""

    def __init__(self, namespaces: Iterable[Namespace]) -> None:
        self._buckets = {namespace.name: namespace.bucket for namespace in namespaces}
        self._back: dict[Resource, list[Resource]] = {}
        self.roots: list[Resource] = []
        """What is kept for a label of its own, or of a sandbox."""
        for name, bucket in self._buckets.items():
            for _, sandbox in bucket.bucket("sandboxes").buckets():
                self.roots += _referred(name, sandbox.texts("labels"), "ref.")
        for each, labels in self._labelled():
            if f"{PREFIX}root" in labels:
                self.roots.append(each)
            for referred in _referred(each.namespace, labels, "bref."):
                self._back.setdefault(referred, []).append(each)

    def images(self) -> Iterator[Resource]:
        """Yield those that have not expired."""
        for name, bucket in self._buckets.items():
            for key, image in bucket.bucket("images").buckets():
                if not _has_expired(image.texts("labels")):
                    yield Resource("image", name, key)

    def containers(self) -> Iterator[Resource]:
        for name, bucket in self._buckets.items():
            yield from (Resource("container", name, key) for key, _ in bucket.bucket("containers").buckets())

    def leases(self) -> Iterator[Lease]:
        """Yield those that have not expired."""
        for name, bucket in self._buckets.items():
            for key, lease in bucket.bucket("leases").buckets():
                labels = lease.texts("labels")
                if not _has_expired(labels):
                    yield Lease(name, key, labels, tuple(_resources(name, lease)))

    def reached(self, start: Iterable[Resource], is_flat: bool = False) -> set[Resource]:
        """Return some resources and all that they refer to; of flat ones only what they depend on."""
        found: set[Resource] = set()
        waiting = list(start)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._bases(each) if is_flat else self._of(each)
        return found

    def _of(self, resource: Resource) -> Iterator[Resource]:
        bucket = self._bucket(resource)
        yield from self._back.get(resource, ())
        yield from _referred(resource.namespace, bucket.texts("labels"), "ref.")
        yield from self._bases(resource)
        if resource.kind == "container" and (snapshotter := bucket.text("snapshotter")):
            yield Resource("snapshot", resource.namespace, f"{snapshotter}/{bucket.text('snapshotKey')}")

    def _bases(self, resource: Resource) -> Iterator[Resource]:
        """Yield the snapshot below one, the index or manifest of an image."""
        bucket = self._bucket(resource)
        if resource.kind == "image":
            yield Resource("content", resource.namespace, bucket.bucket("target").text("digest"))
        if resource.kind == "snapshot" and (parent := bucket.text("parent")):
            yield Resource("snapshot", resource.namespace, f"{resource.key.partition('/')[0]}/{parent}")

    def _bucket(self, resource: Resource) -> Bucket:
        bucket = self._buckets[resource.namespace]
        if resource.kind == "content":
            return bucket.bucket("content", "blob", resource.key)
        if resource.kind == "snapshot":
            return bucket.bucket("snapshots", *resource.key.split("/", 1))
        return bucket.bucket(f"{resource.kind}s", resource.key)

    def _labelled(self) -> Iterator[tuple[Resource, dict[str, str]]]:
        """Yield all that has labels, but leases."""
        for name, bucket in self._buckets.items():
            for digest, blob in bucket.bucket("content", "blob").buckets():
                yield Resource("content", name, digest), blob.texts("labels")
            for snapshotter, snapshots in bucket.bucket("snapshots").buckets():
                for key, snapshot in snapshots.buckets():
                    yield Resource("snapshot", name, f"{snapshotter}/{key}"), snapshot.texts("labels")
            for kind in ("image", "container"):
                for key, each in bucket.bucket(f"{kind}s").buckets():
                    yield Resource(REFERRED[kind], name, key), each.texts("labels")


def _referred(namespace: str, labels: Mapping[str, str], way: str) -> Iterator[Resource]:
    """Yield what labels refer to: ``containerd.io/gc.ref.content.0``, ``….ref.snapshot.overlayfs/x``."""
    for label, value in labels.items():
        if not label.startswith(PREFIX + way):
            continue
        rest = label.removeprefix(PREFIX + way).partition("/")[0]
        word, _, more = rest.partition(".")
        if (kind := REFERRED.get(word)) is not None:
            yield Resource(kind, namespace, f"{more}/{value}" if kind == "snapshot" else value)


def _resources(namespace: str, lease: Bucket) -> Iterator[Resource]:
    yield from (Resource("content", namespace, digest) for digest in lease.bucket("content").entries)
    yield from (Resource("image", namespace, name) for name in lease.bucket("images").entries)
    for snapshotter, keys in lease.bucket("snapshots").buckets():
        yield from (Resource("snapshot", namespace, f"{snapshotter}/{key}") for key in keys.entries)


def _has_expired(labels: Mapping[str, str]) -> bool:
    expires = parse_time(labels.get(EXPIRE))
    return expires is not None and expires < now()
