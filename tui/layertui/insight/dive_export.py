"""dive's JSON of an image (``dive --json FILE``), for scripts that read it.

Fields and their values are those of dive 0.13 (``command/export/export.go``, ``filetree/file_info.go``). The
files of a layer are its tree, children before their directory, each directory sorted by name; a directory
without an entry has the zero value of every field. Names that are not UTF-8 keep their bytes as lone
surrogates, where dive writes U+FFFD.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from layertui.insight.efficiency import NO_ENTRY, Efficiency, entries_of
from layertui.model.image import HistoryEntry, Image, Layer
from layertui.model.job import Job
from layertui.model.layer_index import Kind, LayerIndex
from layertui.union.model import LayerUnion

_TYPEFLAG = {
    Kind.HARDLINK: b"1",
    Kind.SYMLINK: b"2",
    Kind.CHAR: b"3",
    Kind.BLOCK: b"4",
    Kind.DIRECTORY: b"5",
    Kind.FIFO: b"6",
}
"""tar's type flags (POSIX ustar); all others are files."""
_GO_TYPE = {
    Kind.DIRECTORY: 1 << 31,
    Kind.SYMLINK: 1 << 27,
    Kind.BLOCK: 1 << 26,
    Kind.FIFO: 1 << 25,
    Kind.SOCKET: 1 << 24,
    Kind.CHAR: 1 << 26 | 1 << 21,
}
"""Bits of Go's ``fs.FileMode`` for the type."""
_GO_MODE = ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20))
"""Its bits for setuid, setgid and sticky."""
_ZERO: Mapping[str, Any] = {
    "path": "",
    "typeFlag": 0,
    "linkName": "",
    "size": 0,
    "fileMode": 0,
    "uid": 0,
    "gid": 0,
    "isDir": False,
}
_SHELL = "/bin/sh -c "


def dive_layers(image: Image, union: LayerUnion, job: Job = Job.NONE) -> Iterator[Mapping[str, Any]]:
    """Yield dive's object of each layer, base first. Raises :class:`Cancelled`."""
    steps = {entry.layer: entry for entry in image.history if entry.recorded}
    names = image.manifest.get("Layers")
    for number, (layer, index) in enumerate(zip(image.layers, union.indexes, strict=True)):
        job.check()
        name = names[number] if isinstance(names, list) and number < len(names) else ""
        yield _layer(number, layer, index, steps.get(layer.number), str(name))


def dive_image(figures: Efficiency) -> Mapping[str, Any]:
    """Return dive's object of an image."""
    return {
        "sizeBytes": figures.size_bytes,
        "inefficientBytes": figures.wasted_bytes,
        "efficiencyScore": figures.efficiency,
        "fileReference": [
            {"count": row.times, "sizeBytes": row.size, "file": row.path} for row in figures.inefficient
        ],
    }


def _layer(
    number: int, layer: Layer, index: LayerIndex, step: HistoryEntry | None, name: str
) -> Mapping[str, Any]:
    return {
        "index": number,
        # dive has the directory of the layer in docker's archive: its ID up to Docker 24.
        "id": name.partition("/")[0] or "blobs",
        "digestId": layer.diff_id if step else "",
        "sizeBytes": sum(index.size),
        "command": step.created_by.removeprefix(_SHELL) if step else "(missing)",
        "fileList": [
            dict(_ZERO) if entry == NO_ENTRY else _file(key, index, entry) for key, entry in _visited(index)
        ],
    }


def _visited(index: LayerIndex) -> Iterator[tuple[bytes, int]]:
    """Yield the paths of a layer and their entries, children before their directory."""
    nodes = entries_of(index)
    for key in list(nodes):
        while (key := key.rpartition(b"\0")[0]) and key not in nodes:
            nodes[key] = NO_ENTRY
    above: list[bytes] = []
    for key in sorted(nodes):
        while above and not key.startswith(above[-1] + b"\0"):
            left = above.pop()
            yield left, nodes[left]
        above.append(key)
    for key in reversed(above):
        yield key, nodes[key]


def _file(key: bytes, index: LayerIndex, entry: int) -> dict[str, Any]:
    kind, mode, link = Kind(index.kind[entry]), index.mode[entry], index.link[entry]
    go_mode = mode & 0o777 | _GO_TYPE.get(kind, 0) | sum(go for bit, go in _GO_MODE if mode & bit)
    return {
        "path": _text(key),
        "typeFlag": _TYPEFLAG.get(kind, b"0")[0],
        "linkName": "" if link < 0 else _text(index.links[link]),
        "size": index.size[entry],
        "fileMode": go_mode,
        "uid": index.uid[entry],
        "gid": index.gid[entry],
        "isDir": kind == Kind.DIRECTORY,
    }


def _text(name: bytes) -> str:
    return name.replace(b"\0", b"/").decode("utf-8", "surrogateescape")
