"""Live and dead bytes: by layer, path, type and package; sums that agree with waste and the tree."""

from __future__ import annotations

import pytest

from layertui import demo
from layertui.insight.leftovers import leftovers
from layertui.insight.package_files import PackageFiles
from layertui.insight.package_sizes import package_sizes
from layertui.insight.sizes import SizeMap, largest_files, type_of
from layertui.insight.waste import waste
from layertui.model.image import Image
from layertui.model.numbers import ROOT, LayerNumber
from layertui.model.sizes import Bytes
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from tests import every_entry_type
from tests.images import tars_of
from tests.insight.reading import opened
from tests.union.small import layer, union


def test_each_byte_is_live_or_dead() -> None:
    tree = union(
        layer(("-", "a", {"size": 5}), ("-", "d/b", {"size": 7}), ("-", "d/c", {"size": 11})),
        layer(("-", "a", {"size": 3}), ("wh", "d/b")),
        layer(("-", "a", {"size": 2})),
    )
    sizes = SizeMap(tree)
    assert sizes.layers == [Bytes(11, 12), Bytes(0, 3), Bytes(2, 0)]
    assert sizes.total == sizes.below(ROOT) == Bytes(13, 15)
    assert [(tree.path(node), size) for node, size in sizes.children(ROOT)] == [
        ("/d", Bytes(11, 7)),
        ("/a", Bytes(2, 8)),
    ]
    assert sizes.by_layer(tree.find("/d")) == [Bytes(11, 7), Bytes(0, 0), Bytes(0, 0)]
    assert [(file.path, file.layer, file.size) for file in sizes.files(is_live=False)] == [
        ("/d/b", 1, 7),
        ("/a", 1, 5),
        ("/a", 2, 3),
    ]


def test_a_hardlinked_file_is_live_while_one_name_is_left() -> None:
    tree = union(layer(("-", "a", {"size": 5}), ("h", "d/b", {"to": "a"})), layer(("wh", "a")))
    sizes = SizeMap(tree)
    assert sizes.layers == [Bytes(5, 0), Bytes(0, 0)]
    assert [(file.path, file.layer, file.size) for file in sizes.files()] == [("/d/b", 1, 5)]
    tree = union(tree.indexes[0], layer(("wh", "a"), ("wh", "d/b")))
    assert SizeMap(tree).layers == [Bytes(0, 5), Bytes(0, 0)]


def test_a_hardlink_to_a_lower_layer_leaves_the_bytes_there() -> None:
    tree = union(layer(("-", "a", {"size": 5})), layer(("h", "b", {"to": "a"})), layer(("wh", "a")))
    assert SizeMap(tree).layers == [Bytes(5, 0), Bytes(0, 0), Bytes(0, 0)]


@pytest.mark.parametrize("image", [demo.image(), every_entry_type.image()], ids=["sample", "every-type"])
def test_sums_are_those_of_the_tree_and_of_waste(image: Image) -> None:
    tree, contents = opened(tars_of(image.layers))
    sizes, wasted = SizeMap(tree), waste(tree, contents)
    assert sizes.total.dead == wasted.reclaimable_bytes == sum(row.size for row in wasted.paths)
    assert sizes.total.live == MergedTree(tree, tree.layers).subtree_size(ROOT)
    assert sizes.total.size == tree.stored_bytes()
    for parts in (sizes.by_layer(), sizes.by_type().values(), [size for _, size in sizes.children(ROOT)]):
        assert (sum(part.live for part in parts), sum(part.dead for part in parts)) == sizes.total
    for node in tree.children(ROOT):
        assert sum(file.size for file in sizes.files(node)) == sizes.below(node).live
        assert sum(file.size for file in sizes.files(node, is_live=False)) == sizes.below(node).dead
        assert sum(part.size for part in sizes.by_layer(node)) == sizes.below(node).size


def test_packages_and_what_no_package_owns_sum_up_to_the_live_bytes() -> None:
    tree, contents = opened(tars_of(demo.image().layers))
    sizes = SizeMap(tree)
    found = package_sizes(PackageFiles(tree, contents), sizes)
    assert sum(size for _, size in found.packages) + found.unowned == sizes.total.live
    assert [(package.name, size) for package, size in found.packages[:2]] == [
        ("held-box", 29_500),
        ("libc", 14_000),
    ]
    assert not found.unread and not found.unlisted
    usr = package_sizes(PackageFiles(tree, contents), sizes, tree.find("/usr"))
    assert sum(size for _, size in usr.packages) + usr.unowned == sizes.below(tree.find("/usr")).live


@pytest.mark.parametrize(
    ("path", "mode", "expected"),
    [
        ("/a/b.py", 0o644, ".py"), ("/lib/libc.so.6", 0o755, ".so"), ("/lib/x.so", 0o755, ".so"),
        ("/bin/sh", 0o755, "executable"), ("/etc/passwd", 0o644, "other"), ("/.profile", 0o644, "other"),
        ("/a.TAR", 0o644, ".tar"), ("/man.1", 0o644, "other"), ("/a.b c", 0o644, "other"),
    ],
)  # fmt: skip
def test_types(path: str, mode: int, expected: str) -> None:
    assert type_of(path, mode) == expected


def leftover_rows(tree: LayerUnion) -> list[tuple[str, str, int]]:
    return [(row.rule.name, row.path, row.size) for row in leftovers(SizeMap(tree))]


def test_leftovers_are_live_and_counted_once() -> None:
    tree = union(
        layer(
            ("-", "var/cache/apt/archives/gcc.deb", {"size": 50}),
            ("-", "var/lib/apt/lists/x", {"size": 9}),
            ("-", "root/.cache/pip/http/a", {"size": 8}),
            ("-", "root/.cache/other", {"size": 1}),
            ("-", "srv/app/__pycache__/a.pyc", {"size": 4}),
            ("-", "srv/.git/objects/pack", {"size": 30}),
            ("-", "srv/git", {"size": 30}),
        ),
        layer(("wh", "var/lib/apt/lists/x")),
    )
    assert leftover_rows(tree) == [
        ("APT packages", "/var/cache/apt", 50),
        ("Git repositories", "/srv/.git", 30),
        ("other caches", "/root/.cache", 9),
        ("Python bytecode", "/srv/app/__pycache__", 4),
    ]


def test_an_image_without_layers_has_no_bytes() -> None:
    sizes = SizeMap(union())
    assert (sizes.layers, sizes.total, sizes.files(), sizes.by_type(), sizes.children(ROOT)) == (
        [],
        (0, 0),
        [],
        {},
        [],
    )
    assert leftovers(sizes) == [] and LayerNumber(0) == sizes.union.layers


def test_largest_files_of_a_layer() -> None:
    """By their names in the final tree, if one is left."""
    tree = union(
        layer(
            ("-", "a", {"size": 5}), ("h", "b", {"to": "a"}), ("-", "c", {"size": 9}), ("-", "d", {"size": 1})
        ),
        layer(("wh", "a"), ("-", "c", {"size": 2}), ("-", "empty")),
    )
    found = [(file.path, file.size, file.is_live) for file in largest_files(tree, LayerNumber(1), 2)]
    assert found == [("/c", 9, False), ("/b", 5, True)]
    assert [file.path for file in largest_files(tree, LayerNumber(2), 9)] == ["/c"]
