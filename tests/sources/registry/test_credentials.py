"""Logins out of the files and helpers of docker and podman."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from layertui.model.errors import LayertuiError
from layertui.sources.registry.credentials import find_login


def login(name: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:secret of {name}".encode()).decode()}


def write(path: Path, **config: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def helper(folder: Path, suffix: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program on PATH; ``script`` sees what it is asked for as $server."""
    program = folder / f"docker-credential-{suffix}"
    program.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 9\nread -r server\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def user(host: str, repository: str = "app") -> str:
    found = find_login(host, repository)
    return found.username if found else ""


def test_none_where_there_are_no_files() -> None:
    assert find_login("quay.io", "app") is None


def test_podman_goes_before_docker(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = write(settings / "HOME/.docker/config.json", auths={"quay.io": login("docker")})
    assert user("quay.io") == "docker"
    own = write(settings / "XDG_CONFIG_HOME/containers/auth.json", auths={"quay.io": login("own")})
    assert user("quay.io") == "own"
    runtime = write(settings / "XDG_RUNTIME_DIR/containers/auth.json", auths={"quay.io": login("runtime")})
    found = find_login("quay.io", "app")
    assert found is not None
    assert (found.username, found.password, found.origin) == ("runtime", "secret of runtime", str(runtime))
    named = write(settings / "named.json", auths={"quay.io": login("named")})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(named))
    assert user("quay.io") == "named"
    write(named, auths={})
    assert user("quay.io") == ""  # it alone counts
    assert docker.exists() and own.exists()


def test_docker_config_names_the_folder(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings / "HOME/.docker/config.json", auths={"quay.io": login("home")})
    write(settings / "other/config.json", auths={"quay.io": login("other")})
    monkeypatch.setenv("DOCKER_CONFIG", str(settings / "other"))
    assert user("quay.io") == "other"


def test_the_most_specific_key_counts(settings: Path) -> None:
    keys = ("quay.io", "quay.io/team", "quay.io/team/app")
    write(settings / "HOME/.docker/config.json", auths={key: login(key) for key in keys})
    assert user("quay.io", "team/app") == "quay.io/team/app"
    assert user("quay.io", "team/web") == "quay.io/team"
    assert user("quay.io", "teams/app") == "quay.io"
    assert user("quay.io.example.com", "team/app") == ""


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_many_keys(settings: Path, key: str) -> None:
    write(settings / "HOME/.docker/config.json", auths={key: login("hub")})
    assert user("docker.io", "library/nginx") == "hub"


@pytest.mark.parametrize("key", ["https://quay.io", "http://quay.io/", "https://quay.io/v2/", "quay.io"])
def test_keys_of_old_versions(settings: Path, key: str) -> None:
    write(settings / "HOME/.docker/config.json", auths={key: login("old")})
    assert user("quay.io") == "old"


def test_tokens(settings: Path) -> None:
    write(
        settings / "HOME/.docker/config.json",
        auths={"a.io": {"identitytoken": "id"}, "b.io": {"registrytoken": "reg"}, "c.io": {}},
    )
    identity, registry = find_login("a.io", "app"), find_login("b.io", "app")
    assert identity and identity.identity_token == "id"
    assert registry and registry.registry_token == "reg"
    assert find_login("c.io", "app") is None
    assert "id" not in repr(identity).replace("identity", "")


