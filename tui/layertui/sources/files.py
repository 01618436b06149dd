"""Files of an image: in a directory, or members of a tar archive."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.model.blob import Blob, FileBlob, FileState
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.reference import Reference
from layertui.model.regular_file import open_regular
from layertui.model.typed import Protocol
from layertui.sources.documents import TooManyValues, decode

if TYPE_CHECKING:
    from typing import Any

    from layertui.sources.archive import ArchiveFiles
    from layertui.sources.documents import Schema

MAX_JSON = 64 << 20
"""Largest manifest, index or config that is read, in bytes."""
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Errors of a path that leads to no file."""


class Files(Protocol):
    """Blobs by name."""

    @property
    def path(self) -> Path:
        """Human-readable location."""

    @property
    def damage(self) -> str:
        """Why some may be missing; empty if none is."""

    @property
    def state(self) -> FileState | None:
        """State of the archive when it was opened; ``None`` for a directory."""

    def get(self, name: str) -> Blob | None:
        """Return the regular file of a name, ``blobs/sha256/…``; ``None`` if there is none.

        Raises :class:`LayertuiError` if the directory cannot be read.
        """

    def legacy_layers(self) -> Sequence[str]:
        """Return the IDs of the layers in an archive of Docker 1.9 or older; nothing of a directory or a damaged archive."""


class FolderFiles:
    """The files of a directory."""

    state = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""
        self._root = str(path)

    def legacy_layers(self) -> Sequence[str]:
        return ()

    def get(self, name: str) -> Blob | None:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or "\0" in name:
            return None
        path = "/".join((self._root, *parts))  # pathlib would take as long as reading a manifest
        try:
            return FileBlob(Path(path)) if stat.S_ISREG(os.stat(path).st_mode) else None  # noqa: PTH116
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise LayertuiError(f"cannot read {path}", error.strerror or str(error)) from error


def files_of(reference: Reference) -> FolderFiles | ArchiveFiles:
    """Return the directory or archive of a reference.

    Raises :class:`LayertuiError` if it does not exist, or is a file where a directory is
    expected or vice versa; a bare path may be either.
    """
    path, transport = Path(reference.location), reference.transport
    try:
        if not path.exists():
            raise NotFound(f"{path} does not exist", "", "give the path of an image, or demo:")
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:
        raise LayertuiError(f"cannot read {path}", str(error)) from error
    if is_folder and transport.endswith("archive"):
        raise LayertuiError(f"{path} is a directory", f"{transport}: takes an archive", f"try oci:{path}")
    if is_folder:
        return FolderFiles(path)
    if transport in ("oci", "dir"):
        raise LayertuiError(
            f"{path} is a file", f"{transport}: takes a directory", f"try the bare path {path}"
        )
    from layertui.sources.archive import ArchiveFiles

    return ArchiveFiles(path)


def read_json(files: Files, name: str, schema: Schema | None = None) -> tuple[Any, bytes]:
    """Return a JSON file, parsed (by a schema if given) and as its bytes.

    Raises :class:`LayertuiError` if it is missing, too large or not JSON.
    """
    blob = files.get(name)
    if blob is None:
        raise LayertuiError(f"{files.path} has no {name}")
    return parse_json(blob, f"{name} of {files.path}", schema)


def parse_json(blob: Blob, what: str, schema: Schema | None = None) -> tuple[Any, bytes]:
    """Return a JSON blob, parsed (by a schema if given) and as its bytes; ``what`` names it in errors."""
    data = read_whole(blob, what)
    return parsed(data, what, schema), data


def read_whole(blob: Blob, what: str) -> bytes:
    """Return the bytes of a JSON blob. Raises :class:`LayertuiError` if they are too many, or not all there."""
    if blob.size > MAX_JSON:
        raise LayertuiError(f"{what} is too large", f"{blob.size:,} bytes of JSON")
    data = blob.pread(blob.size, 0)
    if len(data) < blob.size:
        raise LayertuiError(f"{what} is truncated", f"{len(data):,} of {blob.size:,} bytes")
    return data


def parsed(data: bytes, what: str, schema: Schema | None = None) -> Any:
    """Return the value of JSON text. Raises :class:`LayertuiError`."""
    try:
        return decode(data, schema)
    except TooManyValues as error:
        raise LayertuiError(f"{what} is too large", str(error)) from error
    except ValueError as error:
        raise LayertuiError(f"{what} is not valid JSON", str(error)) from error


def parse_object(blob: Blob, what: str, schema: Schema | None = None) -> tuple[dict[str, Any], bytes]:
    """Return a blob that must be a JSON object, parsed and as its bytes."""
    value, data = parse_json(blob, what, schema)
    if not isinstance(value, dict):
        raise LayertuiError(f"{what} is not a JSON object")
    return value, data


def read_text(path: Path) -> str:
    """Return the text of a short file; empty if it does not exist or cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(4096).decode("utf-8", "surrogateescape").strip()
    except OSError:
        return ""


def listed(folder: Path) -> list[str]:
    """Return the names in a directory, sorted; none if it does not exist. Raises :class:`LayertuiError`."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 (names alone)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LayertuiError(f"cannot list {folder}", error.strerror or str(error), "run as root") from error
