"""The real program in a real terminal."""

import contextlib
import os
import signal
import subprocess
import termios
from pathlib import Path

import pexpect
import pytest

from layertui import demo
from tests.layouts import docker_archive
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
        terminal.press("q")  # back to the images
        terminal.wait("quarry", "IMAGE ID")
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("columns", [1, 20])
def test_lives_in_a_tiny_terminal(columns: int) -> None:
    """Every size is tried without a terminal: ``test_lives_in_terminals_of_any_size``."""
    with Terminal("demo", columns=columns, rows=5) as terminal:
        terminal.wait(lambda text: bool(text.strip()))
        for key in "jG\tn1d?":
            terminal.press(key)
            terminal.settle(0.05)
            assert terminal.process.isalive(), terminal.raw
        assert terminal.quit() == 0  # the help first, if it is open by now
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


@pytest.mark.parametrize(
    ("keys", "shown"),
    [("zzz\r\r\r\r", "o opens another image"), ("\r\r\r\r", "esc cancels")],
    ids=["missing", "nothing"],
)
def test_keys_that_come_in_one_read_close_nothing_below(keys: str, shown: str) -> None:
    """As over a slow line: the image that was open is still there, below what was opened."""
    with Terminal("demo") as terminal:
        terminal.wait("Layers", "Merged tree", "etc")
        terminal.press("o")
        terminal.wait("esc cancels")
        terminal.press(keys)
        terminal.wait(shown)
        terminal.settle()
        terminal.press("\x1b")
        # A key at once would make it alt and that key.
        terminal.wait("Merged tree", lambda text: shown not in text)
        terminal.settle()
        terminal.press("\x11")
        assert terminal.end() == 0
        assert b"Traceback" not in terminal.raw


