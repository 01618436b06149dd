"""The detail pane: every tab as a picture, every key pressed, no answer to an old question shown."""

import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from typing import Any, NoReturn

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from layertui import demo
from layertui.content.read import Contents
from layertui.insight.package import Package
from layertui.insight.package_files import PackageOwners
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, HistoryEntry, Layer
from layertui.model.job import Job
from layertui.model.numbers import ROOT, Event, LayerNumber, Node
from layertui.ui.app import LayertuiApp
from layertui.ui.detail import pane
from layertui.ui.detail.owners import package_text
from layertui.ui.detail.pane import DetailPane
from layertui.ui.detail.subject import Subject
from layertui.ui.widgets.key_bar import KeyBar
from layertui.union.model import LayerUnion
from tests.images import union_of
from tests.ui.places import HOSTILE, until
from tests.union import small
from tests.waiting import SECONDS

Compare = Callable[..., bool]
HOME = "/srv/quarry"


@cache
def sample() -> LayerUnion:
    return union_of(demo.image().layers)


def about(path: str, layer: int = 9, contents: Any = None) -> Subject:
    """A path of the sample at one of its layers."""
    union = sample()
    image = demo.image()
    node = union.find(path)
    assert node >= 0, path
    return Subject(image, union, contents or Contents(image, union.indexes, union), LayerNumber(layer), node)


def about_small(union: LayerUnion, path: str, layer: int, contents: Any = None) -> Subject:
    """A path of layers written as tables."""
    layers = [
        Layer(
            LayerNumber(number),
            Descriptor("", "sha256:" + f"{number:02x}" * 32, 1000),
            "sha256:" + f"{number:02d}" * 32,
            "",
            BytesBlob(b"bright day" * 100, f"layer {number}"),
        )
        for number in range(1, union.layers + 1)
    ]
    history = [
        HistoryEntry(None, f"RUN step {number}", "", "", LayerNumber(number))
        for number in range(1, union.layers + 1)
    ]
    image = demo.image()._replace(layers=layers, history=history)
    return Subject(
        image, union, contents or Contents(image, union.indexes, union), LayerNumber(layer), union.find(path)
    )


class Alone(Screen[None]):
    def compose(self) -> ComposeResult:
        yield DetailPane()
        yield KeyBar()


class Detail(LayertuiApp):
    """The pane on a screen of its own; notes what is copied."""

    def __init__(self, subject: Subject | None, theme: str = "layertui-dark") -> None:
        super().__init__()
        self.theme = theme
        self.subject = subject
        self.copied: list[str] = []

    def _images(self) -> Screen[None]:
        return Alone()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    @property
    def pane(self) -> DetailPane:
        return self.screen.query_one(DetailPane)


async def settled(pilot: Pilot[None]) -> None:
    """All that was asked has been answered."""
    await until(pilot, lambda: not pilot.app.screen.query_one(DetailPane).busy)


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Give the pane its subject, then press ``keys``, each after what the one before brought."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Detail)
        app.pane.focus()
        if app.pane.subject is not app.subject:
            app.pane.show(app.subject)
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return run


def text(pane: DetailPane) -> str:
    """What is on the pane's screen, without its frame."""
    return "\n".join(pane.render_line(y).text.rstrip() for y in range(pane.content_size.height)).rstrip()


CAPABLE = bytes.fromhex("0100000200040000000000000000000000000000")
SMALL = small.union(
    small.layer(
        ("d", "/srv"),
        (
            "-",
            "/srv/tool",
            {"size": 7, "mode": 0o4755, "xattrs": {"security.capability": CAPABLE, "user.note": b"h\xe9"}},
        ),
        ("h", "/srv/other", {"to": "/srv/tool"}),
        ("c", "/dev/null", {"mode": 0o666, "device": (1, 3)}),
        ("l", "/srv/loop", {"to": "loop"}),
        ("l", "/srv/gone", {"to": "../nowhere/at/all"}),
        ("l", "/srv/first", {"to": "second"}),
        ("l", "/srv/second", {"to": "/srv/tool"}),
        ("-", f"/srv/{HOSTILE.replace('/', '∕')}", {"size": 3}),
        ("-", "/srv/empty", {"mtime": 1 << 60}),
    ),
    small.layer(("wh", "/srv/tool"), ("opq", "/dev"), ("-", "/dev/deep/er/file")),
    small.layer(("-", "/srv/tool", {"size": 7})),
)


# Pictures

