"""The stores in a data root: Docker's own of all versions, and containerd's of Docker 29.

Docker 29 keeps its images in containerd: in the system's if that is running, whose root is beside
the data root (``/var/lib/containerd``), else in one of its own, whose root is in the data root
(moby, daemon/command/daemon.go, ``containerdRootDir``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from layertui.model.errors import LayertuiError
from layertui.model.reference import Reference
from layertui.sources.containerd.namespace import METADATA_DB, Namespace
from layertui.sources.containerd.store import ContainerdStore
from layertui.sources.docker_root.containerd_backend import ContainerdRoot
from layertui.sources.docker_root.containerd_images import ContainerdImages
from layertui.sources.docker_root.current import CurrentRoot, current_drivers
from layertui.sources.docker_root.driver_root import DriverRoot
from layertui.sources.docker_root.legacy import LegacyRoot, legacy_drivers

SYSTEM_ROOT = "/var/lib/docker"
NAMESPACE = "moby"
"""Docker's namespace in containerd."""

ImageRoot = DriverRoot | ContainerdImages
ContainerRoot = DriverRoot | ContainerdRoot


class DataRoot:
    """The data root of a reference. Each store is read once, when first needed: a daemon may be writing to it."""

    def __init__(self, reference: Reference) -> None:
        self.path = Path(reference.location or SYSTEM_ROOT)

    @cached_property
    def roots(self) -> Sequence[DriverRoot]:
        """Docker's own, of both layouts: after an upgrade ``graph/`` may still exist.

        Raises :class:`LayertuiError` if there is none, nor a containerd that Docker uses.
        """
        if not self.path.is_dir():
            raise LayertuiError(f"{self.path} is not a data root", "there is no such directory")
        found: list[DriverRoot] = [CurrentRoot(self.path, driver) for driver in current_drivers(self.path)]
        found += [LegacyRoot(self.path, driver) for driver in legacy_drivers(self.path)]
        if not found and self.namespace is None:
            raise LayertuiError(
                f"{self.path} is not a data root of Docker",
                "it has neither image/DRIVER/imagedb nor graph and repositories-DRIVER",
            )
        return found

    @cached_property
    def containerd(self) -> ContainerdStore | None:
        """The containerd inside the data root, else the one beside it; ``None`` if it has nothing of Docker.

        Raises :class:`LayertuiError` if it cannot be read.
        """
        for place in (self.path / "containerd" / "daemon", self.path.absolute().parent / "containerd"):
            if os.path.lexists(place / METADATA_DB):
                store = ContainerdStore(place)
                namespace = store.namespaces.get(NAMESPACE)
                if namespace and (
                    namespace.names or any(each.noted for each in namespace.snapshots.values())
                ):
                    return store
        return None

    @property
    def namespace(self) -> Namespace | None:
        """Docker's namespace of that containerd. Raises :class:`LayertuiError` if it cannot be read."""
        return self.containerd.namespace(NAMESPACE) if self.containerd is not None else None

    @cached_property
    def images(self) -> Sequence[ContainerdImages]:
        """The images in that namespace, if it has some. Raises :class:`LayertuiError` if it cannot be read."""
        found = self.namespace
        return [ContainerdImages(self.path, found)] if found and found.names else []

    @property
    def embedded(self) -> Sequence[ContainerdRoot]:
        """The containers with their layers in containerd, if there is one."""
        return [ContainerdRoot(self.path, self.namespace)] if self.namespace else []
