"""The pager for output on a terminal, and colors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.samples import image, tar
from tests.programs import need
from tests.ui.terminal import COMMAND, Terminal

LESS: dict[str, Any] = {"PAGER": "less"}


def test_long_output_is_paged_short_is_not() -> None:
    need("less")
    with Terminal("tree", "demo:", rows=20, **LESS) as terminal:
        terminal.wait("/bin -> usr/bin", lambda text: text.rstrip().endswith(":"))
        assert b"\x1b[?1049h" not in terminal.raw  # the text stays on the screen
        terminal.press("G")
        terminal.wait("(END)")
        terminal.press("\x03")  # goes to less, which goes on
        terminal.press("q")
        assert terminal.end() == 0
    with Terminal("tree", "demo:", "/etc/passwd", rows=20, **LESS) as terminal:
        assert terminal.end() == 0
        assert "/etc/passwd" in terminal.text


def test_colors_pass_and_the_status_is_the_commands_own(tmp_path: Path) -> None:
    need("less")
    with Terminal("check", "demo:", rows=8, **LESS) as terminal:
        terminal.wait("dive's default rules")
        terminal.press("G")
        terminal.wait("(END)")
        terminal.press("q")
        assert terminal.end() == 1
    assert b"\x1b[31mFAIL" in terminal.raw
    with Terminal("tree", "demo:", rows=8, **LESS) as terminal:
        terminal.wait(lambda text: text.rstrip().endswith(":"))
        terminal.press("q")  # before all has been written
        assert terminal.end() == 0


def test_errors_come_after_it(tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a"), ("/b", b"b" * 5000)))
    layer = max((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    layer.write_bytes(layer.read_bytes()[:2000])
    with Terminal("cat", str(path), "/b", PAGER="sed 's/^/paged /'") as terminal:
        assert terminal.end() == 2
    before, paged, after = terminal.raw.partition(b"paged bbb")
    assert paged and b"warning: layer 1 could not be read" in before
    assert after.endswith(b"layertui: cannot read /b of layer 1, the layer ends in the middle of it\r\n")


def test_which_pager() -> None:
    mark = "sed 's/^/paged /'"
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"PAGER": mark}, "paged MODE"),
        ({"PAGER": mark, "LAYERTUI_PAGER": "sed 's/^/own /'"}, "own MODE"),
        ({"PAGER": mark, "LAYERTUI_PAGER": ""}, "MODE"),
        ({"PAGER": mark, "LAYERTUI_PAGER": "cat"}, "MODE"),
        ({"PAGER": mark, "TERM": "dumb"}, "MODE"),
        ({"PAGER": mark, "CI": "true"}, "MODE"),
    )
    for environment, told in cases:
        with Terminal("tree", "demo:", "/etc/passwd", **environment) as terminal:
            assert terminal.end() == 0
            assert terminal.text.startswith(told), environment
    done = subprocess.run([COMMAND, "tree", "demo:"], capture_output=True, env={**os.environ, "PAGER": mark})
    assert done.stdout.startswith(b"MODE")


def test_a_pager_that_is_not_there() -> None:
    with Terminal("tree", "demo:", PAGER="nowhere-to-be-found") as terminal:
        assert terminal.end() == 0
        assert "not found" in terminal.text


@pytest.mark.parametrize(
    "words, environment, is_colored",
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color=always",), {"NO_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"CLICOLOR_FORCE": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colors_in_a_pipe(words: tuple[str, ...], environment: dict[str, str], is_colored: bool) -> None:
    own = {name: value for name, value in os.environ.items() if "COLOR" not in name}
    for command in (["changes", "demo:"], ["--ci", "demo:"]):
        done = subprocess.run(
            [sys.executable, "-m", "layertui", *words, *command],
            capture_output=True,
            env={**own, **environment},
        )
        assert (b"\x1b[3" in done.stdout) is is_colored, done.stdout


def test_no_color_on_a_terminal() -> None:
    with Terminal("changes", "demo:", "--color", "never") as terminal:
        terminal.end()
        assert b"\x1b[3" not in terminal.raw
