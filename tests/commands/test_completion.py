"""Completion of the command line, as bash, zsh and fish ask for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from tests.commands.samples import HOSTILE, image, tar
from tests.engines import Docker
from tests.layouts import docker_archive
from tests.programs import need
from tests.ui.terminal import COMMAND, Terminal
from tests.waiting import wait_for

BREAKS = " \t\n\"'><=;|&(:"
"""bash's COMP_WORDBREAKS."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an archive; no engine answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/none.sock")
    (tmp_path / "here").mkdir()
    docker_archive(tmp_path / "here/app.tar", demo.image())
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def completions(line: str, breaks: str = "", **environment: str) -> list[str]:
    """What argcomplete's scripts get for a line."""
    request = {
        "COMP_LINE": line,
        "COMP_POINT": str(len(line.encode())),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_COMP_WORDBREAKS": breaks,
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
    }
    answers: list[str] = []

    def is_answered() -> bool:
        """Given up after some seconds, if the machine is busy."""
        done = subprocess.run(
            ["sh", "-c", '"$0" 8>&1 9>/dev/null >/dev/null 2>/dev/null', COMMAND],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **request, **environment},
            check=False,
        )
        answers[:] = done.stdout.splitlines()
        return done.returncode == 0

    wait_for(is_answered)
    return answers


@pytest.mark.parametrize(
    "line, told",
    [
        ("layertui ch", ["changes", "check"]),
        ("layertui ap", ["app.tar"]),
        ("layertui tree ap", ["app.tar"]),
        ("layertui tree docker-archive:ap", ["docker-archive:app.tar"]),
        ("layertui history docker-archive:app.tar:", ["docker-archive:app.tar:quarry:1.1"]),
        ("layertui history --json docker-d", ["docker-daemon:"]),
        ("layertui tree demo: /etc/pa", ["/etc/passwd"]),
        ("layertui tree demo: --layer 2 /etc/q", []),
        ("layertui tree demo: /etc/quarry/", ["/etc/quarry/server.conf"]),
        (
            "layertui cat demo: /bin/pyt",
            ["/bin/python", "/bin/python3", "/bin/python3.12"],
        ),  # by way of the symlink /bin
        ("layertui cat app.tar /srv/quarry/deploy/id", []),
        ("layertui log app.tar /srv/quarry/deploy/id", ["/srv/quarry/deploy/id_ed25519"]),
        ("layertui cat app.tar --layer 5 /srv/quarry/deploy/id", ["/srv/quarry/deploy/id_ed25519"]),
        ("layertui tree missing: /", []),
        ("layertui check --form", ["--format"]),
        ("layertui check demo: --format j", ["json", "junit"]),
        ("layertui check --config ap", ["app.tar"]),
        ("layertui --source p", ["podman"]),
        ("layertui completion ", ["bash", "zsh", "fish"]),
        ("layertui compare demo: --from ", [str(number) for number in range(1, 10)]),
        ("layertui search demo: ", []),
    ],
)
def test_lines(line: str, told: list[str], folder: Path) -> None:
    assert completions(line) == told


def test_a_colon_is_a_break_to_bash(folder: Path) -> None:
    assert completions("layertui tree docker-archive:ap", BREAKS) == ["app.tar"]


def test_recent_images_are_completed(folder: Path) -> None:
    (folder.parent / "state/layertui").mkdir(parents=True)
    (folder.parent / "state/layertui/recent.json").write_text('["docker://acme/app:1"]')
    assert completions("layertui tree docker://acme") == ["docker://acme/app:1"]


def test_names_that_act_on_a_terminal_are_left_out(folder: Path) -> None:
    path = image(folder, tar((HOSTILE, b""), ("/e$(x)", b""), ("/e\u202etxt", b"")))
    assert completions(f"layertui tree {path} /e") == ["/e\\$\\(x\\)"]


def test_images_and_containers_of_an_engine(docker: Docker, folder: Path) -> None:
    """Under a name of their own: other tests use the same engine."""
    docker("load", "--input", folder / "app.tar")
    docker("tag", "quarry:1.1", "completed:1.1")
    docker("create", "--name", "completed-box", "completed:1.1", "true")
    for line, told in (
        ("layertui tree comp", ["completed:1.1"]),
        ("layertui completed:", ["completed:1.1"]),
        ("layertui docker-daemon:c", ["docker-daemon:completed:1.1"]),
        ("layertui changes docker-container:co", ["docker-container:completed-box"]),
    ):
        assert completions(line, DOCKER_HOST=docker.host) == told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_in_the_shell(shell: str, folder: Path) -> None:
    """Typed in the real shell: a command, an image with a colon, and a path in it."""
    need(shell)
    home = folder.parent
    start = {
        "bash": (("--norc", "-i"), 'eval "$(layertui completion bash)"'),
        "zsh": (("-f", "-i"), 'autoload -U compinit; compinit -u; eval "$(layertui completion zsh)"'),
        "fish": (("--no-config", "-i"), "layertui completion fish | source"),
    }
    words, setup = start[shell]
    environment: dict[str, Any] = {name: os.environ[name] for name in ("DOCKER_HOST", "CONTAINER_HOST")}
    path = f"{COMMAND.parent}:{os.environ['PATH']}"
    with Terminal(
        *words, program=shell, cwd=folder, HOME=str(home), PATH=path, PS1="ready> ", **environment
    ) as terminal:
        terminal.press(f"{setup}\recho be''gun\r")
        terminal.wait("begun")
        terminal.press("layertui hist\t")
        terminal.wait("layertui history ")
        terminal.press("docker-archive:ap\t")
        terminal.wait("layertui history docker-archive:app.tar")
        terminal.press("\x15layertui cat demo: /etc/mo\t")
        terminal.wait("layertui cat demo: /etc/motd")
        terminal.press("\r")
        terminal.wait("Welcome")
        terminal.press("exit\r")
