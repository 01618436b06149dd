"""``docker layertui``, with docker's own command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from layertui import __version__
from layertui.cli import main
from tests.programs import need
from tests.ui.terminal import COMMAND, Terminal


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of docker that has the plugin."""
    need("docker")
    (tmp_path / "cli-plugins").mkdir()
    (tmp_path / "cli-plugins/docker-layertui").symlink_to(COMMAND)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False)


def test_docker_runs_it(config: Path) -> None:
    done = docker("layertui", "cat", "demo:", "/etc/hostname")
    own = subprocess.run([COMMAND, "cat", "demo:", "/etc/hostname"], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == (own.stdout, own.stderr, own.returncode)
    assert docker("layertui", "check", "demo:").returncode == 1
    listed = docker("--help").stdout
    assert "layertui*" in listed and "Explore an image" in listed
    about = docker("info").stdout
    assert f"Version:  v{__version__}" in about and "(layertui)" in about
    for words in (("help", "layertui"), ("layertui", "--help")):
        assert docker(*words).stdout.startswith("usage: layertui")


def test_dockers_own_options_apply(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///of-the-environment")
    done = docker("-H", "unix:///nowhere.sock", "-D", "layertui", "tree", "docker-daemon:x")
    assert done.returncode == 2 and "cannot reach Docker at unix:///nowhere.sock" in done.stderr
    done = docker("--context", "none", "layertui", "tree", "docker-daemon:x")
    assert "Docker has no context none" in done.stderr
    other = tmp_path / "other"
    other.mkdir()
    (other / "cli-plugins").symlink_to(config / "cli-plugins")
    monkeypatch.delenv("DOCKER_HOST")
    done = docker("--config", str(other), "--context", "none", "layertui", "tree", "docker-daemon:x")
    assert f"there is no {other}/contexts" in done.stderr
    done = docker("--tlsverify", "layertui", "tree", "demo:")
    assert (done.returncode, done.stdout) == (2, "") and "unrecognized arguments: --tlsverify" in done.stderr


def test_the_app_in_docker(config: Path) -> None:
    with Terminal("layertui", "demo", program="docker", DOCKER_CONFIG=str(config)) as terminal:
        terminal.wait("Merged tree")
        terminal.press("q")
        assert terminal.end() == 0


def test_below_another_plugin(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "docker")
    assert main(["tree", "demo:", "/etc/motd"]) == 0
    assert b"/etc/motd" in capsysbinary.readouterr().out
