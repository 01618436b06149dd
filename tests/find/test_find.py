"""What matches in many images: the same as in each alone, each layer read once."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layertui.cache.indexes import IndexCache
from layertui.content.query import Query
from layertui.content.read import Contents
from layertui.content.search import Search
from layertui.content.tar_reader import TarReader
from layertui.find.lines import LineFinder
from layertui.find.memo import LayerMemo
from layertui.find.packages import PackageFinder
from layertui.find.paths import PathFinder
from layertui.gate.globs import Globs
from layertui.insight.package_databases import PACKAGE_FILES
from layertui.layers.compression.stream import DecompressedStream
from layertui.model.blob import Blob
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import LayerNumber
from layertui.sources import open_image
from layertui.union.load import read_union
from layertui.union.path_filter import glob_pattern, literal_ending
from tests import every_entry_type
from tests.commands.samples import eventful, tar
from tests.layouts import OciLayout, docker_archive

LINKED = [
    tar(("/usr", None), ("/usr/lib", None), ("/lib", "->usr/lib")),
    tar(("/lib/new.so", b"needle\n"), ("/usr/lib/old.so", b"needle\n")),
]
"""Its second layer stores a file below a symlink."""


@pytest.fixture
def images(tmp_path: Path) -> list[Image]:
    docker_archive(tmp_path / "entries.tar", every_entry_type.image())
    layout = OciLayout(tmp_path / "linked")
    layout.add("1", LINKED, "gzip")
    return [
        open_image(each)
        for each in (
            "demo:",
            str(eventful(tmp_path)),
            str(tmp_path / "entries.tar"),
            str(tmp_path / "linked"),
        )
    ]


@pytest.fixture(params=[False, True], ids=["uncached", "cached"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> IndexCache | None:
    return IndexCache(tmp_path / "cache") if request.param else None


@pytest.mark.parametrize(
    "glob",
    [
        "passwd",
        "/etc/passwd",
        "*.so",
        "*o*",
        "/usr/lib/*",
        "/usr/**",
        "etc/*",
        "?o*",
        "*",
        "**",
        "/lib/new.so",
        "x[a]",
    ],
)
def test_paths_are_those_that_match_in_each_image(
    glob: str, images: list[Image], cache: IndexCache | None
) -> None:
    finder = PathFinder(LayerMemo(cache), glob)
    for _again in range(2):
        for image in images:
            union = read_union(image, None)
            expected = [
                (union.path(node), union.ev_layer[event], union.last[node] == event)
                for node, _ in Globs([glob]).nodes(union)
                for event in union.versions(node)
                if union.ev_entry[event] >= 0
            ]
            assert [(row.path, row.layer, row.visible) for row in finder.in_image(image)] == expected
    assert not finder.damage


def test_a_path_is_where_links_lead(images: list[Image]) -> None:
    assert [row.path for row in PathFinder(LayerMemo(None), "/usr/lib/new.so").in_image(images[3])] == [
        "/usr/lib/new.so"
    ]
    lines = list(LineFinder(LayerMemo(None), "needle").in_image(images[3]))
    assert [(row.path, row.layer, row.visible, row.line) for row in lines] == [
        ("/usr/lib/new.so", 2, True, 1),
        ("/usr/lib/old.so", 2, True, 1),
    ]


@pytest.mark.parametrize("text", ["e", "quarry", "one", "-", "nowhere at all"])
def test_lines_are_those_of_a_search_of_each_image(
    text: str, images: list[Image], cache: IndexCache | None
) -> None:
    finder = LineFinder(LayerMemo(cache), text)
    for image in images * 2:
        union = read_union(image, None)
        search = Search(image, union, Contents(image, union.indexes, union), Query(text, with_hidden=True))
        expected = sorted(
            (row.path, row.layer, row.visible, row.line, row.text, row.start, row.end)
            for row in search.matches()
        )
        found = sorted(
            (row.path, row.layer or 0, row.visible, row.line, row.text, row.start, row.end)
            for row in finder.in_image(image)
        )
        assert found == expected


def test_packages_are_those_of_each_layer(images: list[Image], cache: IndexCache | None) -> None:
    for glob in ("libc", "apk:*", "libc=1.2.*", "stonecut"):
        finder = PackageFinder(LayerMemo(cache, PACKAGE_FILES), glob)
        for _again in range(2):
            found = [(row.layer, row.name, row.version, row.visible) for row in finder.in_image(images[0])]
            assert not finder.damage
            if glob == "apk:*":
                assert len(found) > 5 and (2, "build-base", "0.5-r3", False) in found
            elif glob == "stonecut":
                assert [row[0] for row in found] == sorted(row[0] or 0 for row in found)
            else:
                assert found == [(1, "libc", "1.2.5-r1", True)]


DATABASE = "Package: {}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"


@pytest.fixture
def many(tmp_path: Path) -> Iterator[list[Image]]:
    """Images with two layers in common and one of their own."""
    layout = OciLayout(tmp_path / "many")
    base = tar(("/var/lib/dpkg/status", DATABASE.format("base").encode()), ("/base", b"needle\n"))
    middle = tar(("/middle", b"needle\n"))
    for number in range(5):
        own = tar((f"/own{number}", b"needle\n"))
        layout.add(f"{number}", [base, middle, own], "gzip")
    yield [open_image(f"oci:{tmp_path}/many:{number}") for number in range(5)]


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The blobs of layers, each time that one is read for its entries or for contents."""
    opened: list[str] = []
    start, read = DecompressedStream.__init__, TarReader.__init__

    def start_entries(self: DecompressedStream, blob: Blob, *rest: Any) -> None:
        opened.append(f"entries {blob.location}")
        start(self, blob, *rest)

    def start_contents(self: TarReader, number: LayerNumber, blob: Blob, *rest: Any) -> None:
        opened.append(f"contents {blob.location}")
        read(self, number, blob, *rest)

    monkeypatch.setattr(DecompressedStream, "__init__", start_entries)
    monkeypatch.setattr(TarReader, "__init__", start_contents)
    return opened


