"""The file tree: as pictures, key by key, and with more paths than can be worked out at once."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from functools import cache

import pytest
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from layertui import demo
from layertui.insight.sizes import SizeMap
from layertui.model.job import Cancelled, Job
from layertui.model.numbers import LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.tree import rows_view
from layertui.ui.tree.pane import TreeField, TreePane
from layertui.ui.tree.presenter import LayerPresenter
from layertui.ui.tree.view import TreeView
from layertui.ui.widgets.key_bar import KeyBar
from layertui.union.merged_tree import MergedTree
from layertui.union.model import LayerUnion
from layertui.union.tree_rows import TreeRows
from tests.images import union_of
from tests.ui.places import HOSTILE, until
from tests.union import small
from tests.waiting import SECONDS, wait_for

Compare = Callable[..., bool]


KEYS = ("escape", "enter", "tab", "down", "backspace")
"""Keys that mean something in the field."""


@cache
def sample() -> LayerUnion:
    return union_of(demo.image().layers)


class Alone(Screen[None]):
    def __init__(self, pane: TreePane) -> None:
        super().__init__()
        self.pane = pane

    def compose(self) -> ComposeResult:
        yield self.pane
        yield KeyBar()


class Tree(LayertuiApp):
    """The tree on a screen of its own; notes what it says and what is copied."""

    def __init__(self, union: LayerUnion | None, layer: int = 9, theme: str = "layertui-dark") -> None:
        super().__init__()
        self.theme = theme
        self.union, self.layer = union, layer
        self.pane = TreePane(classes="pane")
        self.copied: list[str] = []
        self.said: list[str] = []

    def _images(self) -> Screen[None]:
        return Alone(self.pane)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    @property
    def view(self) -> TreeView:
        return self.pane.view

    @property
    def path(self) -> str:
        """The path under the cursor."""
        assert self.view.rows is not None
        return self.view.rows.merged.union.path(self.view.node)

    def show(self, union: LayerUnion, layer: int) -> None:
        self.view.show(TreeRows(MergedTree(union, LayerNumber(layer))))

    def on_tree_view_highlighted(self, event: TreeView.Highlighted) -> None:
        self.said.append(event.rows.merged.union.path(event.node))

    def on_tree_view_opened(self, event: TreeView.Opened) -> None:
        assert self.view.rows is not None
        self.said.append("opened " + self.view.rows.merged.union.path(event.node))


def app_of(pilot: Pilot[None]) -> Tree:
    assert isinstance(pilot.app, Tree)
    return pilot.app


async def settled(pilot: Pilot[None]) -> None:
    """What was asked for is shown."""
    pane = app_of(pilot).pane
    await until(pilot, lambda: not pane.busy)


async def pressing_on(pilot: Pilot[None], *keys: str) -> None:
    """Presses ``keys``, waits for what each brings; several letters are typed at once."""
    app = app_of(pilot)
    for key in keys:
        if len(key) > 1 and isinstance(app.focused, TreeField) and key not in KEYS:
            app.focused.insert_text_at_cursor(key)
        else:
            app.simulate_key(key)
        await pilot.pause()
        await settled(pilot)


def pressing(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Give the tree its rows, then press ``keys``, each after what the one before brought."""

    async def run(pilot: Pilot[None]) -> None:
        app = app_of(pilot)
        app.view.focus()
        if app.union is not None:
            app.show(app.union, app.layer)
        await settled(pilot)
        await pressing_on(pilot, *keys)

    return run


def lines(app: Tree) -> list[str]:
    """What is on the screen, without frame and scrollbar."""
    view = app.view
    view.render_lines(view.size.region)  # as painting would
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


FEW = small.union(
    small.layer(("d", "/srv"), ("-", "/srv/tool", {"size": 7}), ("h", "/srv/other", {"to": "/srv/tool"})),
    small.layer(("d", "/srv")),
    small.layer(("wh", "/srv")),
    small.layer(),
)
ODD = small.union(
    small.layer(
        ("d", "/srv"),
        ("-", f"/srv/{HOSTILE.replace('/', '∕')}", {"size": 3, "uid": 4_000_000, "gid": 123}),
        ("l", "/srv/link", {"to": HOSTILE}),
        ("-", "/srv/日本語のとても長い名前のファイル、狭い端末では短くなる.txt", {"size": 10**13}),
        ("-", "/srv/combining-e\u0301\u0301-\u200d-end", {"mode": 0o4755}),
        ("-", "/srv/ leading and trailing ", {"mtime": 1 << 60}),
        ("c", "/srv/null", {"mode": 0o666, "device": (1, 3)}),
        ("-", "/srv/" + "/".join(f"d{depth}" for depth in range(30)) + "/deepest", {}),
        ("-", "/srv/a-name-that-is-much-longer-than-any-column-on-a-narrow-terminal-has-room-for.conf", {}),
    )
)
MANY = small.union(*(small.layer(("-", f"/file{number:02}", {"size": number})) for number in range(1, 61)))


