"""The part Size of insight: sums of every group, the largest directories and files."""

from __future__ import annotations

import pytest

from layertui.content.read import Contents
from layertui.insight import size_survey
from layertui.insight.sizes import SizeMap
from layertui.insight.tally import Survey
from layertui.sources import open_image
from layertui.union.model import LayerUnion
from tests.commands.samples import tar
from tests.insight.reading import opened
from tests.union.small import layer, union


def of(tree: LayerUnion) -> Survey:
    """The survey of layers without package databases; each finding leads to a file of its layer."""
    found = size_survey.size_survey(tree, Contents(open_image("demo:"), tree.indexes, tree))
    for row in found.findings:
        assert tree.size(tree.at(tree.find(row.path), row.layer)) == row.size
    return found


def paths(found: Survey) -> list[tuple[str, int, int]]:
    return [(each.path, each.size, each.dead) for each in found.sums if each.kind == "directory"]


def test_sums_are_those_of_their_files() -> None:
    tree = union(
        layer(
            ("-", "usr/lib/a.so", {"size": 50}), ("-", "usr/b", {"size": 7}), ("-", "d/.git/c", {"size": 9}),
            ("-", "e", {"size": 0}),
        ),
        layer(("-", "usr/lib/a.so", {"size": 40}), ("wh", "usr/b"), ("-", "d/x", {"size": 1})),
    )  # fmt: skip
    found = of(tree)
    assert (found.count, found.size) == (5, SizeMap(tree).total.size) and found.sums[0].path == "/"
    assert paths(found) == [
        ("/", 107, 57),
        ("/usr", 97, 57),
        ("/usr/lib", 90, 50),
        ("/d", 10, 0),
        ("/d/.git", 9, 0),
    ]
    for number, each in enumerate(found.sums):
        rows = [row for row in found.findings if number in row.sums]
        assert (sum(row.size for row in rows), len(rows)) == (each.size, each.count)
        dead = [row for row in rows if row.is_hidden]
        assert (sum(row.size for row in dead), len(dead)) == (each.dead, each.dead_count)
    assert {each.kind for each in found.sums} == {"directory", "leftover", "step", "type"}


def test_a_hardlink_leads_to_the_name_in_the_layer_that_stores_its_bytes() -> None:
    found = of(union(layer(("-", "a", {"size": 5})), layer(("h", "b", {"to": "a"})), layer(("wh", "a"))))
    (row,) = found.findings
    assert (row.where, row.path, row.layer, row.is_hidden) == ("/b", "/a", 1, False)


def test_a_path_that_was_a_file_and_is_a_directory_has_the_bytes_of_both() -> None:
    found = of(union(layer(("-", "a", {"size": 5})), layer(("-", "a/b", {"size": 3}))))
    assert paths(found) == [("/", 8, 5), ("/a", 8, 5)]


def test_the_largest_directories_and_files_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_survey, "MOST_LISTED", 3)
    monkeypatch.setattr(size_survey, "MAX_FINDINGS", 1)
    monkeypatch.setattr(size_survey, "OF_EACH", 1)
    rows = [("-", f"a/{name}/f", {"size": size}) for name, size in (("b", 5), ("c", 9), ("d", 7))]
    found = of(union(layer(*rows), layer(("wh", "a/b"), ("wh", "a/d"))))
    assert paths(found) == [("/", 21, 12), ("/a", 21, 12), ("/a/c", 9, 0)]
    assert [(row.where, row.size) for row in found.findings] == [("/a/c/f", 9), ("/a/d/f", 7)]
    assert found.count == 3


def test_the_largest_files_of_each_group_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_survey, "MAX_FINDINGS", 1)
    monkeypatch.setattr(size_survey, "OF_EACH", 1)
    small = [("-", f"{name}.py", {"size": size}) for name, size in (("a", 2), ("b", 3))]
    found = of(
        union(layer(("-", "x", {"size": 9}), ("-", "y", {"size": 8}), *small), layer(("-", "z", {"size": 1})))
    )
    assert [row.where for row in found.findings] == [
        "/x",
        "/b.py",
        "/z",
    ]  # the first of all, of .py, of layer 2
    assert [(each.name, each.count) for each in found.sums if each.kind == "type"] == [
        ("other", 3),
        (".py", 2),
    ]


def test_no_files() -> None:
    found = of(union(layer(("d", "a"), ("-", "b", {"size": 0}))))
    assert (found.count, found.size, found.sums, found.findings) == (0, 0, [], [])


def test_databases_that_cannot_be_read_are_named() -> None:
    found = size_survey.size_survey(*opened([tar(("/var/lib/rpm/Packages", b"\0"))]))
    (note,) = found.notes
    assert "it is not a database of rpm" in note