MODES = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse moves": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "mouse coordinates": (b"\x1b[?1006h", b"\x1b[?1006l"),
    "focus": (b"\x1b[?1004h", b"\x1b[?1004l"),
    "pasted text": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "line wrap": (b"\x1b[?7l", b"\x1b[?7h"),
}
"""How the app changes the terminal, and how that is undone (xterm's ctlseqs)."""


def left_changed(raw: bytes) -> list[str]:
    """The modes that were set and not reset."""
    return [name for name, (on, off) in MODES.items() if raw.rfind(on) > raw.rfind(off)]


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGTERM, ["demo:"]),
        (signal.SIGHUP, ["demo:"]),
        (signal.SIGQUIT, ["demo:"]),
        (signal.SIGINT, ["demo:"]),
        (signal.SIGTERM, []),  # the list of images, which has no worker
    ],
)
def test_a_signal_that_ends_it_leaves_the_terminal_as_it_was(
    number: signal.Signals, arguments: list[str], tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with Terminal(*arguments, TMPDIR=str(temporary), cwd=temporary) as terminal:
        pty = os.dup(terminal.process.child_fd)  # it is closed at the end
        before = termios.tcgetattr(pty)
        terminal.wait("quarry")
        assert left_changed(terminal.raw) == list(MODES)
        assert termios.tcgetattr(pty) != before
        children = child_processes(terminal.process.pid)
        terminal.process.kill(number)
        terminal.end()
        assert terminal.process.signalstatus == number
        assert left_changed(terminal.raw) == []
        assert termios.tcgetattr(pty) == before
        os.close(pty)
        assert b"Traceback" not in terminal.raw
        wait_for(lambda: not any(map(is_running, children)), lambda: f"still running: {children}")
        assert list(temporary.iterdir()) == []


def test_a_signal_while_an_image_is_read_ends_the_worker() -> None:
    with Terminal("demo:") as terminal:
        wait_for(lambda: terminal.settle(0.01) is not None and child_processes(terminal.process.pid))
        children = child_processes(terminal.process.pid)
        terminal.process.kill(signal.SIGTERM)
        terminal.end()
        wait_for(lambda: not any(map(is_running, children)), lambda: f"still running: {children}")
        assert left_changed(terminal.raw) == []


def test_a_shell_sees_the_signal() -> None:
    """128 and its number, as of every program that a signal ends."""
    shell = pexpect.spawn(
        "sh",
        ["-c", 'echo $$; "$0" demo; echo "status $?"', str(COMMAND)],
        dimensions=(40, 120),
        env={**os.environ, "TERM": "xterm-256color"},
        timeout=SECONDS,
    )
    shell.expect(r"(\d+)\r\n")
    assert shell.match is not None
    started = int(shell.match[1])
    shell.expect("Merged tree")
    app = next(each for each in child_processes(started))
    os.kill(app, signal.SIGTERM)
    shell.expect("status 143")
    shell.close(force=True)


def test_ctrl_z_suspends_and_the_shell_has_its_terminal() -> None:
    with Terminal("demo") as terminal:
        before = termios.tcgetattr(terminal.process.child_fd)
        terminal.wait("Layers", "Merged tree", "etc")
        terminal.press("\x1a")
        wait_for(lambda: terminal.settle(0.05) is not None and state_of(terminal.process.pid) == "T")
        terminal.settle()  # what it wrote before it stopped
        assert left_changed(terminal.raw) == []
        assert termios.tcgetattr(terminal.process.child_fd) == before
        terminal.process.kill(signal.SIGCONT)
        terminal.wait(lambda _text: left_changed(terminal.raw) == list(MODES))
        terminal.press("?")
        terminal.wait("esc closes")
        terminal.press("q")
        terminal.wait(lambda text: "esc closes" not in text)
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("keys", ["\x11", "o\x11"], ids=["screen", "dialog"])
def test_ctrl_q_quits_everywhere(keys: str) -> None:
    with Terminal("demo") as terminal:
        terminal.wait("Layers", "Merged tree", "etc")
        for key in keys:
            terminal.press(key)
        assert terminal.end() == 0


def test_ctrl_c_says_how_to_quit() -> None:
    with Terminal("demo") as terminal:
        terminal.wait("Layers", "Merged tree", "etc")
        terminal.press("\x03")
        terminal.wait("q quits")
        terminal.press("q")
        assert terminal.end() == 0


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


@pytest.mark.parametrize("redirected", ["2>noted", "</dev/null", "</dev/null 2>noted"])
def test_redirected_streams_leave_keys_and_screen_on_the_terminal(redirected: str, tmp_path: Path) -> None:
    """As fzf, less and vim do: `… | fzf | xargs layertui`, `layertui app.tar 2>errors`."""
    shell = pexpect.spawn(
        "sh",
        ["-c", f'"$0" demo {redirected}; echo "status $?"', str(COMMAND)],
        dimensions=(40, 120),
        env={**os.environ, "TERM": "xterm-256color"},
        cwd=tmp_path,
        timeout=SECONDS,
    )
    shell.expect("Merged tree")
    shell.send("?")
    shell.expect("esc closes")
    shell.send("\x11")
    shell.expect("status 0")
    shell.close(force=True)
    assert all(path.read_bytes() == b"" for path in tmp_path.glob("noted"))


def test_an_image_on_standard_input(tmp_path: Path) -> None:
    """Read by the app and its workers; the keys come from the terminal."""
    docker_archive(tmp_path / "app.tar", demo.image())
    shell = pexpect.spawn(
        "sh",
        ["-c", 'cat app.tar | "$0" -; echo "status $?"', str(COMMAND)],
        dimensions=(40, 120),
        env={**os.environ, "TERM": "xterm-256color", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        cwd=tmp_path,
        timeout=SECONDS,
    )
    shell.expect("Merged tree")
    shell.expect("etc")
    shell.send("\x11")
    shell.expect("status 0")
    shell.close(force=True)
    assert not list((tmp_path / "cache/layertui/piped").iterdir())


def test_an_image_that_still_arrives_when_a_signal_ends_the_app(tmp_path: Path) -> None:
    archive = tmp_path / "app.tar"
    docker_archive(archive, demo.image())
    os.mkfifo(tmp_path / "pipe")
    copies = tmp_path / "layertui/piped"
    with Terminal(str(tmp_path / "pipe"), XDG_CACHE_HOME=str(tmp_path)) as terminal:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(archive.read_bytes()[:8192])
            terminal.wait("Receiving …")
            terminal.process.kill(signal.SIGTERM)
            terminal.end()
        assert terminal.process.signalstatus == signal.SIGTERM
        assert not list(copies.iterdir())


def test_standard_input_that_is_a_terminal() -> None:
    with Terminal("-") as terminal:
        terminal.wait("- is a terminal, no image arrives from it, write docker save IMAGE | layertui -")
        assert terminal.end() == 2


def test_without_a_terminal_it_says_so() -> None:
    """A session of its own has no /dev/tty either."""
    done = subprocess.run(
        [COMMAND, "demo:"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(
        b"layertui: cannot open the app, standard input or output is not a terminal"
    )


def state_of(process: int) -> str:
    """The state of a process, as proc(5) has it; empty if it is not there."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def is_running(process: int) -> bool:
    return state_of(process) not in ("", "Z")


def child_processes(process: int) -> list[int]:
    """The processes that a process has started, in any of its threads."""
    children: list[int] = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (thread / "children").read_text().split())
    return children


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_temporary_files_are_deleted_when_it_ends_without_a_terminal(
    number: signal.Signals, tmp_path: Path
) -> None:
    """As after a lost connection: there is no terminal to restore, but files to delete."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, tempfile\nif sys.argv[-1:] == ['demo']:\n    kept = tempfile.TemporaryDirectory()\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with Terminal("demo", TMPDIR=str(temporary), PYTHONPATH=path) as terminal:
        terminal.wait("Layers", "Merged tree", "etc")
        assert len(list(temporary.iterdir())) == 1
        process = terminal.process.pid
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), terminal.process.child_fd)  # closes the terminal
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
        wait_for(lambda: not is_running(process), lambda: "it goes on without a terminal")
        assert list(temporary.iterdir()) == []
