"""What keeps blobs and snapshots, by the rules of containerd's garbage collector (core/metadata/gc.go)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from layertui.sources.containerd.bolt import Bucket
from layertui.sources.containerd.namespace import Namespace, StoreFiles
from layertui.sources.containerd.references import Lease, References, Resource, lease_of

REF, BREF = "containerd.io/gc.ref", "containerd.io/gc.bref"
BLOB: dict[str, Any] = {"a": {}, "b": {}, "c": {}, "d": {}}


class NoDatabase:
    """What a bucket that is not there is read from."""

    def leaves(self, *_: object) -> Iterator[tuple[int, memoryview, memoryview]]:
        return iter(())


def bucket(tree: dict[str, Any]) -> Bucket:
    found = Bucket(cast(Any, NoDatabase()), 0, memoryview(b""))
    entries = {
        name: bucket(value) if isinstance(value, dict) else str(value).encode()
        for name, value in tree.items()
    }
    found.__dict__["entries"] = entries
    return found


def references(**namespaces: dict[str, Any]) -> References:
    files = StoreFiles(Path("/none"))
    return References(Namespace(files, name, bucket(tree)) for name, tree in namespaces.items())


def content(*digests: str) -> set[Resource]:
    return {Resource("content", "ns", digest) for digest in digests}


def snapshots(*keys: str) -> set[Resource]:
    return {Resource("snapshot", "ns", f"overlayfs/{key}") for key in keys}


def of_lease(found: References) -> set[Resource]:
    (lease,) = found.leases()
    return found.reached(lease.resources, lease.is_flat)


TREE = {
    "content": {
        "blob": {
            **BLOB,
            "a": {"labels": {f"{REF}.content.0": "b", f"{REF}.snapshot.overlayfs": "top"}},
            "b": {"labels": {f"{REF}.content/x": "c", f"{REF}.unknown": "d"}},
        }
    },
    "snapshots": {
        "overlayfs": {
            "base": {},
            "top": {"parent": "base"},
            "other": {"parent": "top", "labels": {f"{REF}.content": "d"}},
        }
    },
}


def test_an_image_keeps_all_that_labels_and_parents_lead_to() -> None:
    found = references(ns={**TREE, "images": {"name": {"target": {"digest": "a"}}}})
    (image,) = found.images()
    assert found.reached([image]) == {image} | content("a", "b", "c") | snapshots("base", "top")
    assert not list(found.leases()) and not list(found.containers()) and not found.roots


def test_a_lease_keeps_its_resources_and_what_they_refer_to_unless_it_is_flat() -> None:
    lease: dict[str, Any] = {"content": {"b": ""}, "snapshots": {"overlayfs": {"other": ""}}}
    whole = content("b", "c", "d") | snapshots("base", "top", "other")
    assert of_lease(references(ns={**TREE, "leases": {"x": lease}})) == whole
    flat = {**lease, "labels": {"containerd.io/gc.flat": "2026-01-01T00:00:00Z"}}
    assert of_lease(references(ns={**TREE, "leases": {"x": flat}})) == content("b") | snapshots(
        "base", "top", "other"
    )
    image = {"images": {"name": ""}, "labels": flat["labels"]}
    tree = {**TREE, "images": {"name": {"target": {"digest": "a"}}}, "leases": {"x": image}}
    assert of_lease(references(ns=tree)) == {Resource("image", "ns", "name")} | content("a")


@pytest.mark.parametrize(
    ("expires", "is_kept"),
    [("2001-01-01T00:00:00Z", False), ("2999-01-01T00:00:00Z", True), ("never", True)],
)
def test_what_has_expired_keeps_nothing(expires: str, is_kept: bool) -> None:
    labels = {"labels": {"containerd.io/gc.expire": expires}}
    found = references(
        ns={"leases": {"x": labels}, "images": {"name": {**labels, "target": {"digest": "a"}}}}
    )
    assert bool(list(found.leases())) == bool(list(found.images())) == is_kept


def test_what_is_kept_for_a_label_of_its_own_or_of_a_sandbox() -> None:
    root = {"labels": {"containerd.io/gc.root": "now"}}
    tree = {
        "content": {"blob": {"a": root, "b": {}}},
        "snapshots": {"overlayfs": {"top": {**root, "parent": "base"}, "base": {}}},
        "sandboxes": {"s": {"labels": {f"{REF}.content": "b"}}},
    }
    found = references(ns=tree)
    assert set(found.roots) == content("a", "b") | snapshots("top")
    assert found.reached(found.roots) == content("a", "b") | snapshots("top", "base")


def test_what_refers_back_is_kept_with_what_it_refers_to() -> None:
    tree = {"content": {"blob": {"a": {}, "b": {"labels": {f"{BREF}.content.1": "a"}}}}}
    assert references(ns=tree).reached(content("a")) == content("a", "b")
    assert references(ns=tree).reached(content("b")) == content("b")


def test_a_container_keeps_its_snapshot() -> None:
    container = {
        "image": "name",
        "snapshotter": "overlayfs",
        "snapshotKey": "top",
        "labels": {f"{REF}.content": "d"},
    }
    found = references(ns={**TREE, "containers": {"c": container}})
    (resource,) = found.containers()
    assert found.reached([resource]) == {resource} | snapshots("top", "base") | content("d")


def test_what_is_not_there_or_refers_in_a_circle() -> None:
    tree = {
        "content": {"blob": {"a": {"labels": {f"{REF}.content": "none"}}}},
        "snapshots": {"overlayfs": {"x": {"parent": "y"}, "y": {"parent": "x"}}},
    }
    found = references(ns=tree)
    assert found.reached(content("a")) == content("a", "none")
    assert found.reached(snapshots("x")) == found.reached(snapshots("y"), True) == snapshots("x", "y")


def test_namespaces_have_references_of_their_own() -> None:
    tree = {"content": {"blob": {"a": {"labels": {f"{REF}.content": "b"}}}}}
    found = references(ns=tree, other={"content": {"blob": {"a": {}}}})
    assert found.reached([Resource("content", "other", "a")]) == {Resource("content", "other", "a")}


@pytest.mark.parametrize(
    ("namespace", "identity", "expected"),
    [
        ("moby", "0vj1qjrp64nlyv9wpivbg5sb4", ("build cache", "0vj1qjrp64nlyv9wpivbg5sb4")),
        ("moby", "0vj1qjrp64nlyv9wpivbg5sb4-variants", ("build cache", "0vj1qjrp64nlyv9wpivbg5sb4")),
        ("buildkit", "0vj1qjrp64nlyv9wpivbg5sb4-view", ("build cache", "0vj1qjrp64nlyv9wpivbg5sb4")),
        ("moby_history", "ref_ldsfxjsziazqzgox7ev7owbm8", ("build record", "ldsfxjsziazqzgox7ev7owbm8")),
        ("moby", "5d" * 32, ("container", "5d" * 32)),
        ("k8s.io", "1163925784-nJ1a", ("lease", "1163925784-nJ1a")),
    ],
)
def test_what_a_lease_is_for(namespace: str, identity: str, expected: tuple[str, str]) -> None:
    assert lease_of(Lease(namespace, identity, {}, ())) == expected
