"""Draws the pictures of the documentation: the real app on its sample, and on a real image.

``make pictures`` writes those of the sample to ``docs/pictures``; ``make pictures IMAGES=orders.tar`` all, with the
archive that ``docs/pictures/orders/build`` makes.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from textual import constants
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from layertui.text import format
from layertui.ui.app import LayertuiApp
from layertui.ui.compare.panes import ComparePanes
from layertui.ui.compare.screen import CompareScreen
from layertui.ui.dockerfile.screen import DockerfileScreen
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.finder.dialog import FinderDialog
from layertui.ui.images.table import Table
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.theme.colors import DARK_THEME, LIGHT_THEME

HERE = Path(__file__).parent / "pictures"
SIZE = (120, 36)
ORDERS = "docker-archive:orders.tar:acme/orders:1.0"
"""The real image, in the archive that is given."""
QUIET = 3.0
"""Seconds without a change after which a picture is complete."""

Pictures = dict[str, tuple[str | None, str, Sequence[str]]]
"""What is given on the command line, the theme, and the keys that are pressed."""
REAL: Pictures = {
    "explorer": (ORDERS, DARK_THEME, "j"),
    "finder": (ORDERS, DARK_THEME, ("o", *"id_rsa")),
    "key": (ORDERS, DARK_THEME, ("o", *"id_rsa", "enter", "3")),
    "insight": (ORDERS, DARK_THEME, "Id"),
    "waste": (ORDERS, DARK_THEME, "I2jj"),
    "build": (ORDERS, DARK_THEME, ("B", "tab", "tab", "j")),
    "compare": (ORDERS, DARK_THEME, ("D", "enter", "enter", ":", *"/srv/app/orders.py", "enter", "2")),
    "images": (None, DARK_THEME, ()),
}
SAMPLE: Pictures = {
    "light": ("demo:", LIGHT_THEME, ("j", "j", "j", "tab", "v", "E", "n", "n", "n", "n")),
}
TOUR: Sequence[tuple[str, Sequence[str]]] = (
    ("The first screen: live and dead bytes of each layer", ()),
    ("chown -R stored again what pip had installed", "j"),
    ("I: where the bytes are", "I"),
    ("2: what is wasted, and by which step", "2"),
    ("o: find anything by a few letters", ("escape", "o", *"id_rsa")),
    ("3: a deleted key, still shipped", ("enter", "3")),
    ("B: the Dockerfile as a bill, with advice", "B"),
)
"""The recording of the real image: what each of its pictures shows, and the keys that lead to it."""
TOUR_SIZE = (100, 30)
EACH = 4
"""Seconds that a picture of the recording is shown."""
PICTURES = {*REAL, *SAMPLE, "tour"}


async def draw(name: str, reference: str | None, theme: str, keys: Sequence[str]) -> None:
    """One picture."""
    app = LayertuiApp(reference, cache=False)
    app.theme = theme
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        (HERE / f"{name}.svg").write_text(await after(pilot, keys, name))


async def record() -> None:
    """The recording: pictures that take turns, without script; only the first for who wants no motion."""
    app = LayertuiApp(ORDERS, cache=False)
    app.theme = DARK_THEME
    frames = []
    async with app.run_test(size=TOUR_SIZE) as pilot:
        await settled(pilot)
        for number, (title, keys) in enumerate(TOUR):
            app.title = title
            frames.append(await after(pilot, keys, f"tour-{number}"))
    box = re.search(r'viewBox="[^"]*"', frames[0])
    assert box is not None
    share = 100 / len(frames)
    turns = "".join(
        f"#turn-{number} {{ animation-delay: {number * EACH}s }}" for number in range(1, len(frames))
    )
    style = (
        f"@keyframes turn {{ 0% {{ visibility: visible }} {share:.3f}% {{ visibility: hidden }} }}"
        ".turn { visibility: hidden } #turn-0 { visibility: visible }"
        "@media (prefers-reduced-motion: no-preference) {"
        f".turn, #turn-0 {{ visibility: hidden; animation: turn {len(frames) * EACH}s step-end infinite }}"
        f"{turns} }}"
    )
    pictures = "".join(
        f'<g id="turn-{number}" class="turn">{frame}</g>' for number, frame in enumerate(frames)
    )
    (HERE / "tour.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {box[0]}><style>{style}</style>{pictures}</svg>\n'
    )


async def after(pilot: Pilot[None], keys: Sequence[str], name: str) -> str:
    """The picture after some keys."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
    await complete(pilot)
    svg = pilot.app.export_screenshot(simplify=True)
    svg = re.sub(r"terminal-\d+", f"layertui-{name}", svg)  # differs from run to run
    return re.sub(r',\s*url\("http[^;]*', "", svg)  # fonts that a viewer would fetch


async def settled(pilot: Pilot[None]) -> None:
    """Nothing is being read or worked out that the next key needs."""
    await pilot.pause(0.3)
    while is_busy(pilot.app.screen):
        await pilot.pause(0.3)


def is_busy(screen: Screen[object]) -> bool:
    """Whether the screen waits for what it shows."""
    if isinstance(screen, ExplorerScreen):
        return not screen.reading.ended or screen.panes.busy
    if isinstance(screen, InsightScreen):
        return screen.busy
    if isinstance(screen, DockerfileScreen):
        return screen.bill.pieces is None
    if isinstance(screen, CompareScreen):
        return screen.comparison is None or screen.query_one(ComparePanes).busy
    if isinstance(screen, FinderDialog):
        return screen.listed != screen.query_one(Input).value
    tables = screen.query(Table)
    return bool(tables) and not any(table.rows for table in tables)


async def complete(pilot: Pilot[None]) -> None:
    """The picture stays as it is."""
    before = ""
    while (now := pilot.app.export_screenshot(simplify=True)) != before or is_busy(pilot.app.screen):
        before = now
        await pilot.pause(QUIET)


def main(archive: str | None = None) -> None:
    """Draw the pictures of the sample, and with the archive of the real image all."""
    os.environ["TZ"] = "UTC"
    format.now = lambda: datetime(2026, 12, 2, tzinfo=UTC)
    os.environ.pop("NO_COLOR", None)
    vars(constants)["TEXTUAL_ANIMATIONS"] = "none"
    real = Path(archive).resolve() if archive else None
    with tempfile.TemporaryDirectory() as empty:
        os.environ |= {
            "XDG_STATE_HOME": empty,
            "XDG_CONFIG_HOME": empty,
        }  # neither recent images nor settings
        os.chdir(empty)
        if real is not None:
            Path(empty, "orders.tar").symlink_to(real)
        for name, (reference, theme, keys) in (REAL | SAMPLE if real is not None else SAMPLE).items():
            asyncio.run(draw(name, reference, theme, keys))
        if real is not None:
            asyncio.run(record())


if __name__ == "__main__":
    main(*sys.argv[1:])
