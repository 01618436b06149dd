"""Whether what a store has unpacked is as large as it noted.

Docker counts in two ways: where its driver keeps a layer alone, what lies in the directory
(moby, daemon/graphdriver/overlay2/overlay.go ``ApplyDiff``, pkg/directory), else, and where
the kernel's overlay is set up so that the driver falls back on it, what the headers of the tar
name (pkg/archive/diff.go ``UnpackLayer``). containers/storage notes the size of the tar,
containerd what the disk has of it.
"""

from __future__ import annotations

import os
import stat

from layertui.model.errors import LayertuiError
from layertui.model.image import Recorded, Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Kind


def size_of_unpacked(recorded: Recorded, unpacked: Unpacked, tar: int, job: Job) -> tuple[int, str]:
    """The bytes to hold against those recorded, and what they are of; -1 if they are not known, and why.

    ``tar`` is the size of the tar, -1 if there is none. Raises :class:`LayertuiError` where
    nothing can be read, and :class:`Cancelled`.
    """
    if recorded.of == "tar":
        return tar, "of its tar" if tar >= 0 else "there is no record of the tar that it was"
    if recorded.of == "disk":
        return -1, "it is what the layer took on the disk, which each file system counts otherwise"
    has_record = unpacked.tar() is not None
    if recorded.of == "directory":
        size = _size_of_directory(unpacked.location, job)
        if size == recorded.size or not has_record or _members(unpacked, job) != recorded.size:
            return size, "of the files in its directory"
        return recorded.size, "of the members of its tar"
    size = _members(unpacked, job)
    if size != recorded.size and not has_record:
        why = f"{size} bytes differ from what is below; files stored again as they were cannot be told"
        return -1, why
    return size, "of the members of its tar"


def _members(unpacked: Unpacked, job: Job) -> int:
    index = unpacked.scan(job.part())
    return sum(size for kind, size in zip(index.kind, index.size, strict=True) if kind == Kind.FILE)


def _size_of_directory(directory: str, job: Job) -> int:
    """Bytes of all that is no directory, each file once, however many names it has."""
    seen: set[int] = set()
    size = 0

    def fail(error: OSError) -> None:
        raise LayertuiError(f"cannot list {error.filename}", error.strerror or str(error)) from error

    for folder, names, files in os.walk(directory, onerror=fail):
        job.check()
        for name in (*names, *files):
            try:
                status = os.lstat(os.path.join(folder, name))  # noqa: PTH118
            except FileNotFoundError:
                continue  # it went meanwhile
            if not stat.S_ISDIR(status.st_mode) and status.st_ino not in seen:
                seen.add(status.st_ino)
                size += status.st_size
    return size
