"""What lies where once layers are laid over one another."""

import tracemalloc
from typing import Any

import pytest

from layertui.model.errors import LayertuiError
from layertui.model.numbers import ROOT, LayerNumber
from layertui.union.builder import MAX_DETOURS
from layertui.union.codec import pack_union, unpack_union
from layertui.union.merged_tree import MergedTree
from tests.union.small import Entry, codes, layer, paths, union


def test_whiteout_takes_a_directory_with_all_below_it() -> None:
    tree = union(layer(("d", "d"), ("-", "d/a"), ("-", "e")), layer(("wh", "d")))
    assert paths(tree, 1) == ["/d", "/d/a", "/e"]
    assert paths(tree, 2) == ["/e"]


def test_file_wins_over_whiteout_of_the_same_layer_in_either_order() -> None:
    for entries in ([("wh", "a"), ("-", "a", {"size": 2})], [("-", "a", {"size": 2}), ("wh", "a")]):
        tree = union(layer(("-", "a", {"size": 1})), layer(*entries))
        assert tree.entry(tree.at(tree.find("/a"), LayerNumber(2))).size == 2
        assert codes(tree) == [(2, "whiteout-of-own-entry", "/a")]


def test_a_whiteout_of_the_same_layer_is_reported_where_no_lower_layer_has_the_name() -> None:
    """The engines delete the file or refuse the layer, whatever is below."""
    tree = union(layer(("wh", "a"), ("-", "a", {"size": 2})))
    assert paths(tree, 1) == ["/a"]
    assert codes(tree) == [(1, "whiteout-of-own-entry", "/a")]


@pytest.mark.parametrize("first", [True, False])
def test_opaque_hides_only_what_is_below_whatever_the_order(first: bool) -> None:
    own: list[Entry] = [("d", "d"), ("-", "d/new")]
    marker: list[Entry] = [("opq", "d")]
    entries = marker + own if first else own + marker
    tree = union(layer(("d", "d"), ("-", "d/old"), ("-", "d/new")), layer(*entries))
    assert paths(tree, 2) == ["/d", "/d/new"]


def test_deleted_directory_made_again_does_not_bring_its_files_back() -> None:
    tree = union(layer(("-", "d/s/old")), layer(("wh", "d/s"), ("-", "d/s/new")))
    assert paths(tree, 2) == ["/d", "/d/s", "/d/s/new"]
    assert tree.entry(tree.at(tree.find("/d/s"), LayerNumber(2))).implied
    assert (2, "whiteout-of-own-entry", "/d/s") in codes(tree)


def test_directory_to_file_and_back() -> None:
    tree = union(
        layer(("d", "x"), ("-", "x/a")),
        layer(("-", "x", {"size": 3})),
        layer(("d", "x", {"mode": 0o700})),
    )
    assert paths(tree, 1) == ["/x", "/x/a"]
    assert paths(tree, 2) == ["/x"]
    assert tree.entry(tree.at(tree.find("/x"), LayerNumber(2))).type == "file"
    assert paths(tree, 3) == ["/x"]
    assert tree.entry(tree.at(tree.find("/x"), LayerNumber(3))).mode == 0o700


def test_directory_over_directory_keeps_what_is_in_it() -> None:
    tree = union(layer(("d", "d"), ("-", "d/a")), layer(("d", "d", {"mode": 0o700})))
    assert paths(tree, 2) == ["/d", "/d/a"]
    assert tree.entry(tree.at(tree.find("/d"), LayerNumber(2))).mode == 0o700


def test_hardlink_shares_metadata_also_with_a_layer_below() -> None:
    tree = union(
        layer(("-", "a", {"size": 7, "mode": 0o640, "uid": 5})),
        layer(("h", "b", {"to": "a"})),
        layer(("-", "a", {"size": 9})),
    )
    entry = tree.entry(tree.at(tree.find("/b"), LayerNumber(3)))
    assert (entry.type, entry.size, entry.mode, entry.uid, entry.hardlink) == ("file", 7, 0o640, 5, "/a")
    assert entry.layer == 2
    assert codes(tree) == [(2, "hardlink-below", "/b")]


