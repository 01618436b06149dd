"""Wasted space: how much, compared with umoci's tree, and why."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from layertui.insight.waste import Hidden, Reason, Waste, undecided, waste
from layertui.model.errors import LayertuiError
from layertui.model.image import Layer
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import Event
from layertui.union.model import LayerUnion
from tests.images import layers_of, reader, union_of
from tests.layouts import OciLayout
from tests.programs import need, need_root
from tests.union.generator import Generator
from tests.union.small import layer, union
from tests.union.test_against_umoci import unpack

SEEDS = int(os.environ.get("LAYERTUI_SEEDS", "30"))


class AllAlike:
    """Files of one size have the same content."""

    def same(self, one: Event, other: Event) -> bool:
        return True

    def digest(self, event: Event) -> str:
        return ""


def find(*layers: LayerIndex) -> dict[str, Hidden]:
    """What is hidden by path, where files of one size are alike."""
    found = waste(union(*layers), AllAlike())
    assert found.reclaimable_bytes == sum(row.size for row in found.paths)
    return {row.path: row for row in found.paths}


def why(*layers: LayerIndex) -> dict[str, tuple[Reason, int, int]]:
    return {path: (row.reason, row.size, row.by) for path, row in find(*layers).items()}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_reclaimable_bytes_of_random_images(seed: int, tmp_path: Path) -> None:
    """Bytes of all layers' entries less those of the files that umoci unpacks."""
    need("umoci")
    need_root()
    tars = Generator(seed).layers()
    OciLayout(tmp_path / "layout").add("1", tars)
    there = unpack(tmp_path / "layout", "1", tmp_path / "root")
    shown = sum({facts.links or path: facts.size for path, facts in there.items()}.values())
    stored = sum(map(stored_bytes, tars))
    layers = layers_of(tars)
    found = of(union_of(layers), layers)
    assert found.reclaimable_bytes == stored - shown
    assert sum(row.size for row in found.paths) == stored - shown
    assert sum(found.by_reason().values()) == sum(found.by_layer().values()) == stored - shown


def stored_bytes(tar: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return sum(member.size for member in archive if member.isreg())


def of(union: LayerUnion, layers: list[Layer]) -> Waste:
    """Asks only for the contents that it has named before."""
    read = reader(union, layers)
    named = {union.ev_inode[event] for event in undecided(union)}

    class Contents:
        def same(self, one: Event, other: Event) -> bool:
            return self.digest(one) == self.digest(other)

        def digest(self, event: Event) -> str:
            assert union.ev_inode[event] in named
            return read(event).hex()

    return waste(union, Contents())


def test_what_cannot_be_read_is_unknown() -> None:
    class Unreadable:
        def same(self, one: Event, other: Event) -> bool:
            raise LayertuiError("cannot read it")

        def digest(self, event: Event) -> str:
            raise LayertuiError("cannot read it")

    found = waste(union(layer(("-", "/a", {"size": 5})), layer(("-", "/a", {"size": 5}))), Unreadable())
    assert [(row.reason, row.size) for row in found.paths] == [(Reason.UNKNOWN, 5)]


def test_the_reasons_of_later_versions() -> None:
    base = layer(*(("-", f"/{name}", {"size": 8, "mtime": 1}) for name in ("a", "b", "c", "d", "e", "f")))
    later = layer(
        ("-", "/a", {"size": 9, "mtime": 1}),
        ("-", "/b", {"size": 8, "mtime": 2, "mode": 0o600}),
        ("-", "/c", {"size": 8, "mtime": 1, "uid": 7}),
        ("-", "/d", {"size": 8, "mtime": 2}),
        ("-", "/e", {"size": 8, "mtime": 1}),
        ("l", "/f", {"to": "e"}),
    )
    assert why(base, later) == {
        "/a": (Reason.REWRITTEN, 8, 2),
        "/b": (Reason.METADATA, 8, 2),
        "/c": (Reason.METADATA, 8, 2),
        "/d": (Reason.TOUCHED, 8, 2),
        "/e": (Reason.REPEATED, 8, 2),
        "/f": (Reason.REPLACED, 8, 2),
    }


def test_deleted_in_each_way() -> None:
    base = layer(
        ("-", "/a", {"size": 1}),
        *(("d", "/d"), ("-", "/d/b", {"size": 2})),
        *(("d", "/o"), ("-", "/o/c", {"size": 3})),
        *(("d", "/r"), ("-", "/r/d", {"size": 4})),
    )
    later = layer(("wh", "/a"), ("wh", "/d"), ("opq", "/o"), ("l", "/r", {"to": "o"}))
    assert why(base, layer(("d", "/x")), later) == {
        "/a": (Reason.DELETED, 1, 3),
        "/d/b": (Reason.DELETED, 2, 3),
        "/o/c": (Reason.DELETED, 3, 3),
        "/r/d": (Reason.REPLACED, 4, 3),
    }


def test_moved() -> None:
    rows = find(
        layer(("-", "/a", {"size": 5}), ("-", "/b", {"size": 6})),
        layer(("wh", "/a"), ("wh", "/b"), ("-", "/c", {"size": 5})),
    )
    assert (rows["/a"].reason, rows["/a"].moved_to) == (Reason.MOVED, "/c")
    assert (rows["/b"].reason, rows["/b"].moved_to) == (Reason.DELETED, None)


def test_what_is_moved_keeps_its_name_or_its_time() -> None:
    rows = find(
        layer(*(("-", f"/a/{name}", {"size": 5, "mtime": time}) for name, time in (("x", 1), ("y", 2), ("z", 3)))),
        layer(("wh", "/a"), *(("-", f"/b/{name}", {"size": 5, "mtime": time}) for name, time in (("x", 9), ("new", 2)))),
    )  # fmt: skip
    assert {path: (row.reason, row.moved_to) for path, row in rows.items()} == {
        "/a/x": (Reason.MOVED, "/b/x"),
        "/a/y": (Reason.MOVED, "/b/new"),
        "/a/z": (Reason.DELETED, None),
    }


def test_every_version_has_its_own_row() -> None:
    found = waste(union(*(layer(("-", "/a", {"size": size})) for size in (3, 2, 1))), AllAlike())
    assert [(row.layer, row.size, row.by) for row in found.paths] == [(1, 3, 2), (2, 2, 3)]


def test_deleted_and_stored_again_by_one_layer_is_a_later_version() -> None:
    base = layer(("d", "/d"), ("-", "/d/a", {"size": 5}))
    assert why(base, layer(("opq", "/d"), ("-", "/d/a", {"size": 5}))) == {"/d/a": (Reason.REPEATED, 5, 2)}


def test_a_file_is_hidden_when_its_last_name_is() -> None:
    base = layer(("-", "/a", {"size": 5}), ("h", "/b", {"to": "/a"}))
    assert find(base, layer(("wh", "/a"))) == {}
    assert why(base, layer(("wh", "/a")), layer(("wh", "/b"))) == {"/b": (Reason.DELETED, 5, 3)}


def test_sums_of_directories() -> None:
    files = ("/usr/lib/x/a", "/usr/lib/x/b", "/usr/share/c", "/top")
    base = layer(*(("-", path, {"size": 10}) for path in files))
    found = waste(union(base, layer(*(("wh", path) for path in files))), AllAlike())
    assert found.by_directory() == {"/usr": 30, "/usr/lib/x": 20, "/usr/share": 10}


def test_an_image_of_no_layers() -> None:
    assert waste(union(layer()), AllAlike()) == Waste(0, [])
