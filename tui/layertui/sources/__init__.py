"""Where images live: a reference leads to an image, a place to all images in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from layertui.errors import LayertuiError
from layertui.image import Image, ImageSummary
from layertui.reference import Reference, parse
from layertui.sources import docker_archive, oci
from layertui.sources.files import ArchiveFiles, Files, FolderFiles
from layertui.sources.oci import Layout


class SourceProblem(LayertuiError):
    """Something that looks like an image but cannot be read."""


def open_image(text: str, platform: str | None = None) -> Image:
    """The image that a reference or path names, for a platform (``os/arch[/variant]``).

    Raises :class:`LayertuiError` if it is not there or cannot be read.
    """
    reference = parse(text)
    if reference.transport == "demo":
        return _sample(platform)
    reference, files = _locate(reference)
    if reference.transport != "docker-archive":
        return oci.open_layout(Layout(files, reference.transport), reference, platform)
    if platform is not None and files.get("index.json") is not None:
        # Docker's containerd store saves all platforms, but lists one in manifest.json.
        try:
            return docker_archive.open_item(files, reference, platform)
        except LayertuiError:
            layout = Layout(files, "oci-archive")
            return oci.open_layout(layout, Reference("oci-archive", reference.location), platform)
    return docker_archive.open_item(files, reference, platform)


def list_images(text: str) -> list[ImageSummary]:
    """All images that a reference, archive or folder holds.

    Raises :class:`LayertuiError` if they cannot be listed.
    """
    reference = parse(text)
    if reference.transport == "demo":
        image = _sample(None)
        name, _, tag = image.name.rpartition(":")
        return [
            ImageSummary(
                image.reference, "demo", name, tag, image.id, image.manifest_digest, image.size,
                docker_archive.created_of(image.config), len(image.layers), (image.platform,),
            )
        ]  # fmt: skip
    reference, files = _locate(reference)
    if reference.transport == "docker-archive":
        rows = docker_archive.summaries(files, reference.location)
    else:
        rows = oci.summaries(Layout(files, reference.transport), reference.location)
    if reference.selector:
        rows = [row for row in rows if row.reference == str(reference)] or rows
    return rows


def list_directory(folder: Path) -> Iterator[ImageSummary | SourceProblem]:
    """The images that lie in a folder, as archives or as folders of their own.

    Files that could not be images are passed over after a look at their first bytes. Raises
    :class:`LayertuiError` if the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise LayertuiError(f"cannot list {folder}", error.strerror or str(error)) from error
    if _is_layout(folder):
        names.insert(0, ".")
    for name in names:
        path = folder / name
        if not (_is_layout(path) if path.is_dir() else _may_be_archive(path)):
            continue
        try:
            yield from list_images(name)
        except LayertuiError as error:
            if _is_image_like(path):
                yield SourceProblem(error.what, error.why, error.remedy)


def _sample(platform: str | None) -> Image:
    from layertui import demo
    from layertui.sources import platforms

    image = demo.image()
    return platforms.choose([(image.platform, image)], platform, "demo:") if platform else image


def _locate(reference: Reference) -> tuple[Reference, Files]:
    """The reference with its transport, which a bare path's content tells, and its files."""
    path = Path(reference.location)
    try:
        is_folder = path.is_dir()
        if not path.exists():
            raise LayertuiError(
                f"{reference.location} is not there", "", "give the path of an image, or demo:"
            )
    except (OSError, ValueError) as error:
        raise LayertuiError(f"cannot read {reference.location}", str(error)) from error
    wanted = reference.transport
    if is_folder and wanted in ("", "oci", "dir"):
        files = FolderFiles(path)
        transport = wanted or ("dir" if not _is_layout(path, "index.json") and _is_layout(path) else "oci")
        if transport == "oci" and files.get("index.json") is None:
            raise LayertuiError(f"{path} is no image", "a folder without index.json")
        return Reference(transport, reference.location, reference.selector), files
    if is_folder:
        raise LayertuiError(f"{path} is a folder", f"{wanted}: takes an archive", f"try oci:{path}")
    if wanted in ("oci", "dir"):
        raise LayertuiError(f"{path} is a file", f"{wanted}: takes a folder", f"try the bare path {path}")
    archive = ArchiveFiles(path)
    transport = wanted or _archive_transport(archive)
    return Reference(transport, reference.location, reference.selector), archive


def _archive_transport(files: ArchiveFiles) -> str:
    if files.get("manifest.json") is not None or (
        files.get("index.json") is None and files.get("repositories")
    ):
        return "docker-archive"
    if files.get("index.json") is not None:
        return "oci-archive"
    why = "a tar archive without manifest.json, index.json or repositories"
    remedy = "a file system alone has no layers" if files.names() else ""
    raise LayertuiError(
        f"{files.path} is no image", why + (f"; {files.damage}" if files.damage else ""), remedy
    )


def _is_layout(path: Path, *names: str) -> bool:
    return any((path / name).is_file() for name in names or ("index.json", "version"))


def _may_be_archive(path: Path) -> bool:
    """Whether a file starts like a tar archive, plain or compressed."""
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


def _is_image_like(path: Path) -> bool:
    """Whether a file that could not be read is worth a word: by its name it could be an image."""
    return path.is_dir() or any(part in path.name.lower() for part in ("image", "docker", "oci"))
