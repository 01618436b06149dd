"""Which paths a query finds."""

import re
import time

import pytest

from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.union.merged_tree import MergedTree
from layertui.union.path_filter import matching_nodes
from tests.union.small import layer, union

TREE = union(
    layer(
        ("-", "a/b/one", {"size": 10}),
        ("-", "a/two.conf", {"size": 500}),
        ("l", "c", {"to": "a"}),
        ("c", "null", {"device": (1, 3)}),
        ("-", "z", {"size": 5000}),
        ("-", "w[1]?.py"),
        ("-", "Ärger"),
    ),
    layer(("wh", "a/b"), ("-", "a/three", {"size": 7}), ("-", "z", {"size": 5000})),
    layer(("-", "late")),
)


def found(query: str, layer_: int = 2) -> set[str]:
    return {
        TREE.path(Node(node))
        for node, hit in enumerate(matching_nodes(MergedTree(TREE, LayerNumber(layer_)), query))
        if hit
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("one", {"/a/b/one"}),
        ("tcf", set()),
        ("TWO", set()),
        ("b/o", {"/a/b/one"}),
        ("a/b", {"/a/b", "/a/b/one"}),
        ("/a/t", {"/a/three", "/a/two.conf"}),
        ("/b", {"/a/b", "/a/b/one"}),
        ("/", {TREE.path(node) for node in TREE.subtree(ROOT)}),
        ("ä", {"/Ärger"}),
        ("rger", {"/Ärger"}),
        ("Ä", {"/Ärger"}),
        ("*.conf", {"/a/two.conf"}),
        ("*", {TREE.path(node) for node in TREE.subtree(ROOT)} - {"/"} | {"/"}),
        ("/*", {"/a", "/c", "/z", "/null", "/late", "/w[1]?.py", "/Ärger", "/"}),
        ("/a/*", {"/a/b", "/a/three", "/a/two.conf"}),
        ("/a/**", {"/a/b", "/a/b/one", "/a/three", "/a/two.conf"}),
        ("**/one", {"/a/b/one"}),
        ("/**/one", {"/a/b/one"}),
        ("/a/**/one", {"/a/b/one"}),
        ("/a/**/two.*", {"/a/two.conf"}),
        ("b/*e", {"/a/b/one"}),
        ("*w*o*", {"/a/two.conf"}),
        ("t?o.conf", {"/a/two.conf"}),
        ("w[1]?.*", {"/w[1]?.py"}),
        ("/^.a.t/", {"/a/three", "/a/two.conf"}),
        ("/^/a/t/", {"/a/three", "/a/two.conf"}),
        ("~^/a/t", {"/a/three", "/a/two.conf"}),
        ("~/a/t", {"/a/three", "/a/two.conf"}),
        (r"~\/a\/t", {"/a/three", "/a/two.conf"}),
        ("~^a", set()),
        ("~^/$", {"/"}),
        ("~^/[^/]+$", {"/a", "/c", "/z", "/null", "/late", "/w[1]?.py", "/Ärger"}),
        ("~^/.rger$", {"/Ärger"}),
        (r"~/a/b\Z", {"/a/b"}),
        ("~e$", {"/a/b/one", "/a/three", "/late"}),
        ("layer:2", {"/a/three", "/z"}),
        ("change:added", {"/a/three"}),
        ("change:deleted", {"/a/b", "/a/b/one"}),
        ("change:modified", {"/z"}),
        ("size:>500", {"/", "/a", "/a/two.conf", "/z"}),
        ("size:>0.5k", {"/", "/a", "/a/two.conf", "/z"}),
        ("size:<10 type:file", {"/a/three", "/w[1]?.py", "/Ärger"}),
        ("type:sym", {"/c"}),
        ("type:char", {"/null"}),
        ("t layer:1", {"/a/two.conf"}),
        ("type:file ~^/a", {"/a/three", "/a/two.conf"}),
        ("nothing:like-this", set()),
        ("", {TREE.path(node) for node in TREE.subtree(ROOT)}),
    ],
)
def test_queries(query: str, expected: set[str]) -> None:
    assert found(query) == expected


NAMES = union(
    layer(
        ("-", "usr/bin/less", {}),
        ("-", "usr/share/doc/less/copyright", {}),
        ("-", "usr/share/man/builtins.7.gz", {}),
        ("-", "usr/share/Lesson", {}),
    ),
    layer(("-", "opt/ssl.pem", {})),
    layer(("wh", "opt/ssl.pem")),
)