def test_dangling_hardlink_is_shown_and_said() -> None:
    tree = union(layer(("h", "b", {"to": "/none"})))
    entry = tree.entry(tree.at(tree.find("/b"), LayerNumber(1)))
    assert (entry.type, entry.size, entry.hardlink) == ("file", 0, "/none")
    assert codes(tree) == [(1, "hardlink-dangling", "/b")]


def test_hardlink_to_a_symlink_is_a_symlink() -> None:
    tree = union(layer(("l", "a", {"to": "/etc"}), ("h", "b", {"to": "a"})))
    entry = tree.entry(tree.at(tree.find("/b"), LayerNumber(1)))
    assert (entry.type, entry.linkname, entry.hardlink) == ("symlink", "/etc", "/a")


def test_entries_land_where_a_symlinked_parent_leads() -> None:
    base = layer(("d", "usr/lib"), ("-", "usr/lib/old"), ("l", "lib", {"to": "usr/lib"}))
    tree = union(base, layer(("-", "lib/new"), ("wh", "lib/old")))
    assert paths(tree, 2) == ["/lib", "/usr", "/usr/lib", "/usr/lib/new"]
    assert (2, "symlink-parent", "/lib") in codes(tree)


def test_links_out_of_the_image_stop_at_its_root() -> None:
    tree = union(layer(("l", "up", {"to": "../../../etc"}), ("-", "up/passwd")))
    assert paths(tree, 1) == ["/etc", "/etc/passwd", "/up"]


def test_links_in_a_circle_end() -> None:
    """Docker 20.10, Podman 4.3 and umoci 0.4.7 refuse the layer: too many levels of symbolic links."""
    tree = union(layer(("l", "a", {"to": "b"}), ("l", "b", {"to": "a"}), ("-", "a/x")))
    assert paths(tree, 1) == ["/a", "/b"]
    assert (1, "out-of-reach", "/a/x") in codes(tree)


def test_entries_below_a_symlink_to_below_itself_are_left_out() -> None:
    tree = union(layer(("l", "b", {"to": "/b/d"}), ("-", "b/d/e"), ("h", "b/d/e", {"to": "b"})))
    assert paths(tree, 1) == ["/b"]


def test_link_laid_over_a_directory_moves_what_follows() -> None:
    tree = union(
        layer(("d", "d"), ("-", "d/a")),
        layer(("-", "d/b"), ("l", "d", {"to": "e"}), ("-", "d/c")),
    )
    assert paths(tree, 2) == ["/d", "/e", "/e/c"]


def test_below_a_file_becomes_a_directory() -> None:
    tree = union(layer(("-", "d")), layer(("-", "d/a")))
    assert paths(tree, 2) == ["/d", "/d/a"]
    assert codes(tree) == [(2, "below-file", "/d")]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("d", "/d"), ("d", "/d")], ["/d"]),
        ([("d", "/"), ("d", "/")], ["/"]),
        ([("d", "/"), ("d", "/d"), ("-", "/d/f")], []),
        ([("-", "/d/f"), ("d", "/d")], []),
        ([("d", "/d"), ("-", "/d/f"), ("d", "/d")], ["/d"]),
        ([("wh", "/w"), ("wh", "/w"), ("wh", "/x")], ["/w"]),
        ([("opq", "/o"), ("opq", "/o")], ["/o"]),
        ([("-", "/f"), ("d", "/f"), ("-", "/f")], ["/f", "/f"]),
    ],
)
def test_paths_stored_twice(entries: list[Any], said: list[str]) -> None:
    """Docker 20.10 and Podman 4.3: "duplicates of file paths not supported", of directories too."""
    base = layer(("d", "/d"), ("d", "/o"), ("-", "/w"), ("-", "/x"))
    found = [warning for warning in union(base, layer(*entries)).warnings if warning.code == "duplicate"]
    assert [(warning.layer, warning.path) for warning in found] == [(2, path) for path in said]


def test_hardlink_to_itself() -> None:
    tree = union(layer(("-", "/a", {"size": 4}), ("h", "/a", {"to": "/a"})))
    assert tree.entry(tree.at(tree.find("/a"), LayerNumber(1))).size == 4
    assert codes(tree) == [(1, "hardlink-dangling", "/a")]


