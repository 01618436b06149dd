"""Which rows a tree view shows."""

from random import Random

import pytest

from layertui.model.errors import LayertuiError
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.union.builder import union_alone
from layertui.union.merged_tree import MergedTree
from layertui.union.path_filter import matching_nodes
from layertui.union.tree_rows import Sort, TreeRows
from tests.union.small import layer, union

TREE = union(
    layer(
        ("-", "a/b/one", {"size": 10, "mtime": 3}),
        ("-", "a/two.conf", {"size": 500, "mtime": 9}),
        ("l", "c", {"to": "a"}),
        ("-", "z", {"size": 5000}),
    ),
    layer(("wh", "a/b"), ("-", "a/three", {"size": 7, "mtime": 5})),
    layer(("-", "z", {"size": 1})),
)


def shown(rows: TreeRows) -> list[str]:
    return [TREE.path(node) for node in rows.nodes]


@pytest.fixture
def rows() -> TreeRows:
    return TreeRows(MergedTree(TREE, LayerNumber(2)))


def test_starts_closed_but_for_the_root(rows: TreeRows) -> None:
    assert shown(rows) == ["/", "/a", "/c", "/z"]


def test_the_next_view_is_one_with_matches() -> None:
    rows = TreeRows(MergedTree(TREE, LayerNumber(3)))
    rows.filter("one")  # deleted by layer 2
    rows.show_next()
    assert (rows.view, rows.best) == ("all", TREE.find("/a/b/one"))
    rows.filter("three")  # which layer 3 left alone
    for view in ("merged", "changes", "all"):
        rows.show_next()
        assert rows.view == view
    rows.filter("nothing")
    rows.show_next()
    assert rows.view == "merged"


def test_opens_and_closes_one_directory(rows: TreeRows) -> None:
    rows.toggle(TREE.find("/a"))
    assert shown(rows) == ["/", "/a", "/a/b", "/a/three", "/a/two.conf", "/c", "/z"]
    assert rows.is_open(TREE.find("/a"))
    rows.toggle(TREE.find("/a"))
    assert shown(rows) == ["/", "/a", "/c", "/z"]
    rows.toggle(TREE.find("/z"))
    assert shown(rows) == ["/", "/a", "/c", "/z"]


def test_a_closed_directory_inside_stays_closed(rows: TreeRows) -> None:
    rows.expand_all()
    full = shown(rows)
    rows.toggle(TREE.find("/a/b"))
    rows.toggle(TREE.find("/a"))
    rows.toggle(TREE.find("/a"))
    assert shown(rows) == [path for path in full if path != "/a/b/one"]


def test_toggling_equals_computing_all_again(rows: TreeRows) -> None:
    for path in ("/a", "/a/b", "/a", "/a", "/a/b"):
        rows.toggle(TREE.find(path))
        spliced = shown(rows)
        rows.show("merged")
        assert shown(rows) == spliced


def test_views(rows: TreeRows) -> None:
    rows.expand_all()
    merged = shown(rows)
    assert "/a/b/one" in merged  # deleted by this very layer: shown as such
    rows.move(LayerNumber(3))
    assert "/a/b/one" not in shown(rows)
    rows.show("all")
    assert "/a/b/one" in shown(rows)
    rows.show("changes")
    assert shown(rows) == ["/", "/z"]
    rows.move(LayerNumber(1))
    assert "/a/three" not in shown(rows)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["/a", "/a/b", "/a/b/one", "/a/three", "/a/two.conf", "/c", "/z"]),
        ("size", ["/z", "/a", "/a/two.conf", "/a/three", "/a/b", "/a/b/one", "/c"]),
        ("layer", ["/a", "/a/b", "/a/b/one", "/a/three", "/a/two.conf", "/c", "/z"]),
        ("time", ["/a", "/a/two.conf", "/a/three", "/a/b", "/a/b/one", "/c", "/z"]),
    ],
)
def test_sorting(rows: TreeRows, sort: Sort, expected: list[str]) -> None:
    rows.expand_all()
    rows.order_by(sort)
    if sort == "layer":
        assert set(shown(rows)[1:]) == set(expected)
        a = shown(rows).index("/a")
        assert shown(rows)[a + 1] in ("/a/three", "/a/b")
    else:
        assert shown(rows)[1:] == expected
    for row, node in enumerate(rows.nodes):
        assert rows.row_of(node) == row


