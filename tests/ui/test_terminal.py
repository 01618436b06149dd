"""The real program in a real terminal."""

import contextlib
import os
import signal
from pathlib import Path

import pexpect
import pytest

from tests.ui.terminal import COMMAND, Terminal
from tests.waiting import SECONDS, wait_for


def test_opens_the_sample_moves_between_layers_and_quits() -> None:
    with Terminal("demo") as terminal:
        before = terminal.wait("Layers", "Merged tree", "etc")
        terminal.press("j")
        terminal.wait(lambda text: text != before)
        terminal.press("q")
        assert terminal.end() == 0
        assert b"Traceback" not in terminal.raw


def test_lists_images_and_opens_one() -> None:
    with Terminal(columns=80, rows=24) as terminal:
        terminal.wait("quarry")  # not the line that tells where it looks
        terminal.press("\r")
        terminal.wait("Layers")
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("columns", [1, 2, 7, 20])
def test_lives_in_a_tiny_terminal(columns: int) -> None:
    with Terminal("demo", columns=columns, rows=5) as terminal:
        terminal.wait(lambda text: bool(text.strip()))
        for key in "jG\tn1d?":
            terminal.press(key)
            terminal.settle(0.05)
            assert terminal.process.isalive(), terminal.raw
        terminal.press("\x1b")
        terminal.settle()
        terminal.press("q")
        assert terminal.end() == 0
        assert b"Traceback" not in terminal.raw


def test_quits_while_an_image_loads() -> None:
    with Terminal("demo") as terminal:
        terminal.press("q")
        assert terminal.end() == 0
        assert b"Traceback" not in terminal.raw


def test_says_what_is_wrong_with_a_file_and_stays_usable(tmp_path: Path) -> None:
    path = tmp_path / "not-an-image.tar"
    path.write_bytes(b"hello")
    with Terminal(str(path)) as terminal:
        terminal.wait("not-an-image.tar")
        terminal.press("?")
        terminal.wait("esc closes")
        terminal.settle()
        terminal.press("\x1b")
        terminal.wait(lambda text: "esc closes" not in text)  # a q at once would make it alt+q
        terminal.press("q")
        assert terminal.end() in (0, 2)
        assert b"Traceback" not in terminal.raw


def test_ends_when_its_terminal_goes(tmp_path: Path) -> None:
    """Also where what started it keeps the hang-up to itself, as make does."""
    noted = tmp_path / "pid"
    script = f'trap : HUP; sh -c \'echo $$ > "$1"; exec "$2" demo\' sh {noted} {COMMAND}; :'
    shell = pexpect.spawn(
        "sh", ["-c", script], dimensions=(40, 120), env={**os.environ, "TERM": "xterm-256color"}
    )
    shell.expect("Merged tree", timeout=SECONDS)
    process = int(noted.read_text())
    assert is_running(process)
    try:
        os.close(shell.child_fd)
        wait_for(lambda: not is_running(process), lambda: "it goes on without a terminal")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def is_running(process: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
