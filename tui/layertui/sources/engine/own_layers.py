"""The layers that a container has on top of its image's: directories, where these can be read, else the engine's API."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from layertui.model.errors import LayertuiError
from layertui.model.image import Image, Unpacked
from layertui.model.reference import Reference
from layertui.sources.assemble import INIT_LAYER
from layertui.sources.docker_root.data_root import DataRoot
from layertui.sources.engine.changes import ContainerChanges
from layertui.sources.engine.client import Engine
from layertui.sources.engine.images import readable_directories, unpacked_in


def own_layers(
    engine: Engine, container: Mapping[str, Any], image: Image, text: str
) -> list[tuple[Unpacked, str]]:
    """Return a container's own layers with their steps, base first; ``text`` is that of the read-write layer.

    ``container`` is what the engine says of it. Docker's init layer is one of its own where its directory
    can be read; nothing else records it. Raises :class:`LayertuiError`.
    """
    identity = str(container.get("Id", ""))
    found = _directories(engine, container, len(image.layers)) or _snapshots(
        engine, container, {layer.chain_id for layer in image.layers}
    )
    if not found:
        return [(ContainerChanges(engine, identity), text)]
    return list(zip(found, [INIT_LAYER, text][-len(found) :], strict=True))


def _directories(engine: Engine, container: Mapping[str, Any], layers: int) -> list[Unpacked]:
    """Return the directories that the engine names of a container's own layers; none unless all can be read."""
    stack = readable_directories(engine, container)
    own = stack[layers:]
    if not 1 <= len(own) <= 2:
        return []
    init = [unpacked_in(path) for path in own[:-1]]
    return [*init, unpacked_in(own[-1], tuple(reversed(stack[:-1])))]


def _snapshots(engine: Engine, container: Mapping[str, Any], layers: Container[str]) -> list[Unpacked]:
    """Return a container's own snapshots in Docker's containerd store; none unless all can be read.

    The engine names the snapshotter, not the directories: containerd's databases do.
    """
    driver = _snapshotter(container)
    is_local = engine.endpoint.socket is not None and engine.endpoint.engine == "Docker"
    if not is_local or not driver:
        return []
    try:
        root = engine.get_object("/info").get("DockerRootDir")
        if not isinstance(root, str) or not os.access(root, os.R_OK | os.X_OK):
            return []
        namespace = DataRoot(Reference("docker-root", root, "")).namespace
        snapshots = namespace.snapshots.get(driver) if namespace is not None else None
        found = snapshots.stack(str(container.get("Id")), layers) if snapshots is not None else []
    except LayertuiError:
        return []  # the engine is asked
    directories = [each.unpacked for each in found if each.unpacked is not None]
    readable = all(os.access(Path(each.location), os.R_OK | os.X_OK) for each in directories)
    is_whole = 1 <= len(found) == len(directories) <= 2 and (not found[0].parent or found[0].parent in layers)
    return list(directories) if readable and is_whole else []


def _snapshotter(container: Mapping[str, Any]) -> str:
    """Return the name of the snapshotter that a container's layers are in; empty if it is in another store.

    Up to API 1.51 it is the storage driver, of which nothing else is known.
    """
    driver: object = container.get("GraphDriver")
    if isinstance(driver, dict):
        return str(driver.get("Name") or "") if driver.get("Data") is None else ""
    found: object = container.get("Storage")
    for name in ("RootFS", "Snapshot", "Name"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
