"""References: how people name an image (containers-transports(5))."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from layertui.model.errors import LayertuiError

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
"""Every transport, and the module of :mod:`layertui.sources` that knows it."""

ENGINE_NAMES = {
    "docker-daemon": "Docker",
    "docker-container": "Docker",
    "podman": "Podman",
    "podman-container": "Podman",
}
"""Transports of running engines, and what people call these."""

FILE_TRANSPORTS = ("docker-archive", "oci-archive", "oci", "dir")
"""Transports whose location is a path."""

STORE_TRANSPORTS = ("docker-root", "containers-storage", "containerd")
"""Transports whose location is a store on disk; its path stands in brackets before a name."""

LAYER = "//"
"""What stands before a layer's ID, where an image's name would stand; a container's name has one slash."""


class Reference(NamedTuple):
    """``transport:location``, and behind another colon which of several images is meant."""

    transport: str
    """Empty for a bare path: what it holds tells the transport."""
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
    """Whether a reference names all of a store, or of a namespace, in place of something in it."""
    selected = reference.selector
    if reference.transport == "containerd":
        selected = selected.partition("/")[2]
    return reference.transport in STORE_TRANSPORTS and not selected


def layer_of(reference: Reference) -> str:
    """What a reference calls the layer of a store that it names; empty if it names none."""
    name = reference.selector
    if reference.transport == "containerd":
        name = name.partition("/")[2]
    is_layer = reference.transport in STORE_TRANSPORTS and name.startswith(LAYER)
    return name.removeprefix(LAYER) if is_layer else ""


def to_layer(store: Reference, identity: str) -> str:
    """The reference of a layer of a store, or of what a namespace of containerd has."""
    namespace = f"{store.selector.partition('/')[0]}/" if store.transport == "containerd" else ""
    return str(store._replace(selector=f"{namespace}{LAYER}{identity}"))


def parse_reference(text: str) -> Reference:
    """What a reference names.

    Paths may hold colons and at-signs: of all the places where the path could end, the last
    one at which something exists is taken. Raises :class:`LayertuiError` if it cannot be read.
    """
    transport, colon, rest = text.partition(":")
    if not colon or transport not in TRANSPORTS:
        if not text:
            raise LayertuiError("empty reference", "", "give a path or demo:")
        return Reference("", text)
    if transport in STORE_TRANSPORTS:
        return Reference(transport, *_store(transport, rest))
    if transport not in FILE_TRANSPORTS:
        return Reference(transport, rest)
    if not rest:
        raise LayertuiError(f"{text} names no path", "", f"write {transport}:PATH")
    if transport == "dir":
        return Reference(transport, rest)
    return Reference(transport, *_split(rest, at_signs=transport != "docker-archive"))


def _store(transport: str, rest: str) -> tuple[str, str]:
    """Where a store lies (empty: where the system's is) and what is meant in it (empty: all of it)."""
    if rest.startswith("["):
        root, closed, name = rest[1:].partition("]")
        if not closed:
            raise LayertuiError(f"a bracket is missing in {rest}", "", "write [DIRECTORY]NAME")
        return root, name
    return (rest, "") if _leads_to_store(transport, rest) else ("", rest)


def _leads_to_store(transport: str, text: str) -> bool:
    """Whether a text without brackets is a path: elsewhere than in a data root, names come first."""
    return text.startswith(("/", ".", "~")) or (transport == "docker-root" and _exists(text))


def _split(rest: str, at_signs: bool) -> tuple[str, str]:
    """Path and selector: the longest path that exists, else up to the first colon."""
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
    try:
        Path(path).lstat()
    except (OSError, ValueError):
        return False
    return True
