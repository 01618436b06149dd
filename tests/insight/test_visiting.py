"""Answers of images whose contents are visited while they are scanned, compared with those that read them afterwards."""

from __future__ import annotations

import gzip
import random
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.cache.indexes import IndexCache
from layertui.content import line_visit
from layertui.content.line_visit import line_visitor
from layertui.content.query import LineMatch, Query
from layertui.content.read import Contents
from layertui.content.search import Search
from layertui.insight import secret_search
from layertui.insight.duplicates import candidates, duplicates
from layertui.insight.packages import packages
from layertui.insight.secrets import secrets
from layertui.insight.visiting import visitors_of
from layertui.layers.visit import MAX_READ, VISITED_PIECE
from layertui.model.blob import BytesBlob
from layertui.model.image import Descriptor, Image, Layer
from layertui.model.numbers import LayerNumber
from layertui.union.load import read_union
from tests import every_entry_type, hostile
from tests.commands.samples import tar
from tests.content.archives import COMPRESS, sparse_tar
from tests.images import tars_of
from tests.insight.test_secrets import EXAMPLES, NAMED
from tests.layers.tars import mutations
from tests.layouts import LAYER, digest

QUERIES = (
    Query("e", with_hidden=True),
    Query("Needle", ignores_case=True, with_hidden=True, with_binary=True),
    Query("straße", ignores_case=True),
    Query(r"^\w+ = ", is_regex=True, with_hidden=True),
    Query("password", paths="/root"),
    Query("o", paths="*.conf", with_hidden=True),
    Query("\udcff"),
    Query("\ud800"),
)


def image_of(blobs: Sequence[bytes], digests: Sequence[str] = ()) -> Image:
    """An image whose layers are stored as these bytes, and claim these digests."""
    layers = [
        Layer(
            LayerNumber(number),
            Descriptor(LAYER, claimed, len(blob)),
            "",
            "",
            BytesBlob(blob, f"layer {number}"),
        )
        for number, (blob, claimed) in enumerate(zip(blobs, digests or [""] * len(blobs), strict=True), 1)
    ]
    return demo.image()._replace(layers=layers)


@cache
def varied() -> list[bytes]:
    """Tars with secrets in files of all kinds, and lines that queries find."""
    noise = random.Random(7)
    tokens = [(f"/tokens/{rule}", f"Needle\nx: '{text}'\n".encode()) for rule, text in EXAMPLES.items()]
    named = [(path, text.encode()) for path, (_, text) in NAMED.items()]
    one = tar(
        *tokens,
        *named,
        ("/etc/app.conf", b"one\nNEEDLE = 2\nthree"),
        ("/hard.conf", "=etc/app.conf"),
        ("/by-another-name", b"//r.example/:_authToken=ijklmnop\n"),
        ("/home/.npmrc", "=by-another-name"),
        ("/binary", b"\0" + EXAMPLES["GitHub token"].encode()),
        ("/late-nul", b"text\n" * 2000 + b"\0" + EXAMPLES["GitHub token"].encode()),
        ("/bytes.conf", b"not utf-8: \xff\xfe needle \xff\n" * 3),
        ("/empty", b""),
        *((f"/{codec}", f"one\nNeedle = {EXAMPLES['npm token']}\n".encode(codec)) for codec in ("utf-8-sig", "utf-16", "utf-32")),
        ("/two-bytes", b"\xff\xfe"),
        ("/german", "Straße\nSTRASSE\nstraße\n".encode()),
        ("/noise", noise.randbytes(50_000)),
        ("/usr/lib", None),
        ("/lib", "->usr/lib"),
    )  # fmt: skip
    two = tar(
        ("/etc/app.conf", b"one\nNEEDLE = 2\nthree"),
        ("/lib/below", b"needle = in a directory that a link leads to\n"),
        ("/.wh.german", b""),
        ("/again", b"first\nneedle\n"),
        ("/again", b"second\nneedle = 1\n"),
        ("/copy", noise.randbytes(100)),
        ("/tokens/.wh.npm token", b""),
    )
    text = f"a line\n{EXAMPLES['GitHub token']}\n".encode().ljust(9000, b"\n")
    sparse = sparse_tar((0, 9000), (20_000, 4), size=30_000, data=text + b"rest")
    return [one, two, sparse]


