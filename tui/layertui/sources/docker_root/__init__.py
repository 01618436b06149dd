"""``docker-root:`` — a data root of Docker as it lies on disk, live or copied; no daemon is asked.

Docker 29 keeps its images in containerd. Unless it found one running, that is one of its own,
whose root lies in the data root (moby, daemon/command/daemon.go, ``containerdRootDir``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from layertui.errors import LayertuiError
from layertui.image import ContainerSummary, Image, ImageSummary
from layertui.reference import Reference
from layertui.sources import containerd, platforms
from layertui.sources.containerd.store import META, Store
from layertui.sources.docker_root.files import summary_of
from layertui.sources.docker_root.graph import GraphRoot, graph_drivers
from layertui.sources.docker_root.modern import ModernRoot, drivers

SYSTEM = "/var/lib/docker"
NAMESPACE = "moby"
"""Where Docker has its images in containerd."""


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a name that begins with a slash is a container's."""
    name = reference.selector
    if not name:
        raise LayertuiError(
            f"{reference} is a store", "it holds many images", f"layertui images {reference} lists them"
        )
    problems = []
    for root in roots_of(reference):
        try:
            if name.startswith("/"):
                return _container(root, name[1:], reference)
            image = root.open(root.find(name), reference)
            if platform is not None:
                platforms.choose([(image.platform, None)], platform, str(reference))
            return image
        except LayertuiError as error:
            problems.append(error)
    try:
        if inside := inside_of(reference):
            return containerd.open_image(inside, platform)
    except LayertuiError as error:
        problems.append(error)
    raise problems[0]


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    problems = []
    found = False
    for root in roots_of(reference):
        try:
            wanted = root.find(reference.selector) if reference.selector else ""
            for row in root.summaries(reference):
                if not wanted or row.id == wanted:
                    found = True
                    yield row
        except LayertuiError as error:
            problems.append(error)
    try:
        if inside := inside_of(reference):
            for row in containerd.list_images(inside):
                found = True
                yield row
    except LayertuiError as error:
        problems.append(error)
    if problems and not found:
        raise problems[0]


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """See :class:`layertui.sources.ContainerSource`."""
    for root in roots_of(reference):
        for container in root.containers():
            yield summary_of(container, reference, root.names)


def _container(root: ModernRoot | GraphRoot, name: str, reference: Reference) -> Image:
    found = [
        container
        for container in root.containers()
        if container.name == name or (len(name) >= 2 and container.id.startswith(name))
    ]
    if len(found) != 1:
        known = ", ".join(container.name for container in root.containers()) or "none"
        raise LayertuiError(f"{root.root} has no container {name}", f"it has {known}")
    return root.open_container(found[0], replace(reference, selector=f"/{found[0].name}"))


def roots_of(reference: Reference) -> list[ModernRoot | GraphRoot]:
    """What a data root holds, of both ages: after an upgrade ``graph/`` may have been left behind."""
    path = Path(reference.location or SYSTEM)
    if not path.is_dir():
        raise LayertuiError(f"{path} is no data root", "there is no such directory")
    found: list[ModernRoot | GraphRoot] = [ModernRoot(path, driver) for driver in drivers(path)]
    found += [GraphRoot(path, driver) for driver in graph_drivers(path)]
    if not found and inside_of(reference) is None:
        raise LayertuiError(
            f"{path} is no data root of Docker",
            "it has neither image/DRIVER/imagedb nor graph and repositories-DRIVER",
        )
    return found


def inside_of(reference: Reference) -> Reference | None:
    """What a reference means in the containerd of a data root; ``None`` where that has no images.

    Raises :class:`LayertuiError` if it cannot be read.
    """
    root = Path(reference.location or SYSTEM) / "containerd" / "daemon"
    if not os.path.lexists(root / META):
        return None
    namespace = Store(root).namespaces.get(NAMESPACE)
    if namespace is None or not namespace.names:
        return None
    return Reference("containerd", str(root), f"{NAMESPACE}/{reference.selector}")
