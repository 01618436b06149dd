"""Which of an image's platforms is meant (OCI image-index, ``platform``)."""

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
"""Go's names, which images use, by the kernel's."""

DEFAULT_VARIANT = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
"""What a variant left out means (containerd/platforms, ``database.go``)."""

T = TypeVar("T")


def host_platform() -> Platform:
    """This machine's; Linux whatever runs here, since that is what containers run on."""
    import platform

    machine = platform.machine().lower()
    return Platform("linux", ARCHITECTURES.get(machine, machine))


def parse_platform(text: str) -> Platform:
    """``os/arch[/variant]``. Raises :class:`LayertuiError` for anything else."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise LayertuiError(f"not a platform: {text}", "", "write it as linux/arm64 or linux/arm/v7")
    return Platform(*parts)


def fits(wanted: Platform, offered: Platform) -> bool:
    """Whether one can be taken for the other; whoever leaves out the variant takes any."""
    return _known(wanted) == _known(offered) and wanted.variant in ("", _variant(offered))


def _known(platform: Platform) -> tuple[str, str]:
    """OS and CPU in Go's words: some images have the kernel's."""
    return platform.os, ARCHITECTURES.get(platform.architecture, platform.architecture)


def _variant(platform: Platform) -> str:
    return platform.variant or DEFAULT_VARIANT.get(_known(platform)[1], "")


def choose_platform(choices: Sequence[tuple[Platform, T]], wanted: str | None, name: str) -> T:
    """The choice for a platform: the one asked for, else the host's, else the only one.

    The first match counts, as the specification has it, but the usual variant before others:
    not every ``amd64`` runs what is for ``amd64/v3``. Raises :class:`LayertuiError` that lists
    what there is.
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
        raise LayertuiError(f"{name} is not there for {wanted}", f"it is for {listed or 'no platform'}")
    if len(choices) == 1:
        return choices[0][1]
    if not choices:
        raise LayertuiError(f"{name} holds no image", "its index names none")
    raise LayertuiError(
        f"{name} is for several platforms, none of them {host_platform()}",
        f"it is for {listed}",
        "choose with --platform",
    )
