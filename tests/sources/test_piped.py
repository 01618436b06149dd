"""Archives that arrive by a pipe."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from layertui.cache import directory
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.sources import open_image, piped
from tests.waiting import wait_for

PROGRAM = [sys.executable, "-m", "layertui"]


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies, in which nothing is yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/layertui/piped"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def sent(data: bytes, pipe: Path) -> None:
    """Write to a pipe in another thread; who reads may close it early."""

    def write() -> None:
        with suppress(BrokenPipeError):
            pipe.write_bytes(data)

    threading.Thread(target=write, daemon=True).start()


def printed(shell: str, archive: Path, cache: Path) -> str:
    """What a command prints that a shell starts; fails the test if it fails."""
    environment = {**os.environ, "LT": " ".join(PROGRAM), "T": str(archive), "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(["bash", "-c", shell], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "shell",
    [
        "cat $T | $LT tree -",
        "cat $T | $LT tree /dev/stdin",
        "cat $T | $LT tree docker-archive:-",
        "gzip -c $T | $LT tree -",
        "$LT tree - <$T",
        "$LT tree /dev/stdin <$T",
        "$LT tree <(cat $T)",
        "mkfifo $XDG_CACHE_HOME/pipe; cat $T >$XDG_CACHE_HOME/pipe & $LT tree $XDG_CACHE_HOME/pipe",
        "$LT tree - 0< <(cat $T)",
    ],
)
def test_a_pipe_is_read_as_the_file(shell: str, archive: Path, tmp_path: Path) -> None:
    wanted = printed("$LT tree $T", archive, tmp_path)
    assert printed(shell, archive, tmp_path) == wanted
    assert not list((tmp_path / "layertui").glob("piped/*"))


def test_two_pipes(archive: Path, tmp_path: Path) -> None:
    same = printed("$LT compare <(cat $T) <(gzip -c $T)", archive, tmp_path)
    assert "Files: no path differs" in same


def test_a_socket_as_standard_input(archive: Path, tmp_path: Path) -> None:
    """As under inetd; /dev/stdin of a socket cannot be opened."""
    here, there = socket.socketpair()
    command = [*PROGRAM, "images", "/dev/stdin"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, stdin=there.fileno(), stdout=subprocess.PIPE, env=environment, text=True
    ) as program:
        there.close()
        here.sendall(archive.read_bytes())
        here.close()
        output, _ = program.communicate()
    assert (program.returncode, "quarry" in output) == (0, True)


def test_it_is_read_once_in_a_process(archive: Path, pipe: Path, copies: Path) -> None:
    sent(archive.read_bytes(), pipe)
    image = open_image(str(pipe))
    assert image.name == "quarry:1.1"
    assert open_image(str(pipe)).id == image.id  # as R does in the app
    code = "import sys; from layertui.sources import open_image; print(open_image(sys.argv[1]).id)"
    other = subprocess.run([sys.executable, "-c", code, image.reference], capture_output=True, text=True)
    assert other.stdout.strip() == image.id  # in a process of its own
    assert not list(copies.iterdir())  # it has no name


def test_an_image_without_a_name_is_called_after_the_pipe(pipe: Path, copies: Path, archive: Path) -> None:
    unnamed = archive.read_bytes().replace(b'"quarry:1.1"', b"            ")
    assert len(unnamed) == archive.stat().st_size
    sent(unnamed, pipe)
    assert open_image(str(pipe)).name == str(pipe)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "is empty, check the command that writes to it"),
        (b"hello", "is not an image, what arrives is not a tar archive"),
        (b"\0" * 4096, "is not an image, what arrives is not a tar archive"),
    ],
)
def test_what_is_no_archive_is_one_line_and_not_kept(
    data: bytes, line: str, pipe: Path, copies: Path
) -> None:
    sent(data, pipe)
    with pytest.raises(LayertuiError) as raised:
        open_image(str(pipe))
    assert str(raised.value) == f"{pipe} {line}"
    assert not copies.exists()


def test_what_never_ends_is_refused_at_its_start() -> None:
    with pytest.raises(LayertuiError, match="/dev/zero is not an image"):
        open_image("/dev/zero")


def test_it_is_bounded(archive: Path, pipe: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped, "MAX_PIPED_BYTES", 100_000)
    sent(archive.read_bytes(), pipe)
    with pytest.raises(LayertuiError, match="pipe is too large, more than 100 kB, save it to a file"):
        open_image(str(pipe))
    assert not list(copies.iterdir())


def test_a_full_disk(archive: Path, pipe: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(directory, "check_room", full)
    sent(archive.read_bytes(), pipe)
    with pytest.raises(LayertuiError) as raised:
        open_image(str(pipe))
    assert raised.value.what == f"cannot keep what arrives from {pipe}"
    assert raised.value.why == "No space left on device after 0 B"
    assert raised.value.remedy == f"its copy goes to {copies}, XDG_CACHE_HOME names another place"
    assert not list(copies.iterdir())


def test_it_can_be_cancelled(archive: Path, pipe: Path, copies: Path) -> None:
    received = []

    def cancel(done: int, _total: int) -> None:
        received.append(done)
        job.cancel()

    job = Job(cancel)
    sent(archive.read_bytes() * 9, pipe)
    with pytest.raises(Cancelled):
        open_image(str(pipe), job=job)
    assert received and not list(copies.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_program_leaves_nothing(
    number: signal.Signals, archive: Path, tmp_path: Path, copies: Path
) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*PROGRAM, "tree", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as killed:
        assert killed.stdin is not None
        killed.stdin.write(archive.read_bytes()[:8192])
        killed.stdin.flush()
        wait_for(copies.exists)
        killed.send_signal(number)
    assert not list(copies.iterdir())


def test_errors_name_the_pipe_and_not_its_copy(archive: Path, pipe: Path, copies: Path) -> None:
    sent(archive.read_bytes()[:8192], pipe)
    with pytest.raises(LayertuiError) as raised:
        open_image(str(pipe))
    assert raised.value.what == f"{pipe} is not an image" and "/proc" not in str(raised.value)