def names(app: Tree) -> list[str]:
    """The rows' paths."""
    rows = app.view.rows
    assert rows is not None
    return [rows.merged.union.path(node) for node in rows.nodes]


# Pictures


def test_sizes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = Tree(sample(), 9, theme)
    assert snap_compare(app, terminal_size=size, run_before=pressing("E", "down", "down"))


PICTURES = {
    "closed": (9, ()),
    "changes": (8, ("v", "E")),
    "all": (8, ("v", "v", "E", "end")),
    "filter": (9, ("slash", "py", "enter")),
    "filter_typing": (8, ("slash",)),
    "no_match": (9, ("slash", "nosuch")),
    "bad_query": (9, ("slash", "size:x")),
    "by_time": (9, ("s", "s", "s", "E")),
    "jump": (9, ("colon", "etc/o")),
}


@pytest.mark.parametrize("case", PICTURES)
def test_states(snap_compare: Compare, case: str) -> None:
    layer, keys = PICTURES[case]
    assert snap_compare(Tree(sample(), layer), terminal_size=(80, 24), run_before=pressing(*keys))


OTHERS = {
    "odd": (ODD, 1, (70, 20), ("E",)),
    "odd_narrow": (ODD, 1, (34, 20), ("E",)),
    "only_repeats": (FEW, 2, (60, 8), ("v",)),
    "no_changes": (FEW, 4, (60, 8), ("v",)),
    "all_gone": (FEW, 3, (60, 8), ("E",)),
    "many_layers": (MANY, 60, (50, 66), ()),
}


@pytest.mark.parametrize("case", OTHERS)
def test_others(snap_compare: Compare, case: str) -> None:
    union, layer, size, keys = OTHERS[case]
    assert snap_compare(Tree(union, layer), terminal_size=size, run_before=pressing(*keys))


def test_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Tree(sample(), 8)
    assert snap_compare(app, terminal_size=(80, 30), run_before=pressing("v", "E", "down"))


def test_sixteen_colours(snap_compare: Compare) -> None:
    app = Tree(sample(), 8, "layertui-ansi")
    assert snap_compare(app, terminal_size=(80, 30), run_before=pressing("v", "E", "down"))


@pytest.mark.parametrize("failed", [False, True])
def test_says_why_there_are_no_rows(snap_compare: Compare, failed: bool) -> None:
    async def say(pilot: Pilot[None]) -> None:
        app_of(pilot).view.say(f"Layer 2 cannot be read: {HOSTILE}. Press r to try again.", failed)
        await pilot.pause()

    assert snap_compare(Tree(None), terminal_size=(60, 9), run_before=say)


# Keys


async def keys(app: Tree, *pressed: str, size: tuple[int, int] = (80, 24)) -> Tree:
    """The app after ``pressed``; it has ended, what it showed last is still to be asked."""
    async with app.run_test(size=size) as pilot:
        await pressing(*pressed)(pilot)
    return app


SMALL = small.union(
    small.layer(
        ("-", "/a/b/one", {"size": 10, "mtime": 3}),
        ("-", "/a/two.conf", {"size": 500, "mtime": 9}),
        ("l", "/c", {"to": "a"}),
        ("-", "/z", {"size": 5000}),
    ),
    small.layer(("wh", "/a/b"), ("-", "/a/three", {"size": 7, "mtime": 5}), ("-", "/z", {"size": 5001})),
    small.layer(("-", "/y")),
)
"""At layer 2: ``/``, ``/a`` (closed), ``/c``, ``/z``."""


