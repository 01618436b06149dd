"""Where a registry is asked: settings of podman and docker."""

import json
from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources.registry.endpoints import RegistryEndpoint, certificates, endpoints
from layertui.sources.registry.name import parse_name


def registries(settings: Path, text: str, name: str = "registries.conf") -> None:
    path = settings / "etc/containers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def places(name: str) -> list[str]:
    return [f"{each.host}/{each.repository}" for each in endpoints(parse_name(name))]


def test_without_settings() -> None:
    assert endpoints(parse_name("quay.io/a/b")) == [RegistryEndpoint("quay.io", "a/b")]
    assert endpoints(parse_name("nginx"))[0].address == "registry-1.docker.io"
    assert endpoints(parse_name("localhost:5000/a"))[0].schemes == ("http", "https")
    assert endpoints(parse_name("127.0.0.2/a"))[0].schemes == ("http", "https")
    assert endpoints(parse_name("[::1]:5000/a"))[0].schemes == ("http", "https")
    assert endpoints(parse_name("localhost.example.com/a"))[0].schemes == ("https",)


def test_insecure(settings: Path) -> None:
    registries(settings, '[[registry]]\nlocation = "reg.example.com"\ninsecure = true\n')
    assert endpoints(parse_name("reg.example.com/a")) == [
        RegistryEndpoint("reg.example.com", "a", ("https", "http"), True)
    ]
    assert not endpoints(parse_name("other.example.com/a"))[0].insecure
    (settings / "etc/docker").mkdir(parents=True)
    daemon = {"insecure-registries": ["old.example.com:5000", "10.1.0.0/16"]}
    (settings / "etc/docker/daemon.json").write_text(json.dumps(daemon))
    assert endpoints(parse_name("old.example.com:5000/a"))[0].insecure
    assert endpoints(parse_name("10.1.2.3:5000/a"))[0].insecure
    assert not endpoints(parse_name("10.2.2.3:5000/a"))[0].insecure


def test_locations_and_mirrors(settings: Path) -> None:
    registries(
        settings,
        """
        [[registry]]
        prefix = "docker.io"
        location = "hub.example.com/proxy"
        [[registry.mirror]]
        location = "mirror.example.com:5000/hub"
        insecure = true
        [[registry.mirror]]
        location = "digests.example.com"
        pull-from-mirror = "digest-only"
        """,
    )
    assert places("nginx") == [
        "mirror.example.com:5000/hub/library/nginx",
        "hub.example.com/proxy/library/nginx",
    ]
    assert [each.insecure for each in endpoints(parse_name("nginx"))] == [True, False]
    assert "digests.example.com/library/nginx" in places("nginx@sha256:" + "0" * 64)


def test_the_longest_prefix_counts(settings: Path) -> None:
    registries(
        settings,
        """
        [[registry]]
        location = "quay.io"
        [[registry]]
        prefix = "quay.io/team"
        location = "team.example.com"
        [[registry]]
        prefix = "*.corp.example"
        location = "cache.example.com"
        """,
    )
    assert places("quay.io/team/app") == ["team.example.com/app"]
    assert places("quay.io/teams/app") == ["quay.io/teams/app"]
    assert places("a.corp.example/x/y") == ["cache.example.com/x/y"]
    assert places("corp.example/x") == ["corp.example/x"]


def test_blocked(settings: Path) -> None:
    registries(settings, '[[registry]]\nlocation = "bad.example.com"\nblocked = true\n')
    with pytest.raises(LayertuiError, match="is blocked"):
        endpoints(parse_name("bad.example.com/a"))


def test_files_and_their_order(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registries(settings, '[[registry]]\nprefix = "a.io"\nlocation = "one.io"\n')
    registries(settings, '[[registry]]\nprefix = "a.io"\nlocation = "two.io"\n', "registries.conf.d/9.conf")
    assert places("a.io/x") == ["two.io/x"]
    other = settings / "other.conf"
    other.write_text('[[registry]]\nprefix = "a.io"\nlocation = "three.io"\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(other))
    assert places("a.io/x") == ["three.io/x"]
    other.write_text("[[registry")
    with pytest.raises(LayertuiError, match=r"cannot read .*other.conf"):
        places("a.io/x")


def test_mirrors_of_docker_hub_alone(settings: Path) -> None:
    (settings / "etc/docker").mkdir(parents=True)
    daemon = {"registry-mirrors": ["https://mirror.example.com/"]}
    (settings / "etc/docker/daemon.json").write_text(json.dumps(daemon))
    assert places("nginx") == ["mirror.example.com/library/nginx", "docker.io/library/nginx"]
    assert places("quay.io/a") == ["quay.io/a"]


def test_certificates(settings: Path) -> None:
    folder = settings / "etc/docker/certs.d/reg.example.com:5000"
    folder.mkdir(parents=True)
    for name in ("ca.crt", "client.cert", "client.key", "lonely.cert"):
        (folder / name).touch()
    authorities, clients = certificates("reg.example.com:5000")
    assert authorities == [folder / "ca.crt"]
    assert clients == [(folder / "client.cert", folder / "client.key")]
    assert certificates("reg.example.com") == ([], [])
