"""Docker's address, found as docker(1) finds it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from layertui.model.errors import LayertuiError
from layertui.sources.engine import endpoint
from layertui.sources.engine.endpoint import DEFAULT, EngineEndpoint, Tls, endpoint_at, user_socket


def docker_endpoint() -> EngineEndpoint:
    """DOCKER_HOST, else DOCKER_CONTEXT, else the configuration's current context, else a socket.

    The last is the system's or, if that does not exist, a rootless engine's of this user
    (docker(1), "Environment variables"). Raises :class:`LayertuiError` if what is named
    cannot be used.
    """
    if host := os.environ.get("DOCKER_HOST", "").strip():
        return endpoint_at("Docker", host, "DOCKER_HOST", _tls_of_environment())
    name = os.environ.get("DOCKER_CONTEXT") or _current_context()
    if name and name != "default":
        return _of_context(name)
    return EngineEndpoint("Docker", f"unix://{user_socket(endpoint.DOCKER_SOCKET, 'docker.sock')}", DEFAULT)


def _configuration() -> Path:
    """Return the folder of docker's settings, ``$DOCKER_CONFIG`` or ``~/.docker``; it need not exist."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _tls_of_environment() -> Tls | None:
    """DOCKER_TLS_VERIFY and DOCKER_TLS, with the certificates in DOCKER_CERT_PATH (docker/cli, cli/flags)."""
    is_verified = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    if not is_verified and not os.environ.get("DOCKER_TLS"):
        return None
    folder = Path(os.environ.get("DOCKER_CERT_PATH") or _configuration())
    return _tls(folder, is_verified, needs_authority=True, remedy="look at DOCKER_CERT_PATH")


def _tls(folder: Path, is_verified: bool, needs_authority: bool, remedy: str) -> Tls:
    """Return the encryption with the certificates in a folder, of which those of the client may be absent."""
    authority, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    verify: bool | str = is_verified
    if is_verified and (needs_authority or authority.exists()):
        if not authority.is_file():
            raise LayertuiError("cannot reach Docker", f"there is no {authority}", remedy)
        verify = str(authority)
    client = (str(certificate), str(key)) if certificate.is_file() and key.is_file() else None
    return Tls(verify, client)


def _current_context() -> str:
    """Return the current context of docker's configuration; empty if there is none."""
    try:
        value = json.loads((_configuration() / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    name = value.get("currentContext") if isinstance(value, dict) else ""
    return name if isinstance(name, str) else ""


def _of_context(name: str) -> EngineEndpoint:
    """Return the endpoint of a context (docker/cli, cli/context/store: its folder is the name's SHA-256)."""
    remedy = "docker context ls lists them"
    contexts = _configuration() / "contexts"
    identity = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    file = contexts / "meta" / identity / "meta.json"
    try:
        docker = _object(_object(json.loads(file.read_bytes())).get("Endpoints")).get("docker")
    except FileNotFoundError:
        raise LayertuiError(f"Docker has no context {name}", f"there is no {file}", remedy) from None
    except (OSError, ValueError, RecursionError) as error:
        raise LayertuiError(f"cannot read Docker's context {name}", f"{file}: {error}", remedy) from error
    host = _object(docker).get("Host")
    if not host or not isinstance(host, str):
        raise LayertuiError(f"Docker's context {name} names no host", "", remedy)
    is_verified = not _object(docker).get("SkipTLSVerify")
    certificates = contexts / "tls" / identity / "docker"
    is_encrypted = not is_verified or certificates.is_dir()
    tls = _tls(certificates, is_verified, needs_authority=False, remedy=remedy) if is_encrypted else None
    return endpoint_at("Docker", host, f"context {name}", tls)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
