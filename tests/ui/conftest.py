"""Screens look the same in every test run, on every machine."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual import constants
from textual.app import App
from textual.pilot import Pilot

from layertui.text import format
from layertui.ui.app import LayertuiApp
from tests.textual_internals import keep_cursors_from_blinking
from tests.ui.places import Places

SIZES = [(80, 24), (120, 40), (200, 60)]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No clock, locale, color, settings, terminal size or cache of the machine; nothing blinks or slides."""
    for name in ("TMUX", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):  # nothing reaches the clipboard
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(format, "now", lambda: NOW)
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    keep_cursors_from_blinking(monkeypatch)


@pytest.fixture
def snap_compare(snap_compare: Callable[..., bool]) -> Callable[..., bool]:
    """As the plugin has it, but what is done before the picture begins on the app's own first screen."""

    def compare(
        app: App[None], *, run_before: Callable[[Pilot[None]], Awaitable[None]] | None = None, **options: Any
    ) -> bool:
        async def run(pilot: Pilot[None]) -> None:
            while isinstance(app, LayertuiApp) and len(app.screen_stack) < 2:
                await pilot.pause()
            if run_before is not None:
                await run_before(pilot)

        return snap_compare(app, run_before=run, **options)

    return compare


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    """Images of every kind in the current directory and the sample, in place of the real sources."""
    made = Places()
    monkeypatch.setattr("layertui.sources.list_images", made.list_images)
    monkeypatch.setattr("layertui.sources.list_directory", made.list_directory)
    monkeypatch.setattr("layertui.sources.open_image", made.open_image)
    monkeypatch.setattr("layertui.sources.list_containers", made.list_containers)
    monkeypatch.setattr("layertui.sources.engine.image_names", made.names)
    monkeypatch.setattr("layertui.sources.engine.shared_sizes", made.shared_sizes)
    monkeypatch.setattr("layertui.sources.engine.events", made.events)
    return made


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """The three terminal sizes that every state is drawn at."""
    columns, rows = request.param
    return columns, rows


@pytest.fixture(params=["layertui-dark", "layertui-light"], ids=["dark", "light"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)
