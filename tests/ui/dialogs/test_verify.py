"""The dialog that recomputes digests: pictures, keys, and that closing it ends the work."""

import threading
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from layertui.model.blob import Blob, BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.ui.app import LayertuiApp
from layertui.ui.dialogs.verify import VerifyDialog
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.widgets.text_view import TextView
from tests.textual_internals import wait_as_textual_does
from tests.ui.places import HOSTILE, until
from tests.ui.readings import Reading, loaded, quiet, sample, use_reading
from tests.waiting import SECONDS

Compare = Callable[..., bool]


class Held(Blob):
    """A blob whose bytes after the first come once ``go`` is set."""

    location, size = "held.tar", 0

    def __init__(self, data: bytes) -> None:
        self.go = threading.Event()
        self.reads = 0
        self.size = len(data)
        self._data = data

    def pread(self, length: int, offset: int) -> bytes:
        self.reads += 1
        if offset:
            self.go.wait(SECONDS)
        return self._data[offset : offset + min(length, 1 << 16)]


def with_blob(image: Image, number: int, blob: Blob) -> Image:
    layers = list(image.layers)
    layers[number - 1] = layers[number - 1]._replace(blob=blob)
    return image._replace(layers=layers)


def tampered() -> Image:
    """The config is another one, layer 2 holds other bytes, layer 4 none, layer 5 no diff ID."""
    image = sample()
    image = with_blob(image, 2, BytesBlob(b"\0" * 2048, "odd.tar at 512"))
    layers = list(image.layers)
    missing = f"it is fetched from {HOSTILE}"
    layers[3] = layers[3]._replace(blob=None, missing=missing)
    layers[4] = layers[4]._replace(diff_id="")
    return image._replace(layers=layers, config_bytes=b"{}", links=())


class Verifying(LayertuiApp):
    """The dialog about an image, on top of an explorer of the sample."""

    def __init__(self, image: Image, theme: str = "layertui-dark") -> None:
        super().__init__("demo:", cache=False)
        self.theme = theme
        self.image = image


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(sample())
    use_reading(monkeypatch, reading)


def dialog(pilot: Pilot[None]) -> VerifyDialog:
    screen = pilot.app.screen
    assert isinstance(screen, VerifyDialog)
    return screen


def state(pilot: Pilot[None]) -> str:
    return str(dialog(pilot).query_one("#state", Static).render())


def text(pilot: Pilot[None]) -> list[str]:
    view = dialog(pilot).query_one(TextView)
    lines = (view.document.line(number) for number in range(len(view.document)))
    return ["".join(part for part, _style in line.gutter) + line.text for line in lines]


async def opened(pilot: Pilot[None]) -> None:
    await loaded(pilot)
    assert isinstance(pilot.app, Verifying)
    await pilot.app.push_screen(VerifyDialog(pilot.app.image))


@pytest.fixture(autouse=True)
def whole_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dialog scrolls to its end after two refreshes, which a pilot that hurries asks for too early."""
    wait_as_textual_does(monkeypatch)


async def ended(pilot: Pilot[None]) -> None:
    await opened(pilot)
    await until(pilot, lambda: dialog(pilot).ended)


def test_all_is_well(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await ended(pilot)
        view = dialog(pilot).query_one(TextView)
        await until(
            pilot,
            lambda: view.scroll_offset.y == view.max_scroll_y and (size[1] > 50 or view.max_scroll_y > 0),
        )

    assert snap_compare(Verifying(sample(), theme), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], indirect=True, ids=["small", "large"])
def test_what_is_wrong(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(Verifying(tampered()), terminal_size=size, run_before=ended)


def test_under_way(snap_compare: Compare) -> None:
    blob = Held(bytes(3 << 16))

    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await until(pilot, lambda: blob.reads > 1 and "layer 3" in state(pilot))

    try:
        image = with_blob(sample(), 3, blob)
        assert snap_compare(Verifying(image), terminal_size=(120, 40), run_before=run)
    finally:
        blob.go.set()


async def test_tells_both_values_and_why_not() -> None:
    image = tampered()
    async with Verifying(image).run_test(size=(120, 40)) as pilot:
        await ended(pilot)
        shown = "\n".join(text(pilot))
        layer = image.layers[1]
        assert f"claimed {layer.descriptor.digest}" in shown
        assert "found   sha256:" in shown
        assert "· layer 5   diff ID" in shown and "none recorded" in shown
        assert "␛" in shown and "\x1b" not in shown  # the reason why layer 4 is not here
        assert state(pilot).startswith("✗ Digests do not match")
        assert " 0 wrong" not in state(pilot)


async def test_says_what_could_not_be_read() -> None:
    class Broken(Blob):
        location, size = "gone.tar", 10

        def pread(self, length: int, offset: int) -> bytes:
            raise LayertuiError("cannot read gone.tar", "the disk is gone", "try again")

    async with Verifying(with_blob(sample(), 1, Broken())).run_test(size=(120, 40)) as pilot:
        await ended(pilot)
        assert "✗ Not everything could be read" in state(pilot)
        assert "\ncannot read gone.tar, the disk is gone, try again" in state(pilot)


@pytest.mark.parametrize("key", ["escape", "q", "enter", "V"])
async def test_closing_it_ends_the_work(key: str) -> None:
    blob = Held(bytes(1 << 22))
    async with Verifying(with_blob(sample(), 1, blob)).run_test() as pilot:
        await opened(pilot)
        await until(pilot, lambda: blob.reads > 1)
        thread = next(each for each in threading.enumerate() if each.name == "verify image")
        await pilot.press(key)
        assert isinstance(pilot.app.screen, ExplorerScreen)
        reads = blob.reads
        blob.go.set()
        thread.join(SECONDS)
        assert not thread.is_alive() and blob.reads <= reads + 2
        assert pilot.app.is_running


async def test_a_key_of_the_explorer_opens_it_and_others_scroll_it() -> None:
    async with Verifying(sample()).run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await quiet(pilot)
        await pilot.press("V")
        await until(pilot, lambda: dialog(pilot).ended)
        view = dialog(pilot).query_one(TextView)
        assert state(pilot).startswith("✓ ")
        await until(pilot, lambda: view.scroll_offset.y == view.max_scroll_y > 0)  # it follows what comes
        await pilot.press("g")
        assert view.scroll_offset.y == 0
        await pilot.press("j")
        assert view.scroll_offset.y == 1


async def test_ends_at_the_first_thing_that_is_wrong() -> None:
    async with Verifying(with_blob(sample(), 3, BytesBlob(bytes(512), ""))).run_test(size=(80, 24)) as pilot:
        await ended(pilot)
        view = dialog(pilot).query_one(TextView)
        # Before, it follows what comes: the row at the top may be a folded one, past the last line.
        await until(
            pilot, lambda: "".join(text(pilot)[view.scroll_offset.y :]).startswith("✗ layer 3   size")
        )
