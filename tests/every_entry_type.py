"""An image of all that a tar can hold and every engine takes: what a sample for people has no use for."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence

from layertui import demo
from layertui.model.image import HistoryEntry, Image
from layertui.model.numbers import LayerNumber
from tests.images import layers_of
from tests.layouts import digest

NAME = "odd:1"
CAPABILITY = "\x01\0\0\x02\0\x20" + "\0" * 14
"""``cap_net_raw=ep`` (capabilities(7))."""
Member = tuple[str, Mapping[str, object]]


def image() -> Image:
    return image_of(NAME, [_tar(members) for members in LAYERS])


def image_of(name: str, tars: Sequence[bytes]) -> Image:
    """An image of these layers, base first."""
    numbers = range(1, len(tars) + 1)
    history = [HistoryEntry(f"2026-01-0{n}T00:00:00Z", f"step {n}", "", "", LayerNumber(n)) for n in numbers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": history[-1].created,
        "config": {"Env": ["A=1"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
        "history": [{"created": each.created, "created_by": each.created_by} for each in history],
    }
    data = json.dumps(config).encode()
    return demo.image()._replace(
        tags=[name],
        id=digest(data),
        config=config,
        config_bytes=data,
        history=history,
        layers=layers_of(tars),
    )


def _file(content: bytes, **facts: object) -> Mapping[str, object]:
    return {"content": content, "mode": 0o644, **facts}


def _directory(**facts: object) -> Mapping[str, object]:
    return {"type": tarfile.DIRTYPE, "mode": 0o755, **facts}


def _xattr(name: str, value: str) -> Mapping[str, str]:
    return {f"SCHILY.xattr.{name}": value}


LAYERS: Sequence[Sequence[Member]] = [
    [
        ("etc", _directory(mtime=1_600_000_000)),
        ("etc/a", _file(b"one", mtime=1_600_000_001.25)),
        ("etc/same", _file(b"same")),
        ("etc/ping", _file(b"ping", pax_headers=_xattr("security.capability", CAPABILITY))),
        ("etc/noted", _file(b"note", pax_headers=_xattr("user.note", "hello"))),
        ("dev", _directory()),
        ("dev/null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3, "mode": 0o666}),
        ("dev/disk", {"type": tarfile.BLKTYPE, "devmajor": 8, "devminor": 1, "mode": 0o660, "gid": 6}),
        ("pipe", {"type": tarfile.FIFOTYPE, "mode": 0o600}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "etc/../etc/a", "mode": 0o777, "uid": 5, "gid": 6}),
        ("one", _file(b"linked", uid=3, gid=4)),
        ("other", {"type": tarfile.LNKTYPE, "linkname": "one", "mode": 0o644, "uid": 3, "gid": 4}),
        ("implied/by/this", _file(b"file")),
        ("opaque", _directory()),
        ("opaque/old", _file(b"old")),
        ("opaque/old-directory", _directory()),
        ("opaque/old-directory/x", _file(b"below")),
        ("gone", _directory()),
        ("gone/x", _file(b"gone")),
        ("gone/y", _directory()),
        ("gone/y/z", _file(b"too")),
        ("becomes-directory", _file(b"was a file")),
        ("becomes-file", _directory()),
        ("becomes-file/x", _file(b"in it")),
        ("sticky", _directory(mode=0o1777, uid=70_000)),
        ("setuid", _file(b"set", mode=0o4755)),
        ("zeros", _file(bytes(100_000) + b"end")),
        ("new\nline", _file(b"odd name")),
        ("größe", _file(b"odd name")),
    ],
    [
        ("etc", _directory(mtime=1_600_000_100)),
        ("etc/a", _file(b"two", mtime=1_600_000_001.25)),  # neither its size nor its time tells
        ("etc/same", _file(b"same")),
        ("opaque", _directory(mtime=1_600_000_200)),
        ("opaque/.wh..wh..opq", _file(b"")),
        ("opaque/new", _file(b"new")),
        (".wh.gone", _file(b"")),
        ("becomes-directory", _directory()),
        ("becomes-directory/x", _file(b"in it")),
        ("becomes-file", _file(b"was a directory")),
        ("setuid", _file(b"set", mode=0o755)),
        ("touched", _directory(mtime=1_600_000_300)),
    ],
    [
        ("touched", _directory(mtime=1_600_000_400)),
        ("one", _file(b"linked", uid=3, gid=4)),
        ("deep/as/this", _file(b"file")),
        (".wh.new\nline", _file(b"")),
    ],
    [],
    [("last", _file(b"last"))],
]


def _tar(members: Sequence[Member]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, facts in members:
            header = tarfile.TarInfo(name)
            header.mtime = 1_700_000_000
            for key, value in facts.items():
                if key != "content":
                    setattr(header, key, value)
            content = facts.get("content", b"")
            assert isinstance(content, bytes)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return data.getvalue()
