"""What a data root keeps for ``docker inspect`` beside an image's config, and where.

Rules from moby: graph/service.go of v1.9.1, daemon/images/image_inspect.go of v20.10.24, and
``GetMetadata`` of the drivers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from layertui.model.image import InspectField


def name_fields(repositories: Path, known: Sequence[str]) -> Iterator[InspectField]:
    """Yield the names and digests that the file of all names has of an image."""
    for field, listed in (
        ("RepoTags", [name for name in known if "@" not in name]),
        ("RepoDigests", [name for name in known if "@" in name]),
    ):
        where = (str(repositories), "Repositories") if repositories.exists() else ()
        yield InspectField(field, sorted(listed), *where)


def driver_field(name: str, named_by: Path, directories: Sequence[Path]) -> InspectField:
    """Return what the driver says of an image whose layers are in directories, the base first."""
    top = directories[-1] if directories else None
    if top and (name in ("overlay2", "fuse-overlayfs") or (name == "overlay" and top.name == "upper")):
        lower = {"LowerDir": ":".join(map(str, reversed(directories[:-1])))} if directories[:-1] else {}
        merged, work = (str(top.with_name(each)) for each in ("merged", "work"))
        data = {**lower, "MergedDir": merged, "UpperDir": str(top), "WorkDir": work}
    elif top and name == "overlay":
        data = {"RootDir": str(top)}
    else:
        return InspectField("GraphDriver", {"Data": None, "Name": name}, str(named_by))
    return InspectField("GraphDriver", {"Data": data, "Name": name}, str(top.parent))
