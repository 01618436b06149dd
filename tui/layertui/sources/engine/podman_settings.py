"""Podman's address, found as podman(1) finds it for a remote client."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from layertui.model.errors import LayertuiError
from layertui.sources.engine import endpoint
from layertui.sources.engine.endpoint import DEFAULT, EngineEndpoint, endpoint_at, user_socket

SYSTEM_SETTINGS = (Path("/usr/share/containers"), Path("/etc/containers"))
"""Folders of containers.conf that apply to all users, the stronger last (containers.conf(5))."""
MACHINE_OPTIONS = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
"""Podman makes the key of its own virtual machine itself, and does not check it (pkg/machine/ssh.go)."""


class PodmanConnection(NamedTuple):
    """What ``podman system connection`` records."""

    uri: str
    identity: str
    """Path of the private key; empty for ssh's own choice."""
    is_machine: bool
    """Whether it leads to Podman's own virtual machine."""


def podman_endpoint() -> EngineEndpoint:
    """CONTAINER_HOST, else the connection that CONTAINER_CONNECTION or the settings name, else a socket.

    Settings as in podman-system-connection(1). Rootless users have a socket of their own.
    Raises :class:`LayertuiError` if what is named cannot be used.
    """
    if host := os.environ.get("CONTAINER_HOST", "").strip():
        return _at(PodmanConnection(host, os.environ.get("CONTAINER_SSHKEY", ""), False), "CONTAINER_HOST")
    connections, default = _connections()
    wanted = os.environ.get("CONTAINER_CONNECTION")
    if wanted:
        if wanted not in connections:
            known = ", ".join(connections) or "none"
            raise LayertuiError(
                "cannot reach Podman", f"CONTAINER_CONNECTION names {wanted}", f"known connections: {known}"
            )
        default = wanted
    # Podman uses a connection by default only where it runs remotely: it needs no socket of this machine.
    own = user_socket(endpoint.PODMAN_SOCKET, "podman/podman.sock")
    if default in connections and (wanted or not own.exists()):
        return _at(connections[default], f"connection {default}")
    return EngineEndpoint("Podman", f"unix://{own}", DEFAULT)


def _at(connection: PodmanConnection, origin: str) -> EngineEndpoint:
    identity = ("-i", connection.identity, "-o", "IdentitiesOnly=yes") if connection.identity else ()
    options = (*identity, *(MACHINE_OPTIONS if connection.is_machine else ()))
    return endpoint_at("Podman", connection.uri, origin, ssh_options=options)


def _connections() -> tuple[dict[str, PodmanConnection], str]:
    """Return the connections by name, and the default's name."""
    found: dict[str, PodmanConnection] = {}
    default = ""
    for file in _settings_files():
        try:
            engine = tomllib.loads(file.read_text()).get("engine")
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(engine, dict):
            default = str(engine.get("active_service") or default)
            found |= _named(engine.get("service_destinations"))
    recorded = os.environ.get("PODMAN_CONNECTIONS_CONF") or _user_settings() / "podman-connections.json"
    try:
        value = json.loads(Path(recorded).read_bytes())
    except (OSError, ValueError, RecursionError):
        value = None
    connection = value.get("Connection") if isinstance(value, dict) else None
    if isinstance(connection, dict):
        default = str(connection.get("Default") or default)
        found |= _named(connection.get("Connections"))
    return found, default


def _user_settings() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers"


def _settings_files() -> list[Path]:
    """Return the files that containers.conf(5) names, in the order in which they are merged."""
    if own := os.environ.get("CONTAINERS_CONF"):
        files = [Path(own)]
    else:
        files = []
        for folder in (*SYSTEM_SETTINGS, _user_settings()):
            files += [folder / "containers.conf", *sorted(folder.glob("containers.conf.d/*.conf"))]
    override = os.environ.get("CONTAINERS_CONF_OVERRIDE")
    return [*files, Path(override)] if override else files


def _named(connections: object) -> dict[str, PodmanConnection]:
    """Return recorded connections; the fields have lower-case names in TOML (containers.conf(5))."""
    if not isinstance(connections, dict):
        return {}
    found = {}
    for name, value in connections.items():
        fields: dict[str, Any] = value if isinstance(value, dict) else {}
        fields = {key.replace("_", "").lower(): field for key, field in fields.items()}
        if isinstance(uri := fields.get("uri"), str):
            identity = fields.get("identity")
            identity = identity if isinstance(identity, str) else ""
            found[name] = PodmanConnection(uri, identity, fields.get("ismachine") is True)
    return found
