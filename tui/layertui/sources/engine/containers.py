"""An engine's containers: their image's layers and the read-write layer on top of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import ContainerSummary, Descriptor, Image, Layer, Recorded
from layertui.model.numbers import LayerNumber
from layertui.model.platforms import choose_platform
from layertui.sources.assemble import INIT_LAYER, READ_WRITE, container_step
from layertui.sources.engine.client import Engine
from layertui.sources.engine.images import digest_id, open_image
from layertui.sources.engine.own_layers import own_layers
from layertui.sources.engine.values import integer, objects, unix_time
from layertui.sources.oci_layout import descriptor_of

CONTAINER_TRANSPORTS = {"Docker": "docker-container", "Podman": "podman-container"}


def list_containers(engine: Engine) -> Iterator[ContainerSummary]:
    """Yield every container, running or not. Raises :class:`LayertuiError`."""
    transport = CONTAINER_TRANSPORTS[engine.endpoint.engine]
    for item in engine.get_list("/containers/json", all="1"):
        names = item.get("Names")
        identity = str(item.get("Id", ""))
        name = str(names[0]).lstrip("/") if isinstance(names, list) and names else identity[:12]
        networks = item.get("NetworkSettings")
        networks = networks.get("Networks") if isinstance(networks, dict) else None
        labels = item.get("Labels")
        yield ContainerSummary(
            reference=f"{transport}:{name}",
            transport=transport,
            id=identity,
            name=name,
            image=str(item.get("Image", "")),
            command=str(item.get("Command", "")),
            created=unix_time(item.get("Created")),
            state=str(item.get("State", "")),
            status=str(item.get("Status", "")),
            labels=labels if isinstance(labels, dict) else {},
            # The engine names them in another order every time.
            mounts=sorted(
                str(each.get("Name") or each.get("Source") or "") for each in objects(item.get("Mounts"))
            ),
            networks=list(networks) if isinstance(networks, dict) else [],
            ports=[_port(each) for each in objects(item.get("Ports"))],
            image_id=digest_id(str(item.get("ImageID") or "")),
            local_volumes=sum(each.get("Driver") == "local" for each in objects(item.get("Mounts"))),
        )


def open_container(engine: Engine, name: str, platform: str | None = None) -> Image:
    """Return a container as an image with its read-write layer as one more layer.

    The image's layers are those of the platform that the container runs, which must be ``platform`` if
    one is given. Docker's init layer (stubs of what it mounts into every container) is a layer of its
    own where its directory can be read; otherwise nothing records it. Raises :class:`LayertuiError`.
    """
    try:
        inspected = engine.get_object("/containers/{0}/json", name, size="1")
    except NotFound as error:
        command = f"{engine.endpoint.engine.lower()} ps --all"
        raise NotFound(
            f"{engine.endpoint.engine} has no container {name}", "", f"{command} lists them"
        ) from error
    # Since API 1.48, in Docker's containerd store: its image may be for several platforms.
    manifest = descriptor_of(inspected.get("ImageManifestDescriptor"))
    try:
        image = open_image(
            engine, str(inspected.get("Image", "")), manifest=manifest.digest if manifest else ""
        )
    except NotFound as error:
        raise LayertuiError(f"cannot open the container {name}", "its image has been removed") from error
    if platform is not None:
        choose_platform([(image.platform, image)], platform, f"the container {name}")
    state = inspected.get("State")
    status = str(state.get("Status", "")) if isinstance(state, dict) else ""
    shown = str(inspected.get("Name", name)).lstrip("/")
    own = f"{READ_WRITE}{shown} ({status or 'state unknown'})"
    layers, history = list(image.layers), list(image.history)
    for unpacked, text in own_layers(engine, inspected, image, own):
        number = LayerNumber(len(layers) + 1)
        size = -1 if text == INIT_LAYER else integer(inspected, "SizeRw")
        descriptor, recorded = Descriptor("", "", size), Recorded(size, "disk")
        layers.append(Layer(number, descriptor, "", "", None, unpacked=unpacked, recorded=recorded))
        history.append(container_step(inspected.get("Created"), text, number, size))
    transport = CONTAINER_TRANSPORTS[engine.endpoint.engine]
    return image._replace(
        reference=f"{transport}:{name}",
        transport=transport,
        name=f"{shown} ({image.name})",
        history=history,
        layers=layers,
        inspected=inspected,
        is_container=True,
        pinned=f"{transport}:{inspected.get('Id', name)}",
        pinned_platform=None,
    )


def _port(item: Mapping[str, Any]) -> str:
    inside = f"{item.get('PrivatePort', '?')}/{item.get('Type', 'tcp')}"
    public = integer(item, "PublicPort")
    return f"{item.get('IP', '')}:{public}->{inside}" if public >= 0 else inside