def test_reveal_opens_the_way(rows: TreeRows) -> None:
    row = rows.reveal(TREE.find("/a/b/one"))
    assert rows.nodes[row] == TREE.find("/a/b/one")
    rows.move(LayerNumber(3))
    assert rows.reveal(TREE.find("/a/b/one")) == -1


def test_next_change_goes_both_ways_also_into_closed_directories(rows: TreeRows) -> None:
    node = 0
    seen = [TREE.path(node := rows.next_change(node, 1)) for _ in range(4)]
    assert seen == ["/a/b", "/a/b/one", "/a/three", "/a/b"]
    assert TREE.path(rows.next_change(TREE.find("/z"), -1)) == "/a/three"
    assert TREE.path(rows.next_change(TREE.find("/a/b"), -1)) == "/a/three"
    rows.order_by("size")
    node = TREE.find("/a/three")
    seen = [TREE.path(node := rows.next_change(node, 1)) for _ in range(3)]
    assert seen == ["/a/b", "/a/b/one", "/a/three"]
    assert TREE.path(rows.next_change(TREE.find("/a/three"), -1)) == "/a/b/one"
    rows.filter("three")
    assert TREE.path(rows.next_change(ROOT, -1)) == "/a/three"
    rows.filter("two")
    assert rows.next_change(ROOT, 1) == -1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("one", {"/a/b/one"}),
        ("o.c", {"/a/two.conf"}),
        ("*.conf", {"/a/two.conf"}),
        ("/a/*", {"/a/b", "/a/three", "/a/two.conf"}),
        ("/a/**", {"/a/b", "/a/b/one", "/a/three", "/a/two.conf"}),
        ("t?o.conf", {"/a/two.conf"}),
        ("/^.a.t/", {"/a/three", "/a/two.conf"}),
        ("~e$", {"/a/b/one", "/a/three"}),
        ("layer:2", {"/a/three"}),
        ("change:deleted", {"/a/b", "/a/b/one"}),
        ("size:>500", {"/", "/a", "/a/two.conf", "/z"}),
        ("size:<10 type:file", {"/a/three"}),
        ("type:sym", {"/c"}),
        ("t layer:1", {"/a/two.conf"}),
        ("", {TREE.path(node) for node in TREE.subtree(ROOT)}),
    ],
)
def test_queries(query: str, expected: set[str]) -> None:
    found = matching_nodes(MergedTree(TREE, LayerNumber(2)), query)
    assert {TREE.path(Node(node)) for node, hit in enumerate(found) if hit} == expected


@pytest.mark.parametrize("query", ["~(", "/[/", "layer:x", "size:lots", "change:x", "type:x", "size:>."])
def test_queries_that_mean_nothing_say_so(query: str) -> None:
    with pytest.raises(LayertuiError):
        matching_nodes(MergedTree(TREE, LayerNumber(2)), query)


def test_a_filter_shows_its_hits_with_the_way_to_them(rows: TreeRows) -> None:
    rows.filter("*.conf")
    assert shown(rows) == ["/", "/a", "/a/two.conf"]
    rows.filter("")
    assert shown(rows) == ["/", "/a", "/c", "/z"]


def adopted(before: TreeRows, number: int, *entries: tuple[object, ...]) -> TreeRows:
    """The rows of a layer alone, after other rows."""
    after = TreeRows(MergedTree(union_alone(LayerNumber(number), layer(*entries)), LayerNumber(number)))
    after.adopt(before)
    return after


def test_open_directories_are_kept_while_rows_lack_them(rows: TreeRows) -> None:
    rows.toggle(TREE.find("/a"))
    between = adopted(rows, 3, ("-", "x/y"))
    assert [between.merged.union.path(node) for node in between.nodes] == ["/", "/x"]
    after = TreeRows(MergedTree(TREE, LayerNumber(2)))
    after.adopt(between)
    assert shown(after) == shown(rows)


def test_what_another_union_adds_is_open_only_if_all_was_expanded(rows: TreeRows) -> None:
    assert not adopted(adopted(rows, 3, ("-", "x")), 4, ("-", "x/y")).is_open(Node(1))
    rows.expand_all()
    assert adopted(rows, 4, ("-", "x/y")).is_open(Node(1))


