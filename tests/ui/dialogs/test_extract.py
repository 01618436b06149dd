"""Extracting out of the explorer: pictures of the dialog, its keys, and what is written."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from layertui.model.blob import Blob, BytesBlob
from layertui.model.numbers import ROOT, LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.dialogs.completed_field import CompletedField
from layertui.ui.dialogs.extract import ExtractDialog
from layertui.ui.explorer.screen import ExplorerScreen
from tests.commands.samples import tar
from tests.images import layers_of
from tests.textual_internals import notifications, screen_text
from tests.ui.dialogs.test_verify import with_blob
from tests.ui.places import until
from tests.ui.readings import Reading, layers, loaded, merged, quiet, sample, tree, use_reading
from tests.waiting import SECONDS

Compare = Callable[..., bool]
Read = Callable[..., None]


class Explorer(LayertuiApp):
    """The app on what is read, in a directory of its own."""

    def __init__(self) -> None:
        super().__init__("demo:", cache=False)


class Held(Blob):
    """A blob whose bytes, but for those that tell how it is compressed, come once ``go`` is set."""

    location, size = "held.tar", 0

    def __init__(self, blob: BytesBlob) -> None:
        self.size = blob.size
        self.go = threading.Event()
        self.reached = threading.Event()
        self._blob = blob

    def pread(self, length: int, offset: int) -> bytes:
        if length > 6:
            self.reached.set()
            self.go.wait(SECONDS)
        return self._blob.pread(length, offset)


def held(read: Read) -> Held:
    """The sample is read, but for the contents of its fifth layer."""
    blob = sample().layers[4].blob
    assert isinstance(blob, BytesBlob)
    reading, result = Reading(sample()), Held(blob)
    reading.image = with_blob(sample(), 5, result)
    read(reading)
    return result


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    def use(reading: Reading | None = None) -> None:
        reading = reading or Reading(sample())
        use_reading(monkeypatch, reading)

    return use


@pytest.fixture(autouse=True)
def here(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory."""
    read()
    directory = tmp_path / "here"
    (directory / "out").mkdir(parents=True)
    (directory / "outer/inner").mkdir(parents=True)
    (directory / "a file").touch()
    monkeypatch.chdir(directory)
    return directory


def dialog(pilot: Pilot[None]) -> ExtractDialog:
    screen = pilot.app.screen
    assert isinstance(screen, ExtractDialog)
    return screen


def said(pilot: Pilot[None], where: str = "#state") -> str:
    return str(dialog(pilot).query_one(where, Static).render())


def notified(pilot: Pilot[None]) -> list[str]:
    return notifications(pilot)


def field(pilot: Pilot[None]) -> Input:
    return dialog(pilot).query_one(Input)


async def opened(pilot: Pilot[None], *keys: str) -> None:
    """The dialog, after some keys of the explorer, counted and with its directories listed."""
    await pilot.press(*keys, "x")
    await counted(pilot)


