"""Select an image's platform (OCI image-index, ``platform``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from layertui.model.errors import LayertuiError
from layertui.model.image import Platform

ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i386": "386",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
"""GOARCH names, which images use, by the kernel's names."""

DEFAULT_VARIANT = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
"""The variant that an omitted one stands for (containerd/platforms, ``database.go``)."""

T = TypeVar("T")


def host_platform() -> Platform:
    """Return this machine's platform, with Linux as OS on any host, since containers run on it."""
    import platform

    machine = platform.machine().lower()
    return Platform("linux", ARCHITECTURES.get(machine, machine))


def parse_platform(text: str) -> Platform:
    """Parse ``os/arch[/variant]``. Raises :class:`LayertuiError` for anything else."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise LayertuiError(f"not a platform: {text}", "", "write it as linux/arm64 or linux/arm/v7")
    return Platform(*parts)


def fits(wanted: Platform, offered: Platform) -> bool:
    """Return whether an offered platform satisfies the wanted one, which accepts any variant if it has none."""
    return _known(wanted) == _known(offered) and wanted.variant in ("", _variant(offered))


def _known(platform: Platform) -> tuple[str, str]:
    """Return OS and architecture in Go's names; some images use the kernel's."""
    return platform.os, ARCHITECTURES.get(platform.architecture, platform.architecture)


def _variant(platform: Platform) -> str:
    return platform.variant or DEFAULT_VARIANT.get(_known(platform)[1], "")


def choose_platform(choices: Sequence[tuple[Platform, T]], wanted: str | None, name: str) -> T:
    """Return the choice for the wanted platform, else for the host's, else the only one.

    The first match wins, as in the specification, but the default variant before others: not
    every ``amd64`` runs ``amd64/v3``. Raises a :class:`LayertuiError` that lists the platforms.
    """
    listed = ", ".join(dict.fromkeys(str(platform) for platform, _ in choices))
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
