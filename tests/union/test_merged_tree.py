"""The merged tree moved from layer to layer holds what it would hold had it gone there at once."""

import random

import pytest

from layertui.model.numbers import EMPTY, ROOT, Event, LayerNumber, Node
from layertui.union.changes import Mark
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from tests.union.small import Entry, layer, union

KINDS = ("-", "-", "-", "d", "l", "wh", "opq", "h")


def random_union(seed: int) -> LayerUnion:
    """Twelve layers of files, directories, links and whiteouts over few paths."""
    dice = random.Random(seed)
    layers = []
    for _ in range(12):
        entries: dict[str, Entry] = {}
        for _ in range(dice.randrange(14)):
            path = "/".join(dice.choice("abc") for _ in range(dice.randint(1, 3)))
            kind = dice.choice(KINDS)
            facts = {"to": "a"} if kind in "lh" else {"size": dice.randrange(5000)} if kind == "-" else {}
            entries[path] = (kind, path, facts)
        layers.append(layer(*entries.values()))
    return union(*layers)


def state(merged: MergedTree) -> object:
    tree = merged.union
    return (
        merged.layer,
        bytes(merged.visible),
        bytes(merged.marks),
        [merged.subtree_size(node) for node in tree.subtree(ROOT)],
        [merged.at(node) for node in tree.subtree(ROOT)],
    )


@pytest.mark.parametrize("seed", range(30))
def test_however_it_gets_there(seed: int) -> None:
    tree = random_union(seed)
    fresh = [state(MergedTree(tree, LayerNumber(number))) for number in range(tree.layers + 1)]
    dice = random.Random(seed)
    merged = MergedTree(tree, EMPTY)
    for number in [*range(13), *range(11, -1, -1), *(dice.randrange(13) for _ in range(20))]:
        merged.move(number)
        assert state(merged) == fresh[number]


@pytest.mark.parametrize("seed", range(10))
def test_says_what_the_union_says(seed: int) -> None:
    tree = random_union(seed)
    for number in range(tree.layers + 1):
        merged = MergedTree(tree, LayerNumber(number))
        for node in tree.subtree(ROOT):
            event = tree.at(node, LayerNumber(number))
            assert merged.at(node) == event
            if event >= 0:
                assert merged.version(node) == event
            elif (last := merged.version(node)) >= 0:
                assert tree.shows(last) and not merged.visible[node]
        paths = sum(tree.at(node, LayerNumber(number)) >= 0 for node in tree.descendants(ROOT))
        assert merged.paths() == paths


def test_a_copy_moves_alone() -> None:
    tree = random_union(1)
    merged = MergedTree(tree, LayerNumber(5))
    before = state(merged)
    other = merged.copy()
    other.move(LayerNumber(11))
    assert state(merged) == before
    assert state(other) == state(MergedTree(tree, LayerNumber(11)))


def test_counts_what_changed_below() -> None:
    tree = union(
        layer(("-", "a/b/one", {"size": 1}), ("-", "a/two", {"size": 2}), ("-", "a/four"), ("-", "z")),
        layer(
            ("wh", "a/b"),
            ("-", "a/two", {"size": 3}),
            ("-", "a/four", {"mtime": 1}),
            ("-", "a/three"),
            ("-", "y"),
        ),
    )
    merged = MergedTree(tree, LayerNumber(2))
    assert list(merged.changes_below(tree.find("/a")).values()) == [1, 1, 1, 0, 2]
    assert list(merged.changes_below(tree.find("/a/three")).values()) == [0, 0, 0, 0, 0]
    assert list(merged.changes_below(ROOT).values()) == [2, 1, 1, 0, 2]
    assert merged.marks[tree.find("/y")] == Mark.ADDED


def test_sums_what_a_layer_stores() -> None:
    tree = union(
        layer(("-", "a/one", {"size": 1}), ("-", "a/b/two", {"size": 2}), ("-", "z", {"size": 900})),
        layer(
            ("-", "a/b/two", {"size": 5}),
            ("-", "a/b/two", {"size": 7}),  # the last of two counts
            ("-", "y", {"size": 30}),
            ("h", "x", {"to": "y"}),  # stores nothing
            ("wh", "z"),
        ),
    )
    stored = MergedTree(tree, LayerNumber(2)).stored_sizes()
    sums = {path: stored.below(tree.find(path)) for path in ("/", "/a", "/a/one", "/a/b", "/x", "/z")}
    assert sums == {"/": 37, "/a": 7, "/a/one": 0, "/a/b": 7, "/x": 0, "/z": 0}


@pytest.mark.parametrize("seed", range(20))
def test_what_a_layer_stores_is_the_sum_of_its_own_entries(seed: int) -> None:
    tree = random_union(seed)
    for layer_ in tree.layer_numbers:
        stored = MergedTree(tree, layer_).stored_sizes()
        own = {tree.ev_node[event]: event for event in tree.events_of(layer_)}
        for node in tree.subtree(ROOT):
            events = [event for at, event in own.items() if node <= at < tree.end[node]]
            expected = sum(tree.size(event) for event in events if tree.ev_inode[event] == event)
            assert stored.below(node) == expected


def test_a_path_is_marked_once_however_often_a_layer_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mark walks the versions of its path: with a million versions in one layer that would take hours."""
    again = [("-", path, {"size": size}) for size in range(2, 100) for path in ("old", "new")]
    tree = union(layer(("-", "old", {"size": 1})), layer(*again, ("-", "once")))
    asked: list[int] = []
    at = LayerUnion.at

    def count(tree: LayerUnion, node: Node, layer: LayerNumber) -> Event:
        asked.append(node)
        return at(tree, node, layer)

    monkeypatch.setattr(LayerUnion, "at", count)
    merged = MergedTree(tree, LayerNumber(2))
    found = {path: merged.marks[tree.find(f"/{path}")] for path in ("old", "new", "once")}
    assert found == {"old": Mark.MODIFIED, "new": Mark.ADDED, "once": Mark.ADDED}
    assert sorted(asked) == sorted(tree.find(path) for path in ("/old", "/new"))


def test_sizes_of_large_directories() -> None:
    tree = union(
        layer(*(("-", f"d{number // 1500}/f{number:05}", {"size": number}) for number in range(6000)))
    )
    merged = MergedTree(tree, LayerNumber(1))
    for directory in range(4):
        start = directory * 1500
        assert merged.subtree_size(tree.find(f"/d{directory}")) == sum(range(start, start + 1500))
    assert merged.subtree_size(ROOT) == sum(range(6000))


def test_a_file_counts_at_the_first_link_to_it_that_is_left() -> None:
    tree = union(
        layer(("-", "x/a", {"size": 7}), ("h", "y/b", {"to": "x/a"}), ("h", "z/c", {"to": "x/a"})),
        layer(("wh", "x/a")),
        layer(("-", "x/a", {"size": 1}), ("wh", "y/b")),
    )
    merged = MergedTree(tree, LayerNumber(1))
    sizes: dict[int, list[int]] = {}
    for at in (1, 2, 3, 2, 1, 3, 1):
        merged.move(LayerNumber(at))
        told = [merged.subtree_size(tree.find(path)) for path in ("/x", "/y", "/z", "/")]
        assert sizes.setdefault(at, told) == told
        assert [merged.copy().subtree_size(tree.find(path)) for path in ("/x", "/y", "/z", "/")] == told
    assert sizes == {1: [7, 0, 0, 7], 2: [0, 7, 0, 7], 3: [1, 0, 7, 8]}