CHANGES = {
    "modified": (f"{HOME}/app.py", 9),
    "chmod": (f"{HOME}/config/quarry.json", 8),
    "deleted": (f"{HOME}/.env", 6),
    "opaque": ("/var/cache/apk", 7),
    "replaced": (f"{HOME}/plugins/map", 8),
    "replaced_below": (f"{HOME}/plugins/map/map.py", 8),
    "added": (f"{HOME}/static/quarry.svg", 8),
    "left_alone": ("/etc/os-release", 9),
    "gone_before": (f"{HOME}/.env", 8),
    "base": ("/etc", 1),
    "directory": (HOME, 8),
    "repeated": ("/usr/lib/apk", 7),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes(snap_compare: Compare, case: str) -> None:
    path, layer = CHANGES[case]
    assert snap_compare(Detail(about(path, layer)), terminal_size=(100, 20), run_before=pressing())


def test_changes_at_all_sizes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = Detail(about(f"{HOME}/plugins/map", 8), theme)
    assert snap_compare(app, terminal_size=size, run_before=pressing())


VERSIONS = {
    "hidden": (f"{HOME}/app.py", 8, ()),
    "deleted": (f"{HOME}/.env", 7, ()),
    "marked": (f"{HOME}/app.py", 9, ("space", "up", "space", "up")),
}


@pytest.mark.parametrize("case", VERSIONS)
def test_versions(snap_compare: Compare, case: str, theme: str) -> None:
    path, layer, keys = VERSIONS[case]
    app = Detail(about(path, layer), theme)
    assert snap_compare(app, terminal_size=(110, 12), run_before=pressing("3", *keys))


PREVIEWS = {
    "hex": ("/usr/lib/stonecut.so", 9, ()),
    "directory": ("/usr", 9, ()),
    "hidden_directory": (f"{HOME}/plugins/map", 8, ("1", "enter")),
    "symlink": ("/usr/bin/python", 9, ()),
    "empty": ("/var/log/quarry/access.log", 9, ()),
    "pipe": ("/run/initctl", 9, ()),
}


@pytest.mark.parametrize("case", PREVIEWS)
def test_preview(snap_compare: Compare, case: str) -> None:
    path, layer, keys = PREVIEWS[case]
    app = Detail(about(path, layer))
    assert snap_compare(app, terminal_size=(100, 20), run_before=pressing("4", *keys))


@pytest.mark.parametrize("name", ["loop", "gone", "first"])
def test_preview_of_links(snap_compare: Compare, name: str) -> None:
    app = Detail(about_small(SMALL, f"/srv/{name}", 1))
    assert snap_compare(app, terminal_size=(90, 12), run_before=pressing("4"))


DETAILS = {
    "file": about(f"{HOME}/app.py"),
    "symlink": about(f"{HOME}/current"),
    "hardlink": about("/usr/bin/python3"),
    "deleted": about(f"{HOME}/.env"),
    "xattrs": about_small(SMALL, "/srv/tool", 1),
    "device": about_small(SMALL, "/dev/null", 1),
    "implied": about_small(SMALL, "/dev/deep", 2),
    "far_future": about_small(SMALL, "/srv/empty", 1),
}


@pytest.mark.parametrize("case", DETAILS)
def test_details(snap_compare: Compare, case: str) -> None:
    assert snap_compare(Detail(DETAILS[case]), terminal_size=(100, 20), run_before=pressing("5"))


def test_hostile_names(snap_compare: Compare) -> None:
    node = SMALL.find("/srv")
    child = next(child for child in SMALL.children(node) if "evil" in SMALL.name(child))
    subject = about_small(SMALL, SMALL.path(child), 1)
    assert snap_compare(Detail(subject), terminal_size=(100, 20), run_before=pressing("5"))


def test_no_subject(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(Detail(None, theme), terminal_size=(80, 10), run_before=pressing())


# Keys


async def test_number_keys_show_the_tabs() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing()(pilot)
        for key, words in {
            "3": "3 versions",
            "5": "diff ID",
            "4": '"""Orders',
            "2": "→",
            "1": "layer 9: +0 ~3",
        }.items():
            await pressing(key)(pilot)
            assert words in text(app.pane), key


async def test_click_on_a_tab_shows_it() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing()(pilot)
        await pilot.click(DetailPane, offset=(26, 0))
        await settled(pilot)
        assert "3 versions" in text(app.pane)


async def test_two_marked_versions_are_compared() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("3", "space", "up", "up", "space")(pilot)
        assert text(app.pane).count("◆") == 2
        await pressing("enter")(pilot)
        assert text(app.pane).splitlines()[0].split()[:3] == ["▌", "4", "→"]
        await pressing("3", "space", "space")(pilot)
        assert text(app.pane).count("◆") == 2, "the mark is off and on again"


async def test_of_three_marks_the_first_goes() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("3", "home", "space", "down", "space", "down", "space")(pilot)
        lines = [line for line in text(app.pane).splitlines() if "◆" in line]
        assert ["▌  5" in lines[0], "▌  9" in lines[1], len(lines)] == [True, True, 2]


async def test_enter_on_a_version_compares_it_with_the_one_before() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("3", "enter")(pilot)
        assert text(app.pane).split()[:5] == ["▌", "5", "→", "▌", "9"]
        await pressing("3", "home", "enter")(pilot)
        assert "first appears in layer" in text(app.pane)


async def test_what_a_whiteout_hid_can_be_read() -> None:
    app = Detail(about(HOME, 6))
    async with app.run_test(size=(100, 30)) as pilot:
        await pressing()(pilot)
        assert f"{HOME}/.env" in text(app.pane)
        await pressing("enter")(pilot)
        assert f"hidden, from layer 5: {HOME}/.env" in text(app.pane)
        await pressing("1", "4")(pilot)
        assert "children" in text(app.pane), "back at the selected path"


async def test_enter_reads_what_a_link_leads_to() -> None:
    app = Detail(about("/usr/bin/python", 9))
    async with app.run_test(size=(100, 30)) as pilot:
        await pressing("4", "enter")(pilot)
        assert "ELF" in text(app.pane)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/usr/bin/su", "package held-box 1.37.0-r4 (apk)"),
        ("/srv/quarry/app.py", "package not owned by a package (apk)"),
        ("/usr/include/stdio.h", "package build-base 0.5-r3 (apk)"),  # both are gone: as it was in its layer
    ],
)
async def test_details_name_the_package(path: str, said: str) -> None:
    app = Detail(about(path))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("5")(pilot)
        assert said in [re.sub(" +", " ", line) for line in text(app.pane).split("\n")]