@cache
def large() -> list[bytes]:
    """Tars with files that are searched in windows, and hashed in pieces."""
    line = b"a line of text\n"
    text = bytearray(line * (MAX_READ // len(line) + VISITED_PIECE // 30))
    for place in (100, VISITED_PIECE - 10, MAX_READ - 20, MAX_READ + 5, len(text) - 100):
        text[place : place + 60] = b"\nNeedle = " + EXAMPLES["GitHub token"].encode().ljust(49)[:49] + b"\n"
    binary = random.Random(3).randbytes(MAX_READ + 700)
    wide = ("needle = 1\n" * 200_000).encode("utf-16")
    return [tar(("/text", bytes(text)), ("/binary", binary)), tar(("/wide", wide), ("/copy", binary))]


def gzipped(tars: Sequence[bytes]) -> Image:
    return image_of([gzip.compress(each, 1) for each in tars])


def as_stored(how: str) -> Callable[[], Image]:
    return lambda: image_of([COMPRESS[how](each) for each in varied()])


IMAGES: dict[str, Callable[[], Image]] = {
    "sample": demo.image,
    "every entry type": lambda: gzipped(tars_of(every_entry_type.image().layers)),
    "hostile": lambda: gzipped(tars_of(hostile.image().layers)),
    "large": lambda: gzipped(large()),
    **{how: as_stored(how) for how in COMPRESS},
    "wrong digest": lambda: image_of(
        [gzip.compress(each) for each in varied()], [digest(b"another"), "", digest(b"another")]
    ),
}


def insights(
    image: Image, is_visited: bool, cache: IndexCache | None = None, stored: Image | None = None
) -> dict[str, Any]:
    """What questions say about an image; with ``stored``, contents can only be read of that one."""
    visitors = visitors_of(["secrets", "duplicates", "packages"]) if is_visited else ()
    union = read_union(image, cache, visitors)
    contents = Contents(stored or image, union.indexes, union)
    leaked = secrets(image, union, contents)
    contents.prepare(candidates(union))
    doubled = duplicates(union, contents)
    return {
        "damage": union.damages(),
        "warnings": union.warnings,
        "secrets": [row.to_json(is_shown=True) for row in leaked.found],
        "unread": leaked.problems,
        "duplicates": [row.to_json() for row in doubled.groups],
        "uncompared": doubled.unreadable,
        "packages": [row.to_json() for row in packages(union, contents).changes],
    }


def searched(
    image: Image,
    query: Query,
    is_visited: bool,
    cache: IndexCache | None = None,
    stored: Image | None = None,
) -> tuple[Sequence[LineMatch], Sequence[str]]:
    """What a search finds, and what it leaves out."""
    union = read_union(image, cache, [line_visitor(query)] if is_visited else ())
    search = Search(image, union, Contents(stored or image, union.indexes, union), query)
    return list(search.matches()), search.left_out


@pytest.mark.parametrize("name", IMAGES)
def test_cold_and_warm_answers_are_the_same(name: str, tmp_path: Path) -> None:
    image, cache = IMAGES[name](), IndexCache(tmp_path)
    expected = insights(image, is_visited=False)
    if name != "large":
        assert insights(image, is_visited=True) == expected
    assert insights(image, True, cache) == expected, "cold"
    assert insights(image, True, cache) == expected, "warm"
    for query in QUERIES if name in ("plain", "gzip", "hostile", "every entry type") else QUERIES[1:2]:
        lines = searched(image, query, is_visited=False)
        assert searched(image, query, is_visited=True) == lines
        assert searched(image, query, True, cache) == lines, "warm"


def test_damaged_layers_give_the_same_answers() -> None:
    damaged = 0
    for number, each in enumerate(varied()[:2]):
        blob = gzip.compress(each, 1)
        cut = [blob[: len(blob) * part // 5] for part in range(2, 5)]
        for data in (*cut, *mutations(number, blob, 9)):
            image = image_of([gzip.compress(varied()[2]), data])
            expected = insights(image, is_visited=False)
            assert insights(image, is_visited=True) == expected
            assert searched(image, QUERIES[0], True) == searched(image, QUERIES[0], False)
            damaged += bool(expected["damage"])
    assert damaged > 10


def test_what_was_visited_is_not_read_again() -> None:
    """All but files with holes, and those that only another name asks for."""
    image, without = gzipped(varied()[:2]), image_of([b"", b""])
    expected, found = insights(image, is_visited=False), insights(image, True, stored=without)
    assert found["duplicates"] == expected["duplicates"] != [] and not found["uncompared"]
    named = [row for row in expected["secrets"] if row["name"] == "/by-another-name"]
    assert len(named) == 1 and found["unread"] == ["1 file cannot be read and scanned for secrets"]
    assert found["secrets"] == [row for row in expected["secrets"] if row not in named]
    for query in QUERIES[:4]:
        assert searched(image, query, True, stored=without) == searched(image, query, False)
    path = "/hard.conf"
    lines, left_out = searched(image, Query("one", paths=path), True, stored=without)
    assert not lines and left_out == ["1 file that cannot be read"]
    assert [row.path for row in searched(image, Query("one", paths=path), True)[0]] == [path]


@pytest.mark.parametrize("room", [0, 300, 1000, 10_000])
def test_lines_that_have_no_room_are_searched_afterwards(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image, query = gzipped(varied()), QUERIES[0]
    expected = searched(image, query, is_visited=False)
    monkeypatch.setattr(line_visit, "LINES_ROOM", room)
    assert searched(image, query, is_visited=True) == expected


def test_a_large_file_whose_lines_have_no_room_is_searched_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, query = gzipped(large()[:1]), Query("line")
    lines, left_out = searched(image, query, is_visited=False)
    assert len(lines) > MAX_READ // 20
    monkeypatch.setattr(line_visit, "LINES_ROOM", 1 << 20)
    assert searched(image, query, is_visited=True) == (lines, left_out)


def test_another_query_does_not_use_what_was_visited() -> None:
    image = demo.image()
    visited, without = read_union(image, None, [line_visitor(Query("root"))]), read_union(image, None)
    found, expected = (
        list(Search(image, union, Contents(image, union.indexes, union), Query("python")).matches())
        for union in (visited, without)
    )
    assert found == expected != []


def test_secrets_without_the_library_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image = gzipped(varied())
    expected = insights(image, is_visited=True)
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    secret_search._literal_search.cache_clear()
    try:
        assert insights(image, is_visited=True) == expected
    finally:
        secret_search._literal_search.cache_clear()
