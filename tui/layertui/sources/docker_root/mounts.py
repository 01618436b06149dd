"""A container's own layers, and what drivers record of the directories that they mount.

Rules from moby, daemon/graphdriver: aufs/aufs.go and aufs/dirs.go; overlay/overlay.go
(``Create``); vfs and btrfs copy the directory that is below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from layertui.layers.unpacked.full_tree import CopiedDirectory, FullTree
from layertui.layers.unpacked.id_mapping import id_mapping_of
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.image import Descriptor, Image, Layer, Unpacked
from layertui.model.numbers import LayerNumber
from layertui.model.regular_file import open_regular
from layertui.sources.assemble import INIT_LAYER, READ_WRITE, container_step
from layertui.sources.docker_root.files import Container, directories_below, lowers_of, overlay_places
from layertui.sources.files import read_text

ONE_LAYER = ("overlay2", "fuse-overlayfs", "aufs")
"""Drivers whose directories have one layer each; others' have all layers below it too."""
WHITEOUT_FILE_DRIVERS = ("fuse-overlayfs", "aufs")
"""Those that may have files named ``.wh.NAME`` there."""
CONTAINER_DIRECTORIES = {
    "overlay2": "overlay2/{0}/diff",
    "fuse-overlayfs": "fuse-overlayfs/{0}/diff",
    "overlay": "overlay/{0}/upper",
    "aufs": "aufs/diff/{0}",
    "vfs": "vfs/dir/{0}",
    "btrfs": "btrfs/subvolumes/{0}",
}
"""Where drivers keep a container's own layer by its mount ID; vfs and btrfs with all that is below it."""
MAX_LINES = 1 << 20
"""Bytes of a list of layers that are read."""