def test_packages_are_named_or_said_to_be_unknown() -> None:
    package = Package("dpkg", "libc6", "2.36-9", "amd64", 1, "libc6", "")
    assert package_text(PackageOwners([package], ["dpkg"], 0, [])) == "libc6 2.36-9 (dpkg)"
    assert package_text(PackageOwners([package] * 80, ["dpkg"], 0, [])).endswith("(dpkg) and 77 more")
    assert package_text(PackageOwners([], ["dpkg", "rpm"], 2, [])) == (
        "not owned by a package (dpkg, rpm); 2 packages without a file list"
    )
    assert package_text(PackageOwners([], [], 0, [])).startswith("unknown: no readable package database")
    assert (
        package_text(PackageOwners([], ["rpm"], 0, [LayertuiError("cannot read x")]))
        == "unknown: cannot read x"
    )


async def test_copies_the_value_at_hand_or_the_path() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("4", "y")(pilot)
        await pressing("5", "down", "down", "y")(pilot)
        assert app.copied == [f"{HOME}/app.py", "0644"]


async def test_what_is_copied_is_safe() -> None:
    child = next(child for child in SMALL.children(SMALL.find("/srv")) if "evil" in SMALL.name(child))
    app = Detail(about_small(SMALL, SMALL.path(child), 1))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing("5", "y")(pilot)
        assert app.copied[0].isprintable()


async def test_keys_of_other_tabs_do_nothing() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(100, 20)) as pilot:
        await pressing()(pilot)
        before = text(app.pane)
        await pressing("b", "w", "space")(pilot)
        assert text(app.pane) == before
        shown = {binding.key for _n, binding, enabled, _t in app.screen.active_bindings.values() if enabled}
        assert {"enter", "y"} <= shown and not {"b", "w", "space"} & shown


# Answers that come late, or not at all


class Slow(Contents):
    """Contents that are read when ``answer`` is set; notes what was asked for."""

    def __init__(self, subject: Subject) -> None:
        self._contents = subject.contents
        self.answer, self.answered = threading.Event(), threading.Event()
        self.asked: list[int] = []

    def read(self, event: int, offset: int = 0, length: int = -1, job: Job = Job.NONE) -> bytes:
        self.asked.append(event)
        assert self.answer.wait(SECONDS)
        try:
            return self._contents.read(Event(event), offset, length, job)
        finally:
            self.answered.set()


async def test_says_that_it_is_reading_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = about("/usr/lib/stonecut.so", 9)
    slow = Slow(subject)
    app = Detail(replace(subject, contents=slow))
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.tab = 3
        monkeypatch.setattr(pane, "_PATIENCE", 60)
        app.pane.show(app.subject)
        await until(pilot, lambda: bool(slow.asked))
        assert "reading" not in text(app.pane)
        monkeypatch.setattr(pane, "_PATIENCE", 0.01)
        app.pane.show(app.subject)
        await until(pilot, lambda: text(app.pane) == "reading …")
        slow.answer.set()
        await settled(pilot)
        assert "ELF" in text(app.pane)


