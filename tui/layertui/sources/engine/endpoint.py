"""The address of an engine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from layertui.model import system
from layertui.model.errors import LayertuiError
from layertui.sources.engine.ssh import parse_ssh_url

DOCKER_SOCKET = Path("/var/run/docker.sock")
PODMAN_SOCKET = Path("/run/podman/podman.sock")
DEFAULT = "default socket"
"""The origin of an address that no setting names."""
DOCKER_PORT = 2375
"""Port of an address without one (docker/cli, opts/hosts.go)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted."""

    verify: bool | str
    """The file of the authority's certificate; ``True``: the system's authorities, ``False``: not verified."""
    certificate: tuple[str, str] | None = None
    """The client's certificate and key."""


@dataclass(frozen=True, slots=True)
class EngineEndpoint:
    """An engine's address."""

    engine: str
    """``Docker`` or ``Podman``."""
    url: str
    """``unix://PATH``, ``tcp://HOST:PORT``, ``ssh://[USER@]HOST[:PORT][PATH]``, ``http://…`` or ``https://…``."""
    origin: str
    """What names it, human-readable: ``DOCKER_HOST``, ``context colima``, ``default socket``."""
    tls: Tls | None = None
    """``None``: not encrypted, unless the URL is ``https``."""
    ssh_options: tuple[str, ...] = ()
    """Options of ssh(1) that the connection needs: its identity file."""

    @property
    def socket(self) -> Path | None:
        """The socket's path, if it is one of this machine."""
        return Path(self.url.removeprefix("unix://")) if self.url.startswith("unix://") else None

    @property
    def variable(self) -> str:
        """The environment variable that names another address."""
        return "DOCKER_HOST" if self.engine == "Docker" else "CONTAINER_HOST"


def endpoint_at(
    engine: str, text: str, origin: str, tls: Tls | None = None, ssh_options: tuple[str, ...] = ()
) -> EngineEndpoint:
    """Return the endpoint at an address as the engine's command line takes it.

    Missing parts are filled in as docker does. Raises :class:`LayertuiError` if it is no address.
    """
    try:
        return EngineEndpoint(engine, _url(text.strip()), origin, tls, ssh_options)
    except ValueError as error:
        raise LayertuiError(
            f"cannot reach {engine} at {text} ({origin})",
            f"this is not an address: {error}",
            "write unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST",
        ) from error


def user_socket(machine: Path, rootless: str) -> Path:
    """Return the system's socket, or the user's own (below XDG_RUNTIME_DIR) where it is the only one to use."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{system.own_uid()}"
    own = Path(runtime, rootless)
    if system.own_uid() != 0 and own.exists() and not os.access(machine, os.W_OK):
        return own
    return own if own.exists() and not machine.exists() else machine


def _url(text: str) -> str:
    """Return an address in full. Raises :class:`ValueError`."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        return f"unix://{path or DOCKER_SOCKET}"
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text
    if scheme == "ssh":
        parse_ssh_url(text)
        return text
    if scheme not in ("tcp", "http", "https"):
        raise ValueError(f"{scheme}:// is unknown")
    if rest.count(":") > 1 and re.fullmatch(r"[0-9a-fA-F:]+", rest):
        rest = f"[{rest}]"  # an IPv6 address by itself
    parts = urlsplit(f"{scheme}://{rest}")
    host = parts.hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{parts.port or DOCKER_PORT}{parts.path.rstrip('/')}"
