"""Who wrote each line, beside the preview, and stepping from version to version."""

from collections.abc import Callable

import pytest

from layertui.ui.detail.text_document import CHUNK
from tests.ui.detail.test_detail import HOME, Detail, about, pressing, text
from tests.ui.detail.test_detail_files import numbered, stored
from tests.ui.places import HOSTILE

Compare = Callable[..., bool]

MANY = stored(*(b"".join(b"%d\n" % line for line in range(number)) for number in range(1, 18)))


@pytest.mark.parametrize("case", ["two_versions", "hostile", "many_versions"])
def test_blame(snap_compare: Compare, case: str) -> None:
    subject = {
        "two_versions": lambda: about("/etc/passwd"),
        "hostile": lambda: stored(b"one\n", f"one\n{HOSTILE}\n".encode()),
        "many_versions": lambda: MANY,
    }[case]()
    assert snap_compare(Detail(subject), terminal_size=(90, 16), run_before=pressing("4", "b"))


def test_blame_at_all_sizes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = Detail(about("/etc/passwd"), theme)
    assert snap_compare(app, terminal_size=size, run_before=pressing("4", "b"))


def test_blame_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Detail(about("/etc/passwd"))
    assert snap_compare(app, terminal_size=(90, 16), run_before=pressing("4", "b"))


def beside(app: Detail) -> list[list[str]]:
    """The words of each line of the preview, below the rail."""
    return [line.split() for line in text(app.pane).splitlines()[1:] if line.strip()]


async def test_b_shows_who_wrote_each_line_and_hides_it() -> None:
    app = Detail(stored(b"one\ntwo\n", b"one\n2\nthree\n", b"one\n2\nthree\nfour\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "b")(pilot)
        lines = beside(app)
        assert [words[:2] for words in lines] == [["▌", "1"], ["▌", "2"], ["▌", "2"], ["▌", "3"]]
        assert [words[-2:] for words in lines] == [["1", "one"], ["2", "2"], ["3", "three"], ["4", "four"]]
        await pressing("b")(pilot)
        assert "▌" not in text(app.pane)


async def test_blame_stays_on_for_the_files_to_come() -> None:
    app = Detail(stored(b"one\n", b"one\ntwo\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "b")(pilot)
        app.subject = stored(b"a\n", b"b\na\n")
        await pressing()(pilot)
        assert [words[1] for words in beside(app)] == ["2", "1"]


async def test_versions_are_stepped_through_in_place() -> None:
    app = Detail(stored(b"one\n", b"one\ntwo\n", b"one\n2\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "b")(pilot)
        assert text(app.pane).startswith("○ 1 ── ○ 2 ── ● 3")
        await pressing("less_than_sign")(pilot)
        assert text(app.pane).startswith("○ 1 ── ● 2 ── ○ 3")
        assert [(words[1], words[-1]) for words in beside(app)] == [("1", "one"), ("2", "two")]
        await pressing("less_than_sign", "less_than_sign")(pilot)
        assert text(app.pane).startswith("● 1 ── ○ 2 ── ○ 3")
        await pressing("b", "greater_than_sign", "greater_than_sign")(pilot)
        assert [line.split() for line in text(app.pane).splitlines()[1:3]] == [["1", "one"], ["2", "2"]]


async def test_stepping_keeps_the_place() -> None:
    app = Detail(stored(numbered(300), numbered(300, " too")))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "pagedown", "pagedown")(pilot)
        top = app.pane.scroll_offset.y
        assert top > 20
        await pressing("less_than_sign")(pilot)
        assert app.pane.scroll_offset.y == top


async def test_a_deletion_is_stepped_over_but_in_the_rail() -> None:
    app = Detail(about("/etc/quarry/server.conf", 8))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "b", "less_than_sign")(pilot)
        assert "hidden, from layer" in text(app.pane)


async def test_a_file_with_one_version_has_no_step() -> None:
    app = Detail(stored(b"one\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4")(pilot)
        keys = {
            binding.action for _node, binding, enabled, _tip in app.screen.active_bindings.values() if enabled
        }
        assert "blame" in keys
        assert not any(key.startswith("version") for key in keys)


async def test_who_wrote_the_lines_that_are_read_later() -> None:
    data = numbered(3000)
    assert len(data) > CHUNK
    app = Detail(stored(data, data + b"the end\n"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "b", *["end"] * 4)(pilot)
        *_, before, last = beside(app)
        assert (before[1], last[1], last[-2:]) == ("1", "2", ["the", "end"])


async def test_binaries_have_hex_and_no_blame() -> None:
    app = Detail(about("/usr/lib/stonecut.so"))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "b")(pilot)
        assert "▌" not in text(app.pane)
        await pressing("H", "b")(pilot)  # as text, which it is not
        assert "no lines of /usr/lib/stonecut.so, it is binary" in text(app.pane)


async def test_lines_that_may_be_older_are_doubted() -> None:
    subject = stored(b"one\n", b"one\ntwo\n", b"one\ntwo\n3\n")
    subject.union.indexes[1].damage = "it ends after 512 bytes"
    subject.union.indexes[0].damage = "it is not there"
    app = Detail(about(f"{HOME}/app.py"))
    async with app.run_test(size=(100, 20)) as pilot:
        app.subject = subject
        await pressing("4", "b")(pilot)
        assert [words[1] for words in beside(app)] == ["1", "2", "3"]
