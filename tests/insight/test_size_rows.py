"""Files as rows: sums of every directory are those of the tree and of what is in it; groups; the largest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from layertui import demo
from layertui.insight.leftovers import leftover_labels
from layertui.insight.package_files import PackageFiles
from layertui.insight.package_sizes import package_labels, package_sizes
from layertui.insight.size_rows import Labels, SizeItem
from layertui.insight.sizes import SizeMap
from layertui.model.image import Image
from layertui.model.numbers import ROOT
from layertui.model.sizes import Bytes, total_of
from layertui.union.merged_tree import MergedTree
from tests import every_entry_type
from tests.images import tars_of
from tests.insight.reading import opened
from tests.union.small import layer, union


def walk(item: SizeItem) -> Iterator[SizeItem]:
    yield item
    for child in item.children():
        yield from walk(child)


def labels_of(sizes: SizeMap) -> list[Labels]:
    return [sizes.layer_labels(), sizes.type_labels(), leftover_labels(sizes)]


@pytest.mark.parametrize("image", [demo.image(), every_entry_type.image()], ids=["sample", "every-type"])
def test_every_directory_is_the_sum_of_what_is_in_it(image: Image) -> None:
    tree, _ = opened(tars_of(image.layers))
    sizes, top = SizeMap(tree), MergedTree(tree, tree.layers)
    root = sizes.rows.item(ROOT)
    assert root.size == sizes.total and sum(root.files) == len(sizes.rows)
    for item in walk(root):
        children = item.children()
        assert not item.is_directory or total_of([child.size for child in children]) == item.size
        assert not item.is_directory or sum(len(child.span) for child in children) == len(item.span)
        if item.span == sizes.rows.span(item.node):  # not only the file that the directory was once
            assert item.size.live == top.subtree_size(item.node)
        for labels in labels_of(sizes):
            assert total_of(list(item.shares(labels).values())) == item.size
        flat = item.unfolded()
        assert flat.size == item.size and tree.path(flat.node).endswith(flat.name.removeprefix("/"))


def test_groups_part_the_whole() -> None:
    tree, contents = opened(tars_of(demo.image().layers))
    sizes = SizeMap(tree)
    owned = package_sizes(PackageFiles(tree, contents), sizes)
    for labels in (sizes.layer_labels(), sizes.type_labels(), package_labels(owned, sizes)):
        groups = labels.groups(sizes.rows)
        assert total_of([group.size for group in groups]) == sizes.total
        for group in groups:
            assert group.is_group and total_of([child.size for child in group.children()]) == group.size
            numbers = [group.rows.number(row) for row in group.span]
            assert {labels.names[labels.of[number]] for number in numbers} == {group.name}
            assert group.shares(labels) == {labels.names.index(group.name): group.size}


def test_a_path_that_was_a_file_and_is_a_directory_has_the_bytes_of_both() -> None:
    tree = union(layer(("-", "a", {"size": 5})), layer(("-", "a/b", {"size": 3})))
    (item,) = SizeMap(tree).rows.item(ROOT).children()
    assert (item.name, item.size, item.is_directory) == ("a", Bytes(3, 5), True)
    assert [(child.name, child.size, child.is_directory) for child in item.children()] == [
        ("a", Bytes(0, 5), False),
        ("b", Bytes(3, 0), False),
    ]


def test_the_largest_files_live_and_dead() -> None:
    tree = union(
        layer(*(("-", name, {"size": size}) for name, size in (("a", 2), ("b", 9), ("d/c", 9), ("z", 0)))),
        layer(("wh", "b"), ("-", "a", {"size": 4})),
    )
    rows = SizeMap(tree).rows

    def largest(most: int, with_dead: bool) -> list[tuple[str, int, int, bool]]:
        files = map(rows.file, rows.largest(rows.span(ROOT), most, with_dead))
        return [(file.path, file.layer, file.size, file.is_live) for file in files]

    assert largest(9, False) == [("/d/c", 1, 9, True), ("/a", 2, 4, True)]
    assert largest(3, True) == [("/b", 1, 9, False), ("/d/c", 1, 9, True), ("/a", 2, 4, True)]


def test_a_chain_of_directories_is_one() -> None:
    tree = union(
        layer(
            ("-", "opt/venv/lib/a", {"size": 5}),
            ("-", "opt/venv/lib/b", {"size": 5}),
            ("-", "x/y", {"size": 1}),
        )
    )
    names = [
        (item.unfolded().name, len(item.unfolded().children()))
        for item in SizeMap(tree).rows.item(ROOT).children()
    ]
    assert names == [("opt/venv/lib", 2), ("x", 1)]
