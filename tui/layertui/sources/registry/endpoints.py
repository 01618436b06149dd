"""Where a registry is asked for a repository: mirrors, other locations, plain HTTP, own certificates.

As in containers-registries.conf(5), dockerd's daemon.json and containers-certs.d(5).
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from layertui.model.errors import LayertuiError
from layertui.sources.registry.name import DOCKER_HUB, Name

ETC = Path("/etc")
"""Where the machine's settings are, those of docker and of containers."""


@dataclass(frozen=True, slots=True)
class RegistryEndpoint:
    """One place that has a repository."""

    host: str
    """As people know it, ``docker.io``; logins and certificates are kept under it."""
    repository: str
    schemes: tuple[str, ...] = ("https",)
    """To be tried in this order."""
    insecure: bool = False
    """Whether its certificate need not be right."""

    @property
    def address(self) -> str:
        """Where the API is: Docker Hub's is not where its name says."""
        return "registry-1.docker.io" if self.host == DOCKER_HUB else self.host


class _Location(NamedTuple):
    """A place that a configuration names for a repository."""

    prefix: str
    """The part of the repository's full name that ``location`` replaces; empty for none of it."""
    location: str
    """Host, with or without a path; empty for the repository's own."""
    is_insecure: bool


def endpoints(name: Name) -> list[RegistryEndpoint]:
    """Return where to ask for a repository, mirrors first.

    Raises :class:`LayertuiError` if registries.conf blocks the repository.
    """
    full = f"{name.host}/{name.repository}"
    rule = _rule(full)
    if rule.get("blocked") is True:
        raise LayertuiError(f"{full} is blocked", "by registries.conf")
    daemon = _daemon_settings()
    locations = [*_mirrors_of_rule(rule, name)] or [*_mirrors_of_daemon(daemon, name)]
    locations.append(_location_of_rule(rule))
    return [_endpoint(name, location, daemon) for location in locations]


def _mirrors_of_rule(rule: Mapping[str, Any], name: Name) -> Iterator[_Location]:
    """Mirrors in registries.conf, without those that are not for this kind of pull (``pull-from-mirror``)."""
    for mirror in _tables(rule, "mirror"):
        use = mirror.get("pull-from-mirror", "all")
        only_digests = use == "digest-only" or rule.get("mirror-by-digest-only") is True
        is_meant = not (only_digests and not name.digest) and not (use == "tag-only" and name.digest)
        if isinstance(mirror.get("location"), str) and is_meant:
            prefix = mirror.get("prefix") or rule.get("prefix") or ""
            yield _Location(prefix, mirror["location"], mirror.get("insecure") is True)


def _mirrors_of_daemon(daemon: Mapping[str, Any], name: Name) -> Iterator[_Location]:
    """Mirrors of Docker Hub in daemon.json (``registry-mirrors``)."""
    for url in daemon.get("registry-mirrors") or [] if name.host == DOCKER_HUB else ():
        scheme, separator, rest = str(url).rstrip("/").partition("://")
        if separator and "/" not in rest:
            yield _Location(DOCKER_HUB, rest, scheme == "http")


def _location_of_rule(rule: Mapping[str, Any]) -> _Location:
    """Return the registry itself, or the place that registries.conf moves it to."""
    prefix = rule.get("prefix") or ""
    location = rule.get("location") or prefix
    return _Location(prefix, location if isinstance(location, str) else "", rule.get("insecure") is True)


def _endpoint(name: Name, location: _Location, daemon: Mapping[str, Any]) -> RegistryEndpoint:
    full = f"{name.host}/{name.repository}"
    # A wildcard stands for the host, whatever its length.
    replaced = len(name.host) if location.prefix.startswith("*.") else len(location.prefix)
    moved = location.location + full[replaced:] if location.location else full
    host, _, repository = moved.partition("/")
    insecure = location.is_insecure or _marked(host, daemon)
    return RegistryEndpoint(host, repository, _schemes(host, insecure), insecure)


def certificates(host: str) -> tuple[list[Path], list[tuple[Path, Path]]]:
    """Authorities to trust for a host, and client certificates with their keys."""
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for base in (own / "containers", ETC / "containers", ETC / "docker"):
        folder = base / "certs.d" / host
        try:
            names = sorted(folder.iterdir())
        except OSError:
            continue
        clients = [
            (path, path.with_suffix(".key"))
            for path in names
            if path.suffix == ".cert" and path.with_suffix(".key").exists()
        ]
        return [path for path in names if path.suffix == ".crt"], clients
    return [], []


def _schemes(host: str, insecure: bool) -> tuple[str, ...]:
    if is_loopback(host):
        return ("http", "https")  # nothing leaves the machine: what most run there goes first
    return ("https", "http") if insecure else ("https",)


def is_loopback(host: str) -> bool:
    """Return whether a host, with or without a port, is this machine: ``localhost`` or a loopback address."""
    address = _address(host)
    return re.fullmatch(r"localhost(:\d*)?", host, re.ASCII) is not None or (
        address is not None and address.is_loopback
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::\d*)?", host, re.ASCII)
    try:
        return ipaddress.ip_address(match[1] or match[2]) if match else None
    except ValueError:
        return None


def _marked(host: str, docker: Mapping[str, Any]) -> bool:
    """Return whether dockerd's ``insecure-registries`` name the host, or a network that it is in."""
    for entry in docker.get("insecure-registries") or []:
        try:
            if entry == host or ("/" in str(entry) and _address(host) in ipaddress.ip_network(entry)):
                return True
        except (ValueError, TypeError):
            continue
    return False


def _rule(full: str) -> dict[str, Any]:
    """Return the ``[[registry]]`` with the longest prefix of a name; empty if there is none."""
    best: dict[str, Any] = {}
    for prefix, rule in _rules().items():
        if _covers(prefix, full) and len(prefix) > len(best.get("prefix", "")):
            best = {**rule, "prefix": prefix}
    return best


def _covers(prefix: str, full: str) -> bool:
    if prefix.startswith("*."):
        return full.partition("/")[0].endswith(prefix[1:])
    return full == prefix or full.startswith((f"{prefix}/", f"{prefix}:"))


def _rules() -> dict[str, dict[str, Any]]:
    """Return all ``[[registry]]`` by prefix; later files win."""
    rules: dict[str, dict[str, Any]] = {}
    for path in _files():
        for rule in _tables(_toml(path), "registry"):
            prefix = rule.get("prefix") or rule.get("location")
            if isinstance(prefix, str) and prefix:
                rules[prefix.rstrip("/")] = rule
    return rules


def _files() -> Iterator[Path]:
    named = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers"
    system = ETC / "containers"
    if named:
        yield Path(named)
        return
    mine = own / "registries.conf"
    yield mine if mine.exists() else system / "registries.conf"
    for folder in (system, own):
        yield from sorted((folder / "registries.conf.d").glob("*.conf"))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LayertuiError(f"cannot read {path}", str(error), "it says which registries to trust") from error


def _tables(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    tables = value.get(name)
    return [each for each in tables if isinstance(each, dict)] if isinstance(tables, list) else []


def _daemon_settings() -> dict[str, Any]:
    try:
        value = json.loads((ETC / "docker/daemon.json").read_bytes())
    except (OSError, ValueError):
        return {}  # the daemon's own business, it says so when it starts
    return value if isinstance(value, dict) else {}
