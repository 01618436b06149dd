"""Logins for registries, where docker and podman keep them.

Files and their order as in containers-auth.json(5): podman's, then docker's. In each,
``credHelpers`` go before ``credsStore`` and that before ``auths`` (docker/cli: config.json),
and of several keys in ``auths`` the most specific counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from layertui.model import system
from layertui.model.errors import LayertuiError
from layertui.sources.documents import json_problem
from layertui.sources.registry.name import DOCKER_HUB

HUB_KEY = "https://index.docker.io/v1/"
"""Docker Hub's key in docker's configuration and for its helpers."""
HELPER_TIME = 60
"""Seconds that a credential helper may take: it may ask the user to unlock a store."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One login."""

    origin: str
    """Where it was found, human-readable: a file or a helper."""
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """Exchanged for access at the token server (OAuth 2, ``refresh_token``)."""
    registry_token: str = field(default="", repr=False)
    """Sent to the registry as it is."""

    def __post_init__(self) -> None:
        # Checked here, for what fails to send a login may quote it.
        words = (self.username, self.password, self.identity_token)
        is_text = not any("\ud800" <= letter <= "\udfff" for word in words for letter in word)
        if not is_text or not re.fullmatch(r"[!-~]*", self.registry_token):
            raise LayertuiError(
                f"a login from {self.origin} cannot be used", "it is malformed", "log in again"
            )


def find_login(host: str, repository: str) -> Credentials | None:
    """Return the login for a repository; ``None`` if none is stored.

    Raises :class:`LayertuiError` if a file cannot be read or a helper fails.
    """
    for path in files():
        found = _in_file(path, host, repository)
        if found is not None:
            return found
    return None


def files() -> list[Path]:
    """Return the files that may hold logins, first to last; REGISTRY_AUTH_FILE alone if it is set."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        return [Path(named)]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    return [
        Path(runtime, "containers/auth.json")
        if runtime
        else Path(f"/run/containers/{system.own_uid()}/auth.json"),
        own / "containers/auth.json",
        docker / "config.json",
    ]


def _in_file(path: Path, host: str, repository: str) -> Credentials | None:
    config = _read(path)
    names = [host, HUB_KEY, "index.docker.io"] if host == DOCKER_HUB else [host]
    helpers = _object(config, "credHelpers")
    suffix = next((helpers[name] for name in names if isinstance(helpers.get(name), str)), "")
    if not suffix and isinstance(config.get("credsStore"), str):
        suffix = config["credsStore"]
    if suffix:
        found = _from_helper(suffix, HUB_KEY if host == DOCKER_HUB else host)
        if found is not None:
            return found
    auths = _object(config, "auths")
    by_key = {_normal(key): value for key, value in auths.items() if isinstance(value, dict)}
    for key in _keys(host, repository):
        value = auths.get(key) if isinstance(auths.get(key), dict) else by_key.get(key)
        if value and (found := _decode(value, path)) is not None:
            return found
    return None


def _keys(host: str, repository: str) -> Iterator[str]:
    """``host/a/b``, ``host/a``, ``host``."""
    parts = [host, *repository.split("/")]
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])


def _normal(key: str) -> str:
    """Return a key without what old versions of docker put around the host."""
    bare = key.removeprefix("https://").removeprefix("http://")
    if bare != key:
        bare = bare.partition("/")[0]  # a URL: only its host counts
    return DOCKER_HUB if bare in ("index.docker.io", "registry-1.docker.io") else bare.rstrip("/")


def _decode(value: Mapping[str, Any], path: Path) -> Credentials | None:
    """Return an item of ``auths``; ``None`` if it is empty, as docker leaves them beside a store."""

    def text(name: str) -> str:
        return value[name] if isinstance(value.get(name), str) else ""

    username, password = text("username"), text("password")
    if text("auth"):
        try:
            plain = base64.b64decode(text("auth"), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise LayertuiError(f"a login in {path} cannot be read", str(error), "log in again") from error
        username, _, password = plain.partition(":")
        password = password.strip("\0")
    found = Credentials(str(path), username, password, text("identitytoken"), text("registrytoken"))
    return found if username or found.identity_token or found.registry_token else None


def _from_helper(suffix: str, server: str) -> Credentials | None:
    """Return what ``docker-credential-SUFFIX get`` answers (docker/docker-credential-helpers)."""
    program = f"docker-credential-{suffix}"
    if not re.fullmatch(r"[A-Za-z0-9._+-]+", suffix):
        raise LayertuiError(f"{program} is not a credential helper", "its name has unusual characters")
    what = f"no login from {program} for {server}"
    try:
        result = subprocess.run(
            [program, "get"],
            input=server,
            capture_output=True,
            text=True,
            timeout=HELPER_TIME,
            check=False,
            start_new_session=True,  # without a terminal, whose keys are the app's
        )
    except FileNotFoundError as error:
        raise LayertuiError(what, "it is not installed", "install it, or log in again") from error
    except subprocess.TimeoutExpired as error:
        said = bytes(error.stderr or b"").decode("utf-8", "replace").strip()
        why = said.splitlines()[0] if said else f"no answer within {HELPER_TIME} seconds"
        raise LayertuiError(what, why, "unlock its store, or log in again") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LayertuiError(what, str(error)) from error
    if result.returncode:
        said = result.stdout.strip() or result.stderr.strip()
        if "credentials not found" in said:
            return None
        raise LayertuiError(what, said.splitlines()[0] if said else f"status {result.returncode}")
    try:
        answer = json.loads(result.stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LayertuiError(what, "its answer is no JSON with Username and Secret") from error
    if username == "<token>":
        return Credentials(program, identity_token=secret)
    return Credentials(program, username, secret)


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise LayertuiError(f"cannot read the logins in {path}", error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise LayertuiError(
            f"cannot read the logins in {path}", f"it is not valid JSON: {json_problem(error)}"
        ) from error
    return config if isinstance(config, dict) else {}


def _object(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}
