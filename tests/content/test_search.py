"""Lines in the files of layers, as grep finds them in the same files unpacked."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.content.line_search import MAX_REGEX_LINE
from layertui.content.query import MAX_EXCERPT, LineMatch, Query
from layertui.content.read import Contents
from layertui.content.search import Search
from layertui.model.errors import LayertuiError
from layertui.model.image import HistoryEntry
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import LayerNumber
from tests.commands.samples import tar
from tests.content.archives import contents_of
from tests.images import layers_of, tars_of, union_of
from tests.layouts import OciLayout
from tests.programs import need, need_root


def search_of(query: Query, *tars: bytes) -> Search:
    contents, union = contents_of(*tars)
    return Search(demo.image(), union, contents, query)


def found(query: Query, *tars: bytes) -> list[tuple[str, int, int, str]]:
    """Path, layer, line and text of each match."""
    return [(match.path, match.layer, match.line, match.text) for match in search_of(query, *tars).matches()]


def lines_of(data: bytes, query: Query) -> list[int]:
    return [line for _, _, line, _ in found(query, tar(("/f", data)))]


def test_a_match_says_where_it_is_and_stands() -> None:
    (match,) = search_of(Query("o t"), tar(("/etc/conf", b"one\ntwo three\n"))).matches()
    assert match == LineMatch("/etc/conf", LayerNumber(1), True, 2, "two three", 2, 5)
    assert list(match.to_json()) == ["path", "layer", "visible", "line", "text", "start", "end", "where"]
    assert match.to_json()["where"] == "file"


def test_config_and_build_steps_are_searched_if_asked_for() -> None:
    config = {
        "author": "hunter2 <h@example.org>",
        "config": {
            "Env": ["PATH=/bin", "PASSWORD=hunter2"],
            "Labels": {"org.example.key": "hunter2"},
            "WorkingDir": "/hunter2",
        },
        "container_config": {"Env": ["PASSWORD=hunter2"]},
        "rootfs": {"diff_ids": ["hunter2"]},
    }
    steps = (
        HistoryEntry(None, "RUN echo a\necho hunter2", "hunter2", "", LayerNumber(1)),
        HistoryEntry(None, "ENV PASSWORD=hunter2", "", "", None),
    )
    contents, union = contents_of(tar(("/f", b"hunter2\n")))
    image = demo.image()._replace(config=config, history=steps)

    def places(**options: Any) -> list[tuple[str, str, int, int | None]]:
        matches = Search(image, union, contents, Query("hunter2", **options)).matches()
        return [(each.where, each.path, each.line, each.to_json()["layer"]) for each in matches]

    file = ("file", "/f", 1, 1)
    assert places() == [file]
    assert places(with_config=True) == [
        ("config", "author", 1, None),
        ("config", "config.Env", 2, None),
        ("config", "config.Labels", 1, None),
        ("config", "config.WorkingDir", 1, None),
        ("history", "history", 1, 1),
        ("history", "history", 2, None),
        file,
    ]
    assert places(with_config=True, paths="/f") == [file]


def test_a_text_is_taken_as_it_stands_and_a_regular_expression_is_not() -> None:
    data = b"a.c\nabc\n"
    assert lines_of(data, Query("a.c")) == [1]
    assert lines_of(data, Query("a.c", is_regex=True)) == [1, 2]


def test_a_line_is_searched_by_itself_and_given_once() -> None:
    data = b"ab ab\n\nb\nab"
    assert lines_of(data, Query("ab")) == [1, 4]
    assert lines_of(data, Query(r"^b$", is_regex=True)) == [3]
    assert lines_of(data, Query(r"\Z", is_regex=True)) == [1, 2, 3, 4]
    assert lines_of(data, Query(r"b\sb|b[^x]b", is_regex=True)) == []
    assert lines_of(data, Query("b\nb")) == []


def test_case_in_every_script() -> None:
    data = "Straße\nÄRGER\nKILO\n\u212aelvin\n".encode()
    assert lines_of(data, Query("ärger")) == []
    assert lines_of(data, Query("ärger", ignores_case=True)) == [2]
    assert lines_of(data, Query("K", ignores_case=True)) == [3]
    assert lines_of(data, Query("[äö]rg.r", is_regex=True, ignores_case=True)) == [2]
    assert lines_of(data, Query("^stra.e$", is_regex=True, ignores_case=True)) == [1]


def test_bytes_that_are_no_text_do_not_hide_the_line() -> None:
    ((_, _, line, text),) = found(Query("caf"), tar(("/f", b"x\ncaf\xe9\n")))
    assert (line, text.encode("utf-8", "surrogateescape")) == (2, b"caf\xe9")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_texts_with_a_byte_order_mark(codec: str) -> None:
    layer = tar(("/f", "eins\nzwei …\n".encode(codec)))
    for query in (Query("^zwei …$", is_regex=True), Query("zwei"), Query("zwei", with_binary=True)):
        assert found(query, layer) == [("/f", 1, 2, "zwei …")]


def test_binary_files_are_counted_and_only_searched_when_asked() -> None:
    layer = tar(("/binary", b"\x7fELF\0needle\n"), ("/text", b"needle"))
    search = search_of(Query("needle"), layer)
    assert [match.path for match in search.matches()] == ["/text"]
    assert search.left_out == ["1 binary file"]
    assert [path for path, *_ in found(Query("needle", with_binary=True), layer)] == ["/binary", "/text"]


def test_versions_that_are_not_shown_only_when_asked() -> None:
    layers = (
        tar(("/a", b"needle 1"), ("/b", b"needle 2"), ("/hard", "=b"), ("/d/e", b"needle 3")),
        tar(("/a", b"needle 4"), ("/.wh.b", b""), ("/.wh.d", b"")),
    )
    assert found(Query("needle"), *layers) == [("/hard", 1, 1, "needle 2"), ("/a", 2, 1, "needle 4")]
    matches = search_of(Query("needle", with_hidden=True), *layers).matches()
    assert [(match.path, match.layer, match.visible, match.text) for match in matches] == [
        ("/a", 1, False, "needle 1"),
        ("/b", 1, False, "needle 2"),
        ("/hard", 1, True, "needle 2"),
        ("/d/e", 1, False, "needle 3"),
        ("/a", 2, True, "needle 4"),
    ]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("", ["/etc/a.conf", "/etc/d/b.conf", "/x"]),
        ("/", ["/etc/a.conf", "/etc/d/b.conf", "/x"]),
        ("*.conf", ["/etc/a.conf", "/etc/d/b.conf"]),
        ("/etc/*.conf", ["/etc/a.conf"]),
        ("/etc", ["/etc/a.conf", "/etc/d/b.conf"]),
        ("/etc/**", ["/etc/a.conf", "/etc/d/b.conf"]),
        ("d", ["/etc/d/b.conf"]),
        ("/et", []),
    ],
)
def test_paths_narrow_it(paths: str, expected: list[str]) -> None:
    layer = tar(("/etc/a.conf", b"x"), ("/etc/d/b.conf", b"x"), ("/x", b"x"))
    assert [path for path, *_ in found(Query("x", paths=paths), layer)] == expected


def test_lines_go_on_from_piece_to_piece() -> None:
    lines = [f"{number:07} {'é' * (number % 90)}" for number in range(60_000)]
    lines[30_000] += "needle"
    lines[-1] += "needle"
    data = "\n".join(lines).encode()
    assert len(data) > 3 << 20
    assert lines_of(data, Query("needle")) == [30_001, 60_000]
    every_tenth = lines_of(data, Query(r"^\d{6}0 é*", is_regex=True))
    assert every_tenth == list(range(1, 60_001, 10))


def test_a_long_line_is_shortened_around_what_matches() -> None:
    line = b"x" * 5_000 + b"needle" + b"y" * 5_000
    for start in (0, 4_990, 5_000):
        (match,) = search_of(Query("needle"), tar(("/f", line[start:]))).matches()
        assert match.text[match.start : match.end] == "needle"
        assert len(match.text) <= MAX_EXCERPT + 2 and match.text.endswith("y…")
        assert match.text.startswith("…") == (start < 4_990)
    (match,) = search_of(Query("x+", is_regex=True), tar(("/f", line))).matches()
    assert (match.start, match.end) == (0, MAX_EXCERPT)


def test_a_regular_expression_sees_the_beginning_of_a_long_line_and_that_is_counted() -> None:
    layer = tar(("/f", b"x" * MAX_REGEX_LINE + b"needle\nneedle\n"))
    search = search_of(Query("need+le", is_regex=True), layer)
    assert [match.line for match in search.matches()] == [2]
    assert search.long_lines == 1
    assert [line for _, _, line, _ in found(Query("needle"), layer)] == [1, 2]


def test_what_cannot_be_read_is_counted_and_the_rest_searched() -> None:
    whole = tar(("/a", b"needle\n" * 200), ("/b", b"needle\n" * 200))
    union = union_of(layers_of([whole]))
    contents, _ = contents_of(whole[:3000])
    contents.grow(union.indexes, union)
    search = Search(demo.image(), union, contents, Query("needle"))
    assert {match.path for match in search.matches()} == {"/a", "/b"}  # what there is of it
    assert search.left_out == ["1 file that cannot be read"]


def test_a_pattern_that_is_none_says_why() -> None:
    with pytest.raises(LayertuiError, match=r"not a regular expression: \(, missing \)"):
        search_of(Query("(", is_regex=True), tar())


def test_progress_and_stopping() -> None:
    told: list[tuple[int, int]] = []
    search = search_of(Query("x"), tar(("/a", b"x" * 10)), tar(("/b", b"x" * 20)))
    assert len(list(search.matches(Job(lambda *seen: told.append(seen))))) == 2
    assert told == [(10, 30), (30, 30)]
    job = Job()
    matches = search.matches(job)
    next(matches)
    job.cancel()
    with pytest.raises(Cancelled):
        next(matches)


# Against grep


def grep(root: Path, *options: str) -> list[tuple[str, int, bytes]]:
    command = ["grep", "-rnIZ", *options, "."]
    done = subprocess.run(command, cwd=root, capture_output=True, env={"LC_ALL": "C"}, check=False)
    assert done.returncode in (0, 1), done.stderr
    rows = (re.fullmatch(rb"\.(.*)\0(\d+):(.*)", line) for line in done.stdout.splitlines())
    return [(row[1].decode(), int(row[2]), row[3]) for row in rows if row]


PATTERNS = [
    ("e", Query("e")),
    ("-i held", Query("HELD", ignores_case=True)),
    ("-E ^[A-Z]:[0-9a-z]", Query("^[A-Z]:[0-9a-z]", is_regex=True)),
    ("-E -i (root|quarry):.*$", Query("(ROOT|Quarry):.*$", is_regex=True, ignores_case=True)),
]  # fmt: skip


@pytest.mark.parametrize(("options", "query"), PATTERNS, ids=[options for options, _ in PATTERNS])
def test_the_sample_against_grep(options: str, query: Query, tmp_path: Path) -> None:
    """What umoci unpacks of the image, and of the hidden files each layer by itself."""
    need("umoci", "grep")
    need_root()
    image = demo.image()
    union = union_of(image.layers)
    contents = Contents(image, union.indexes, union)
    OciLayout(tmp_path / "layout").add_image("1", image)
    root = tmp_path / "root"
    subprocess.run(
        ["umoci", "raw", "unpack", "--image", f"{tmp_path / 'layout'}:1", str(root)], check=True, capture_output=True
    )  # fmt: skip
    mine = [
        (match.path, match.line, match.text.encode("utf-8", "surrogateescape"))
        for match in Search(image, union, contents, query).matches()
    ]
    assert mine and sorted(mine) == sorted(grep(root, *options.split()))

    everything = Query(query.pattern, query.is_regex, query.ignores_case, with_hidden=True)
    theirs = set()
    for number, data in enumerate(tars_of(image.layers), 1):
        folder = tmp_path / f"layer {number}"
        (tmp_path / "tar").write_bytes(data)
        with tarfile.open(tmp_path / "tar") as archive:
            archive.extractall(folder, filter="fully_trusted")
        theirs |= {(path, number, line) for path, line, _ in grep(folder, *options.split())}
    seen = {
        (match.path, match.layer, match.line)
        for match in Search(image, union, contents, everything).matches()
    }
    assert len(seen) > len(mine) and seen == theirs
