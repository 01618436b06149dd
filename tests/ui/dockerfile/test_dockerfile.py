"""The screen that shows how an image was built: pictures, every key, where lines lead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from layertui.model.image import Image
from layertui.sources import open_image
from layertui.ui.dockerfile.screen import DockerfileScreen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.widgets.text_view import TextView
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.textual_internals import screen_text
from tests.ui.places import HOSTILE, until
from tests.ui.readings import (
    ExplorerApp,
    Reading,
    explorer,
    hostile,
    layers,
    loaded,
    quiet,
    sample,
    tree,
    use_reading,
)

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return use(monkeypatch, sample())


def use(monkeypatch: pytest.MonkeyPatch, image: Image | Reading) -> Reading:
    reading = image if isinstance(image, Reading) else Reading(image)
    return use_reading(monkeypatch, reading)


def on_a_base(folder: Path) -> Image:
    """An image in a layout that has its base too."""
    layout = OciLayout(folder)
    below = tar(("/etc/conf", b"1"), ("/bin/tool", b"x" * 5000))
    layout.add("base", [below])
    layout.add("app", [below, tar(("/etc/conf", b"22"), ("/srv/app", b"y" * 700))])
    return open_image(f"oci:{folder}:app")


def screen(pilot: Pilot[None]) -> DockerfileScreen:
    shown = pilot.app.screen
    assert isinstance(shown, DockerfileScreen)
    return shown


def view(pilot: Pilot[None], name: str) -> TextView:
    return screen(pilot).query_one(f"#{name}", TextView)


def at(pilot: Pilot[None], name: str = "dockerfile") -> str:
    return view(pilot, name).document.line(view(pilot, name).cursor).text


async def opened(pilot: Pilot[None]) -> None:
    await loaded(pilot)
    await pilot.press("B")
    await until(pilot, lambda: screen(pilot).ready)


async def go_to(pilot: Pilot[None], start: str) -> None:
    left = view(pilot, "dockerfile")
    left.go_to(next(line for line in left.document.items if left.document.line(line).text.startswith(start)))
    await pilot.pause()


async def told(pilot: Pilot[None], what: str) -> None:
    await until(pilot, lambda: what in screen_text(pilot))


@pytest.mark.parametrize(
    ("size", "theme"), [((80, 24), "layertui-light"), ((120, 40), "layertui-dark")], ids=["80x24", "120x40"]
)
def test_dockerfile(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await go_to(pilot, "RUN adduser")
        await told(pilot, "2 added, 38 modified, 0 deleted")

    assert snap_compare(ExplorerApp(theme), terminal_size=size, run_before=run)


async def test_begins_at_from_and_tells_what_the_step_at_hand_did() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert at(pilot).startswith("# no base image") and "Base image unknown" in screen_text(pilot)
        await go_to(pilot, "RUN apk add")
        await told(pilot, "18 added, 5 modified")
        assert "/usr/bin/python3" in screen_text(pilot)
        await go_to(pilot, "EXPOSE")
        await pilot.press("down")
        assert at(pilot) == "USER quarry" and "No layer: config only" in screen_text(pilot)


async def test_enter_goes_to_the_layer_or_to_the_file() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "RUN apk del")
        await pilot.press("enter")
        assert layers(pilot).merged_layer == 7 and layers(pilot).has_focus
        await pilot.press("B")
        await until(pilot, lambda: screen(pilot).ready)
        await go_to(pilot, "RUN apk add")
        await told(pilot, "/usr/bin/python3")
        await pilot.press("tab", "enter")
        assert isinstance(pilot.app.screen, ExplorerScreen)
        await quiet(pilot)
        rows = tree(pilot).rows
        assert layers(pilot).merged_layer == 2 and rows is not None
        subject = explorer(pilot).panes.subject
        assert subject is not None and subject.union.path(subject.node) == "/usr/bin/python3"


async def test_copies_an_instruction_a_value_or_all() -> None:
    app = ExplorerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await go_to(pilot, "RUN adduser")
        await pilot.press("y")
        assert app.copied.startswith("RUN adduser -D -h /srv/quarry quarry \\\n    && install")
        await told(pilot, "/srv/quarry/app.py")
        await pilot.press("tab", "y")
        assert app.copied == "/srv/quarry/app.py"
        await pilot.press("Y")
        assert "\nFROM scratch\n" in app.copied and app.copied.endswith('CMD ["python3", "app.py"]\n')


async def test_the_base_is_an_image_that_lies_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = open_image
    image = on_a_base(tmp_path / "layout")
    use(monkeypatch, image)
    # Where images around are looked for, they are really opened.
    monkeypatch.setattr("layertui.dockerfile.base_candidates.open_image", real)
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await told(pilot, "  on base  ")
        rows = [layers(pilot).render_line(y).text[:3] for y in range(2)]
        assert rows == ["▶▌ ", "┆▌ "]  # the explorer tells too
        await opened(pilot)
        assert at(pilot) == "# base image: its layer is the first of this image"
        text = screen_text(pilot)
        assert "Built on base" in text and "Layer 1 is the base image's." in text


async def test_what_is_not_read_yet_is_told_later(read: Reading) -> None:
    read.at_once = False
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: explorer(pilot).reading.image is not None)
        await pilot.press("B")
        await until(pilot, lambda: screen(pilot).ready)
        await go_to(pilot, "COPY root/")
        assert "Changes are shown once the layer has" in screen_text(pilot)


async def test_nothing_of_an_image_acts_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, hostile())
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("down")
        shown = screen_text(pilot)
        assert "\x1b" not in shown and "\u202e" not in shown and HOSTILE not in shown