MOVES = [
    (("down",), "/a"),
    (("j", "j"), "/c"),
    (("j", "j", "up"), "/a"),
    (("j", "j", "k"), "/a"),
    (("up",), "/"),
    (("end",), "/z"),
    (("G", "down"), "/z"),
    (("G", "home"), "/"),
    (("G", "g"), "/"),
    (("pagedown",), "/z"),
    (("ctrl+f", "pageup"), "/"),
    (("pagedown", "ctrl+b"), "/"),
    (("j", "right"), "/a"),
    (("j", "right", "right"), "/a/b"),
    (("j", "l", "l", "l", "l"), "/a/b/one"),
    (("j", "l", "l", "left"), "/a"),
    (("j", "l", "l", "h", "h"), "/a"),
    (("E", "j", "j", "j", "h"), "/a/b"),
    (("h",), "/"),
    (("j", "j", "l"), "/c"),
    (("n",), "/a/b"),
    (("n", "n"), "/a/b/one"),
    (("n", "n", "n", "n", "n"), "/a/b"),
    (("N",), "/z"),
    (("n", "n", "N"), "/a/b"),
]


async def test_moves() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        for pressed, path in MOVES:
            app.view.show(None)
            await pressing(*pressed)(pilot)
            assert (app.path, app.said[-1]) == (path, path), pressed


