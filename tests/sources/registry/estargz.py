"""eStargz layers, written as docs/estargz.md of stargz-snapshotter describes them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from typing import Any

from isal import igzip

from layertui.layers.unpacked.toc import ESTARGZ_ANNOTATION
from tests.layouts import CONFIG, LAYER, MANIFEST
from tests.sources.registry.server import Registry

TIME = "2023-11-14T22:13:20Z"
NAMES_OF_TYPES = {
    tarfile.DIRTYPE: "dir", tarfile.REGTYPE: "reg", tarfile.LNKTYPE: "hardlink", tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "char", tarfile.FIFOTYPE: "fifo",
}  # fmt: skip


def estargz(members: Iterable[tuple[tarfile.TarInfo, bytes]], chunk: int = 4 << 20) -> tuple[bytes, str]:
    """Return a layer whose files are compressed in chunks of so many bytes, and the digest of its table."""
    layer, entries = bytearray(), []
    for info, data in members:
        layer += igzip.compress(info.tobuf(tarfile.PAX_FORMAT), mtime=0)
        entry: dict[str, Any] = {
            "name": info.name + ("/" if info.isdir() else ""), "type": NAMES_OF_TYPES[info.type],
            "mode": info.mode, "uid": info.uid, "gid": info.gid, "modtime": TIME, "size": len(data),
            "linkName": info.linkname, "devMajor": info.devmajor, "devMinor": info.devminor,
        }  # fmt: skip
        if "SCHILY.xattr.user.a" in info.pax_headers:
            entry["xattrs"] = {"user.a": "Yg=="}
        entries.append(entry)
        for start in range(0, len(data), chunk):
            part = data[start : start + chunk]
            digest = f"sha256:{hashlib.sha256(part).hexdigest()}"
            told = {"offset": len(layer), "chunkOffset": start, "chunkDigest": digest}
            if len(part) < len(data):
                told["chunkSize"] = len(part)
            if start:
                entry = {"name": info.name, "type": "chunk"}
                entries.append(entry)
            entry.update(told)
            padding = bytes(-len(data) % 512) if start + chunk >= len(data) else b""
            layer += igzip.compress(part + padding, mtime=0)
    table = json.dumps({"version": 1, "entries": entries}).encode()
    info = tarfile.TarInfo("stargz.index.json")
    info.size = len(table)
    footer = b"SG" + (22).to_bytes(2, "little") + b"%016xSTARGZ" % len(layer)
    layer += gzip.compress(info.tobuf() + table + bytes(-len(table) % 512 + 1024), mtime=0)
    layer += b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(footer).to_bytes(2, "little") + footer
    layer += b"\x01\0\0\xff\xff" + bytes(8)
    return bytes(layer), f"sha256:{hashlib.sha256(table).hexdigest()}"


def members_of(tar: bytes) -> Iterable[tuple[tarfile.TarInfo, bytes]]:
    """Yield the entries of a tar with their contents."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            yield info, file.read() if file is not None else b""


def push_estargz(registry: Registry, repository: str, tag: str, layers: Iterable[tuple[bytes, str]]) -> None:
    """Store an image of such layers, base first."""
    diff_ids, described = [], []
    for layer, digest in layers:
        diff_ids.append(f"sha256:{hashlib.sha256(_inflated(layer)).hexdigest()}")
        pushed = registry.push_blob(repository, layer, f"{LAYER}+gzip")
        described.append({**pushed, "annotations": {ESTARGZ_ANNOTATION: digest}})
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.push_blob(repository, json.dumps(config).encode(), CONFIG),
        "layers": described,
    }
    registry.push_manifest(repository, manifest, tag)


def _inflated(layer: bytes) -> bytes:
    # gzip.decompress copies the rest of the bytes for every member, of which there are two a file.
    with gzip.GzipFile(fileobj=io.BytesIO(layer)) as members:
        return members.read()
