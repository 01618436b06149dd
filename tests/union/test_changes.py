"""What a layer did, and how trees differ."""

from collections.abc import Iterable

import pytest

from layertui.model.numbers import EMPTY, ROOT, LayerNumber
from layertui.union.changes import (
    UNDECIDED,
    Change,
    Mark,
    SameContent,
    changes,
    differences,
    undecided_pairs,
)
from layertui.union.layer_summary import summarize_layer
from layertui.union.merged_tree import MergedTree
from tests.union.small import Entry, layer, union


def different(one: int, other: int) -> bool:
    return False


def alike(one: int, other: int) -> bool:
    return True


def listed(found: Iterable[Change]) -> list[tuple[str, ...]]:
    return [(change.path, change.change, *change.what) for change in found]


BASE = layer(
    ("d", "d"),
    ("-", "d/a", {"size": 4, "mtime": 1}),
    ("-", "f", {"size": 4, "mode": 0o644, "uid": 1}),
    ("l", "l", {"to": "d/a"}),
)


@pytest.mark.parametrize(
    ("entry", "same", "expected"),
    [
        (("-", "f", {"size": 4, "uid": 1}), alike, ("repeated",)),
        (("-", "f", {"size": 4, "uid": 1}), different, ("modified", "content")),
        (("-", "f", {"size": 5, "uid": 1}), alike, ("modified", "content")),
        (("-", "f", {"size": 4, "uid": 1, "mode": 0o600}), alike, ("modified", "mode")),
        (("-", "f", {"size": 4, "uid": 1, "mode": 0o4644}), alike, ("modified", "mode")),
        (("-", "f", {"size": 4, "uid": 1, "mode": 0o1644}), alike, ("modified", "mode")),
        (("-", "f", {"size": 4, "uid": 2}), alike, ("modified", "owner")),
        (("-", "f", {"size": 4, "uid": 1, "mtime": 5}), alike, ("modified", "mtime")),
        (("-", "f", {"size": 4, "uid": 1, "xattrs": {"user.a": b"1"}}), alike, ("modified", "xattrs")),
        (("h", "f", {"to": "d/a"}), alike, ("modified", "owner", "mtime")),
        (("c", "f", {"uid": 1, "device": (1, 3)}), alike, ("modified", "type")),
        (("l", "f", {"uid": 1, "to": "d"}), alike, ("modified", "type")),
    ],
)
def test_what_differs(entry: Entry, same: SameContent, expected: tuple[str, ...]) -> None:
    tree = union(BASE, layer(entry))
    assert listed(changes(tree, LayerNumber(2), same)) == [("/f", *expected)]


def test_a_hardlink_that_is_stored_again_is_the_same_file() -> None:
    """Its contents need not be read to know."""
    tree = union(layer(("-", "a", {"size": 4}), ("h", "b", {"to": "a"})), layer(("h", "b", {"to": "a"})))
    assert list(undecided_pairs(tree, LayerNumber(1), LayerNumber(2))) == []
    assert listed(changes(tree, LayerNumber(2), different)) == [("/b", "repeated")]


def test_links_and_devices_that_point_elsewhere() -> None:
    tree = union(
        layer(("l", "l", {"to": "a"}), ("c", "c", {"device": (1, 3)})),
        layer(("l", "l", {"to": "b"}), ("c", "c", {"device": (1, 5)})),
    )
    assert listed(changes(tree, LayerNumber(2), alike)) == [
        ("/c", "modified", "device"),
        ("/l", "modified", "linkname"),
    ]


@pytest.mark.parametrize(
    ("entries", "whiteout"),
    [([("wh", "d")], "file"), ([("opq", "d")], "opaque"), ([("-", "d")], "replaced")],
)
def test_how_a_path_went(entries: list[Entry], whiteout: str) -> None:
    tree = union(BASE, layer(*entries))
    found = {change.path: change for change in changes(tree, LayerNumber(2), alike)}
    gone = found["/d/a"]
    assert (gone.change, gone.whiteout, gone.after) == ("deleted", whiteout, None)
    assert gone.before is not None and gone.before.size == 4


