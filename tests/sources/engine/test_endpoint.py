"""Engines are found where their own command lines find them."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources.engine import endpoint
from layertui.sources.engine.endpoint import docker_endpoint, podman_endpoint


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any settings on a machine without any socket."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINERS_CONF", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(endpoint, "DOCKER_SOCKET", tmp_path / "system" / "docker.sock")
    monkeypatch.setattr(endpoint, "PODMAN_SOCKET", tmp_path / "system" / "podman.sock")
    return tmp_path


def context(home: Path, name: str, host: str) -> None:
    """As ``docker context create`` writes it."""
    folder = home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {
        "Name": name,
        "Metadata": {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}},
    }
    (folder / "meta.json").write_text(json.dumps(meta))


def current(home: Path, name: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))


def listening(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_docker_without_settings_is_at_the_systems_socket(home: Path) -> None:
    found = docker_endpoint()
    assert (found.url, found.origin) == (f"unix://{home}/system/docker.sock", "default socket")
    assert found.socket == home / "system/docker.sock"


def test_rootless_docker_is_found_where_there_is_no_other(home: Path) -> None:
    listening(home / "run/docker.sock")
    assert docker_endpoint().url == f"unix://{home}/run/docker.sock"
    listening(home / "system/docker.sock")
    # Root may use the system's, which docker itself would take.
    assert docker_endpoint().url.endswith(("system/docker.sock", "run/docker.sock"))


def test_docker_host_comes_before_contexts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context(home, "far", "tcp://127.0.0.1:1234")
    current(home, "far")
    assert (docker_endpoint().url, docker_endpoint().origin) == ("tcp://127.0.0.1:1234", "context far")
    context(home, "near", "unix:///near.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "near")
    assert docker_endpoint().url == "unix:///near.sock"
    monkeypatch.setenv("DOCKER_HOST", "ssh://user@host")
    assert (docker_endpoint().url, docker_endpoint().origin) == ("ssh://user@host", "DOCKER_HOST")


def test_the_default_context_is_the_socket(home: Path) -> None:
    current(home, "default")
    assert docker_endpoint().origin == "default socket"


def test_a_context_that_is_not_there(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    current(home, "gone")
    with pytest.raises(LayertuiError) as raised:
        docker_endpoint()
    assert str(raised.value) == "Docker has no context gone, docker context ls lists them"


def test_a_context_that_is_broken(home: Path) -> None:
    context(home, "bad", "tcp://h:1")
    next((home / ".docker/contexts/meta").iterdir()).joinpath("meta.json").write_text("{")
    current(home, "bad")
    with pytest.raises(LayertuiError, match="cannot read Docker's context bad"):
        docker_endpoint()


def test_certificates_that_are_not_there(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(home))
    with pytest.raises(LayertuiError, match="look at DOCKER_CERT_PATH"):
        docker_endpoint()


def test_podman_without_settings_is_at_the_systems_socket(home: Path) -> None:
    assert podman_endpoint().url == f"unix://{home}/system/podman.sock"
    listening(home / "run/podman/podman.sock")
    assert podman_endpoint().url == f"unix://{home}/run/podman/podman.sock"


def test_podmans_connections(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / ".config/containers"
    folder.mkdir(parents=True)
    (folder / "containers.conf").write_text(
        '[engine]\nactive_service = "old"\n[engine.service_destinations.old]\nuri = "ssh://old/run/p.sock"\n'
    )
    assert (podman_endpoint().url, podman_endpoint().origin) == ("ssh://old/run/p.sock", "connection old")
    (folder / "podman-connections.json").write_text(
        json.dumps({"Connection": {"Default": "new", "Connections": {"new": {"URI": "unix:///new.sock"}}}})
    )
    assert podman_endpoint().url == "unix:///new.sock"
    monkeypatch.setenv("CONTAINER_CONNECTION", "old")
    assert podman_endpoint().url == "ssh://old/run/p.sock"
    monkeypatch.setenv("CONTAINER_CONNECTION", "none")
    with pytest.raises(LayertuiError, match="known connections: old, new"):
        podman_endpoint()
    monkeypatch.setenv("CONTAINER_HOST", "tcp://127.0.0.1:8080")
    assert podman_endpoint().url == "tcp://127.0.0.1:8080"


def test_broken_settings_are_as_none(home: Path) -> None:
    folder = home / ".config/containers"
    folder.mkdir(parents=True)
    (folder / "containers.conf").write_text("[[[")
    (folder / "podman-connections.json").write_text("[1]")
    assert podman_endpoint().origin == "default socket"
