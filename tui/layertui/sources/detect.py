"""Detect the transport of bare paths, and the images in a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.model.errors import LayertuiError, NoImage, few
from layertui.model.reference import Reference
from layertui.sources.files import FolderFiles, files_of

if TYPE_CHECKING:
    from layertui.sources.archive import ArchiveFiles

TOP_FILES = ("/manifest.json", "/index.json", "/repositories")
"""Files of an image archive, in a directory of it."""


def detect_reference(path: str) -> Reference:
    """Return the reference of a path. Raises :class:`LayertuiError` if it is not an image."""
    files = files_of(Reference("", path))
    return Reference(_of_folder(files) if isinstance(files, FolderFiles) else _of_archive(files), path)


def _of_folder(files: FolderFiles) -> str:
    if files.get("index.json") is not None:
        return "oci"
    if files.get("version") is not None and files.get("manifest.json") is not None:
        return "dir"
    if _is_data_root(files.path):
        return "docker-root"
    if any(path.with_name(f"{path.name[:-7]}-layers").is_dir() for path in files.path.glob("*-images")):
        return "containers-storage"
    from layertui.sources.containerd.namespace import (
        METADATA_DB,  # last: imports everything that reads layers
    )

    if (files.path / METADATA_DB).is_file():
        return "containerd"
    what = f"{files.path} is not an image"
    if files.get("manifest.json") is not None or files.get("repositories") is not None:
        pack = f"pack it again: tar -C {files.path} -cf image.tar ."
        raise LayertuiError(what, "the files of an archive of docker save, unpacked", pack)
    inside = sorted(path.parent for path in files.path.glob("*/index.json"))
    remedy = f"give {few(map(str, inside))}" if inside else "give an OCI layout or an archive"
    raise LayertuiError(what, "a directory without index.json", remedy)


def _is_data_root(path: Path) -> bool:
    """Return whether a directory is a data root of Docker: current, with containerd inside, or up to 1.9."""
    return (
        any(path.glob("image/*/imagedb"))
        or (path / "containerd/daemon").is_dir()
        or ((path / "graph").is_dir() and any(path.glob("repositories-*")))
    )


def _of_archive(files: ArchiveFiles) -> str:
    if files.get("manifest.json") is not None:
        return "docker-archive"
    if files.get("index.json") is not None:
        return "oci-archive"
    if files.get("repositories") is not None or files.legacy_layers():
        return "docker-archive"
    kind = LayertuiError if files.damage else NoImage
    why = "a tar archive without manifest.json, index.json or repositories at the top"
    if files.damage:
        raise kind(f"{files.path} is not an image", f"{why}; {files.damage}", "download it again")
    inside = {name.rpartition("/")[0] for name in files.names() if name.endswith(TOP_FILES)}
    if inside:
        folder = min(inside, key=len)
        pack = f"unpack it, then tar -C {folder} -cf image.tar ."
        raise LayertuiError(f"{files.path} is not an image", f"{why}: they are in {folder}", pack)
    raise kind(
        f"{files.path} is not an image", why, "a root file system has no layers" if files.names() else ""
    )


def candidate_paths(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the paths in a directory that may be images, and whether their name suggests one.

    Files are skipped if their first bytes rule out an archive. Paths below the current
    directory are relative to it. Raises :class:`LayertuiError` if the directory cannot be
    listed.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        here = Path.cwd()
    except OSError as error:
        raise LayertuiError(f"cannot list {folder}", error.strerror or str(error)) from error
    if _is_layout(folder):
        names.insert(0, ".")
    for name in names:
        path = folder / name
        if _is_layout(path) if path.is_dir() else _may_be_archive(path):
            shown = path.relative_to(here) if path.is_relative_to(here) else path
            yield (
                str(shown),
                path.is_dir() or any(part in name.lower() for part in ("image", "docker", "oci")),
            )


def _is_layout(path: Path) -> bool:
    return any((path / name).is_file() for name in ("index.json", "version"))


def _may_be_archive(path: Path) -> bool:
    """Return whether a file starts like a tar archive, plain or compressed."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    if head[257:262] == b"ustar":
        return True
    name = path.name.lower()
    return head[:2] in (b"\x1f\x8b", b"\x28\xb5") and any(part in name for part in (".tar", ".tgz", "oci"))