def test_layers_in_common_are_read_once(
    many: list[Image], cache: IndexCache | None, streams: list[str]
) -> None:
    """Once for their entries and once for contents."""
    memo = LayerMemo(cache)
    rows = [row.path for image in many for row in PathFinder(memo, "base").in_image(image)]
    assert rows == ["/base"] * 5
    assert len(streams) == len(set(streams)) == 7
    lines = LineFinder(memo, "needle")
    rows = [row.path for image in many for row in lines.in_image(image)]
    assert len(rows) == 15 and rows[:3] == ["/base", "/middle", "/own0"]
    assert len(streams) == len(set(streams)) == 14
    if cache is not None:
        memo = LayerMemo(cache)
        assert len([row for image in many for row in PathFinder(memo, "own*").in_image(image)]) == 5
        assert len(streams) == 14
        for _again in range(2):
            packages = PackageFinder(LayerMemo(cache, PACKAGE_FILES), "base")
            assert len([row for image in many for row in packages.in_image(image)]) == 5
        assert len(streams) == 16  # the one with the database, for each run


def test_packages_of_an_unknown_kind_are_an_error() -> None:
    with pytest.raises(
        LayertuiError, match=r"^deb:openssl matches no package, the kinds are dpkg, apk, .*, not deb"
    ):
        PackageFinder(LayerMemo(None, PACKAGE_FILES), "deb:openssl")


def test_cold_packages_need_no_second_reading(many: list[Image], streams: list[str]) -> None:
    packages = PackageFinder(LayerMemo(None, PACKAGE_FILES), "base")
    assert len([row for image in many for row in packages.in_image(image)]) == 5
    assert len(streams) == 7


def test_cold_lines_need_no_second_reading(many: list[Image], streams: list[str]) -> None:
    lines = LineFinder(LayerMemo(None), "needle")
    rows = [row.path for image in many for row in lines.in_image(image)]
    assert len(rows) == 15 and rows[:3] == ["/base", "/middle", "/own0"]
    assert len(streams) == 7


def test_it_can_be_stopped(images: list[Image]) -> None:
    job = Job()
    job.cancel()
    for finder in (PathFinder(LayerMemo(None), "a"), LineFinder(LayerMemo(None), "a")):
        with pytest.raises(Cancelled):
            list(finder.in_image(images[0], job))


def test_the_fast_pattern_matches_at_least_what_the_glob_does() -> None:
    chance = random.Random(1)
    letters = "ab./*?"
    keys = [
        b"\0".join(
            "".join(chance.choices("ab.", k=chance.randint(1, 4))).encode()
            for _ in range(chance.randint(1, 3))
        )
        for _ in range(300)
    ]
    matched = 0
    for _ in range(400):
        glob = "".join(chance.choices(letters, k=chance.randint(1, 7))).encode()
        if not glob.strip(b"/"):
            continue
        exact = re.compile(glob_pattern(glob))
        fast = re.compile(rb"(?:" + literal_ending(glob) + rb")\Z")
        for key in keys:
            if exact.search(key):
                matched += 1
                assert fast.search(b"/" + key), (glob, key)
    assert matched > 1000