def test_a_directory_that_goes_sums_up_what_it_takes_along() -> None:
    base = layer(("-", "d/s/a", {"size": 5}), ("-", "d/b", {"size": 2}), ("h", "d/c", {"to": "d/b"}))
    found = {
        change.path: change for change in changes(union(base, layer(("wh", "d"))), LayerNumber(2), alike)
    }
    assert (found["/d"].hidden_paths, found["/d"].hidden_bytes) == (4, 7)
    assert (found["/d/s"].hidden_paths, found["/d/s"].hidden_bytes) == (1, 5)
    assert found["/d/b"].hidden_paths == 0
    replaced = {
        change.path: change for change in changes(union(base, layer(("-", "d"))), LayerNumber(2), alike)
    }
    assert (replaced["/d"].change, replaced["/d"].hidden_bytes) == ("modified", 7)


def test_the_base_adds_everything_but_the_root() -> None:
    assert listed(changes(union(BASE), LayerNumber(1), alike)) == [
        ("/d", "added"),
        ("/d/a", "added"),
        ("/f", "added"),
        ("/l", "added"),
    ]


def test_differences_leave_out_what_came_and_went_or_came_back() -> None:
    tree = union(
        BASE,
        layer(("wh", "f"), ("-", "tmp")),
        layer(("-", "f", {"size": 4, "uid": 1}), ("wh", "tmp"), ("-", "new")),
    )
    assert listed(differences(tree, LayerNumber(1), LayerNumber(3), alike)) == [("/new", "added")]
    assert listed(differences(tree, LayerNumber(3), LayerNumber(1), alike)) == [("/new", "deleted")]
    assert listed(differences(tree, EMPTY, LayerNumber(1), alike)) == listed(
        changes(tree, LayerNumber(1), alike)
    )
    assert list(undecided_pairs(tree, LayerNumber(1), LayerNumber(3))) != []


def test_json_has_the_fields_of_the_contract() -> None:
    tree = union(BASE, layer(("-", "f", {"size": 9, "uid": 1, "mtime": 1704164645})))
    (change,) = changes(tree, LayerNumber(2), alike)
    fields = change.to_json()
    assert list(fields) == [
        "path", "change", "layer", "what", "whiteout", "before", "after", "hidden_paths", "hidden_bytes",
    ]  # fmt: skip
    assert fields["after"] == {
        "path": "/f", "type": "file", "mode": "0644", "uid": 1, "gid": 0, "size": 9,
        "mtime": "2024-01-02T03:04:05Z", "linkname": None, "layer": 2, "implied": False,
        "xattrs": {}, "hardlink": None,
    }  # fmt: skip