def test_helpers(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(settings, "one", 'echo "{\\"Username\\": \\"$server\\", \\"Secret\\": \\"s\\"}"', monkeypatch)
    helper(settings, "two", 'echo \'{"Username": "<token>", "Secret": "t"}\'', monkeypatch)
    helper(settings, "none", 'echo "credentials not found in native keychain"; exit 1', monkeypatch)
    config = settings / "HOME/.docker/config.json"
    write(config, credHelpers={"a.io": "one"}, credsStore="two", auths={"a.io": login("file")})
    found = find_login("a.io", "app")
    assert found and (found.username, found.password) == ("a.io", "s")
    assert found.origin == "docker-credential-one"
    found = find_login("b.io", "app")
    assert found and found.identity_token == "t" and not found.username
    write(config, credsStore="one")
    assert user("docker.io") == "https://index.docker.io/v1/"
    write(config, credsStore="none", auths={"a.io": login("file"), "b.io": {}})
    assert user("a.io") == "file"
    assert user("b.io") == ""


@pytest.mark.parametrize(
    ("suffix", "script", "why"),
    [
        ("locked", "echo the store is locked; exit 1", "the store is locked"),
        ("odd", "echo nonsense", "no JSON"),
        ("silent", "exit 3", "status 3"),
        ("deep", "head -c 200000 /dev/zero | tr '\\0' '['", "no JSON"),
        ("half", """echo '{"Username": "a", "Secret": "\\\\ud800"}'""", "malformed"),
    ],
)
def test_helpers_that_fail(
    settings: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, script: str, why: str
) -> None:
    helper(settings, suffix, script, monkeypatch)
    write(settings / "HOME/.docker/config.json", credsStore=suffix)
    with pytest.raises(LayertuiError, match=why) as raised:
        find_login("a.io", "app")
    assert f"docker-credential-{suffix}" in str(raised.value)


def test_helpers_cannot_read_the_terminal(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would take keys that are meant for the app, and ask where nobody sees the question."""
    helper(settings, "asks", 'read -r answer </dev/tty && echo "it got $answer"; exit 1', monkeypatch)
    write(settings / "HOME/.docker/config.json", credsStore="asks")
    look = "from layertui.sources.registry.credentials import find_login; find_login('a.io', 'app')"
    child = pexpect.spawn(sys.executable, ["-c", look], encoding="utf-8", timeout=60, dimensions=(24, 300))
    child.sendline("typed")
    printed = child.read()
    assert "/dev/tty" in printed
    assert "it got" not in printed


def test_a_helper_that_does_not_answer(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.sources.registry.credentials.HELPER_TIME", 0.5)
    helper(settings, "waits", "echo the card is missing >&2; exec sleep 60", monkeypatch)
    write(settings / "HOME/.docker/config.json", credsStore="waits")
    with pytest.raises(LayertuiError, match="the card is missing"):
        find_login("a.io", "app")
    helper(settings, "waits", "exec sleep 60", monkeypatch)
    with pytest.raises(LayertuiError, match="no answer within"):
        find_login("a.io", "app")


def test_a_helper_that_is_not_there(settings: Path) -> None:
    write(settings / "HOME/.docker/config.json", credsStore="gone")
    with pytest.raises(LayertuiError, match="is not installed"):
        find_login("a.io", "app")
    write(settings / "HOME/.docker/config.json", credsStore="../../bin/sh")
    with pytest.raises(LayertuiError, match="is not a credential helper"):
        find_login("a.io", "app")


def test_files_that_cannot_be_read(settings: Path) -> None:
    path = settings / "HOME/.docker/config.json"
    write(path, auths={"a.io": {"auth": "!!"}})
    with pytest.raises(LayertuiError, match="cannot be read"):
        find_login("a.io", "app")
    path.write_text("{")
    with pytest.raises(LayertuiError, match="not valid JSON"):
        find_login("a.io", "app")


@pytest.mark.parametrize(
    "item",
    [
        {"username": "\ud800", "password": "s3cret"},
        {"username": "a", "password": "s3cret\udfff"},
        {"identitytoken": "s3cret\udc80"},
        {"registrytoken": "s3cret\n"},
        {"registrytoken": "s3cret\u6f22"},
    ],
)
def test_logins_that_cannot_be_sent(settings: Path, item: dict[str, str]) -> None:
    write(settings / "HOME/.docker/config.json", auths={"a.io": item})
    with pytest.raises(LayertuiError, match="it is malformed") as raised:
        find_login("a.io", "app")
    assert "s3cret" not in str(raised.value)


def test_files_that_nest_too_deep(settings: Path) -> None:
    path = write(settings / "HOME/.docker/config.json")
    path.write_text("[" * 200_000)
    with pytest.raises(LayertuiError, match="not valid JSON"):
        find_login("a.io", "app")
