"""``docker-root:`` — a data root of Docker as it lies on disk, live or copied; no daemon is asked.

Docker 29 keeps its images in containerd. Unless it found one running, that is one of its own,
whose root lies in the data root (moby, daemon/command/daemon.go, ``containerdRootDir``); else
the system's, whose root lies beside the data root's: ``/var/lib/containerd``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from layertui.errors import LayertuiError
from layertui.image import ContainerSummary, Image, ImageSummary
from layertui.reference import Reference
from layertui.sources import containerd, platforms
from layertui.sources.containerd.store import META, Namespace, Store
from layertui.sources.docker_root.embedded import EmbeddedRoot
from layertui.sources.docker_root.files import Container, readable, summary_of
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
    if name.startswith("/"):
        return _container(name[1:], reference)
    for root in roots_of(reference):
        try:
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
    if not problems:  # containerd holds Docker's containers here, and none of its images
        raise LayertuiError(f"{reference.location or SYSTEM} has no image {name}", "it has no images")
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
    if problems and not (reference.selector and found):
        raise problems[0]


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """See :class:`layertui.sources.ContainerSource`."""
    problems = []
    for find in FINDERS:
        for root in find(reference):
            try:
                for container in root.containers():
                    yield summary_of(container, reference, root.names)
            except LayertuiError as error:
                problems.append(error)
    if problems:
        raise problems[0]


def _container(name: str, reference: Reference) -> Image:
    known: list[tuple[ModernRoot | GraphRoot | EmbeddedRoot, Container]] = []
    problems: list[str] = []
    for find in FINDERS:
        for root in find(reference):
            known += [(root, container) for container in readable(root.containers(), problems)]
        found = [
            (root, container)
            for root, container in known
            if container.name == name or (len(name) >= 2 and container.id.startswith(name))
        ]
        if len({container.id for _, container in found}) == 1:
            root, container = found[0]
            return root.open_container(container, replace(reference, selector=f"/{container.name}"))
    names = ", ".join(container.name for _, container in known) or "none"
    why = "; ".join([f"it has {names}", *problems])
    raise LayertuiError(f"{reference.location or SYSTEM} has no container {name}", why)


def roots_of(reference: Reference) -> Sequence[ModernRoot | GraphRoot]:
    """What a data root holds, of both ages: after an upgrade ``graph/`` may have been left behind."""
    path = Path(reference.location or SYSTEM)
    if not path.is_dir():
        raise LayertuiError(f"{path} is no data root", "there is no such directory")
    found: list[ModernRoot | GraphRoot] = [ModernRoot(path, driver) for driver in drivers(path)]
    found += [GraphRoot(path, driver) for driver in graph_drivers(path)]
    if not found and _namespace_of(reference) is None:
        raise LayertuiError(
            f"{path} is no data root of Docker",
            "it has neither image/DRIVER/imagedb nor graph and repositories-DRIVER",
        )
    return found


def inside_of(reference: Reference) -> Reference | None:
    """What a reference means in the containerd of a data root; ``None`` where that has no images.

    Raises :class:`LayertuiError` if it cannot be read.
    """
    namespace = _namespace_of(reference)
    if namespace is None or not namespace.names:
        return None
    return Reference("containerd", str(namespace.store.root), f"{NAMESPACE}/{reference.selector}")


def embedded_in(reference: Reference) -> Sequence[EmbeddedRoot]:
    """The containers of a data root that have their layers in containerd, if there is one for it."""
    namespace = _namespace_of(reference)
    return [EmbeddedRoot(Path(reference.location or SYSTEM), namespace)] if namespace else []


def _namespace_of(reference: Reference) -> Namespace | None:
    """Docker's namespace of the containerd inside a data root, else of the one beside it."""
    root = Path(reference.location or SYSTEM)
    for place in (root / "containerd" / "daemon", root.absolute().parent / "containerd"):
        if os.path.lexists(place / META):
            namespace = Store(place).namespaces.get(NAMESPACE)
            if namespace is not None and (namespace.names or namespace.unpacked):
                return namespace
    return None


Finder = Callable[[Reference], Sequence[ModernRoot | GraphRoot | EmbeddedRoot]]
FINDERS: tuple[Finder, ...] = (roots_of, embedded_in)
"""Of all that has containers: a containerd that is damaged does not keep the others from being told."""
