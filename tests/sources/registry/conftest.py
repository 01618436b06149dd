"""Registries for tests; nothing of this machine's settings, logins or caches is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui.sources import open_image
from layertui.sources.registry import connection, endpoints
from tests.images import tars_of
from tests.layouts import OciLayout
from tests.sources.registry.proxy import FaultyProxy
from tests.sources.registry.server import Registry, docker_registry

QUARRY = "demo/quarry"
"""The repository that holds the demo image under these tags."""
TAGS = ("1.0", "plain", "zstd")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home and an empty /etc; gives their parent."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "CONTAINERS_REGISTRIES_CONF", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(endpoints, "ETC", tmp_path / "etc")
    monkeypatch.setattr(connection, "BACK_OFF", 0.01)
    return tmp_path


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout with the demo image as it is, with plain layers, and with zstd layers."""
    directory = tmp_path_factory.mktemp("layout")
    image = open_image("demo:")
    made = OciLayout(directory)
    made.add_image("1.0", image)
    made.add("plain", tars_of(image.layers))
    made.add("zstd", tars_of(image.layers), "zstd")
    return directory


@pytest.fixture(scope="session")
def registry(layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that skopeo has filled with the images of ``layout``."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as server:
        for tag in TAGS:
            server.load(f"oci:{layout}:{tag}", f"{QUARRY}:{tag}")
        yield server


@pytest.fixture
def proxy(registry: Registry) -> Iterator[FaultyProxy]:
    """The same registry behind a proxy that can do wrong."""
    with FaultyProxy(registry.host) as server:
        yield server