class TestMerged:
    tree = union(
        BASE,
        layer(("-", "d/new", {"size": 30}), ("wh", "f"), ("-", "d/a", {"size": 4, "mtime": 1})),
        layer(("opq", "d"), ("d", "d"), ("-", "f", {"size": 1})),
    )

    def state(self, merged: MergedTree) -> object:
        shown = [self.tree.path(node) for node in self.tree.subtree(ROOT) if merged.visible[node]]
        return shown, merged.subtree_size(ROOT), bytes(merged.marks), merged.paths()

    def test_moving_is_the_same_as_starting_there(self) -> None:
        moved = MergedTree(self.tree, LayerNumber(1))
        for stop in (3, 1, 2, 3, 2, 0, 3, 1):
            moved.move(LayerNumber(stop))
            assert self.state(moved) == self.state(MergedTree(self.tree, LayerNumber(stop))), stop

    def test_agrees_with_the_changes(self) -> None:
        merged = MergedTree(self.tree, LayerNumber(2))
        assert merged.subtree_size(ROOT) == 34
        assert merged.subtree_size(self.tree.find("/d")) == 34
        assert merged.marks[self.tree.find("/d/a")] == Mark.REWRITTEN
        assert list(merged.changes_below(ROOT).values()) == [1, 0, 0, 1, 1]
        assert not merged.is_settled
        merged.settle(alike)
        assert merged.is_settled
        assert merged.marks[self.tree.find("/d/a")] == Mark.REPEATED
        assert list(merged.changes_below(ROOT).values()) == [1, 0, 0, 0, 1]
        assert merged.at(self.tree.find("/f")) == -1

    @pytest.mark.parametrize(
        ("attributes", "before_settling", "is_same", "settled"),
        [
            ({"mode": 0o600}, Mark.ATTRIBUTES_AT_LEAST, True, Mark.ATTRIBUTES),
            ({"uid": 7}, Mark.ATTRIBUTES_AT_LEAST, False, Mark.MODIFIED),
            ({"mtime": 9}, Mark.ATTRIBUTES_AT_LEAST, True, Mark.ATTRIBUTES),
            ({"xattrs": {"user.a": b"1"}}, Mark.ATTRIBUTES_AT_LEAST, True, Mark.ATTRIBUTES),
            ({"size": 5, "uid": 7}, Mark.MODIFIED, True, Mark.MODIFIED),
            ({}, Mark.REWRITTEN, True, Mark.REPEATED),
            ({}, Mark.REWRITTEN, False, Mark.MODIFIED),
        ],
    )
    def test_sets_attributes_apart_from_contents(
        self, attributes: dict[str, object], before_settling: Mark, is_same: bool, settled: Mark
    ) -> None:
        tree = union(layer(("-", "f", {"size": 4})), layer(("-", "f", {"size": 4} | attributes)))
        node, top = tree.find("/f"), LayerNumber(2)
        merged = MergedTree(tree, top)
        assert merged.marks[node] == before_settling
        undecided = summarize_layer(tree, top)
        assert undecided.undecided == (before_settling in UNDECIDED)
        same: SameContent = lambda _one, _other: is_same  # noqa: E731
        merged.settle(same)
        assert merged.marks[node] == settled
        found = summarize_layer(tree, top, same)
        assert found.undecided == 0
        assert (found.modified, found.attributes, found.repeated) == (
            settled == Mark.MODIFIED, settled == Mark.ATTRIBUTES, settled == Mark.REPEATED
        )  # fmt: skip

    def test_contents_of_no_bytes_need_no_comparing(self) -> None:
        tree = union(
            layer(("-", "f"), ("d", "d")), layer(("-", "f", {"uid": 7}), ("d", "d", {"mode": 0o700}))
        )
        merged = MergedTree(tree, LayerNumber(2))
        assert {merged.marks[tree.find(path)] for path in ("/f", "/d")} == {Mark.ATTRIBUTES}
        assert merged.is_settled

    def test_another_type_or_target_is_no_attribute(self) -> None:
        tree = union(
            layer(("-", "f"), ("l", "l", {"to": "a"}), ("c", "c", {"device": (1, 3)})),
            layer(("d", "f"), ("l", "l", {"to": "b"}), ("c", "c", {"device": (1, 5)})),
        )
        merged = MergedTree(tree, LayerNumber(2))
        assert {merged.marks[tree.find(path)] for path in ("/f", "/l", "/c")} == {Mark.MODIFIED}

    def test_sums_many_blocks(self) -> None:
        big = union(layer(*[("-", f"d{i % 7}/f{i}", {"size": i}) for i in range(5000)]), layer(("wh", "d3")))
        merged = MergedTree(big, LayerNumber(1))
        for at in (1, 2):
            merged.move(LayerNumber(at))
            for path in ("/", "/d0", "/d3", "/d6"):
                wanted = sum(
                    i for i in range(5000) if path in ("/", f"/d{i % 7}") and not (at == 2 and i % 7 == 3)
                )
                assert merged.subtree_size(big.find(path)) == wanted