async def counted(pilot: Pilot[None]) -> None:
    """The dialog, as soon as it knows what there is to write."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ExtractDialog))
    await until(pilot, lambda: "counting" not in said(pilot, "#what"))
    await until(pilot, lambda: dialog(pilot).query_one(CompletedField).listed == "")


async def at_file(pilot: Pilot[None]) -> None:
    """The dialog about the first file that the top layer changed."""
    await loaded(pilot)
    await opened(pilot, "tab", "n")


async def into(pilot: Pilot[None], directory: str, state: str = "") -> None:
    field(pilot).value = directory
    await pilot.press("enter")
    if state:
        await until(pilot, lambda: dialog(pilot).state == state)


async def done(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ExplorerScreen))


def paths(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


# Pictures


def test_extract(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await opened(pilot)

    assert snap_compare(Explorer(), terminal_size=size, run_before=run)


def test_under_way(snap_compare: Compare, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.ui.worker.background.TICK", 0)
    blob = held(read)

    async def run(pilot: Pilot[None]) -> None:
        await quiet(pilot)
        await opened(pilot, "tab")
        await into(pilot, "out", "working")
        await until(pilot, blob.reached.is_set)
        await until(pilot, lambda: "17 of 45 files" in screen_text(pilot))

    try:
        assert snap_compare(Explorer(), terminal_size=(120, 40), run_before=run)
    finally:
        blob.go.set()


def test_already_there(snap_compare: Compare, here: Path) -> None:
    (here / "out/srv/quarry").mkdir(parents=True)
    (here / "out/srv/quarry/app.py").touch()

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await opened(pilot)
        await into(pilot, "out", "asking")

    assert snap_compare(Explorer(), terminal_size=(80, 24), run_before=run)


def odd() -> Reading:
    """A layer that ends in the middle of a file."""
    whole = tar(("/a", b"a" * 1000), ("/b", b"b" * 5000))
    image = sample()._replace(layers=layers_of([whole]), history=[])
    reading = Reading(image._replace(history=[sample().history[0]._replace(layer=LayerNumber(1))]))
    reading.image = with_blob(reading.image, 1, BytesBlob(whole[:4000], "cut.tar"))
    return reading


def test_left_out(snap_compare: Compare, read: Read) -> None:
    read(odd())

    async def run(pilot: Pilot[None]) -> None:
        await quiet(pilot)
        await opened(pilot, "tab")
        await into(pilot, "out", "ended")

    assert snap_compare(Explorer(), terminal_size=(80, 24), run_before=run)


# What is written


async def test_the_path_at_hand_from_the_tree_and_the_detail(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await at_file(pilot)
        path = merged(pilot).union.path(tree(pilot).node)
        assert str(dialog(pilot).query_one("#extract").border_title) == f"Extract {path}"
        await into(pilot, "out")
        await done(pilot)
        assert paths(here / "out") == [path.rpartition("/")[2]]
        assert notified(pilot)[-1].startswith("1 file, ") and notified(pilot)[-1].endswith(", to out")
        await opened(pilot, "4")  # the detail has the focus of the tree still
        await pilot.press("escape", "tab")
        await opened(pilot)
        assert str(dialog(pilot).query_one("#extract").border_title) == f"Extract {path}"


async def test_what_a_layer_changed_from_the_layers(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        layers(pilot).go_to_layer(LayerNumber(8))
        await quiet(pilot)
        await opened(pilot)
        assert str(dialog(pilot).query_one("#extract").border_title) == "Extract the changes of layer 8"
        assert "whiteout" in said(pilot, "#what")
        await into(pilot, "out")
        await done(pilot)
        assert any("/.wh." in f"/{path}" for path in paths(here / "out"))


async def test_keys_typed_in_one_burst_act_where_the_focus_is_by_then(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for key in ("tab", "x"):  # as a terminal sends what is typed fast: none waits for the one before
            pilot.app.post_message(events.Key(key, None if key == "tab" else key))
        await counted(pilot)
        assert str(dialog(pilot).query_one("#extract").border_title) == "Extract /"


async def test_a_hidden_path_as_it_was_before_it_was_deleted(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        union = merged(pilot).union
        gone = next(
            node
            for node in union.descendants(ROOT)
            if union.at(node, LayerNumber(9)) < 0 and not union.is_directory(union.ev_prev[union.last[node]])
        )
        before = union.ev_layer[union.last[gone]] - 1
        tree(pilot).focus()
        tree(pilot).go_to(gone)
        await quiet(pilot)
        await opened(pilot)
        assert str(dialog(pilot).query_one("#extract").border_title).endswith(f" at layer {before}")
        await into(pilot, "out")
        await done(pilot)
        assert (here / "out" / union.name(gone)).stat().st_size == union.size(
            union.at(gone, LayerNumber(before))
        )


async def test_r_replaces_and_escape_does_not(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await at_file(pilot)
        name = dialog(pilot)._title.rpartition("/")[2]
        (here / "out" / name).write_text("mine")
        await into(pilot, "out", "asking")
        assert said(pilot).splitlines() == ["1 file already exist:", f"out/{name}"]
        await pilot.press("escape")
        assert field(pilot).has_focus
        assert (here / "out" / name).read_text() == "mine"
        await into(pilot, "out", "asking")
        await pilot.press("f")
        await done(pilot)
        assert (here / "out" / name).read_text() != "mine"


async def test_what_fails_is_said_and_another_directory_can_be_typed(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await at_file(pilot)
        field(pilot).value = "a file"
        await pilot.press("enter")
        await until(pilot, lambda: said(pilot) == "cannot write into a file, Not a directory")
        assert dialog(pilot).state == "choosing"
        field(pilot).value = "~/new"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ExplorerScreen)


async def test_escape_stops_what_is_being_written(read: Read, here: Path) -> None:
    blob = held(read)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await quiet(pilot)
        await opened(pilot, "tab")
        await into(pilot, "out", "working")
        await until(pilot, lambda: blob.reached.is_set())
        await pilot.press("enter", "q")  # typed twice: not to stop what the first began
        assert dialog(pilot).state == "working" and not dialog(pilot)._writing.is_cancelled
        await pilot.press("escape")
        blob.go.set()
        await until(pilot, lambda: dialog(pilot).state == "ended")
        assert said(pilot).startswith("Stopped. ") and said(pilot).endswith("to out.")
        await pilot.press("q")
        await done(pilot)


async def test_completion_clicks_and_owners_on_request(here: Path) -> None:
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await at_file(pilot)
        assert "owner: you" in said(pilot, "#owner")
        await pilot.press("ctrl+t")
        assert "owner: as in the image" in said(pilot, "#owner")
        await pilot.click("#owner", offset=(2, 0))
        assert "owner: you" in said(pilot, "#owner")
        options = dialog(pilot).query_one(OptionList)
        assert [str(option.prompt) for option in options.options] == ["out/", "outer/"]
        await pilot.click(OptionList, offset=(2, 1))
        await until(pilot, lambda: dialog(pilot).query_one(CompletedField).listed == "outer/")
        assert [str(option.prompt) for option in options.options] == ["outer/inner/"]
        await pilot.press("tab", "enter")
        await done(pilot)
        assert len(paths(here / "outer/inner")) == 1


async def test_a_layer_that_is_not_read_yet(read: Read) -> None:
    reading = Reading(sample(), at_once=False)
    read(reading)
    async with Explorer().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: layers(pilot).image is not None)
        await pilot.press("x")
        assert isinstance(pilot.app.screen, ExplorerScreen)
        for layer in (1, 2):
            reading.index(layer)
        reading.union(2)
        await until(pilot, lambda: tree(pilot).rows is not None)
        await quiet(pilot)
        await pilot.press("x")
        await until(pilot, lambda: notified(pilot) == ["Layer 9 has not been loaded yet."])
