"""Select an image's platform (OCI image-index, ``platform``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from layertui.model.errors import LayertuiError, few
from layertui.model.image import Descriptor, Platform
from layertui.model.system import machine_name
from layertui.model.typed import TypeVar

ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "armv7l": "arm",
    "armv6l": "arm",
    "i386": "386",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
"""GOARCH names, which images use, by the names of kernels and distributions."""

DEFAULT_VARIANT = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
"""The variant that an omitted one stands for (containerd/platforms, ``database.go``)."""

IMPLIED_VARIANT = {"armhf": "v7", "armel": "v6"}
"""The variant that a distribution's name of an architecture has in it."""

PLATFORM = (
    r"(?P<os>[^/():]+)(?:\((?P<version>[\w.-]+)\))?"
    r"/(?P<architecture>[^/():]+)(?:/(?P<variant>[^/():]+))?(?::(?P<last>[\w.-]+))?"
)
"""A platform with an OS version (containerd/platforms, ``FormatAll``; buildx, ``--platform``)."""

T = TypeVar("T")


def host_platform() -> Platform:
    """Return this machine's platform, with Linux as OS on any host, since containers run on it."""
    machine = machine_name().lower()
    return Platform("linux", ARCHITECTURES.get(machine, machine))


def parse_platform(text: str) -> Platform:
    """Parse ``os[(version)]/arch[/variant]`` as containerd writes it, or ``os/arch[/variant][:version]`` as buildx does.

    Raises :class:`LayertuiError` for anything else.
    """
    match = re.fullmatch(PLATFORM, text)
    if match is None or (match["version"] and match["last"]):
        remedy = "write it as linux/arm64, linux/arm/v7 or windows(10.0.20348)/amd64"
        raise LayertuiError(f"not a platform: {text}", "", remedy)
    version = match["version"] or match["last"] or ""
    return Platform(match["os"], match["architecture"], match["variant"] or "", version)


def fits(wanted: Platform, offered: Platform) -> bool:
    """Return whether an offered platform satisfies the wanted one.

    It accepts any variant and any version if it has none, and of a version like ``10.0.20348``
    every revision.
    """
    if _known(wanted) != _known(offered) or _named_variant(wanted) not in ("", _variant(offered)):
        return False
    version = wanted.os_version
    return not version or f"{offered.os_version}.".startswith(f"{version}.")


def _known(platform: Platform) -> tuple[str, str]:
    """Return OS and architecture in Go's names; some images use others (containerd/platforms, ``database.go``)."""
    system, architecture = platform.os.lower(), platform.architecture.lower()
    return "darwin" if system == "macos" else system, ARCHITECTURES.get(architecture, architecture)


def _named_variant(platform: Platform) -> str:
    """Return the variant of a platform; empty if it has none. Some images leave out the ``v``."""
    variant = (platform.variant or IMPLIED_VARIANT.get(platform.architecture.lower(), "")).lower()
    return f"v{variant}" if variant.isdecimal() else variant


def _variant(platform: Platform) -> str:
    return _named_variant(platform) or DEFAULT_VARIANT.get(_known(platform)[1], "")


def choose_platform(choices: Sequence[tuple[Platform, T]], wanted: str | None, name: str) -> T:
    """Return the choice for the wanted platform, else for the host's, else the only one.

    The first match wins, as in the specification, but the default variant before others: not
    every ``amd64`` runs ``amd64/v3``. Raises a :class:`LayertuiError` that lists the platforms.
    """
    listed = few(_distinguished(choices))
    platform = host_platform() if wanted is None else parse_platform(wanted)
    fitting = [(offered, choice) for offered, choice in choices if fits(platform, offered)]
    for offered, choice in fitting:
        if _variant(offered) == _variant(platform):
            return choice
    if fitting:
        return fitting[0][1]
    if wanted is not None:
        raise LayertuiError(f"{name} has no image for {wanted}", f"platforms: {listed or 'none'}")
    if len(choices) == 1:
        return choices[0][1]
    if not choices:
        raise LayertuiError(f"{name} contains no image", "its index is empty")
    raise LayertuiError(
        f"{name} has no image for {host_platform()}",
        f"platforms: {listed}",
        "choose with --platform",
    )


def _distinguished(choices: Sequence[tuple[Platform, object]]) -> list[str]:
    """Return the platform of each choice, with its digest where ``--platform`` cannot distinguish it."""
    digests: dict[tuple[str, ...], set[str]] = {}
    for platform, choice in choices:
        if isinstance(choice, Descriptor):
            digests.setdefault(platform[:3], set()).add(choice.digest)
    return list(
        dict.fromkeys(
            f"{platform} @{choice.digest}"
            if isinstance(choice, Descriptor) and len(digests[platform[:3]]) > 1
            else str(platform)
            for platform, choice in choices
        )
    )
