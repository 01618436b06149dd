"""``docker-root:``: a Docker data root on disk, live or copied; no daemon is contacted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from layertui.model.errors import LayertuiError, NotFound, few
from layertui.model.image import ContainerSummary, Image, ImageSummary
from layertui.model.reference import Reference, layer_of, parse_reference
from layertui.sources.attachments import Attachment, attachments_in
from layertui.sources.docker_root.data_root import ContainerRoot, DataRoot, ImageRoot
from layertui.sources.docker_root.files import Container, rows_until_error, summary_of


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`; a name that begins with a slash is a container's, with two a layer's."""
    name = reference.selector
    if not name:
        raise LayertuiError(
            f"{reference} is a store", "it has many images", f"layertui images {reference} lists them"
        )
    data = DataRoot(reference)
    if layer := layer_of(reference):
        from layertui.sources.docker_root.bare_layers import open_layer

        return open_layer(data, layer, reference)
    if name.startswith("/"):
        return _container(data, name[1:], reference)
    problems: list[LayertuiError] = []
    for root in _image_roots(data, problems):
        try:
            return root.open_image(name, reference, platform)
        except LayertuiError as error:
            problems.append(error)
    if not problems:  # containerd has Docker's containers here, and none of its images
        raise NotFound(f"{data.path} has no image {name}", "it has no images")
    raise next((each for each in problems if not isinstance(each, NotFound)), problems[0])


def list_images(reference: Reference) -> Iterator[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    problems: list[LayertuiError] = []
    found = False
    for root in _image_roots(DataRoot(reference), problems):
        try:
            wanted = root.find(reference.selector) if reference.selector else ""
            for row in root.summaries(reference, wanted):
                found = True
                yield row
        except LayertuiError as error:
            problems.append(error)
    if problems and not (reference.selector and found):
        raise problems[0]


def _image_roots(data: DataRoot, problems: list[LayertuiError]) -> Iterator[ImageRoot]:
    """Yield all that has images; that containerd cannot be read is added to ``problems``."""
    yield from data.roots
    try:
        found = data.images
    except LayertuiError as error:
        problems.append(error)
    else:
        yield from found


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


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`; Docker's own stores keep no manifests, containerd does."""
    if image.manifest_digest:
        for found in DataRoot(parse_reference(image.reference)).images:
            if (layout := found.content(image.id)) is not None:
                yield from attachments_in(layout, image)


def _container(data: DataRoot, name: str, reference: Reference) -> Image:
    known: list[tuple[ContainerRoot, Container]] = []
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
    names = few(container.name for _, container in known) or "none"
    why = "; ".join([f"it has {names}", *problems])
    raise NotFound(f"{data.path} has no container {name}", why)


FINDERS: tuple[Callable[[DataRoot], Sequence[ContainerRoot]], ...] = (
    lambda data: data.roots,
    lambda data: data.embedded,
)
"""All that has containers, in the order in which it is read: a damaged containerd must not hide the others."""
