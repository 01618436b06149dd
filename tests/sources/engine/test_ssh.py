"""Engines by ssh: a real sshd on loopback, with real engines behind it."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.sources import engine, list_images, open_image
from layertui.sources.engine.ssh import Ssh, SshFailure
from tests.engines import Docker, podman_service, run
from tests.layouts import docker_archive
from tests.sshd import Sshd, sshd
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a Podman that has the sample as ``podmans:1``."""
    with podman_service(Path(tempfile.mkdtemp(prefix="layertui-"))) as (url, command):
        archive = tmp_path_factory.mktemp("podman") / "sample.tar"
        docker_archive(archive, demo.image())
        run(*command, "load", "--quiet", "--input", archive)
        run(*command, "tag", demo.SAMPLE_NAME, "podmans:1")
        yield Path(url.removeprefix("unix://"))


@pytest.fixture(scope="module")
def server(docker: Docker, podman: Path) -> Iterator[Sshd]:
    """A machine whose own Docker has the sample, and whose own Podman another name of it."""
    with sshd(f"DOCKER_HOST={docker.host} CONTAINER_HOST=unix://{podman}") as running:
        docker_archive(running.folder / "sample.tar", demo.image())
        docker("load", "--input", running.folder / "sample.tar")
        yield running


@pytest.fixture(autouse=True)
def client(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A user on another machine, who has not logged in yet."""
    for name in (
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "CONTAINER_HOST",
        "CONTAINER_SSHKEY",
        "CONTAINER_CONNECTION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{server.programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(server.folder / "run"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    engine._engine.cache_clear()
    yield
    server.log_out()
    engine._engine.cache_clear()


def names(reference: str) -> set[str]:
    return {f"{row.name}:{row.tag}" for row in list_images(reference)}


def is_sample(reference: str) -> bool:
    """Whether an image is the sample, all of its layers read."""
    image = open_image(reference)
    return image.id == demo.image().id and not any(index_layer(layer, None).damage for layer in image.layers)


def test_an_alias_of_ssh_config_keeps_its_port(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docker does, which passes no port unless the URL has one (docker/cli, cli/connhelper/ssh)."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://far")
    assert demo.SAMPLE_NAME in names("docker-daemon:")
    assert is_sample(f"docker-daemon:{demo.SAMPLE_NAME}")


def test_a_port_in_the_url(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    server.config.write_text(server.config.read_text().replace(f"Port {server.port}", "Port 9"))
    try:
        monkeypatch.setenv("DOCKER_HOST", f"ssh://far:{server.port}")
        assert demo.SAMPLE_NAME in names("docker-daemon:")
    finally:
        server.config.write_text(server.config.read_text().replace("Port 9", f"Port {server.port}"))


def test_all_requests_share_one_login(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of other processes: a worker of the app, the next command of a script."""
    before = server.logins
    monkeypatch.setenv("DOCKER_HOST", "ssh://far")
    assert is_sample(f"docker-daemon:{demo.SAMPLE_NAME}")
    assert names("docker-daemon:")
    printed = run(sys.executable, "-m", "layertui", "history", f"docker-daemon:{demo.SAMPLE_NAME}")
    assert "CREATED BY" in printed
    assert server.logins - before == 1


def test_a_login_that_ended_is_made_again(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://far")
    before = server.logins
    assert names("docker-daemon:")
    server.log_out()

    def answers() -> bool:
        """The connections that were open end with the login, but a moment later."""
        with suppress(LayertuiError):
            return bool(names("docker-daemon:"))
        return False

    wait_for(answers, lambda: "no answer")
    assert server.logins - before == 2


def test_the_users_own_shared_login_is_used(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be one that was made by answering a question, which layertui cannot."""
    control = server.folder / "own"
    settings = server.config.read_text()
    server.config.write_text(f"{settings}  ControlPath {control}\n")
    run(server.programs / "ssh", "-f", "-N", "-M", "far")
    before = server.logins
    try:
        monkeypatch.setenv("DOCKER_HOST", "ssh://far")
        assert names("docker-daemon:")
        assert server.logins == before
    finally:
        run(server.programs / "ssh", "-O", "exit", "far")
        server.config.write_text(settings)


def test_a_socket_in_the_url(server: Sshd, podman: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the default of that machine: ``ssh://host/run/user/1000/docker.sock`` is a rootless engine."""
    monkeypatch.setenv("DOCKER_HOST", f"ssh://far{podman}")
    assert "localhost/podmans:1" in names("docker-daemon:")


def test_podman_is_podman(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", "ssh://far")
    assert "localhost/podmans:1" in names("podman:")
    assert is_sample("podman:localhost/podmans:1")


def test_a_connection_of_podman_with_its_identity(
    server: Sshd, podman: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``podman machine`` records it: a socket, a key, and a host key that nobody knows yet."""
    (server.folder / "known_hosts").rename(server.folder / "unknown")
    uri = f"ssh://root@127.0.0.1:{server.port}{podman}"
    vm = {"URI": uri, "Identity": str(server.identity), "IsMachine": True}
    settings = tmp_path / "config/containers/podman-connections.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"Connection": {"Default": "vm", "Connections": {"vm": vm}}}))
    monkeypatch.setenv("CONTAINER_CONNECTION", "vm")
    try:
        assert "localhost/podmans:1" in names("podman:")
        vm["IsMachine"] = False
        settings.write_text(json.dumps({"Connection": {"Default": "vm", "Connections": {"vm": vm}}}))
        with pytest.raises(LayertuiError, match="Host key verification failed"):
            names("podman:")
    finally:
        (server.folder / "unknown").rename(server.folder / "known_hosts")


def test_the_reason_is_that_of_ssh(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"ssh://nobody@127.0.0.1:{server.port}")
    with pytest.raises(LayertuiError) as raised:
        names("docker-daemon:")
    assert raised.value.why == "nobody@127.0.0.1: Permission denied (publickey)."
    assert raised.value.remedy == "ssh nobody@127.0.0.1 has to work without asking anything (see ssh-add)"


def test_the_reason_is_that_of_the_command_there(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://far/none.sock")
    with pytest.raises(LayertuiError, match=r"/none\.sock: connect: no such file .* ssh far docker version"):
        names("docker-daemon:")


def test_without_ssh(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://far")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LayertuiError, match="ssh is not installed, install OpenSSH's client"):
        names("docker-daemon:")


class CountingLock:
    """A lock that counts its callers."""

    def __init__(self) -> None:
        self.asked = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.asked += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_host_that_cannot_be_reached_is_tried_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images, containers and events are asked for at the same time; each would wait for its own login."""
    ssh, tried, end = tmp_path / "ssh", tmp_path / "tried", tmp_path / "end"
    os.mkfifo(end)
    ssh.write_text(
        f'#!/bin/sh\ncase "$*" in *"-O check"*) exit 255; esac\necho >>{tried}\nread x <{end}\n'
        "echo no route >&2\nexit 255\n"
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    far = Ssh("Docker", "ssh://far")
    lock = CountingLock()
    monkeypatch.setattr(far, "_lock", lock)
    reasons: list[str] = []

    def connect() -> None:
        with pytest.raises(SshFailure) as raised:
            far.connect()
        reasons.append(str(raised.value))

    threads = [threading.Thread(target=connect) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: lock.asked == 3)
    end.write_text("now\n")
    for thread in threads:
        thread.join()
    assert reasons == ["no route"] * 3
    assert tried.read_text() == "\n"


def test_ssh_cannot_read_the_terminal(server: Sshd, tmp_path: Path) -> None:
    """It would take keys that are meant for the app, and ask where nobody sees the question."""
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text('#!/bin/sh\nread answer </dev/tty && echo "it got $answer" >&2\nexit 255\n')
    ssh.chmod(0o755)
    command = f"{shlex.quote(sys.executable)} -m layertui images docker-daemon:"
    environment = {**os.environ, "DOCKER_HOST": "ssh://far", "PATH": f"{ssh.parent}:{os.environ['PATH']}"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path)}
    child = pexpect.spawn(command, env=environment, encoding="utf-8", timeout=60, dimensions=(24, 300))
    child.sendline("typed")
    printed = child.read()
    assert "cannot open /dev/tty" in printed
    assert "it got" not in printed


def test_others_cannot_use_the_login(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that others can read is not used: its socket grants the login to everyone who reaches it."""
    folder = server.folder / "run/layertui"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    other = Path(f"/tmp/layertui-{os.geteuid()}")
    before = set(other.glob("*"))
    try:
        monkeypatch.setenv("DOCKER_HOST", f"ssh://far:{server.port}")
        assert names("docker-daemon:")
        assert not list(folder.iterdir())
    finally:
        folder.chmod(0o700)
        server.log_out(set(other.glob("*")) - before)
