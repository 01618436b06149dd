"""What files hold and how their versions differ, as the detail pane shows it."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui import demo
from layertui.content.read import Contents
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.ui.detail import difference
from layertui.ui.detail.subject import Subject
from layertui.ui.detail.text_difference import TextDifference, Version
from layertui.ui.detail.text_document import CHUNK
from tests.content.archives import tar_of
from tests.images import layers_of, union_of
from tests.layers.unpacked.test_change_detection import rewrite
from tests.layers.unpacked.test_overlay_directory import image_of, opened
from tests.ui.detail.test_detail import HOME, Detail, about, pressing, settled, text
from tests.ui.places import HOSTILE, until
from tests.waiting import wait_for

Compare = Callable[..., bool]


def stored(*versions: bytes, name: str = "file", others: bool = False) -> Subject:
    """A file that each of the layers stores anew, seen from the last."""
    layers = layers_of([tar_of({name: data}) for data in versions])
    union = union_of(layers)
    image = demo.image()._replace(layers=layers)
    node = union.find(f"/{name}")
    return Subject(image, union, Contents(image, union.indexes, union), LayerNumber(len(versions)), node)


def numbered(count: int, mark: str = "") -> bytes:
    return b"".join(b"line %d of a file that is long%s\n" % (n, mark.encode()) for n in range(1, count + 1))


GERMAN = "Grüße aus München\nund schöne Straßen\n"

PREVIEWS: dict[str, Callable[[], tuple[Subject, tuple[str, ...]]]] = {
    "text": lambda: (about(f"{HOME}/app.py"), ()),
    "hidden_text": lambda: (about(HOME, 6), ("1", "enter")),
    "as_hex": lambda: (about(f"{HOME}/app.py"), ("H",)),
    "binary_as_text": lambda: (about("/usr/lib/stonecut.so"), ("H",)),
    "shell": lambda: (about("/usr/local/bin/entrypoint.sh"), ()),
    "latin_1": lambda: (stored((GERMAN * 5).encode("latin-1")), ()),
    "utf_16": lambda: (stored(GERMAN.encode("utf-16")), ()),
    "crlf": lambda: (stored(b"[section]\r\nkey=value\r\n", name="a.ini"), ()),
    "mixed_line_ends": lambda: (stored(b"one\r\ntwo\nthree\r\n"), ()),
    "old_mac_line_ends": lambda: (stored(b"one\rtwo\rthree"), ()),
    "long_lines": lambda: (stored(b"short\n" + b"0123456789" * 450 + b"\nlast\n"), ()),
    "long_lines_folded": lambda: (stored(b"short\n" + b"0123456789" * 45 + b"\nlast\n"), ("w",)),
    "tabs": lambda: (stored(b"a\tb\n1234567\tc\n12345678\td\n", name="Makefile"), ()),
    "hostile": lambda: (stored(f"{HOSTILE}\n".encode() + b"\xc2\x9b2J\xe2\x80\xa8\x08\n"), ()),
    "damaged_utf_8": lambda: (stored(GERMAN.encode() + b"\xff\xfe\n"), ()),
    "east_asian": lambda: (stored("日本語のテキスト\n中文\n".encode()), ()),
}


@pytest.mark.parametrize("case", PREVIEWS)
def test_preview(snap_compare: Compare, case: str) -> None:
    subject, keys = PREVIEWS[case]()
    assert snap_compare(Detail(subject), terminal_size=(90, 16), run_before=pressing("4", *keys))


def test_preview_at_all_sizes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = Detail(about(f"{HOME}/app.py"), theme)
    assert snap_compare(app, terminal_size=size, run_before=pressing("4"))


def edited(count: int, at: int) -> bytes:
    lines = numbered(count).split(b"\n")
    lines[at] = b"line %d of a file that was edited" % (at + 1)
    return b"\n".join(lines)


BYTES = bytes(range(256)) * 8

DIFFS = {
    "text": lambda: about("/etc/quarry/server.conf", 8),
    "inside": lambda: about(f"{HOME}/templates/index.html", 9),
    "binary": lambda: about("/usr/lib/stonecut.so", 9),
    "binary_grown": lambda: stored(BYTES, BYTES[:700] + b"\0" * 200 + BYTES[900:] + b"more"),
    "text_to_binary": lambda: stored(b"text\n", b"\0\1\2"),
    "links": lambda: about(f"{HOME}/current", 8),
    "too_large": lambda: stored(numbered(40_000), edited(40_000, 30_000)),
    "no_newline": lambda: stored(b"one\ntwo\nthree", b"one\ntwo\nthree\nfour\n"),
    "line_ends": lambda: stored(b"one\ntwo\n", b"one\r\ntwo\r\n"),
    "encodings": lambda: stored((GERMAN * 5).encode("latin-1"), (GERMAN * 5 + "mehr\n").encode()),
    "same_content": lambda: about(f"{HOME}/config/quarry.json", 8),
    "emptied": lambda: stored(b"one\ntwo\n", b""),
    "hostile": lambda: stored(b"plain\n", f"{HOSTILE}\n".encode()),
    "long_line": lambda: stored(b"x" * 4500 + b"\n", b"x" * 4500 + b"y\n"),
    "tabs": lambda: stored(b"all:\n\tmake one\n", b"all:\n\tmake two\n", name="Makefile"),
}


@pytest.mark.parametrize("case", DIFFS)
def test_diff(snap_compare: Compare, case: str) -> None:
    app = Detail(DIFFS[case]())
    assert snap_compare(app, terminal_size=(90, 20), run_before=pressing("2"))


def test_diff_at_all_sizes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = Detail(about(f"{HOME}/app.py"), theme)
    assert snap_compare(app, terminal_size=size, run_before=pressing("2"))


def test_diff_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Detail(about("/etc/quarry/server.conf", 8))
    assert snap_compare(app, terminal_size=(90, 20), run_before=pressing("2"))


# Keys


async def test_capital_h_shows_hex_and_text_again() -> None:
    app = Detail(about(f"{HOME}/app.py"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "H")(pilot)
        assert "22 22 22 4f" in text(app.pane)
        await pressing("H")(pilot)
        assert "import json" in text(app.pane)


async def test_n_goes_from_hunk_to_hunk() -> None:
    app = Detail(about(f"{HOME}/app.py"))
    async with app.run_test(size=(100, 14)) as pilot:
        await pressing("2", "n")(pilot)
        assert text(app.pane).splitlines()[1].strip() == "@@ -28,7 +28,7 @@"
        await pressing("n", "N")(pilot)
        assert text(app.pane).splitlines()[1].strip() == "@@ -28,7 +28,7 @@"
        await pressing("N")(pilot)
        assert text(app.pane).splitlines()[1].strip() == "@@ -8,8 +8,8 @@"
        await pressing("N")(pilot)
        assert text(app.pane).splitlines()[1].strip() == "@@ -8,8 +8,8 @@"


async def test_every_hunk_can_be_gone_to_when_lines_are_folded() -> None:
    before = numbered(60)
    after = edited(60, 10).replace(b"line 50 of", b"line fifty of" + b" and more" * 30)
    app = Detail(stored(before, after))
    async with app.run_test(size=(50, 8)) as pilot:
        await pressing("2", "w", "n")(pilot)
        assert text(app.pane).splitlines()[1].strip() == "@@ -47,7 +47,7 @@"


async def test_a_large_file_is_read_on_as_one_scrolls() -> None:
    data = numbered(6000)
    assert 3 * CHUNK < len(data) < 4 * CHUNK
    app = Detail(stored(data))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4")(pilot)
        assert "line 1 of" in text(app.pane)
        for _ in range(5):
            await pressing("end")(pilot)
        last = text(app.pane).splitlines()[-1]
        assert last.split()[:3] == ["6000", "line", "6000"]


async def test_lines_are_numbered_through_where_chunks_meet() -> None:
    data = b"x" * (CHUNK + 5000) + b"\nsecond\n"
    app = Detail(stored(data))
    async with app.run_test(size=(100, 50)) as pilot:
        await pressing("4", "end", "end")(pilot)
        assert text(app.pane).splitlines()[-1].split() == ["2", "second"]
        assert text(app.pane).count("↪") > 30


async def test_a_part_of_large_texts_is_compared_from_the_line_that_differs() -> None:
    app = Detail(stored(numbered(40_000), edited(40_000, 30_000)))
    async with app.run_test(size=(150, 20)) as pilot:
        await pressing("2")(pilot)
        shown = text(app.pane)
        assert "@@ -29998,7 +29998,7 @@" in shown
        assert "too large to compare completely" in shown


async def test_the_end_of_the_part_that_is_compared_is_no_difference() -> None:
    app = Detail(stored(numbered(90_000), b"first\n" + numbered(90_000)))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("2")(pilot)
        assert "1 hunk" in text(app.pane)
        assert "+1 −0 lines" in text(app.pane)


async def test_a_comparison_that_takes_long_is_given_up_when_another_path_is_selected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started, ended = threading.Event(), threading.Event()

    def slow(name: str, before: Version, after: Version, job: Job) -> TextDifference:
        started.set()
        wait_for(lambda: job.is_cancelled)
        ended.set()
        return TextDifference(name, before, after, job)

    monkeypatch.setattr(difference, "TextDifference", slow)
    app = Detail(stored(b"a\nb\nc\n", b"a\nB\nc\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.tab = 1
        app.pane.show(app.subject)
        await until(pilot, started.is_set)
        app.pane.show(about("/run/initctl"))
        await until(pilot, ended.is_set)
        await settled(pilot)
        assert "initctl" in text(app.pane)


async def test_nothing_of_a_file_reaches_the_terminal_raw() -> None:
    data = bytes(byte for byte in range(256) if byte) * 3 + HOSTILE.encode()
    for versions, key in (((data,), "4"), ((b"plain\n", HOSTILE.encode() + b"\xc2\x9b\n"), "2")):
        app = Detail(stored(*versions))
        async with app.run_test(size=(200, 20)) as pilot:
            await pressing(key, "b" if key == "4" else "n", "b" if key == "4" else "n")(pilot)
            assert all(line.isprintable() for line in text(app.pane).split("\n"))


@pytest.mark.parametrize(("lines", "last"), [(20_000, 20_000), (25_000, None)])
async def test_a_large_file_of_which_every_line_differs_shows_soon(lines: int, last: int | None) -> None:
    app = Detail(stored(numbered(lines), numbered(lines, ", and is another")))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("2")(pilot)
        assert f"@@ -1,{last or ''}" in text(app.pane)
        await pressing("end")(pilot)
        assert text(app.pane).endswith("5,000 lines are shown; layertui diff prints all of them.")


async def test_bytes_that_look_like_what_they_are_shown_as_are_distinguished() -> None:
    app = Detail(stored(GERMAN.encode() + b"\xff \\xff\n", GERMAN.encode() + b"\\xff \xff\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("2")(pilot)
        assert "@@ 6 bytes at" in text(app.pane)


async def test_a_file_that_is_written_to_while_it_is_looked_at(tmp_path: Path) -> None:
    """As that of a container that runs: what it holds by now is not shown as what was listed, nor mixed with it."""
    (tmp_path / "log").write_bytes(numbered(8000))
    image = image_of([tmp_path])
    union, contents = opened(image)
    app = Detail(Subject(image, union, contents, LayerNumber(1), union.find("/log")))
    async with app.run_test(size=(120, 16)) as pilot:
        await pressing("4")(pilot)
        assert "line 1 of a file that is long" in text(app.pane)
        rewrite(tmp_path / "log")
        for keys in (("end",), ("1", "4"), ("b",)):
            await pressing(*keys)(pilot)
            said = " ".join(text(app.pane).split())
            assert (
                said == f"cannot read {tmp_path}/log, changed since the image was read, read the image again"
            )


async def test_what_lies_unpacked_has_no_place_in_a_tar(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\n")
    image = image_of([tmp_path])
    union, contents = opened(image)
    app = Detail(Subject(image, union, contents, LayerNumber(1), union.find("/log")))
    async with app.run_test(size=(120, 40)) as pilot:
        await pressing("5")(pilot)
        assert "diff ID" in text(app.pane) and "offset" not in text(app.pane)
