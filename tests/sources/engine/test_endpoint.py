"""Engines are found where their own command lines find them."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources.engine import endpoint, podman_settings
from layertui.sources.engine.docker_settings import docker_endpoint
from layertui.sources.engine.podman_settings import podman_endpoint
from tests.engines import run
from tests.programs import need


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any settings on a machine without any socket."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINER_SSHKEY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE", "PODMAN_CONNECTIONS_CONF", "DOCKER_TLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(podman_settings, "SYSTEM_SETTINGS", (tmp_path / "usr", tmp_path / "etc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(endpoint, "DOCKER_SOCKET", tmp_path / "system" / "docker.sock")
    monkeypatch.setattr(endpoint, "PODMAN_SOCKET", tmp_path / "system" / "podman.sock")
    return tmp_path


def context(home: Path, name: str, host: str, docker: str = ".docker") -> None:
    """As ``docker context create`` writes it."""
    folder = home / docker / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
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
    assert raised.value.what == "Docker has no context gone"
    assert raised.value.remedy == "docker context ls lists them"


def test_a_context_needs_no_config_json(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after ``docker context create`` without ``use``. Never is it looked for in the current directory."""
    context(home, "remote", "unix:///right.sock")
    context(home / "here", "remote", "unix:///wrong.sock", ".")
    context(home / "here", "other", "unix:///wrong.sock", ".")
    monkeypatch.chdir(home / "here")
    monkeypatch.setenv("DOCKER_CONTEXT", "remote")
    assert docker_endpoint().url == "unix:///right.sock"
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with pytest.raises(LayertuiError, match="Docker has no context other"):
        docker_endpoint()


def test_contexts_are_in_docker_config_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context(home, "remote", "unix:///wrong.sock")
    current(home, "remote")
    context(home, "remote", "unix:///right.sock", "elsewhere")
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "elsewhere"))
    assert docker_endpoint().origin == "default socket"
    monkeypatch.setenv("DOCKER_CONTEXT", "remote")
    assert docker_endpoint().url == "unix:///right.sock"


def test_a_context_that_docker_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("docker")
    run("docker", "context", "create", "remote", "--docker", "host=unix:///made.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "remote")
    assert docker_endpoint().url == "unix:///made.sock"
    monkeypatch.delenv("DOCKER_CONTEXT")
    assert docker_endpoint().origin == "default socket"
    run("docker", "context", "use", "remote")
    assert docker_endpoint().origin == "context remote"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:2376", "tcp://localhost:2376"),
        ("build-host", "tcp://build-host:2375"),
        ("tcp://", "tcp://localhost:2375"),
        (":2376", "tcp://localhost:2376"),
        ("::1", "tcp://[::1]:2375"),
        ("tcp://[::1]:9", "tcp://[::1]:9"),
        ("tcp://me:secret@host:9/base", "tcp://host:9/base"),
        (" tcp://host:7 ", "tcp://host:7"),
        ("unix:///a:b.sock", "unix:///a:b.sock"),
        ("ssh://Far", "ssh://Far"),
        ("ssh://me@far:2222/run/user/1000/docker.sock", "ssh://me@far:2222/run/user/1000/docker.sock"),
    ],
)
def test_addresses_that_docker_takes(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``docker version`` says that it connects to (28.2), and of ssh the command that it runs."""
    monkeypatch.setenv("DOCKER_HOST", text)
    assert docker_endpoint().url == url


def test_an_address_of_the_default_socket(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix://")
    assert docker_endpoint().socket == home / "system/docker.sock"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tcp://127.0.0.1:99999", "Port out of range"),
        ("localhost:abc", "Port could not be cast"),
        ("http://[", "Invalid IPv6 URL"),
        ("foo://x", "foo:// is unknown"),
        ("fd://", "fd:// is unknown"),
        ("ssh://[::1", "missing ] after the host"),
        ("ssh://u@h:-1", "-1 is not a port"),
        ("ssh://", "no host"),
        ("ssh://u:p@h", "a password cannot be used"),
        ("ssh://h?x", "nothing may follow the path"),
    ],
)
def test_what_is_no_address_is_one_clear_error(text: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", text)
    monkeypatch.setenv("CONTAINER_HOST", text)
    for endpoint_of, variable in ((docker_endpoint, "DOCKER_HOST"), (podman_endpoint, "CONTAINER_HOST")):
        with pytest.raises(LayertuiError) as raised:
            endpoint_of()
        assert f"at {text} ({variable})" in raised.value.what
        assert why in raised.value.why
        assert raised.value.remedy == "write unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST"


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


def test_podmans_settings_of_the_system(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's ``podman system connection add`` wrote to /etc up to Podman 4; drop-ins are merged over it."""
    (home / "etc/containers.conf.d").mkdir(parents=True)
    (home / "etc/containers.conf").write_text(
        '[engine]\nactive_service = "a"\n[engine.service_destinations.a]\nuri = "ssh://a/p.sock"\n'
        'identity = "/keys/a"\n'
    )
    found = podman_endpoint()
    assert (found.url, found.origin) == ("ssh://a/p.sock", "connection a")
    assert found.ssh_options[:2] == ("-i", "/keys/a")
    (home / "etc/containers.conf.d/10-b.conf").write_text(
        '[engine]\nactive_service = "b"\n[engine.service_destinations.b]\nuri = "tcp://b:1"\n'
    )
    assert podman_endpoint().url == "tcp://b:1"
    monkeypatch.setenv("CONTAINERS_CONF", "/dev/null")
    assert podman_endpoint().origin == "default socket"
    monkeypatch.setenv("CONTAINERS_CONF_OVERRIDE", str(home / "etc/containers.conf"))
    assert podman_endpoint().origin == "connection a"


def test_the_identity_of_container_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", "ssh://me@far/p.sock")
    monkeypatch.setenv("CONTAINER_SSHKEY", "/keys/mine")
    assert podman_endpoint().ssh_options[:2] == ("-i", "/keys/mine")


def test_broken_settings_are_as_none(home: Path) -> None:
    folder = home / ".config/containers"
    folder.mkdir(parents=True)
    (folder / "containers.conf").write_text("[[[")
    (folder / "podman-connections.json").write_text("[1]")
    assert podman_endpoint().origin == "default socket"
