"""Draws the pictures of the documentation: the real app on its sample image.

``make pictures`` writes them to ``docs/pictures``.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from textual import constants
from textual.pilot import Pilot

from layertui.text import format
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.images.table import Table
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.theme.colors import DARK_THEME, LIGHT_THEME

HERE = Path(__file__).parent / "pictures"
SIZE = (120, 36)

PICTURES: dict[str, tuple[str | None, str, Sequence[str]]] = {
    "explorer": ("demo:", DARK_THEME, ("j", "tab", "n", "n", "n")),
    "diff": ("demo:", DARK_THEME, ("tab", "n", "2")),
    "light": ("demo:", LIGHT_THEME, ("j", "j", "j", "tab", "v", "E", "n", "n", "n", "n")),
    "insight": ("demo:", DARK_THEME, ("I", "j")),
    "build": ("demo:", DARK_THEME, ("B", *"jjjjjjj")),
    "compare": ("demo:", DARK_THEME, ("D", "j", "j", "enter", "n", "n", "n", "2")),
    "images": (None, DARK_THEME, ()),
}
"""What is given on the command line, the theme, and the keys that are pressed."""


async def draw(name: str, reference: str | None, theme: str, keys: Sequence[str]) -> None:
    """One picture."""
    app = LayertuiApp(reference, cache=False)
    app.theme = theme
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        svg = app.export_screenshot(simplify=True)
    svg = re.sub(r"terminal-\d+", f"layertui-{name}", svg)  # differs from run to run
    svg = re.sub(r',\s*url\("http[^;]*', "", svg)  # fonts that a viewer would fetch
    (HERE / f"{name}.svg").write_text(svg)


async def settled(pilot: Pilot[None]) -> None:
    """Nothing is being read or worked out for what is on the screen."""
    while True:
        await pilot.pause(0.3)
        screen = pilot.app.screen
        if isinstance(screen, ExplorerScreen):
            if screen.reading.ended and not screen.panes.busy:
                return
        elif isinstance(screen, InsightScreen):
            if not screen.busy:
                return
        elif not screen.query(Table):
            await pilot.pause(1)  # none of these takes longer on the sample
            return
        elif screen.query_one(Table).rows:
            return


def main() -> None:
    os.environ["TZ"] = "UTC"
    format.now = lambda: datetime(2026, 11, 24, tzinfo=UTC)
    os.environ.pop("NO_COLOR", None)
    vars(constants)["TEXTUAL_ANIMATIONS"] = "none"
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        for name, (reference, theme, keys) in PICTURES.items():
            asyncio.run(draw(name, reference, theme, keys))


if __name__ == "__main__":
    main()
