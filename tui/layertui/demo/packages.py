"""Packages of the sample's distribution, in the formats of apk."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from layertui.demo.filesystem import Filesystem

DATABASE = "usr/lib/apk/db/installed"
CACHE = "var/cache/apk"


@dataclass(frozen=True, slots=True)
class SamplePackage:
    """A package; ``files`` map paths to content and mode."""

    name: str
    version: str
    description: str
    license: str
    files: Mapping[str, tuple[bytes | str, int]]

    @property
    def installed_size(self) -> int:
        return sum(len(data) for data, _ in self.files.values())


def install(system: Filesystem, *packages: SamplePackage, keep_cache: bool = False) -> None:
    """Install packages in a file system and its package database."""
    for package in packages:
        for path, (data, mode) in package.files.items():
            system.write(path, data, mode)
        if keep_cache:
            name = f"{CACHE}/{package.name}-{package.version}.apk"
            system.write(name, b"\x1f\x8b\x08\0" + noise(name, package.installed_size // 2))
    _record(system, packages)


def binary(name: str, size: int, *strings: str) -> bytes:
    """Return a stand-in for a program: an ELF header, some strings and reproducible noise."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0\x3e\0\x01\0\0\0" + bytes(40)
    text = b"".join(string.encode() + b"\0" for string in (name, *strings))
    return header + text.ljust(192, b"\0") + noise(name, size - 256)


def noise(seed: str, length: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(length)


def _record(system: Filesystem, packages: tuple[SamplePackage, ...]) -> None:
    try:
        known = system.read(DATABASE)
    except KeyError:
        known = ""
    names = {package.name for package in packages}
    kept = [item for item in known.split("\n\n") if item and _name(item) not in names]
    items = sorted([*kept, *map(_item, packages)], key=_name)
    system.write(DATABASE, "\n\n".join(items) + "\n\n")


def _name(item: str) -> str:
    return next(line[2:] for line in item.splitlines() if line.startswith("P:"))


def _item(package: SamplePackage) -> str:
    """Return one package in apk's database (apk-tools, apk-package(5) and installed database)."""
    everything = b"".join(_bytes(data) for data, _ in package.files.values())
    lines = [
        f"C:{_checksum(everything)}",
        f"P:{package.name}",
        f"V:{package.version}",
        "A:x86_64",
        f"S:{package.installed_size // 2}",
        f"I:{package.installed_size}",
        f"T:{package.description}",
        f"U:https://packages.held.example/{package.name}",
        f"L:{package.license}",
        f"o:{package.name}",
    ]
    directory = None
    for path in sorted(package.files):
        data, mode = package.files[path]
        above, _, name = path.rpartition("/")
        if above != directory:
            directory = above
            lines.append(f"F:{directory}")
        lines.append(f"R:{name}")
        if mode != 0o644:
            lines.append(f"a:0:0:{mode:o}")
        lines.append(f"Z:{_checksum(_bytes(data))}")
    return "\n".join(lines)


def _checksum(data: bytes) -> str:
    return "Q1" + base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data
