"""Check an unpacked layer against the size recorded by its store.

Docker counts in two ways: drivers with one directory per layer, the files in the directory
(moby, daemon/graphdriver/overlay2/overlay.go ``ApplyDiff``, pkg/directory); other drivers, and
overlay2 where the kernel makes it fall back, the sizes in the tar's headers
(pkg/archive/diff.go ``UnpackLayer``). containers/storage records the size of the tar,
containerd its disk usage.
"""

from __future__ import annotations

import os
import stat

from layertui.model.errors import LayertuiError
from layertui.model.image import Recorded, Unpacked
from layertui.model.job import Job
from layertui.model.layer_index import Kind


def size_of_unpacked(recorded: Recorded, unpacked: Unpacked, tar: int, job: Job) -> tuple[int, str]:
    """Return the size in bytes to compare with the recorded one, and what it counts; else -1, and why.

    ``tar`` is the size of the tar, -1 if there is none. Raises :class:`LayertuiError` if the
    layer cannot be read, and :class:`Cancelled`.
    """
    if recorded.of == "tar":
        return tar, "of its tar" if tar >= 0 else "no record of its tar"
    if recorded.of == "disk":
        return -1, "recorded as disk usage, which depends on the file system"
    has_record = unpacked.tar() is not None
    if recorded.of == "directory":
        size = _size_of_directory(unpacked.location, job)
        if size == recorded.size or not has_record or _members(unpacked, job) != recorded.size:
            return size, "of the files in its directory"
        return recorded.size, "of the members of its tar"
    size = _members(unpacked, job)
    if size != recorded.size and not has_record:
        why = f"{size} bytes differ from the layers below; identical copies cannot be detected"
        return -1, why
    return size, "of the members of its tar"


def _members(unpacked: Unpacked, job: Job) -> int:
    index = unpacked.scan(job.part())
    return sum(size for kind, size in zip(index.kind, index.size, strict=True) if kind == Kind.FILE)


def _size_of_directory(directory: str, job: Job) -> int:
    """Return the bytes of everything but directories, hardlinks counted once."""
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
                continue  # deleted meanwhile
            if not stat.S_ISDIR(status.st_mode) and status.st_ino not in seen:
                seen.add(status.st_ino)
                size += status.st_size
    return size