@dataclass(frozen=True, slots=True)
class Mounts:
    """A driver's directories below a data root, by their names."""

    root: Path
    driver: str

    def directory(self, pattern: str, identity: str) -> Path | None:
        """Return the path of a directory; ``None`` if the name is malformed."""
        is_one = re.fullmatch(r"[0-9a-zA-Z][0-9a-zA-Z_.-]*", identity)
        return self.root / pattern.format(identity) if is_one else None

    def tree(self, identity: str) -> Path | None:
        """Return what the overlay driver mounts overlays on; ``None`` if the directory is no whole tree."""
        return _existing(self.directory("overlay/{0}/root", identity))

    def upper(self, identity: str) -> Path | None:
        """Return what it mounts on a tree; ``None`` if the directory is none of these."""
        return _existing(self.directory("overlay/{0}/upper", identity))

    # The order that the driver records

    def places(self, identity: str) -> Iterator[tuple[str, str]]:
        """Yield where the driver records what is below a directory."""
        if self.driver == "aufs" and (path := self.root / "aufs/layers" / identity).is_file():
            yield "layers", str(path)
        if self.driver == "overlay" and (lower := self.lower(identity)):
            yield "lower-id", lower

    def lower(self, identity: str) -> str:
        """Return the directory whose tree an overlay is mounted on; empty for one that is a tree itself."""
        return read_text(self.root / "overlay" / identity / "lower-id")

    def below(self, identity: str) -> list[str]:
        """Return the directories that one is mounted on, the nearest first, as far as the driver records them."""
        if self.driver == "aufs":
            return _lines(self.root / "aufs/layers" / identity) or []
        if self.driver == "overlay":
            return [lower] if (lower := self.lower(identity)) else []
        return lowers_of(self.root / self.driver / identity) if self.driver in ONE_LAYER else []

    def problem(self, identity: str, below: Sequence[str]) -> str:
        """Return what contradicts that a directory is mounted on these, the nearest first; empty if nothing does.

        An overlay is mounted on the nearest one that is a tree.
        """
        if self.driver == "aufs":
            path = self.root / "aufs/layers" / identity
            noted = _lines(path)
            if noted is None:
                return ""
            found, expected = noted, list(below)
        elif self.driver == "overlay" and (lower := self.lower(identity)):
            path = self.root / "overlay" / identity / "lower-id"
            found, expected = [lower], [each for each in below if self.tree(each)][:1]
        else:
            return ""
        if found == expected:
            return ""
        here, there = (", ".join(each[:12] for each in ids) or "nothing" for ids in (found, expected))
        return f"{path} says that it is on {here}, everything else on {there}: Docker uses the former, shown is the latter"

    # Layers

    def overlaid(self, identity: str, parent: str) -> Unpacked | None:
        """Return what an overlay's own layer is read from, which is mounted on a tree; ``None`` if it is not there.

        Where the one below is such an overlay too, it began as a copy of it.
        """
        upper, copied = self.upper(identity), self.upper(parent)
        if upper is None:
            return None
        lower = self.tree(self.lower(identity) or parent)
        own = UnpackedDirectory(upper, below=(lower,) if lower else (), id_mapping=id_mapping_of(self.root))
        return CopiedDirectory(own, replace(own, path=copied)) if copied else own

    def with_own_layers(
        self, image: Image, container: Container, names: Sequence[str], below: Sequence[str]
    ) -> Image:
        """Return a container's image with its init layer and its read-write layer on top.

        ``names`` are those of the two, the first one empty if there is none; ``below`` are those
        of the image's layers, the nearest first.
        """
        created = container.config.get("Created")
        layers, history, warnings = list(image.layers), list(image.history), list(image.warnings)
        below = list(below)
        init, mount = names
        own = [(mount, f"{READ_WRITE}{container.name} ({container.state})")]
        if init:
            own.insert(0, (init, INIT_LAYER))
        for identity, text in own:
            layer = self.layer(identity, below[0] if below else "", layers)
            if layer.unpacked and (problem := self.problem(identity, below)):
                warnings.append(problem)
            layers.append(layer)
            history.append(container_step(created, text, layer.number))
            below.insert(0, identity)
        return image._replace(
            name=f"{container.name} ({image.name})",
            layers=layers,
            history=history,
            warnings=warnings,
            fields=(),
            is_container=True,
        )

    def layer(self, identity: str, parent: str, layers: Sequence[Layer]) -> Layer:
        """Return what only the driver knows of as a layer on others, the nearest of which is in the directory ``parent``."""
        unpacked, missing = self._own(identity, parent, layers)
        places = []
        if unpacked is not None:
            places = [*overlay_places(Path(unpacked.location)), *self.places(identity)]
        return Layer(
            LayerNumber(len(layers) + 1), Descriptor("", "", -1), "", "", None, missing, unpacked, places
        )

    def _own(self, identity: str, parent: str, layers: Sequence[Layer]) -> tuple[Unpacked | None, str]:
        """Return what a layer that only the driver knows of is read from, or why it cannot be."""
        if self.driver not in CONTAINER_DIRECTORIES:
            return None, unreadable(self.driver)
        directory = self.directory(CONTAINER_DIRECTORIES[self.driver], identity)
        if directory is None:
            return None, f"its directory {identity} is not there"
        if self.driver == "overlay":
            if (found := self.overlaid(identity, parent)) is not None:
                return found, ""
            if not parent and (tree := self.tree(identity)):  # begun from scratch: the init layer is a tree
                return FullTree(tree, None, id_mapping_of(self.root)), ""
        if not directory.is_dir():
            return None, f"its directory {directory} is not there"
        if self.driver in ONE_LAYER:
            below = directories_below(layers)
            by_name = self.driver in WHITEOUT_FILE_DRIVERS
            return UnpackedDirectory(directory, by_name, below, id_mapping_of(self.root)), ""
        return self.whole(CONTAINER_DIRECTORIES[self.driver], identity, parent)

    def whole(self, pattern: str, identity: str, parent: str) -> tuple[Unpacked | None, str]:
        """Return what a layer is read from that is kept together with what is below it, or why it cannot be."""
        tree, below = (_existing(self.directory(pattern, each)) for each in (identity, parent))
        if tree is None:
            return None, f"its directory {self.root / pattern.format(identity)} is not there"
        if parent and below is None:
            return None, together(self.driver, parent)
        return FullTree(tree, below, id_mapping_of(self.root), links=self.driver == "overlay"), ""


def together(driver: str, parent: str) -> str:
    """Return why a layer cannot be distinguished from what is below it."""
    return f"the {driver} driver keeps it together with what is below it, and {parent} is not there"


def unreadable(driver: str) -> str:
    """Return why there is nothing to be read of a driver that has no directory for each layer."""
    return f"the {driver} driver keeps layers where they cannot be read offline"


def _existing(path: Path | None) -> Path | None:
    return path if path is not None and path.is_dir() else None


def _lines(path: Path) -> list[str] | None:
    """Return the lines of a small file; ``None`` where it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(MAX_LINES).decode("utf-8", "replace").split()
    except OSError:
        return None
