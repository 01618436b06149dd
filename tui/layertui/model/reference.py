"""References: names of images with their transport (containers-transports(5))."""

from __future__ import annotations

import re

from layertui.model.errors import LayertuiError
from layertui.model.typed import NamedTuple

TRANSPORTS = {
    "docker-archive": "docker_archive",
    "oci-archive": "oci",
    "oci": "oci",
    "dir": "oci",
    "docker-daemon": "engine",
    "docker-container": "engine",
    "podman": "engine",
    "podman-container": "engine",
    "docker": "registry",
    "docker-root": "docker_root",
    "containers-storage": "containers_storage",
    "containerd": "containerd",
    "demo": "sample",
}
"""Every transport and its module in :mod:`layertui.sources`."""

ENGINE_NAMES = {
    "docker-daemon": "Docker",
    "docker-container": "Docker",
    "podman": "Podman",
    "podman-container": "Podman",
}
"""Transports of running engines (Docker, Podman) and the engine's display name."""

CONNECTED_TRANSPORTS = (*ENGINE_NAMES, "docker")
"""Transports of images that a server sends."""

FILE_TRANSPORTS = ("docker-archive", "oci-archive", "oci", "dir")
"""Transports whose location is a path."""

STORE_TRANSPORTS = ("docker-root", "containers-storage", "containerd")
"""Transports whose location is a store on disk; the path is written in brackets before a name."""

IN_STORE = {"containers-storage": "*-images", "containerd": "io.containerd.metadata.v1.bolt"}
"""Entries of a store's root directory; they distinguish a relative path from a name."""

LAYER = "//"
"""Prefix of a layer ID in place of an image name; that of a container name is one slash."""


class Reference(NamedTuple):
    """``transport:location[:selector]``."""

    transport: str
    """Empty for a bare path, whose transport depends on its contents."""
    location: str
    selector: str = ""
    """A tag, ``name:tag``, ``@index`` or ``@digest``; empty for the only one, or for all."""

    def __str__(self) -> str:
        if not self.transport:
            return self.location
        if self.transport in STORE_TRANSPORTS:
            bare = not self.location or (not self.selector and _leads_to_store(self.transport, self.location))
            bracketed = f"[{self.location}]" if self.selector.startswith("/") or not bare else self.location
            return f"{self.transport}:{bracketed}{self.selector}"
        separator = "" if self.selector.startswith("@") and self.transport != "docker-archive" else ":"
        selected = separator + self.selector if self.selector else ""
        return f"{self.transport}:{self.location}{selected}"


def is_store(reference: Reference) -> bool:
    """Return whether a reference names a whole store or namespace, not something in it."""
    selected = reference.selector
    if reference.transport == "containerd":
        selected = selected.partition("/")[2]
    return reference.transport in STORE_TRANSPORTS and not selected


def layer_of(reference: Reference) -> str:
    """Return the layer ID in a reference to a layer of a store; empty in any other reference."""
    name = reference.selector
    if reference.transport == "containerd":
        name = name.partition("/")[2]
    is_layer = reference.transport in STORE_TRANSPORTS and name.startswith(LAYER)
    return name.removeprefix(LAYER) if is_layer else ""


def to_layer(store: Reference, identity: str) -> str:
    """Return the reference of a layer of a store, or of a containerd namespace."""
    namespace = f"{store.selector.partition('/')[0]}/" if store.transport == "containerd" else ""
    return str(store._replace(selector=f"{namespace}{LAYER}{identity}"))


def parse_reference(text: str) -> Reference:
    """Parse a reference.

    Paths may contain colons and at signs: the longest prefix that exists is the path. Raises
    :class:`LayertuiError` for a malformed reference.
    """
    transport, colon, rest = text.partition(":")
    if not colon or transport not in TRANSPORTS:
        if not text:
            raise LayertuiError("empty reference", "", "give a path or demo:")
        return Reference("", _path(text))
    if transport in STORE_TRANSPORTS:
        return Reference(transport, *_store(transport, rest))
    if transport in ENGINE_NAMES:
        return Reference(transport, rest.removeprefix("//"))  # podman://NAME; no name begins with a slash
    if transport not in FILE_TRANSPORTS:
        return Reference(transport, rest)
    if not rest:
        raise LayertuiError(f"{text}: no path", "", f"write {transport}:PATH")
    location, selector = _file(transport, rest)
    if rest.startswith("//") and not _exists(location):
        # docker-archive://app.tar, as dive takes it
        location, selector = _file(transport, rest[2:])
    return Reference(transport, location, selector)


def _path(text: str) -> str:
    """Return the path in a reference without transport: itself, or that of a ``file:`` URL.

    Raises :class:`LayertuiError` for any other URL.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or _exists(text):
        return text
    if scheme == "file":
        path = f"/{rest[12:]}" if rest.startswith("//localhost/") else rest.removeprefix("//")
        from urllib.parse import unquote

        return path if _exists(path) else unquote(path)
    if rest.startswith("//") and re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        if scheme in ("http", "https"):
            raise LayertuiError(
                f"{text} is a web address",
                "images are read from registries, engines, stores and files",
                f"download it (curl -fL {text} | layertui -), or write docker://HOST/NAME for a registry",
            )
        raise LayertuiError(f"{text}: unknown transport {scheme}", "", "see layertui --help")
    return text


def _file(transport: str, rest: str) -> tuple[str, str]:
    """Return the path in a reference to a file or directory, and the selector."""
    return (rest, "") if transport == "dir" else _split(rest, at_signs=transport != "docker-archive")


def _store(transport: str, rest: str) -> tuple[str, str]:
    """Return the root of a store (empty: the system's) and the selector in it (empty: all of it)."""
    if rest.startswith("["):
        root, closed, name = rest[1:].partition("]")
        if not closed:
            raise LayertuiError(f"{rest}: missing closing bracket", "", "write [DIRECTORY]NAME")
        return root, name
    return (rest, "") if _leads_to_store(transport, rest) else ("", rest)


def _leads_to_store(transport: str, text: str) -> bool:
    """Return whether text without brackets is a path: it looks like one, or leads to a store of the transport.

    For a data root, any existing path suffices.
    """
    if text.startswith(("/", ".", "~")):
        return True
    if transport == "docker-root":
        return _exists(text)
    from pathlib import Path

    try:
        return bool(text) and any(Path(text).glob(IN_STORE[transport]))
    except (OSError, ValueError):
        return False


def _split(rest: str, at_signs: bool) -> tuple[str, str]:
    """Split off the selector: after the longest path that exists, else at the first colon."""
    cuts = [
        position
        for position, letter in enumerate(rest)
        if position and (letter == ":" or (letter == "@" and at_signs))
    ]
    for cut in (len(rest), *reversed(cuts)):
        if _exists(rest[:cut]):
            return rest[:cut], _selector(rest[cut:])
    first = rest.find(":", 1)
    return (rest, "") if first < 0 else (rest[:first], _selector(rest[first:]))


def _selector(rest: str) -> str:
    return rest.removeprefix(":")


def _exists(path: str) -> bool:
    from pathlib import Path  # which --help needs no more than what else parses a reference

    try:
        Path(path).lstat()
    except (OSError, ValueError):
        return False
    return True