@pytest.mark.parametrize(("files", "below"), [(30, None), (2, 2)])
async def test_an_opened_directory_shows_what_is_in_it(files: int, below: int | None) -> None:
    """Also on the last row: half of the view is scrolled for it, and no further than there are paths."""
    paths = [("-", f"{name}/{number:02}") for name in "abcdefghijklmnop" for number in range(files)]
    app = Tree(small.union(small.layer(*paths)), 1)
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.view
        await pressing("G", "right")(pilot)
        height = view.content_size.height
        shown = view.scroll_offset.y + height - 1 - view.cursor
        assert (app.path, shown) == ("/p", height // 2 if below is None else below)
        top = view.scroll_offset.y
        await pressing_on(pilot, "down", "down")
        assert view.scroll_offset.y == top


OPEN = ["/", "/a", "/a/b", "/a/three", "/a/two.conf", "/c", "/z"]
ALL = ["/", "/a", "/a/b", "/a/b/one", "/a/three", "/a/two.conf", "/c", "/z"]


ROWS: list[tuple[tuple[str, ...], list[str]]] = [
    ((), ["/", "/a", "/c", "/z"]),
    (("j", "right"), OPEN),
    (("j", "l", "h"), ["/", "/a", "/c", "/z"]),
    (("j", "space"), OPEN),
    (("j", "space", "space"), ["/", "/a", "/c", "/z"]),
    (("j", "enter"), OPEN),
    (("space",), ["/", "/a", "/c", "/z"]),
    (("E",), ALL),
    (("E", "C"), ["/", "/a", "/c", "/z"]),
    (("E", "ctrl+@"), ["/", "/a", "/c", "/z"]),
    (("v", "E"), ["/", "/a", "/a/b", "/a/b/one", "/a/three", "/z"]),
    (("E", "v", "v"), ALL),
    (("E", "v", "v", "v"), ALL),
    (("E", "s"), ["/", "/z", "/a", "/a/two.conf", "/a/three", "/a/b", "/a/b/one", "/c"]),
    (("s", "s", "s", "s"), ["/", "/a", "/c", "/z"]),
    (("S",), ["/", "/z", "/c", "/a"]),
    (("S", "S"), ["/", "/a", "/c", "/z"]),
    (("E", "s", "S"), ["/", "/c", "/a", "/a/b", "/a/b/one", "/a/three", "/a/two.conf", "/z"]),
    (("slash", "one"), ["/", "/a/b", "/a/b/one"]),
    (("slash", "one", "enter", "h", "h"), ["/", "/a/b"]),
    (("slash", "one", "enter", "escape"), ALL),
    (("slash", "one", "escape"), ["/", "/a", "/c", "/z"]),
    (("slash", "xq"), ["/"]),
    (("slash", "change:added"), ["/", "/a", "/a/three"]),
    (("slash", "size:lots"), ["/", "/a", "/c", "/z"]),
    (("slash", "escape"), ["/", "/a", "/c", "/z"]),
    (("slash", "enter"), ["/", "/a", "/c", "/z"]),
]


async def test_rows() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        for pressed, rows in ROWS:
            app.view.show(None)
            await pressing(*pressed)(pilot)
            assert names(app) == rows, pressed


async def test_the_cursor_is_on_the_best_match_while_typing() -> None:
    """The name itself, then a name that begins so, then any; files first; n and N go from match to match."""
    python = small.union(
        small.layer(
            ("-", "/etc/python3/python3.conf"),
            ("-", "/usr/bin/apython3"),
            ("-", "/usr/bin/python3"),
            ("-", "/usr/lib/python3.11/os.py"),
            ("-", "/z"),
        )
    )
    app = Tree(python, 1)
    async with app.run_test() as pilot:
        await pressing("G", "slash", "pyth")(pilot)
        assert app.path == "/usr/bin/python3" and isinstance(app.focused, TreeField)
        await pressing_on(pilot, "on3.")
        assert app.path == "/etc/python3/python3.conf"
        await pressing_on(pilot, "backspace", "enter")
        assert app.path == "/usr/bin/python3"
        seen = []
        for key in ("n", "n", "n", "n", "N"):
            await pressing_on(pilot, key)
            seen.append(app.path)
        assert seen == [
            "/usr/lib/python3.11",
            "/etc/python3",
            "/etc/python3/python3.conf",
            "/usr/bin/apython3",
            "/etc/python3/python3.conf",
        ]
        assert "n N match" in str(app.screen.query_one(KeyBar).render())
        await pressing_on(pilot, "escape")
        assert app.path == "/etc/python3/python3.conf", "what was found stays selected"
        await pressing_on(pilot, "slash", "z", "escape")
        assert app.path == "/etc/python3/python3.conf", "nothing was chosen"
        assert "n N change" in str(app.screen.query_one(KeyBar).render())


async def test_matches_that_the_view_leaves_out_are_said() -> None:
    app = Tree(SMALL, 3)
    async with app.run_test() as pilot:
        await pressing("slash", "o", "enter")(pilot)
        told = app.screen.query_one(".told", Static)
        assert str(told.render()) == "1 path found · 1 more is deleted: v"
        await pressing_on(pilot, "v")
        assert str(told.render()) == "0 paths found · 2 more are in other views: v"
        await pressing_on(pilot, "v")
        assert str(told.render()) == "2 paths found"


async def test_the_order_is_said() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("S")(pilot)
        assert str(app.pane.border_subtitle) == "by name, reversed"
        await pressing_on(pilot, "s", "S")
        assert str(app.pane.border_subtitle) == "by size, reversed"


async def test_what_is_typed_before_there_are_rows_is_done_once_there_are() -> None:
    app = Tree(None)
    async with app.run_test() as pilot:
        await pressing("slash", "one")(pilot)
        assert "waiting for the layers" in str(app.screen.query_one(".told", Static).render())
        app.show(SMALL, 2)
        await settled(pilot)
        assert (app.path, names(app)) == ("/a/b/one", ["/", "/a/b", "/a/b/one"])


async def test_a_path_is_gone_to_once_its_layer_is_merged() -> None:
    app = Tree(None)
    async with app.run_test() as pilot:
        await pressing("colon", "y", "enter")(pilot)
        first = small.union(*SMALL.indexes[:2])
        app.view.image_layers = 3
        app.view.show(TreeRows(MergedTree(first, LayerNumber(2))))
        await settled(pilot)
        assert "/y: waiting for the layers" in str(app.screen.query_one(".told", Static).render())
        app.show(SMALL, 3)
        await until(pilot, lambda: app.path == "/y")
        assert app.focused is app.view


async def test_enter_on_a_file_wants_its_detail() -> None:
    app = await keys(Tree(SMALL, 2), "G", "enter")
    assert app.said[-1] == "opened /z"


async def test_what_is_copied_is_safe() -> None:
    app = await keys(Tree(ODD, 1), "E", "slash", "evil", "enter", "G", "y")
    assert len(app.copied) == 1 and "evil" in app.copied[0] and app.copied[0].isprintable()


async def test_letters_typed_into_the_filter_are_no_keys() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("slash", "vsEn/:y")(pilot)
        assert app.screen.query_one(TreeField).value == "vsEn/:y"
        assert app.view.rows is not None and (app.view.rows.view, app.view.rows.sort) == ("merged", "name")


async def test_a_query_that_means_nothing_says_why_and_changes_nothing() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("slash", "size:x")(pilot)
        told = app.screen.query_one(".told", Static)
        assert "size:x means nothing" in str(told.render())
        await pressing("slash", "y")(pilot)


async def test_the_filter_comes_back_to_be_changed() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("slash", "one", "enter", "slash", "backspace", "backspace", "backspace", "z")(pilot)
        assert names(app) == ["/", "/z"]
        await pilot.press("down")
        assert app.focused is app.view


@pytest.mark.parametrize(
    ("typed", "path"), [("a/b/one", "/a/b/one"), ("a/tw", "/a/two.conf"), ("y", "/y"), ("a/", "/a")]
)
@pytest.mark.parametrize("key", ["colon", "ctrl+g"])
async def test_jumps_to_a_path_whatever_hides_it(typed: str, path: str, key: str) -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("slash", "three", "enter", key, typed)(pilot)
        if typed == "a/tw":
            await pilot.press("tab")
        await pressing_on(pilot, "enter")
        if path == "/y":  # which only layer 3 has
            assert app.path == "/"
        else:
            assert app.path == path


async def test_a_pasted_path_is_taken_as_it_is_and_candidates_are_listed() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("colon")(pilot)
        told = app.screen.query_one(".told", Static)
        assert str(told.render()) == "tab completes: a/  c  y  z"
        app.post_message(events.Paste("/a/t"))
        await until(pilot, lambda: "tab completes: three  two.conf" in str(told.render()))
        await pressing_on(pilot, "tab")
        await until(pilot, lambda: app.screen.query_one(TreeField).value == "/a/three")
        await pressing_on(pilot, "tab", "tab")
        assert isinstance(app.focused, TreeField), "tab does not leave the field"
        await pressing_on(pilot, "x")
        assert str(told.render()) == "no layer has such a path"
        await pressing_on(pilot, "backspace", "enter")
        assert app.path == "/a/three"


async def test_a_path_that_no_layer_has_says_so() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing("colon", "nope", "enter")(pilot)
        assert "/nope: not in any layer" in str(app.screen.query_one(".told", Static).render())
        await pilot.press("escape")
        assert app.focused is app.view


async def test_mouse() -> None:
    app = Tree(SMALL, 2)
    async with app.run_test(size=(80, 24)) as pilot:
        await pressing()(pilot)
        await pilot.click(TreeView, offset=(10, 3))
        assert app.path == "/z"
        await pilot.click(TreeView, offset=(4, 1))  # the arrow
        assert (app.path, names(app)) == ("/a", OPEN)
        await pilot.click(TreeView, offset=(7, 1), times=2)
        assert names(app) == ["/", "/a", "/c", "/z"]
        await pilot.click(TreeView, offset=(7, 2), times=2)
        assert app.said[-1] == "opened /c"
        await pilot.click(TreeView, offset=(7, 15))  # below the rows
        assert app.path == "/c"


async def test_wheel_scrolls() -> None:
    app = Tree(sample(), 9)
    async with app.run_test(size=(80, 24)) as pilot:
        await pressing("E")(pilot)
        app.view.post_message(
            events.MouseScrollDown(app.view, 5, 5, 0, 1, 0, False, False, False, screen_x=5, screen_y=5)
        )
        await until(pilot, lambda: app.view.scroll_offset.y > 0)
        assert app.path == "/"


# Layers and unions that come and go


async def test_the_cursor_stays_on_its_path_from_layer_to_layer() -> None:
    app = Tree(SMALL, 1)
    async with app.run_test() as pilot:
        await pressing("E", "j", "j", "j")(pilot)
        assert app.path == "/a/b/one"
        for layer, path in ((3, "/a"), (1, "/a/b/one")):
            app.view.move(LayerNumber(layer))
            await settled(pilot)
            assert app.path == path
        app.view.move(LayerNumber(2))
        await settled(pilot)
        assert app.path == "/a/b/one", "deleted by this very layer"
        assert app.said[-3:] == ["/a", "/a/b/one", "/a/b/one"]


async def test_a_new_union_keeps_what_was_looked_at() -> None:
    more = small.union(
        *SMALL.indexes, small.layer(("-", "/a/a-first"), ("-", "/0"), ("-", "/a/b/more"), ("-", "/a/zz"))
    )
    app = Tree(SMALL, 2)
    async with app.run_test(size=(80, 10)) as pilot:
        await pressing("j", "l", "j", "j", "s", "v", "v")(pilot)
        path, line = app.path, app.view.cursor - app.view.scroll_offset.y
        app.show(more, 4)
        await settled(pilot)
        rows = app.view.rows
        assert rows is not None
        assert (app.path, rows.sort, rows.view, rows.merged.layer) == (path, "size", "all", 4)
        assert "/a/a-first" in names(app) and "/a/b/more" not in names(app)
        assert abs(app.view.cursor - app.view.scroll_offset.y - line) <= 3
        await pressing_on(pilot, "slash", "more")
        app.show(small.union(*more.indexes, small.layer(("-", "/b/more2"))), 5)
        await settled(pilot)
        assert {"/a/b/more", "/b/more2"} <= set(names(app)), "the filter too"
        app.view.show(None)
        assert app.view.node == 0


async def test_empty_image() -> None:
    app = await keys(Tree(small.union(), 0), "E", "C", "v", "v", "v", "s", "n", "N", "h", "l", "enter", "y")
    assert names(app) == ["/"]


async def test_keys_without_rows() -> None:
    app = Tree(None)
    await keys(app, "E", "C", "v", "s", "n", "N", "h", "l", "j", "G", "space", "enter", "y", "slash", "colon")
    assert app.view.rows is None and not app.copied


@pytest.mark.parametrize("size", [(1, 2), (3, 3), (12, 5)])
async def test_tiny_terminals(size: tuple[int, int]) -> None:
    await keys(Tree(sample(), 8), "E", "G", "v", "v", "s", "s", "s", "slash", "p", "enter", "j", size=size)


# With more nodes than can be worked out at once


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be worked out in a thread is."""
    monkeypatch.setattr(rows_view, "FEW_NODES", 0)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("pressed", "rows"),
    [
        (("j", "l"), OPEN),
        (("E", "C"), ["/", "/a", "/c", "/z"]),
        (("v", "E", "v", "v"), ALL),
        (("E", "s"), ["/", "/z", "/a", "/a/two.conf", "/a/three", "/a/b", "/a/b/one", "/c"]),
    ],
)
async def test_rows_of_a_thread(pressed: tuple[str, ...], rows: list[str]) -> None:
    assert names(await keys(Tree(SMALL, 2), *pressed)) == rows


@pytest.mark.usefixtures("large")
async def test_keys_that_come_while_a_thread_works_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, moved = threading.Event(), []
    real = TreeRows.move

    def slow(rows: TreeRows, layer: int) -> None:
        moved.append(layer)
        assert goes_on.wait(SECONDS)
        real(rows, LayerNumber(layer))

    monkeypatch.setattr(TreeRows, "move", slow)
    app = Tree(SMALL, 1)
    async with app.run_test() as pilot:
        await pressing()(pilot)
        for layer in (2, 3, 2, 3):
            app.view.move(LayerNumber(layer))
        await until(pilot, lambda: moved == [2])
        await pilot.press("j", "space")
        assert app.path == "/a", "the cursor waits for nothing"
        goes_on.set()
        await settled(pilot)
        assert moved == [2, 3], "layers passed by are left out"
        assert names(app) == ["/", "/a", "/a/three", "/a/two.conf", "/c", "/y", "/z"]


async def test_a_search_says_that_it_goes_on_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()

    def endless(_rows: TreeRows, query: str, job: Job) -> None:
        started.set()
        wait_for(lambda: query != "one" or job.is_cancelled)
        raise Cancelled

    app = Tree(SMALL, 2)
    async with app.run_test() as pilot:
        await pressing()(pilot)
        monkeypatch.setattr(TreeRows, "filter", endless)
        await pilot.press("slash", *"one")
        told = app.screen.query_one(".told", Static)
        await until(pilot, lambda: started.is_set() and "searching" in str(told.render()))
        await pilot.press("escape")
        await settled(pilot)
        assert names(app) == ["/", "/a", "/c", "/z"]


# Types, attributes, directories that are scrolled away


def painted(app: Tree, name: str) -> tuple[str, Style]:
    """The row of a name, and the style of the name."""
    for y in range(app.view.content_size.height):
        strip = app.view.render_line(y)
        for segment in strip:
            text = segment.text.partition("▌")[0]  # whose style may be that of the name
            if text.strip().rstrip("/*") == name and segment.style is not None:
                return strip.text, segment.style
    raise AssertionError(f"no {name} in\n" + "\n".join(lines(app)))


ENTRIES = small.layer(
    ("d", "/bin"),
    ("-", "/bin/run", {"mode": 0o755, "size": 5}),
    ("-", "/bin/note", {"size": 5}),
    ("l", "/bin/sh", {"to": "run"}),
    ("-", "/bin/su", {"mode": 0o4755, "size": 5}),
    ("-", "/bin/data", {"uid": 1000, "gid": 50, "size": 5}),
    ("d", "/tmp", {"mode": 0o1777}),
)


async def test_types_are_told_by_more_than_colour() -> None:
    union = small.union(ENTRIES)
    async with Tree(union, 1).run_test(size=(100, 24)) as pilot:
        await pressing("E")(pilot)
        app = app_of(pilot)
        assert painted(app, "bin")[1].bold
        row, style = painted(app, "run")
        assert "run*" in row and not style.bold
        assert "note*" not in painted(app, "note")[0]
        assert painted(app, "sh")[1].color != painted(app, "note")[1].color  # dim
        assert painted(app, "note")[1].color == painted(app, "run")[1].color  # of one layer


async def test_mode_and_owner_show_where_they_are_not_those_of_most_files() -> None:
    union = small.union(ENTRIES)
    async with Tree(union, 1).run_test(size=(100, 24)) as pilot:
        await pressing("E")(pilot)
        app = app_of(pilot)
        assert "-rwsr-xr-x" in painted(app, "su")[0]
        assert "1000:50" in painted(app, "data")[0]
        assert "drwxrwxrwt" in painted(app, "tmp")[0]
        for name in ("bin", "run", "note", "sh"):
            row = painted(app, name)[0]
            assert "rwx" not in row and "rw-" not in row and " 0:0 " not in row


async def test_names_have_the_room_before_attributes() -> None:
    long = "a-rather-long-name-of-a-library.so.1"
    union = small.union(small.layer(("-", f"/{long}", {"mode": 0o600, "uid": 1000, "size": 5})))
    async with Tree(union, 1).run_test(size=(60, 24)) as pilot:
        await pressing()(pilot)
        assert long in "\n".join(lines(app_of(pilot)))


async def test_the_first_row_names_the_directory_of_those_below() -> None:
    union = small.union(
        small.layer(("d", "/usr"), ("d", "/usr/lib"), *(("-", f"/usr/lib/{at:03}") for at in range(60)))
    )
    async with Tree(union, 1).run_test(size=(80, 16)) as pilot:
        await pressing("E", "G")(pilot)
        app = app_of(pilot)
        shown = lines(app)
        assert shown[0].strip() == "▾ /usr/lib/"
        await pressing_on(pilot, *["k"] * 40)
        shown = lines(app)
        assert shown[0].strip() == "▾ /usr/lib/"
        assert any(app.path.rpartition("/")[2] in line for line in shown[1:]), "the cursor is not below it"
        await pilot.click(TreeView, offset=(8, 0))
        await settled(pilot)
        assert app.path == "/usr/lib"
        await pressing_on(pilot, "g")
        assert lines(app)[0].split()[:2] == ["▾", "/"]


def bars(app: Tree) -> dict[str, str]:
    """The two-part bar of each path that has one."""
    rows = app.view.rows
    assert rows is not None
    found = {}
    for y, node in enumerate(rows.nodes):
        text = app.view.render_line(y).text
        found[rows.merged.union.path(node)] = "".join(char for char in text if char in "█░▏▎▍▌▋▊▉").strip("▌")
    return {path: bar for path, bar in found.items() if bar}


async def test_bars_say_which_directories_have_live_and_dead_bytes() -> None:
    union = small.union(
        small.layer(
            ("-", "/live/a", {"size": 60}), ("-", "/both/b", {"size": 20}), ("-", "/gone/c", {"size": 20})
        ),
        small.layer(("wh", "/gone/c"), ("-", "/both/b", {"size": 20})),
    )
    app = Tree(union, 2)
    async with app.run_test(size=(80, 24)) as pilot:
        await pressing("v", "v")(pilot)
        assert bars(app) == {}  # not known yet: nothing
        assert isinstance(app.view.presenter, LayerPresenter)
        app.view.presenter.sizes = SizeMap(union)
        app.view.repaint()
        assert bars(app) == {"/": "███████░░░", "/both": "██░", "/gone": "░░", "/live": "█████"}
        app.show(
            small.union(small.layer(("-", "/live/a", {"size": 60}))), 1
        )  # of another union nothing is known
        await settled(pilot)
        assert bars(app) == {}
