"""``layertui inspect``: what ``docker inspect`` says of an image, from wherever it lies."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from layertui.commands.opening import image_of
from layertui.commands.output import Output
from layertui.commands.parsing import add_common, add_image
from layertui.image import Image

DESCRIPTION = """\
Print config and digests of an image as a JSON array of one object, with the
fields of docker inspect.
"""
EPILOG = """\
Size is what the layers take as they are stored, since none is read for this; of
an engine's image it is what the engine says. What a file does not know is left
out or empty.

examples:
  layertui inspect app.tar
  layertui inspect app.tar | jq '.[0].Config.Env'
"""
NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time, which Docker prints for none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    add_common(parser)


def run(options: argparse.Namespace) -> int:
    image = image_of(options)
    fields = {**described(image), **image.inspected}
    Output().line(json.dumps([fields], indent=None if options.json else 4))
    return 2 if image.damage else 0


def described(image: Image) -> dict[str, Any]:
    """The fields as Docker fills them for an image that it has loaded (types/image.InspectResponse)."""
    config = image.config
    steps = [entry for entry in image.history if entry.recorded]
    fields: dict[str, Any] = {
        "Id": image.id,
        "RepoTags": list(image.tags),
        "RepoDigests": list(image.repo_digests),
        "Parent": "",
        "Comment": _text(config, "comment") or (steps[-1].comment if steps else ""),
        "Created": _text(config, "created") or NEVER,
        "Container": _text(config, "container"),
        "ContainerConfig": _config(config.get("container_config")),
        "DockerVersion": _text(config, "docker_version"),
        "Author": _text(config, "author"),
        "Config": _config(config.get("config")),
        "Architecture": _text(config, "architecture"),
        "Variant": _text(config, "variant"),
        "Os": _text(config, "os"),
        "OsVersion": _text(config, "os.version"),
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": {"Data": None, "Name": ""},
        "RootFS": {"Type": "layers", "Layers": [layer.diff_id for layer in image.layers]},
        "Metadata": {"LastTagTime": NEVER},
    }
    unknown = [name for name in ("Variant", "OsVersion") if not fields[name]]
    unknown += [name for name in ("Size", "VirtualSize") if fields[name] < 0]
    return {name: value for name, value in fields.items() if name not in unknown}


def _config(value: object) -> dict[str, Any]:
    """A container's settings, with those that Docker always prints (types/container.Config)."""
    given: Mapping[str, Any] = value if isinstance(value, dict) else {}
    usual = {name: default for name, default in SETTINGS.items() if default is not LEFT_OUT}
    known = {name: given[name] for name in given if given[name] is not None}
    order = [*SETTINGS, *(name for name in known if name not in SETTINGS)]
    return {name: {**usual, **known}[name] for name in order if name in usual or name in known}


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
"""In Docker's order, with what it prints where they are not set."""


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else ""
