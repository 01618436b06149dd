"""The sample image, as a file that engines load and as what it has to show from everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui import demo
from layertui.sources import open_image
from tests.engines import btrfs_directory
from tests.layouts import docker_archive
from tests.observable import Seen, Sizes, seen, sizes
from tests.sources.maker import Maker
from tests.sources.stores import (
    archive_1_9,
    containerd_live,
    docker_roots,
    embedded_root,
    old_docker_roots,
    podman_on_btrfs,
    podman_stores,
    user_stores,
)

__all__ = [
    "archive_1_9",
    "containerd_live",
    "docker_roots",
    "embedded_root",
    "old_docker_roots",
    "podman_on_btrfs",
    "podman_stores",
    "user_stores",
]


STORES = ("containerd", "containers_storage", "docker_root", "test_every_source.py", "test_read_only.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all tests on the stores that real programs write, which takes these a while."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in STORES:
            item.add_marker(pytest.mark.xdist_group("stores"))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.tar"
    docker_archive(path, demo.image())
    return path


@pytest.fixture(scope="session")
def expected(archive: Path) -> Seen:
    return seen(open_image(str(archive)))


@pytest.fixture(scope="session")
def measured() -> Sizes:
    return sizes()


@pytest.fixture(scope="session")
def btrfs() -> Iterator[Path]:
    """A directory on a btrfs file system, for all tests of a session."""
    with btrfs_directory() as directory:
        yield directory


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "layout")
