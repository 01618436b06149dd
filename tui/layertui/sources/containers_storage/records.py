"""What the lists of a store hold: images, layers and containers, all of the same make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layertui.sources.assemble import config_list


@dataclass(frozen=True, slots=True)
class Record:
    """An item of ``images.json``, ``layers.json`` or ``containers.json``."""

    root: Path
    """The store that has it: layers of one may stand on those of another."""
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        return [each for each in config_list(self.values, name) if isinstance(each, str)]

    def also_called(self, names: Sequence[str]) -> Record:
        """Return the same with more names."""
        return Record(
            self.root, {**self.values, "names": list(dict.fromkeys([*self.texts("names"), *names]))}
        )

    @property
    def id(self) -> str:
        return self.text("id")

    @property
    def digest(self) -> str:
        """The ID as the digest of the config that it is."""
        return f"sha256:{self.id}"

    @property
    def tags(self) -> list[str]:
        return [name for name in self.texts("names") if "@" not in name]

    @property
    def size(self) -> int:
        """Of a layer: bytes as it was stored where it came from; -1 if that is not recorded."""
        value = self.values.get("compressed-size", self.values.get("diff-size"))
        return value if isinstance(value, int) and value >= 0 else -1

    @property
    def is_incomplete(self) -> bool:
        """Of a layer: whether it is there only in part."""
        flags = self.values.get("flags")
        return isinstance(flags, dict) and bool(flags.get("incomplete"))

    @property
    def unpacked_size(self) -> int:
        """Of a layer: bytes of its tar; -1 if that is not recorded."""
        value = self.values.get("diff-size")
        return value if isinstance(value, int) and value >= 0 else -1

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the program that made it noted down, itself JSON."""
        try:
            value = json.loads(self.text("metadata"))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def container_name(container: Record) -> str:
    return next(iter(container.texts("names")), container.id[:12])


def repo_digests(image: Record) -> list[str]:
    """Return the manifest's digest behind each name, and the names that are one themselves."""
    named = [name for name in image.texts("names") if "@" in name]
    digest = image.text("digest")
    return list(
        dict.fromkeys([*named, *(f"{tag.rpartition(':')[0]}@{digest}" for tag in image.tags if digest)])
    )
