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
    "explorer": (ORDERS, DARK_THEME, "jjjjjj"),
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
PICTURES = REAL | SAMPLE


async def draw(name: str, reference: str | None, theme: str, keys: Sequence[str]) -> None:
    """One picture."""
    app = LayertuiApp(reference, cache=False)
    app.theme = theme
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        await complete(pilot)
        svg = app.export_screenshot(simplify=True)
    svg = re.sub(r"terminal-\d+", f"layertui-{name}", svg)  # differs from run to run
    svg = re.sub(r',\s*url\("http[^;]*', "", svg)  # fonts that a viewer would fetch
    (HERE / f"{name}.svg").write_text(svg)


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
        for name, (reference, theme, keys) in (PICTURES if real is not None else SAMPLE).items():
            asyncio.run(draw(name, reference, theme, keys))


if __name__ == "__main__":
    main(*sys.argv[1:])