ATTRIBUTES = union(
    layer(
        *[
            ("-", name, {"size": 4, "mtime": 1})
            for name in ("content", "mode", "owner", "time", "same", "x", "gone")
        ]
    ),
    layer(
        ("-", "content", {"size": 5, "mtime": 1, "mode": 0o600}),
        ("-", "mode", {"size": 4, "mtime": 2, "mode": 0o600}),
        ("-", "owner", {"size": 4, "mtime": 1, "gid": 5}),
        ("-", "time", {"size": 4, "mtime": 2}),
        ("-", "same", {"size": 4, "mtime": 1}),
        ("-", "x", {"size": 4, "mtime": 1, "xattrs": {"user.a": b"1"}}),
        ("wh", "gone"),
        ("-", "new"),
    ),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("change:modified", {"/content", "/mode", "/owner", "/time", "/x"}),
        ("change:content", {"/content"}),
        ("change:attributes", {"/mode", "/owner", "/time", "/x"}),
        ("change:mode", {"/content", "/mode"}),
        ("change:owner", {"/owner"}),
        ("change:mtime", {"/mode", "/time"}),
        ("change:xattrs", {"/x"}),
        ("change:repeated", {"/same"}),
        ("change:mode change:attributes", {"/mode"}),
    ],
)
def test_kinds_of_changes(query: str, expected: set[str]) -> None:
    merged = MergedTree(ATTRIBUTES, LayerNumber(2))
    merged.settle(lambda _one, _other: True)
    hits = matching_nodes(merged, query)
    assert {ATTRIBUTES.path(node) for node in ATTRIBUTES.subtree(ROOT) if hits[node]} == expected


@pytest.mark.parametrize(
    ("query", "layer_", "expected"),
    [
        ("less", 1, {"/usr/bin/less", "/usr/share/doc/less", "/usr/share/Lesson"}),
        ("Less", 1, {"/usr/share/Lesson"}),
        # with a slash in paths
        ("doc/less", 1, {"/usr/share/doc/less", "/usr/share/doc/less/copyright"}),
        ("bin/l", 1, {"/usr/bin/less"}),
        # in no name of this layer
        ("ssl", 1, set()),
        ("ssl", 2, {"/opt/ssl.pem"}),
        # the view of all paths shows what is deleted
        ("ssl", 3, {"/opt/ssl.pem"}),
        # the terms do not depend on each other
        ("less layer:2", 2, set()),
        ("layer:2 less", 2, set()),
    ],
)
def test_a_text_is_found_in_names_and_with_a_slash_in_paths(
    query: str, layer_: int, expected: set[str]
) -> None:
    merged = MergedTree(NAMES, LayerNumber(layer_))
    hits = matching_nodes(merged, query)
    assert {
        NAMES.path(node) for node in NAMES.subtree(ROOT) if hits[node] and merged.version(node) >= 0
    } == expected


def test_paths_that_only_a_regular_expression_of_the_bytes_would_find() -> None:
    """A name that is not UTF-8 is one character per byte that cannot be decoded, as it is shown."""
    tree = union(layer(("-", "caf\udce9/x")))
    for query in ("~^/caf.$", "caf\udce9", "caf?", "~^/caf\udce9$"):
        hits = matching_nodes(MergedTree(tree, LayerNumber(1)), query)
        assert [tree.path(Node(node)) for node, hit in enumerate(hits) if hit] == ["/caf\udce9"], query


def test_a_layer_that_repeats() -> None:
    again = union(layer(("d", "a")), layer(("d", "a")))
    assert matching_nodes(MergedTree(again, LayerNumber(2)), "change:repeated") == b"\0\1"


@pytest.mark.parametrize(
    "query", ["~(", "/[/", "layer:x", "layer:", "size:lots", "change:x", "type:x", "type:", "size:>.", "a ~("]
)
def test_queries_that_mean_nothing_say_so(query: str) -> None:
    with pytest.raises(LayertuiError) as error:
        matching_nodes(MergedTree(TREE, LayerNumber(2)), query)
    assert error.value.why


@pytest.mark.parametrize("query", ["a" * 12 + "b", "*a" * 12 + "b", "a?" * 12 + "b", "*a*a*a*a*a*a/*b"])
def test_names_made_to_be_slow_are_not(query: str) -> None:
    slow = union(layer(*(("-", f"{letter}/" + "/".join(["a" * 250] * 15)) for letter in "abc")))
    start = time.process_time()
    matching_nodes(MergedTree(slow, LayerNumber(1)), query)
    assert time.process_time() - start < 2


def test_globs_find_what_the_shell_finds() -> None:
    names = ["", "a", "b", "ab", "ba", "aab", "abab", "a.b", "a\nb", "bbb"]
    tree = union(layer(*(("-", name) for name in names if name)))
    for glob in ("a*", "*a", "*b*", "a*b", "*a*b", "a*a*b", "a?", "??b", "*?b", "b**b", "a*b*b"):
        wanted = re.compile("(?s)" + re.sub(r"\*+", ".*", glob.replace("?", "."))).fullmatch
        hits = matching_nodes(MergedTree(tree, LayerNumber(1)), glob)
        assert {tree.name(Node(node)) for node, hit in enumerate(hits) if hit} == {
            name for name in names if wanted(name)
        }, glob


def test_stops_when_it_is_no_longer_wanted() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        matching_nodes(MergedTree(TREE, LayerNumber(2)), "one", job)
