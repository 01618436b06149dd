"""A copied text is where the message says."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui.ui.app import LayertuiApp
from layertui.ui.clipboard import copiers, copy
from tests.programs import need
from tests.textual_internals import notifications, screen_text
from tests.ui.images_app import settled
from tests.ui.places import Places, until
from tests.ui.terminal import COMMAND
from tests.waiting import wait_for


class App(LayertuiApp):
    """Notes what is sent to the terminal."""

    sent = ""

    def copy_to_clipboard(self, text: str) -> None:
        self.sent = text


def program(directory: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program first in PATH."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")


async def said(text: str, places: Places) -> tuple[str, str]:
    """What goes to the terminal when a text is copied, and what is said of it."""
    app = App()
    async with app.run_test() as pilot:
        await settled(pilot)
        copy(app.screen, text)
        await until(pilot, lambda: bool(notifications(pilot)))
        return app.sent, notifications(pilot)[0]


async def test_nothing_is_said_to_be_copied_where_nobody_knows(places: Places) -> None:
    sent, told = await said("sha256:abc\x1b[2J", places)
    assert "\x1b" not in sent and sent.startswith("sha256:abc")
    assert told.startswith("Sent sha256:abc") and told.endswith("to the terminal's clipboard (OSC 52)")


@pytest.mark.parametrize("columns", [80, 120, 200])
async def test_a_digest_is_told_on_one_line(columns: int, places: Places) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    async with App().run_test(size=(columns, 24), notifications=True) as pilot:
        await settled(pilot)
        copy(pilot.app.screen, digest)
        await until(pilot, lambda: digest[:12] in screen_text(pilot))
        (line,) = (line for line in screen_text(pilot).splitlines() if digest[:12] in line)
        start, _, end = line[line.index(digest[:12]) :].split()[0].partition("…")
        assert digest.startswith(start) and digest.endswith(end) and len(start + end) >= 35


async def test_a_program_that_took_it_is_named(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "xclip", f'echo "$*" > {tmp_path}/arguments; cat > {tmp_path}/copied', monkeypatch)
    monkeypatch.setenv("DISPLAY", ":7")
    sent, told = await said("déjà vu", places)
    assert told == "Copied déjà vu (xclip)"
    assert sent == "déjà vu"  # the terminal may be elsewhere
    assert (tmp_path / "copied").read_text() == "déjà vu"
    assert (tmp_path / "arguments").read_text() == "-selection clipboard\n"


@pytest.mark.parametrize("script", ["exit 1", "exec 0<&-; exit 1", "kill -9 $$"])
async def test_a_program_that_fails_is_not_believed(
    script: str, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "wl-copy", script, monkeypatch)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    assert (await said("x" * 100_000, places))[1].startswith("Sent x")


def test_the_programs_are_those_of_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "WAYLAND_DISPLAY", "DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert [each.where for each in copiers()] == ["tmux", "pbcopy", "wl-copy", "xclip", "clip.exe"]


async def test_ctrl_c_copies_a_selection_and_else_says_how_to_quit(places: Places) -> None:
    app = App()
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("ctrl+c")
        assert notifications(pilot) == ["ctrl+q quits"]
        app.screen.text_select_all()
        await pilot.press("ctrl+c")
        await until(pilot, lambda: len(notifications(pilot)) > 1)
        assert "selected line" in notifications(pilot)[1] and app.sent
        assert app.is_running


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """A tmux with a server of its own, and how to call it."""
    need("tmux")
    command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    yield command
    subprocess.run([*command, "kill-server"], check=False, capture_output=True)


def test_tmux_has_it_in_its_buffer(tmux: list[str], tmp_path: Path) -> None:
    run = f"env -u DISPLAY -u WAYLAND_DISPLAY XDG_CACHE_HOME={tmp_path} TERM=screen-256color {COMMAND} demo:"
    subprocess.run([*tmux, "new-session", "-d", "-x", "120", "-y", "40", run], check=True)

    def screen() -> str:
        return subprocess.run(
            [*tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True
        ).stdout

    wait_for(lambda: "Merged tree at layer 9" in screen(), screen)
    subprocess.run([*tmux, "send-keys", "Tab", "j", "j", "y"], check=True)
    wait_for(lambda: "Copied /dev (tmux)" in screen(), screen)
    buffer = subprocess.run([*tmux, "show-buffer"], check=True, capture_output=True, text=True)
    assert buffer.stdout == "/dev"
