"""The screen that shows how an image was built: pictures, every key, where lines lead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.color import Color
from textual.pilot import Pilot

from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.sources import open_image
from layertui.ui.dockerfile.questions import Questions
from layertui.ui.dockerfile.screen import DockerfileScreen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.theme.layers import LayerRoles
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
    image_opened,
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
    await until(pilot, lambda: screen(pilot).ready and screen(pilot).bill.pieces is not None)


async def go_to(pilot: Pilot[None], start: str) -> None:
    left = view(pilot, "dockerfile")
    left.go_to(next(line for line in left.document.items if left.document.line(line).text.startswith(start)))
    await pilot.pause()


async def told(pilot: Pilot[None], what: str) -> None:
    await until(pilot, lambda: what in screen_text(pilot))


def rows(pilot: Pilot[None], start: str) -> list[str]:
    """The rows of the screen that contain a text."""
    return [row for row in screen_text(pilot).split("\n") if start in row]


SIZES = pytest.mark.parametrize(
    ("size", "theme"),
    [
        ((80, 12), "layertui-dark"),
        ((80, 24), "layertui-light"),
        ((120, 40), "layertui-dark"),
        ((200, 60), "layertui-dark"),
    ],
    ids=["80x12", "80x24", "120x40", "200x60"],
)


@SIZES
def test_dockerfile(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await go_to(pilot, "RUN adduser")
        if size[0] >= 120:
            await told(pilot, "+2 ~3 *35 −0")

    assert snap_compare(ExplorerApp(theme), terminal_size=size, run_before=run)


@SIZES
def test_advice(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await opened(pilot)
        view(pilot, "advice").focus()
        await pilot.press("down", "down")
        await told(pilot, "Step 7 (layer 4) stores 21 files")

    assert snap_compare(ExplorerApp(theme), terminal_size=size, run_before=run)


async def test_says_what_a_step_does_in_vain_beside_its_size() -> None:
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await opened(pilot)
        (removing,), (owning,) = rows(pilot, "7 RUN apk del"), rows(pilot, "5 RUN adduser")
        assert "  frees 0 of 23.2 kB  " in removing and "  copies 21 files  " in owning


async def test_the_cursor_moves_over_instructions_and_notes_are_at_the_end_of_their_lines() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        seen = [at(pilot)]
        for _ in range(4):
            await pilot.press("down")
            seen.append(at(pilot))
        assert [line.partition(" ")[0] for line in seen] == ["FROM", "ADD", "CMD", "LABEL", "ENV"]
        assert seen[1] == "ADD <file> /   # unknown: the file's name"


async def test_advice_marks_the_steps_that_it_joins_and_leads_to_the_instruction() -> None:
    app = ExplorerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab")
        assert [row[2:5].strip() for row in rows(pilot, "▸")] == ["5", "10"]
        assert rows(pilot, "Step 5 (layer 2) stores 7 files")
        await pilot.press("y")
        assert app.copied.startswith("RUN apk add python3 sqlite-libs stonecut build-base \\\n    && rm -rf ")
        await pilot.press("down", "down")
        assert [row[2:5].strip() for row in rows(pilot, "▸")] == ["7", "8"]
        await pilot.press("tab", "y")
        assert app.copied == "# with /srv/quarry/app.py and 20 more as step 8 leaves them\nCOPY root/ /"
        await pilot.press("shift+tab", "enter")
        assert view(pilot, "dockerfile").has_focus and at(pilot).startswith("COPY root/ /")
        assert not rows(pilot, "▸") and rows(pilot, "COPY: changes")


async def test_a_file_of_a_piece_of_advice_opens_in_the_layer_that_stores_it() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab", "tab", "down", "enter")
        await quiet(pilot)
        subject = explorer(pilot).panes.subject
        assert layers(pilot).merged_layer == 2 and subject is not None
        assert subject.union.path(subject.node) == "/var/cache/apk/python3-3.12.9-r0.apk"


async def test_begins_at_from_and_tells_what_the_step_at_hand_did() -> None:
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert at(pilot).startswith("FROM scratch   # no known base") and "Base image unknown" in screen_text(
            pilot
        )
        await go_to(pilot, "RUN apk add")
        await told(pilot, "+18 ~1 *4 −0")
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
        assert at(pilot) == "FROM base   # base image (its layer is the first of this image)"
        text = screen_text(pilot)
        assert "Built on base" in text and "Layer 1 is the base image's." in text


async def test_the_text_is_there_at_once_and_sizes_come_without_shifting_it(read: Reading) -> None:
    read.at_once = False
    async with ExplorerApp().run_test(size=(120, 60)) as pilot:
        await image_opened(pilot)
        await pilot.press("B")
        await until(pilot, lambda: screen(pilot).ready)
        await go_to(pilot, "COPY root/")
        assert "Changes are shown once the layer has" in screen_text(pilot)
        assert "Shown once all layers have been read" in screen_text(pilot)
        before = screen_text(pilot).split("\n")
        assert sum("…" in row[100:] for row in before) == 10  # nine layers and their total
        read.rest(1)
        await until(pilot, lambda: screen(pilot).bill.pieces is not None)
        assert at(pilot).startswith("COPY root/")
        now = screen_text(pilot).split("\n")
        starts = ("FROM", "RUN", "COPY", "ADD", "ENV", "USER", "CMD", "total")
        assert [[each[:60] for each in shown if each[12:60].startswith(starts)] for shown in (before, now)]
        assert "COPY: changes" in screen_text(pilot)


async def test_a_reading_that_failed_says_why_there_is_no_advice(read: Reading) -> None:
    read.at_once = False
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await image_opened(pilot)
        await pilot.press("B")
        await until(pilot, lambda: screen(pilot).ready)
        read.fail(LayertuiError("layer 3", "it ends after 512 bytes", "save the image again"))
        await told(pilot, "it ends after 512 bytes")
        assert not screen(pilot).bill.sizes and rows(pilot, "RUN apk add")


async def test_an_image_without_dead_bytes_needs_no_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layout = OciLayout(tmp_path)
    layout.add("app", [tar(("/a", b"1")), tar(("/b", b"2"))])
    use(monkeypatch, open_image(f"oci:{tmp_path}:app"))
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert rows(pilot, "Nothing: the image has no dead bytes.")


async def test_nothing_of_an_image_acts_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, hostile())
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("down")
        shown = screen_text(pilot)
        assert "\x1b" not in shown and "\u202e" not in shown and HOSTILE not in shown


async def test_layers_have_the_colors_of_the_base_once_that_is_found(read: Reading) -> None:
    """The explorer looks for it while other screens may be open."""
    async with ExplorerApp().run_test(size=(120, 40)) as pilot:
        await opened(pilot)

        def color() -> Color | None:
            dockerfile = view(pilot, "dockerfile")
            return next(
                segment.style.color
                for y in range(dockerfile.content_size.height)
                for segment in dockerfile.render_line(y)
                if "▌" in segment.text and segment.style is not None
            )

        before = color()
        explorer(pilot).layer_roles = LayerRoles(base=2)
        await until(pilot, lambda: color() != before)
        await pilot.press("escape")
        explorer(pilot).layer_roles = LayerRoles()
        await pilot.press("B")
        await until(pilot, lambda: isinstance(pilot.app.screen, DockerfileScreen) and screen(pilot).ready)
        assert color() == before


async def test_advice_that_comes_while_its_pane_has_the_focus_is_detailed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[Callable[[], None]] = []
    charge = Questions.charge
    monkeypatch.setattr(Questions, "charge", lambda *arguments: held.append(lambda: charge(*arguments)))
    async with ExplorerApp().run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await pilot.press("B")
        await until(pilot, lambda: screen(pilot).ready and bool(held))
        view(pilot, "advice").focus()
        await pilot.pause()
        assert not view(pilot, "detail").display
        held[-1]()
        await told(pilot, " stores ")
        assert view(pilot, "detail").display
