"""Items of a store's lists: images, layers and containers share one format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layertui.sources.assemble import config_list

MANIFEST = "manifest"
"""The key of the manifest of an image's last pull (containers/storage, ``ImageDigestBigDataKey``)."""
MANIFEST_OF = "manifest-"
"""Prefix of the key of each of its manifests and indexes, before the digest (``manifestBigDataKey``)."""


@dataclass(frozen=True, slots=True)
class Record:
    """An item of ``images.json``, ``layers.json`` or ``containers.json``."""

    root: Path
    """The store that has it: layers of one store may have parents in another."""
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
        """Of an image: the ID as a digest, which is the config's unless its layers are known by their TOC."""
        return f"sha256:{self.id}"

    @property
    def manifest_digests(self) -> list[str]:
        """Of an image: digests of its manifests and indexes, one for each that it was pulled by (``Digests``)."""
        keys = [MANIFEST, *(key for key in self.texts("big-data-names") if key.startswith(MANIFEST_OF))]
        return sorted({self.text("digest"), *map(self.manifest_digest, keys)} - {""})

    def manifest_key(self, digest: str) -> str:
        """Of an image: the key of the manifest or index of a digest, else of the one pulled last."""
        key = f"{MANIFEST_OF}{digest}"
        return key if key in self.texts("big-data-names") else MANIFEST

    def manifest_digest(self, key: str) -> str:
        """Of an image: the digest that is recorded of the manifest or index of a key; empty if none is."""
        if key != MANIFEST:
            return key.removeprefix(MANIFEST_OF)
        digests = self.values.get("big-data-digests")
        value = digests.get(key) if isinstance(digests, dict) else None
        return value if isinstance(value, str) else self.text("digest")

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
        """Of a layer: whether only a part of it is stored."""
        flags = self.values.get("flags")
        return isinstance(flags, dict) and bool(flags.get("incomplete"))

    @property
    def unpacked_size(self) -> int:
        """Of a layer: bytes of its tar; -1 if that is not recorded."""
        value = self.values.get("diff-size")
        return value if isinstance(value, int) and value >= 0 else -1

    @property
    def metadata(self) -> Mapping[str, Any]:
        """JSON recorded by the program that made it, parsed."""
        try:
            value = json.loads(self.text("metadata"))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def container_name(container: Record) -> str:
    return next(iter(container.texts("names")), container.id[:12])


def repo_digests(image: Record) -> list[str]:
    """Return each repository with each manifest digest, and the names that have a digest, as Podman does."""
    named = [name for name in image.texts("names") if "@" in name]
    repositories = [tag.rpartition(":")[0] for tag in image.tags]
    found = (f"{name}@{digest}" for name in repositories for digest in image.manifest_digests)
    return list(dict.fromkeys([*named, *found]))
