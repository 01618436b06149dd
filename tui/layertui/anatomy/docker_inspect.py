"""The fields of ``docker inspect`` for an image and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping

from layertui import TYPE_CHECKING
from layertui.model.image import Image, InspectField

if TYPE_CHECKING:
    from typing import Any


NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time, which Docker prints for an unset time."""
FIELDS = {
    "Id": "",
    "RepoTags": "",
    "RepoDigests": "",
    "Parent": "",
    "Comment": "comment",
    "Created": "created",
    "Container": "container",
    "ContainerConfig": "container_config",
    "DockerVersion": "docker_version",
    "Author": "author",
    "Config": "config",
    "Architecture": "architecture",
    "Variant": "variant",
    "Os": "os",
    "OsVersion": "os.version",
    "Size": "",
    "VirtualSize": "",
    "GraphDriver": "",
    "RootFS": "rootfs",
    "Metadata": "",
    "Descriptor": "",
}
"""In Docker's order, each with its key in the config (up to Docker 1.9: the file ``json``), if it is from there."""
WITHOUT_DESCRIPTOR = ("Container", "ContainerConfig", "VirtualSize")
"""Fields that the API dropped before, or with, ``Descriptor`` (1.44, 1.45, 1.48)."""


def described(image: Image) -> dict[str, Any]:
    """Return the fields with their values: the engine's own answer, else those of :func:`fields`."""
    return dict(image.inspected) or {field.name: field.value for field in fields(image)}


def fields(image: Image) -> list[InspectField]:
    """Return the fields as Docker fills them for its own images (types/image.InspectResponse).

    Fields that the source records itself come from there, the rest from the config. Unknown
    ones are empty as in Docker, or omitted.
    """
    own = {field.name: field for field in image.fields}
    values = _values(image)
    if "Descriptor" in own:
        values["Config"] = _image_settings(image.config.get("config"))
    unknown = set(WITHOUT_DESCRIPTOR) if "Descriptor" in own else {"Descriptor"}
    unknown |= {name for name in ("Variant", "OsVersion") if not values[name]}
    unknown |= {name for name in ("Size", "VirtualSize") if image.size < 0}
    if not values["RootFS"]["Layers"] and image.layers:
        unknown |= {"RootFS", "Metadata"}  # Docker up to 1.9 has neither
    file = next((link.location for link in image.chain if link.name == "config"), "")
    return [
        own.get(name) or InspectField(name, values[name], file if key else "", key)
        for name, key in FIELDS.items()
        if name in own or name not in unknown
    ]


def _values(image: Image) -> dict[str, Any]:
    config = image.config
    steps = [entry for entry in image.history if entry.recorded]
    return {
        **{name: _text(config, key) for name, key in FIELDS.items()},
        "Id": image.id,
        "RepoTags": list(image.tags),
        "RepoDigests": list(image.repo_digests),
        "Comment": _text(config, "comment") or (steps[-1].comment if steps else ""),
        "Created": _text(config, "created") or NEVER,
        "ContainerConfig": _settings(config.get("container_config")),
        "Config": _settings(config.get("config")),
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": {"Data": None, "Name": ""},
        "RootFS": {"Type": "layers", "Layers": [layer.diff_id for layer in image.layers if layer.diff_id]},
        "Metadata": {"LastTagTime": NEVER},
    }


def _settings(value: object) -> dict[str, Any]:
    """Return a container's settings, including those that Docker always prints (types/container.Config)."""
    given: Mapping[str, Any] = value if isinstance(value, dict) else {}
    usual = {name: default for name, default in SETTINGS.items() if default is not LEFT_OUT}
    known = {name: given[name] for name in given if given[name] is not None}
    order = [*SETTINGS, *(name for name in known if name not in SETTINGS)]
    return {name: {**usual, **known}[name] for name in order if name in usual or name in known}


def _image_settings(value: object) -> dict[str, Any]:
    """Return what an image's config may say of containers, as APIs with ``Descriptor`` do up to 1.51.

    What is empty is left out there, or unset (moby, api/server/router/image/inspect_response.go).
    """
    given: Mapping[str, Any] = value if isinstance(value, dict) else {}
    usual = {name: SETTINGS[name] for name in IMAGE_SETTINGS if SETTINGS[name] is not LEFT_OUT}
    return {
        name: given[name] if given.get(name) else usual[name]
        for name in IMAGE_SETTINGS
        if given.get(name) or name in usual
    }


LEFT_OUT = object()
SETTINGS: Mapping[str, object] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": LEFT_OUT,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Healthcheck": LEFT_OUT,
    "ArgsEscaped": LEFT_OUT,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "NetworkDisabled": LEFT_OUT,
    "MacAddress": LEFT_OUT,
    "OnBuild": None,
    "Labels": None,
    "StopSignal": LEFT_OUT,
    "StopTimeout": LEFT_OUT,
    "Shell": LEFT_OUT,
}
"""In Docker's order, with the value that it prints for an unset one."""


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else ""


IMAGE_SETTINGS = (
    "User",
    "ExposedPorts",
    "Env",
    "Cmd",
    "Healthcheck",
    "ArgsEscaped",
    "Volumes",
    "WorkingDir",
    "Entrypoint",
    "OnBuild",
    "Labels",
    "StopSignal",
    "Shell",
)
"""Those of an image (moby/docker-image-spec, ``DockerOCIImageConfig``)."""