def test_one_path_a_thousand_times_is_listed_and_the_rest_counted() -> None:
    tree = union(layer(*[("-", "/a")] * 5000), layer(("-", "/b"), ("-", "/b")))
    assert codes(tree) == [(1, "duplicate", "/a")] * 1000 + [
        (1, "more-warnings", "/"),
        (2, "duplicate", "/b"),
    ]
    assert tree.warnings[1000].text == "3,999 more warnings are not listed"


def test_implied_directories_take_bounded_memory() -> None:
    deep = "/d" * 2000
    entries = [("-", f"/{number}{deep}/f") for number in range(2_500)]  # 5,000,000 directories
    tracemalloc.start()
    try:
        tree = union(layer(*entries))
        assert tracemalloc.get_traced_memory()[0] < 200 << 20
    finally:
        tracemalloc.stop()
    assert {warning.code for warning in tree.warnings} == {"out-of-reach", "more-warnings"}


def test_last_of_duplicates_wins() -> None:
    tree = union(layer(("-", "a", {"size": 1}), ("-", "a", {"size": 2})))
    assert tree.entry(tree.at(tree.find("/a"), LayerNumber(1))).size == 2
    assert codes(tree) == [(1, "duplicate", "/a")]
    assert tree.stored_bytes() == 3
    assert MergedTree(tree, LayerNumber(1)).subtree_size(ROOT) == 2


def test_bytes_of_a_file_count_while_one_of_its_links_is_left() -> None:
    tree = union(
        layer(("-", "a", {"size": 7}), ("h", "b", {"to": "a"})), layer(("wh", "a")), layer(("wh", "b"))
    )
    assert [MergedTree(tree, LayerNumber(at)).subtree_size(ROOT) for at in (1, 2, 3)] == [7, 7, 0]


def test_implied_parents() -> None:
    tree = union(layer(("-", "a/b/c")))
    entry = tree.entry(tree.at(tree.find("/a/b"), LayerNumber(1)))
    assert (entry.type, entry.mode, entry.uid, entry.implied) == ("directory", 0o755, 0, True)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (("opq", ""), "opaque-root"),
        (("opq", "none"), "opaque-missing"),
        (("opq", "file"), "opaque-on-file"),
    ],
)
def test_opaque_where_engines_disagree(entry: Entry, code: str) -> None:
    tree = union(layer(("-", "file")), layer(entry))
    assert [warning[1] for warning in codes(tree)] == [code]


def test_whiteouts_in_whiteouts() -> None:
    base = layer(("d", "d"), ("d", "d/s"), ("-", "d/s/o"))
    tree = union(base, layer(("wh", "d"), ("wh", "d/s/o")))
    assert paths(tree, 2) == []
    assert (2, "whiteout-below-whiteout", "/d/s/o") in codes(tree)
    tree = union(base, layer(("opq", "d/s"), ("wh", "d/s/o")))
    assert (2, "whiteout-in-opaque", "/d/s/o") in codes(tree)


def test_whiteouts_of_nothing_do_nothing() -> None:
    tree = union(layer(("wh", "a"), ("-", "b")), layer(("wh", "c"), ("wh", "b/c")))
    assert paths(tree, 2) == ["/b"]
    assert tree.warnings == []


def test_order_is_depth_first_with_names_in_byte_order() -> None:
    tree = union(layer(("-", "a-b"), ("-", "a/b"), ("-", "a.b"), ("-", "é"), ("-", "Z")))
    assert paths(tree, 1) == ["/Z", "/a", "/a/b", "/a-b", "/a.b", "/é"]
    node = tree.find("/a")
    assert tree.path(tree.end[node]) == "/a-b"
    assert [tree.name(child) for child in tree.children(ROOT)] == ["Z", "a", "a-b", "a.b", "é"]


def test_versions_and_their_layers() -> None:
    tree = union(layer(("-", "a")), layer(("wh", "a")), layer(("-", "a")))
    events = tree.versions(tree.find("/a"))
    assert [tree.ev_layer[event] for event in events] == [1, 2, 3]
    assert [tree.shows(event) for event in events] == [True, False, True]
    assert tree.find("/b") == -1


