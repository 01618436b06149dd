"""Small images in which everything happens that the commands tell about."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from layertui.layers.load import index_layer
from layertui.model.image import Image
from layertui.model.layer_index import Kind, positions
from tests.layouts import OciLayout

HOSTILE = "/e\x1b[2J\u202e\udcff\nx"
"""A name that clears the screen, turns the line round, is no UTF-8 and breaks the line."""


def tar(*members: tuple[str, object]) -> bytes:
    """A layer's tar of ``(path, content)``: bytes, ``None`` for a directory, ``->`` and a symlink's target,
    ``=`` and what a hardlink names, or a ready header."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
        for path, content in members:
            header = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo()
            header.name = path.removeprefix("/")
            header.mtime = header.mtime or 1_700_000_000
            body = b""
            if content is None:
                header.type, header.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                header.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                header.linkname = content.removeprefix("->").removeprefix("=")
            elif isinstance(content, bytes):
                header.size, body = len(content), content
            archive.addfile(header, io.BytesIO(body))
    return data.getvalue()


def image(folder: Path, *layers: bytes) -> Path:
    """An OCI layout of one image."""
    OciLayout(folder / "image").add("1", layers)
    return folder / "image"


def eventful(folder: Path) -> Path:
    """Files are added, rewritten, touched, deleted in each way, and put back."""
    return image(
        folder,
        tar(
            ("/etc", None),
            ("/etc/conf", b"one\ntwo\nthree\n"),
            ("/etc/conf-d", b"sorts between /etc/conf and what would be below it"),
            ("/etc/bin", b"\x00\x01\x02"),
            ("/gone", b"secret\n"),
            ("/dir", None),
            ("/dir/below", None),
            ("/dir/below/file", b"12345"),
            ("/opaque", None),
            ("/opaque/old", b"old\n"),
            ("/lib", "->usr/lib"),
            ("/usr", None),
            ("/usr/lib", None),
            ("/usr/lib/so", b"\x7fELF\0"),
            ("/loop", "->loop"),
            ("/dangling", "->/nowhere/at/all"),
            ("/hard", "=etc/conf"),
            (HOSTILE, b"evil\x1b[2J\n"),
        ),
        tar(
            ("/etc/conf", b"one\n2\nthree\n"),
            ("/etc/bin", b"\x00\x01\x03"),
            ("/.wh.gone", b""),
            ("/dir", b"now a file"),
            ("/opaque/.wh..wh..opq", b""),
            ("/opaque/new", b"new\n"),
        ),
        tar(("/etc/conf", b"one\n2\nthree\n"), ("/gone", b"back\n"), ("/usr/lib/.wh.so", b"")),
    )


def symlink_bytes(image: Image, layer: int | None) -> int:
    """Bytes of the targets of a layer's symlinks."""
    if layer is None:
        return 0
    index = index_layer(image.layers[layer - 1], None)
    return sum(len(index.links[index.link[number]]) for number in positions(index.kind, Kind.SYMLINK))
