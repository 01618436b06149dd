"""Which of an image's platforms is meant (OCI image-index, ``platform``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from layertui.errors import LayertuiError
from layertui.image import Platform

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

DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7"}

T = TypeVar("T")


def host() -> Platform:
    """This machine's; Linux whatever runs here, since that is what containers run on."""
    import platform

    machine = platform.machine().lower()
    return Platform("linux", ARCHITECTURES.get(machine, machine))


def parse(text: str) -> Platform:
    """``os/arch[/variant]``. Raises :class:`LayertuiError` for anything else."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise LayertuiError(f"not a platform: {text}", "", "write it as linux/arm64 or linux/arm/v7")
    return Platform(*parts)


def matches(wanted: Platform, offered: Platform) -> bool:
    """Whether one can be taken for the other; a variant left out is the usual one."""
    if (wanted.os, wanted.architecture) != (offered.os, offered.architecture):
        return False
    usual = DEFAULT_VARIANT.get(wanted.architecture, "")
    return not wanted.variant or wanted.variant == (offered.variant or usual)


def choose(choices: Sequence[tuple[Platform, T]], wanted: str | None, name: str) -> T:
    """The choice for a platform: the one asked for, else the host's, else the only one.

    The first match counts, as the specification has it. Raises :class:`LayertuiError` that
    lists what there is.
    """
    listed = ", ".join(dict.fromkeys(str(platform) for platform, _ in choices))
    if wanted is not None:
        platform = parse(wanted)
        for offered, choice in choices:
            if matches(platform, offered):
                return choice
        raise LayertuiError(f"{name} is not there for {wanted}", f"it is for {listed or 'no platform'}")
    for offered, choice in choices:
        if matches(host(), offered):
            return choice
    if len(choices) == 1:
        return choices[0][1]
    if not choices:
        raise LayertuiError(f"{name} holds no image", "its index names none")
    raise LayertuiError(
        f"{name} is for several platforms, none of them {host()}",
        f"it is for {listed}",
        "choose with --platform",
    )
