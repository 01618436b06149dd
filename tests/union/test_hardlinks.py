"""Which names share a file at each layer, compared with the inodes of a mounted tree."""

from __future__ import annotations

import pytest

from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.union.model import LayerUnion
from tests.union.small import layer, union

FILES = [("-", "/a", {"size": 1}), ("h", "/b", {"to": "/a"}), ("h", "/c", {"to": "/b"})]


def links(tree: LayerUnion, number: int) -> dict[str, str | None]:
    """The path that each file of the tree at a layer is shown as a hardlink to."""
    merged = LayerNumber(number)
    events = (tree.at(node, merged) for node in tree.subtree(tree.find("/")))
    entries = [tree.entry(event, merged) for event in events if event >= 0]
    return {entry.path: entry.hardlink for entry in entries if entry.type == "file"}


@pytest.mark.parametrize(
    ("above", "shown"),
    [
        ([], {"/a": None, "/b": "/a", "/c": "/b"}),
        ([("wh", "/a")], {"/b": None, "/c": "/b"}),
        ([("wh", "/b")], {"/a": None, "/c": "/a"}),
        ([("-", "/a", {"size": 2})], {"/a": None, "/b": None, "/c": "/b"}),
        ([("-", "/b", {"size": 2})], {"/a": None, "/b": None, "/c": "/a"}),
        ([("l", "/a", {"to": "b"})], {"/b": None, "/c": "/b"}),
        ([("wh", "/a"), ("wh", "/b")], {"/c": None}),
        ([("d", "/a")], {"/b": None, "/c": "/b"}),
        # The names are swapped: the former target is now the link.
        ([("h", "/a", {"to": "/b"})], {"/a": "/b", "/b": None, "/c": "/b"}),
        ([("wh", "/a"), ("h", "/d", {"to": "/c"})], {"/b": None, "/c": "/b", "/d": "/c"}),
    ],
)
def test_names_that_share_a_file(above: list[tuple[object, ...]], shown: dict[str, str | None]) -> None:
    tree = union(layer(*FILES), layer(*above))
    assert links(tree, 1) == {"/a": None, "/b": "/a", "/c": "/b"}
    assert links(tree, 2) == shown


def test_a_link_named_through_a_symlink() -> None:
    base: LayerIndex = layer(
        ("d", "/d"), ("-", "/d/f", {"size": 1}), ("l", "/s", {"to": "d"}), ("h", "/h", {"to": "/s/f"})
    )
    assert links(union(base), 1) == {"/d/f": None, "/h": "/d/f"}


def test_many_names_of_a_file_that_was_deleted() -> None:
    """Each name is looked up once, not compared with all others."""
    base = layer(("-", "/0", {"size": 1}), *(("h", f"/{number}", {"to": "/0"}) for number in range(1, 3000)))
    tree = union(base, layer(*(("wh", f"/{number}") for number in range(2000))))
    assert links(tree, 2) == {"/2000": None, **{f"/{number}": "/2000" for number in range(2001, 3000)}}