async def test_answers_to_old_questions_are_dropped() -> None:
    subject = about("/usr/lib/stonecut.so", 9)
    slow = Slow(subject)
    app = Detail(None)
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.tab = 3
        app.pane.show(replace(subject, contents=slow))
        await until(pilot, lambda: bool(slow.asked))
        app.pane.show(about("/run/initctl", 9))
        await settled(pilot)
        assert "Named pipe" in text(app.pane)
        slow.answer.set()
        await until(pilot, slow.answered.is_set)
        assert "Named pipe" in text(app.pane)


async def test_a_held_arrow_key_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    union = sample()
    slow = Slow(about("/", 9))
    slow.answer.set()
    app = Detail(None)
    async with app.run_test(size=(100, 20)) as pilot:
        app.pane.tab = 3
        files = [
            node
            for node in union.subtree(ROOT)
            if union.at(node, LayerNumber(9)) >= 0 and union.size(union.at(node, LayerNumber(9)))
        ]
        assert len(files) > 20
        with monkeypatch.context() as held:
            held.setattr(pane, "_SETTLE", 60)
            for node in files[:-1]:
                app.pane.show(replace(about("/", 9), contents=slow, node=node))
                await pilot.pause()
        app.pane.show(replace(about("/", 9), contents=slow, node=files[-1]))
        await settled(pilot)
        assert len(slow.asked) == 1
        assert union.path(Node(files[-1])) in str(app.pane.border_subtitle)


class Broken(Contents):
    """Contents that cannot be read."""

    def __init__(self) -> None:
        pass

    def read(self, *_arguments: Any, **_options: Any) -> NoReturn:
        raise LayertuiError("cannot read layer 2", "its blob ends after 512 bytes", "\x1b[2Jfetch it again")

    same = prepare = read


def test_failed(snap_compare: Compare, theme: str) -> None:
    app = Detail(replace(about("/usr/lib/stonecut.so", 9), contents=Broken()), theme)
    assert snap_compare(app, terminal_size=(80, 10), run_before=pressing("4"))


async def test_one_column_terminal() -> None:
    app = Detail(about(f"{HOME}/app.py", 9))
    async with app.run_test(size=(1, 2)) as pilot:
        await pressing("1", "2", "3", "4", "5", "down", "end")(pilot)


async def test_versions_that_differ_in_attributes_alone_have_their_sign() -> None:
    app = Detail(about(f"{HOME}/config/quarry.json", 8))
    async with app.run_test(size=(100, 12)) as pilot:
        await pressing("3")(pilot)
        assert [line.split()[3] for line in text(app.pane).splitlines()[1:3]] == ["+", "*"]
        (line,) = [line for number, line in enumerate(app.pane.document.lines) if number == 1]
        assert line.body[0] == ("* ", "attributes")  # compared, not quiet


@pytest.mark.parametrize("columns", [80, 120, 160])
@pytest.mark.parametrize("tab", range(1, 6))
async def test_tabs_keep_their_names(columns: int, tab: int) -> None:
    """At 160 columns the detail stands beside two panes, and has 52."""
    async with Detail(about("/etc/passwd")).run_test(size=(52 if columns == 160 else columns, 24)) as pilot:
        await pressing(str(tab))(pilot)
        title = str(pilot.app.screen.query_one(DetailPane).border_title)
        for number, names in enumerate((("Changes", "Chg"), ("Diff",), ("Versions", "Vers"), ("Preview", "Prev"), ("Details", "Info")), 1):  # fmt: skip
            assert any(f"{number} {name}" in title for name in names), title


def test_found(snap_compare: Compare) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await pressing("4", "slash", *"ro", "enter", "n")(pilot)
        pane = pilot.app.screen.query_one(DetailPane)
        await until(pilot, lambda: not pane.is_searching)

    assert snap_compare(Detail(about("/etc/passwd")), terminal_size=(80, 24), run_before=run)


async def test_n_goes_to_matches_while_a_text_is_searched_for_and_to_hunks_else() -> None:
    async with Detail(about(f"{HOME}/app.py")).run_test(size=(80, 12)) as pilot:
        await pressing("2", "slash", *"import")(pilot)
        pane = pilot.app.screen.query_one(DetailPane)
        await until(pilot, lambda: not pane.is_searching)
        await pressing("enter")(pilot)
        before = pane.search.at
        await pressing("n")(pilot)
        assert pane.search.at != before
        await pressing("escape")(pilot)
        assert not pane.has_search