def test_of_a_layer_alone_nothing_is_known_to_be_a_change() -> None:
    alone = union_alone(LayerNumber(3), layer(("wh", "gone"), ("-", "a/b", {"size": 7}), ("-", "c")))
    merged = MergedTree(alone, LayerNumber(3))
    assert [alone.path(node) for node in alone.subtree(ROOT)] == ["/", "/a", "/a/b", "/c"]
    assert merged.subtree_size(ROOT) == 7 and not any(merged.changes_below(ROOT).values())
    rows = TreeRows(merged)
    rows.show("changes")
    assert [alone.path(node) for node in rows.nodes] == ["/", "/a", "/c"]
    rows.filter("change:added")
    assert rows.found == 0


def test_of_a_layer_that_is_not_read_there_is_nothing() -> None:
    merged = MergedTree(union_alone(LayerNumber(3), None), LayerNumber(3))
    assert merged.paths() == 0 and merged.union.layers == 3 and list(TreeRows(merged).nodes) == [ROOT]


VENV = union(
    layer(
        ("-", "etc/app.conf", {"size": 3}),
        ("-", "opt/venv/lib/python3/site/app.py", {"size": 10}),
        ("-", "opt/venv/lib/python3/site/web.py", {"size": 20}),
        ("-", "opt/venv/bin/tool", {"size": 5}),
        ("-", "srv/app/app.py", {"size": 30}),
        ("-", "srv/app/conf/deep/app.py", {"size": 1}),
    )
)


def joined(rows: TreeRows) -> list[str]:
    """Each row as it reads: the directories that share it, then its own name."""
    return ["/".join(VENV.name(each) for each in (*rows.above(node), node)) for node in rows.nodes]


def filtered(query: str) -> TreeRows:
    rows = TreeRows(MergedTree(VENV, LayerNumber(1)))
    rows.filter(query)
    return rows


def test_with_a_filter_directories_that_lead_to_one_alone_share_its_row() -> None:
    rows = filtered("app.py")
    assert joined(rows) == [
        "/", "opt/venv/lib/python3/site", "app.py", "srv/app", "app.py", "conf/deep", "app.py",
    ]  # fmt: skip
    assert [rows.depth(node) for node in rows.nodes] == [0, 1, 2, 1, 2, 2, 3]
    site, deep = VENV.find("/opt/venv/lib/python3/site"), VENV.find("/srv/app/conf/deep")
    assert rows.row_of(VENV.find("/opt/venv")) == rows.row_of(site) == 1
    assert rows.parent(site) == ROOT and rows.parent(deep) == VENV.find("/srv/app")
    rows.filter("")
    assert joined(rows) == ["/", "etc", "opt", "srv"] and not rows.above(site)


def test_what_matches_or_is_closed_has_a_row_of_its_own() -> None:
    assert joined(filtered("venv")) == ["/", "opt/venv"]
    assert joined(filtered("venv site")) == ["/"]
    rows = filtered("lib/ app.py")
    assert joined(rows)[1:] == ["opt/venv/lib/python3/site", "app.py"]
    rows.collapse_all()
    assert joined(rows) == ["/", "opt"]
    for opened in ("/opt", "/opt/venv"):
        rows.toggle(VENV.find(opened))
    assert joined(rows) == ["/", "opt/venv/lib"]
    assert rows.reveal(VENV.find("/opt/venv/lib/python3/site/app.py")) == 2
    assert joined(rows)[1:] == ["opt/venv/lib/python3/site", "app.py"]
    rows.toggle(VENV.find("/opt/venv/lib/python3/site"))
    assert joined(rows)[1:] == ["opt/venv/lib/python3/site"]


@pytest.mark.parametrize("sort", ["name", "size"])
def test_toggling_with_a_filter_equals_computing_all_again(sort: Sort) -> None:
    rows = filtered("app.py")
    rows.order_by(sort)
    rows.collapse_all()
    random = Random(3)
    for _ in range(200):
        directories = [node for node in rows.nodes if node and rows.has_children(node)]
        turned = random.choice(directories)
        rows.toggle(turned)
        again = rows.copy()
        again.order_by(sort)
        assert [*rows.nodes] == [*again.nodes]
        for node in rows.nodes:
            assert rows.nodes[rows.row_of(node)] == node
