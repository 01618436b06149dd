"""An image as its tars say it is, read with nothing but ``tarfile``: the judge of what screens show."""

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from layertui.model.blob import BytesBlob
from tests.ui.readings import sample

WHITEOUT = ".wh."
GZIP = b"\x1f\x8b"


class File(NamedTuple):
    """A regular file of a layer."""

    layer: int
    inode: str
    """The name that its bytes are stored under; another one for a hardlink."""
    data: bytes


def tar(layer: int) -> bytes:
    """Return the tar of a layer of the sample."""
    blob = sample().layers[layer - 1].blob
    assert isinstance(blob, BytesBlob)
    return blob.data if not blob.data.startswith(GZIP) else gzip.decompress(blob.data)


@cache
def layers() -> Sequence[Mapping[str, File | None]]:
    """Return the files of each layer of the sample, base first, by path; other entries are None."""
    found = []
    for number in range(1, len(sample().layers) + 1):
        entries: dict[str, File | None] = {}
        with tarfile.open(fileobj=io.BytesIO(tar(number))) as archive:
            for member in archive:
                if member.islnk():
                    entries[f"/{member.name}"] = entries[f"/{member.linkname}"]
                elif member.isreg():
                    contents = archive.extractfile(member)
                    assert contents is not None
                    entries[f"/{member.name}"] = File(number, member.name, contents.read())
                else:
                    entries[f"/{member.name}"] = None
        found.append(entries)
    return found


@cache
def merged(top: int) -> Mapping[str, File]:
    """Return the files of the tree merged at a layer, by path."""
    tree: dict[str, File] = {}
    for entries in layers()[:top]:
        for path in entries:
            folder, _, name = path.rpartition("/")
            is_opaque = name == f"{WHITEOUT}{WHITEOUT}.opq"
            gone = folder if is_opaque else f"{folder}/{name.removeprefix(WHITEOUT)}"
            is_directory = not name.startswith(WHITEOUT) and entries[path] is None
            for other in [each for each in tree if f"{each}/".startswith(f"{gone}/")]:
                if not is_directory or other == gone:
                    del tree[other]
        tree |= {
            path: file
            for path, file in entries.items()
            if file is not None and not path.rpartition("/")[2].startswith(WHITEOUT)
        }
    return tree


def final() -> Mapping[str, File]:
    """Return the files of the final tree, by path."""
    return merged(len(layers()))


def versions(path: str) -> dict[int, bytes]:
    """Return the contents of a path, by the layer that stores them."""
    return {file.layer: file.data for entries in layers() if (file := entries.get(path)) is not None}


def size(files: "set[File]") -> int:
    return sum(len(file.data) for file in files)


def stored() -> int:
    """Return the bytes of all files of all layers."""
    whiteouts = f"/{WHITEOUT}"
    return size({file for each in layers() for path, file in each.items() if file and whiteouts not in path})


def live() -> int:
    """Return the bytes of the files of the final tree, each once."""
    return size(set(final().values()))


def step(layer: int) -> str:
    """Return the history's text of the step that made a layer, without what BuildKit adds."""
    steps = [each.created_by for each in sample().history if each.layer is not None]
    return steps[layer - 1].replace("/bin/sh -c ", "").removesuffix(" # buildkit")
