"""Fixtures of names that move."""

from tests.moving import (
    archives,
    compressed,
    containers_storage,
    docker_engine,
    docker_root,
    layout,
    podman,
    podman_engine,
    registry,
    registry_host,
    replaced,
    rewritten,
    versions,
    world,
)

__all__ = [
    "archives",
    "compressed",
    "containers_storage",
    "docker_engine",
    "docker_root",
    "layout",
    "podman",
    "podman_engine",
    "registry",
    "registry_host",
    "replaced",
    "rewritten",
    "versions",
    "world",
]
