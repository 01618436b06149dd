"""``docker-root:`` — a data root of Docker as it lies on disk, live or copied; no daemon is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from layertui.model import platforms
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import ContainerSummary, Image, ImageSummary
from layertui.model.reference import Reference, layer_of
from layertui.sources.attachments import Attachment
from layertui.sources.docker_root.data_root import DataRoot, Root
from layertui.sources.docker_root.files import Container, rows_until_error, summary_of


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a name that begins with a slash is a container's, with two a layer's."""
    name = reference.selector
    if not name:
        raise LayertuiError(
            f"{reference} is a store", "it holds many images", f"layertui images {reference} lists them"
        )
    problems = []
    data = DataRoot(reference)
    if layer := layer_of(reference):
        from layertui.sources.docker_root.bare_layers import open_layer

        return open_layer(data, layer, reference)
    if name.startswith("/"):
        return _container(data, name[1:], reference)
    for root in data.roots:
        try:
            identity = root.find(name)
            pinned = reference._replace(selector=identity)
            image = root.open(identity, reference)._replace(pinned=str(pinned))
            if platform is not None:
                platforms.choose_platform([(image.platform, None)], platform, str(reference))
            return image
        except LayertuiError as error:
            problems.append(error)
    try:
        if (inside := data.images) is not None:
            return inside.open(inside.find(name), inside.reference(name), platform)
    except LayertuiError as error:
        problems.append(error)
    if not problems:  # containerd holds Docker's containers here, and none of its images
        raise NotFound(f"{data.path} has no image {name}", "it has no images")
    raise problems[0]


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    problems = []
    found = False
    data = DataRoot(reference)
    for root in data.roots:
        try:
            wanted = root.find(reference.selector) if reference.selector else ""
            for row in root.summaries(reference):
                if not wanted or row.id == wanted:
                    found = True
                    yield row
        except LayertuiError as error:
            problems.append(error)
    try:
        if (inside := data.images) is not None:
            for row in inside.summaries(inside.reference(), reference.selector):
                found = True
                yield row
    except LayertuiError as error:
        problems.append(error)
    if problems and not (reference.selector and found):
        raise problems[0]


def list_containers(reference: Reference) -> Iterator[ContainerSummary]:
    """See :class:`layertui.sources.ContainerSource`."""
    problems = []
    data = DataRoot(reference)
    for find in FINDERS:
        for root in find(data):
            try:
                for container in root.containers():
                    yield summary_of(container, reference, root.names)
            except LayertuiError as error:
                problems.append(error)
    if problems:
        raise problems[0]


def attachments_of(_image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`. Docker's own stores keep no manifests, so none."""
    return iter(())


def _container(data: DataRoot, name: str, reference: Reference) -> Image:
    known: list[tuple[Root, Container]] = []
    problems: list[str] = []
    for find in FINDERS:
        for root in find(data):
            known += [(root, container) for container in rows_until_error(root.containers(), problems)]
        found = [
            (root, container)
            for root, container in known
            if container.name == name or (len(name) >= 2 and container.id.startswith(name))
        ]
        if len({container.id for _, container in found}) == 1:
            root, container = found[0]
            pinned = reference._replace(selector=f"/{container.id}")
            image = root.open_container(container, reference._replace(selector=f"/{container.name}"))
            return image._replace(pinned=str(pinned))
    names = ", ".join(container.name for _, container in known) or "none"
    why = "; ".join([f"it has {names}", *problems])
    raise NotFound(f"{data.path} has no container {name}", why)


FINDERS: tuple[Callable[[DataRoot], Sequence[Root]], ...] = (
    lambda data: data.roots,
    lambda data: data.embedded,
)
"""Of all that has containers: a containerd that is damaged does not keep the others from being told."""