def test_freezing_early_does_not_disturb_what_follows() -> None:
    from layertui.union.builder import UnionBuilder

    builder = UnionBuilder()
    builder.add(layer(("-", "b")))
    early = builder.freeze()
    builder.add(layer(("-", "a"), ("wh", "b")))
    assert paths(early, 1) == ["/b"]
    assert paths(builder.freeze(), 2) == ["/a"]


def test_encoded_and_decoded_is_the_same() -> None:
    layers = [layer(("-", "a\udcff"), ("h", "b", {"to": "/\udcfe"})), layer(("wh", "a\udcff"))]
    tree = union(*layers)
    again = unpack_union(pack_union(tree), tree.indexes)
    assert again == tree


class TestResolve:
    tree = union(
        layer(
            ("-", "usr/bin/sh"),
            ("l", "bin", {"to": "usr/bin"}),
            ("l", "usr/bin/ash", {"to": "/bin/../bin/sh"}),
            ("l", "loop", {"to": "loop"}),
            ("l", "gone", {"to": "none"}),
            ("l", "slash", {"to": "bin/"}),
        )
    )

    @pytest.mark.parametrize("path", ["/usr/bin/sh", "bin/sh", "/bin/ash", "/../bin/./ash", "/slash/sh"])
    def test_leads_to_the_same_file(self, path: str) -> None:
        assert self.tree.path(self.tree.resolve(path, LayerNumber(1))) == "/usr/bin/sh"

    def test_the_last_link_may_be_left(self) -> None:
        assert self.tree.path(self.tree.resolve("/bin", LayerNumber(1), follow=False)) == "/bin"
        assert self.tree.path(self.tree.resolve("/bin/ash", LayerNumber(1), follow=False)) == "/usr/bin/ash"

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("/loop", "too many levels of symbolic links"),
            ("/gone", "no /gone"),
            ("/usr/bin/sh/x", "is not a directory"),
            ("/nothing", "no /nothing at layer 1"),
        ],
    )
    def test_says_why_it_leads_nowhere(self, path: str, why: str) -> None:
        with pytest.raises(LayertuiError, match=why):
            self.tree.resolve(path, LayerNumber(1))


def test_a_path_of_thousands_of_directories_lies_where_it_should() -> None:
    path = "/".join("a" * 2040)
    tree = union(layer(("-", path)), layer(("-", path, {"size": 3})))
    assert tree.nodes == 2041 and not codes(tree)
    assert tree.entry(tree.at(tree.find(f"/{path}"), LayerNumber(2))).size == 3


def test_many_deep_paths_take_bounded_memory() -> None:
    """Each of five thousand bytes in the tar asks for two thousand directories, of four megabytes in all."""
    deep = "/".join("a" * 2040)
    tree = union(layer(*(("-", f"{number}/{deep}") for number in range(300)), ("-", "plain"), ("-", "1/x")))
    assert len(tree.keys) < 2 * MAX_DETOURS
    left_out = [path for _, code, path in codes(tree) if code == "out-of-reach"]
    assert 200 < len(left_out) < 300 and left_out[-1] == f"/299/{deep}"
    assert tree.find("/plain") >= 0 and tree.find("/1/x") >= 0
    assert not any(node >= 0 and tree.at(node, LayerNumber(1)) >= 0 for node in map(tree.find, left_out))


def test_many_ways_through_many_symlinks_take_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.union.builder.MAX_DETOURS", 1 << 22)
    target = "./" * 2000
    chain = [("l", f"l{number}", {"to": f"{target}l{number + 1}"}) for number in range(200)]
    ways = [("-", f"l0/{number}/f") for number in range(1000)]
    tree = union(layer(*chain, ("d", "l200"), *ways))
    assert tree.find("/l200/0/f") >= 0
    assert sum(code == "out-of-reach" for _, code, _ in codes(tree)) > 900


def test_nothing_lies_deeper_than_a_path_can_lead() -> None:
    half = "/".join("a" * 1500)
    tree = union(layer(("-", f"{half}/f"), ("l", "l", {"to": half}), ("-", f"l/{half}/f"), ("-", "l/g")))
    assert codes(tree) == [(1, "out-of-reach", f"/l/{half}/f")]
    assert tree.find(f"/{half}/g") >= 0
