"""Where an engine listens, found as its own command line finds it."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layertui.model.errors import LayertuiError

DOCKER_SOCKET = Path("/var/run/docker.sock")
PODMAN_SOCKET = Path("/run/podman/podman.sock")
DEFAULT = "default socket"
"""The origin of an address that no setting names."""


@dataclass(frozen=True, slots=True)
class EngineEndpoint:
    """An engine's address."""

    engine: str
    """``Docker`` or ``Podman``."""
    url: str
    """``unix://…``, ``tcp://…`` or ``ssh://…``."""
    origin: str
    """What names it, human-readable: ``DOCKER_HOST``, ``context colima``, ``default socket``."""
    tls: Any = None
    """A ``docker.tls.TLSConfig``, where the connection is to be encrypted."""

    @property
    def socket(self) -> Path | None:
        """The socket's path, if it is one of this machine."""
        return Path(self.url.removeprefix("unix://")) if self.url.startswith("unix://") else None


def docker_endpoint() -> EngineEndpoint:
    """DOCKER_HOST, else DOCKER_CONTEXT, else the configuration's current context, else a socket.

    The last is the system's or, where that is not there, a rootless engine's of this user
    (docker(1), "Environment variables"). Raises :class:`LayertuiError` if what is named
    cannot be used.
    """
    from docker.errors import TLSParameterError
    from docker.utils import kwargs_from_env

    if host := os.environ.get("DOCKER_HOST"):
        try:
            return EngineEndpoint("Docker", host, "DOCKER_HOST", kwargs_from_env().get("tls"))
        except TLSParameterError as error:
            raise LayertuiError(
                "cannot reach Docker", str(error).splitlines()[0], "look at DOCKER_CERT_PATH"
            ) from error
    name = os.environ.get("DOCKER_CONTEXT") or _current_context()
    if name and name != "default":
        return _of_context(name)
    return EngineEndpoint("Docker", f"unix://{_socket(DOCKER_SOCKET, 'docker.sock')}", DEFAULT)


def podman_endpoint() -> EngineEndpoint:
    """CONTAINER_HOST, else the connection that CONTAINER_CONNECTION or the settings name, else a socket.

    Settings as in podman-system-connection(1). Rootless users have a socket of their own.
    """
    if host := os.environ.get("CONTAINER_HOST"):
        return EngineEndpoint("Podman", host, "CONTAINER_HOST")
    connections, default = _podman_connections()
    wanted = os.environ.get("CONTAINER_CONNECTION")
    if wanted:
        if wanted not in connections:
            known = ", ".join(connections) or "none"
            raise LayertuiError(
                "cannot reach Podman", f"CONTAINER_CONNECTION names {wanted}", f"known connections: {known}"
            )
        default = wanted
    # Podman uses a connection by default only where it runs remotely: it needs no socket of this machine.
    own = _socket(PODMAN_SOCKET, "podman/podman.sock")
    if default in connections and (wanted or not own.exists()):
        return EngineEndpoint("Podman", connections[default], f"connection {default}")
    return EngineEndpoint("Podman", f"unix://{own}", DEFAULT)


def _socket(system: Path, rootless: str) -> Path:
    """Return the system's socket, or the user's own where it is the only one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    own = Path(runtime, rootless)
    if os.geteuid() != 0 and own.exists() and not os.access(system, os.W_OK):
        return own
    return own if own.exists() and not system.exists() else system


def _docker_config() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _current_context() -> str:
    """Return the current context of docker's configuration; empty if there is none."""
    value = _json(_docker_config() / "config.json")
    name = value.get("currentContext")
    return name if isinstance(name, str) else ""


def _of_context(name: str) -> EngineEndpoint:
    from docker.context import Context
    from docker.errors import TLSParameterError

    remedy = "docker context ls lists them"
    try:
        context = Context.load_context(name)
    except (Exception, TLSParameterError) as error:  # the library raises bare exceptions
        raise LayertuiError(f"cannot read Docker's context {name}", str(error), remedy) from error
    if context is None:
        raise LayertuiError(f"Docker has no context {name}", "", remedy)
    if not context.Host:
        raise LayertuiError(f"Docker's context {name} names no host", "", remedy)
    return EngineEndpoint("Docker", context.Host, f"context {name}", context.TLSConfig)


def _podman_connections() -> tuple[dict[str, str], str]:
    """Addresses by name, and the default's name."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers"
    found: dict[str, str] = {}
    default = ""
    settings = Path(os.environ.get("CONTAINERS_CONF") or config / "containers.conf")
    try:
        engine = tomllib.loads(settings.read_text()).get("engine", {})
    except (OSError, ValueError):
        engine = {}
    if isinstance(engine, dict):
        default = str(engine.get("active_service", ""))
        found |= _uris(engine.get("service_destinations"), "uri")
    connection = _json(config / "podman-connections.json").get("Connection")
    if isinstance(connection, dict):
        default = str(connection.get("Default") or default)
        found |= _uris(connection.get("Connections"), "URI")
    return found, default


def _uris(connections: object, field: str) -> dict[str, str]:
    if not isinstance(connections, dict):
        return {}
    return {
        name: value[field]
        for name, value in connections.items()
        if isinstance(value, dict) and isinstance(value.get(field), str)
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
