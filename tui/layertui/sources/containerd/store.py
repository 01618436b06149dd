"""A containerd's root directory: its namespaces."""

from __future__ import annotations

from functools import cached_property

from layertui.model.errors import LayertuiError, few
from layertui.sources.containerd.bolt import read_bolt
from layertui.sources.containerd.namespace import METADATA_DB, Namespace, StoreFiles


class ContainerdStore(StoreFiles):
    """The namespaces of a containerd. Its databases are read when they are first needed."""

    @cached_property
    def namespaces(self) -> dict[str, Namespace]:
        """Raises :class:`LayertuiError` if there is no store or its database is damaged."""
        path = self.metadata
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LayertuiError(
                f"{self.root} is not a store of containerd", f"it has no {METADATA_DB}"
            ) from error
        except OSError as error:
            why = error.strerror or str(error)
            raise LayertuiError(f"cannot read {path}", why, "run as root") from error
        return {
            name: Namespace(self, name, bucket) for name, bucket in read_bolt(path).bucket("v1").buckets()
        }

    def namespace(self, name: str) -> Namespace:
        if name not in self.namespaces:
            known = few(self.namespaces) or "none"
            raise LayertuiError(f"{self.root} has no namespace {name}", f"it has {known}")
        return self.namespaces[name]
