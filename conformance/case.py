"""Cases as they are in ``cases``, and the images that they describe."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import re
import tarfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"
CONTROL = "control"
"""The case that every tool unpacks: one that refuses it does not run at all."""
REFUSED = "refused"
Tree = dict[str, str]
"""What is at each path, in the words of README.md."""
Answer = Tree | str
"""A tree, or :data:`REFUSED`."""
BLOCK = 512
TYPES = {
    "file": "0", "hardlink": "1", "symlink": "2", "char": "3", "block": "4", "directory": "5", "fifo": "6",
    "global": "g",
}  # fmt: skip
MODES = {"directory": 0o755, "symlink": 0o777}
FIELDS = {
    "name": 0, "mode": 100, "uid": 108, "gid": 116, "size": 124, "mtime": 136, "checksum": 148, "type": 156, "link": 157,
    "magic": 257, "major": 329, "minor": 337,
}  # fmt: skip
"""Offsets in a header (POSIX.1-2017, pax: "ustar Header Block")."""
MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"


def zstd(data: bytes) -> bytes:
    """Return a zstd frame with one raw block (RFC 8878, 3.1.1), which every decoder reads; at most 128 KiB."""
    header = b"\xa0" + len(data).to_bytes(4, "little")  # single segment, size of the content in 4 bytes
    return b"\x28\xb5\x2f\xfd" + header + (len(data) << 3 | 1).to_bytes(3, "little") + data


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstd,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
SUFFIXES = {"gzip": "+gzip", "zstd": "+zstd"}
"""Of the media type; the specification has none for other compressions."""


@dataclass(frozen=True)
class Case:
    """A case of a file in ``cases``."""

    path: Path
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def expect(self) -> dict[str, Answer]:
        """What each engine makes of it, by name and version."""
        return dict(self.document.get("expect", {}))

    def layers(self) -> list[tuple[str, bytes, bytes]]:
        """Return the media type, the tar and the stored bytes of each layer, base first."""
        layers = []
        for layer in self.document["layers"]:
            compression = layer.get("compression", "none")
            tar = b"".join(map(_entry, layer["entries"])) + bytes(layer.get("end", 2 * BLOCK))
            stored = COMPRESS[compression](tar) + bytes.fromhex(layer.get("behind", ""))
            layers.append((MEDIA_TYPE + SUFFIXES.get(compression, ""), tar, stored))
        return layers

    def record(self, engine: str, answer: Answer) -> None:
        """Write what an engine makes of it to the file, which ends with the expectations."""
        text = self.path.read_text(encoding="utf-8").split("[expect]\n")[0]
        answers = sorted({**self.expect, engine: answer}.items())
        lines = [f"{_string(name)} = {_value(value)}\n" for name, value in answers]
        self.path.write_text(f"{text}[expect]\n{''.join(lines)}", encoding="utf-8")


def all_cases() -> list[Case]:
    """Return the cases by name."""
    return [read_case(path) for path in sorted(CASES.glob("*.toml"))]


def read_case(path: Path) -> Case:
    return Case(path, tomllib.loads(path.read_text(encoding="utf-8")))


def write_image(case: Case, directory: Path) -> None:
    """Write the image of a case: an OCI layout in ``layout``, tag 1, and ``archive.tar`` for ``docker load``."""
    layers = case.layers()
    layout = directory / "layout"
    (layout / "blobs" / "sha256").mkdir(parents=True)

    def blob(media_type: str, data: bytes) -> dict[str, Any]:
        digest = _digest(data)
        (layout / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    config = _json(
        architecture="amd64",
        os="linux",
        config={"Cmd": ["/"]},  # Docker makes no container of an image without a command
        rootfs={"type": "layers", "diff_ids": [_digest(tar) for _, tar, _ in layers]},
        history=[{"created_by": f"layer {number}"} for number, _ in enumerate(layers, 1)],
    )
    manifest = _json(
        schemaVersion=2,
        mediaType="application/vnd.oci.image.manifest.v1+json",
        config=blob("application/vnd.oci.image.config.v1+json", config),
        layers=[blob(media_type, stored) for media_type, _, stored in layers],
    )
    image = blob("application/vnd.oci.image.manifest.v1+json", manifest)
    image["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    index = _json(schemaVersion=2, mediaType="application/vnd.oci.image.index.v1+json", manifests=[image])
    (layout / "index.json").write_bytes(index)
    (layout / "oci-layout").write_bytes(_json(imageLayoutVersion="1.0.0"))

    names = [f"{number}/layer.tar" for number, _ in enumerate(layers, 1)]
    item = {"Config": "config.json", "RepoTags": [f"conformance:{case.name}"], "Layers": names}
    with tarfile.open(directory / "archive.tar", "w") as archive:
        members = [("manifest.json", json.dumps([item]).encode()), ("config.json", config)]
        members += [(name, stored) for name, (_, _, stored) in zip(names, layers, strict=True)]
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _entry(entry: Mapping[str, Any]) -> bytes:
    """Return the bytes of an entry, as README.md describes it."""
    if "zeros" in entry:
        return bytes(entry["zeros"])
    path = entry.get("path", "pax")
    kind = entry.get("type", "directory" if path.endswith("/") else "file")
    data = entry.get("content", "").encode()
    records = b"".join(_records(entry.get("pax", {}))) + entry.get("pax_raw", "").encode()
    if kind == "global":
        return _header(path, kind, entry, len(records)) + _padded(records)
    extended = _header("pax", "x", {}, len(records)) + _padded(records) if records else b""
    return extended + _header(path, kind, entry, len(data)) + _padded(data)


def _header(path: str, kind: str, entry: Mapping[str, Any], size: int) -> bytes:
    major, minor = entry.get("device", (0, 0))
    fields = {
        "name": path,
        "mode": f"{entry.get('mode', MODES.get(kind, 0o644)):o}",
        "uid": "0",
        "gid": "0",
        "size": f"{size:o}",
        "mtime": "0",
        "type": TYPES.get(kind, kind),
        "link": entry.get("link", ""),
        "magic": "ustar\00000",
        "major": f"{major:o}",
        "minor": f"{minor:o}",
        "checksum": " " * 8,
        **entry.get("fields", {}),
    }
    block = bytearray(BLOCK)
    for field, text in fields.items():
        value = text.encode()
        if field in ("name", "link") and len(value) > 100:
            raise ValueError(f"over 100 bytes, to be a pax record: {text}")
        block[FIELDS[field] : FIELDS[field] + len(value)] = value
    if "checksum" not in entry.get("fields", {}):
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _records(pax: Mapping[str, str]) -> Iterator[bytes]:
    """Yield pax records, whose length counts its own digits (POSIX.1-2017, pax)."""
    for key, value in pax.items():
        body = f" {key}={value}\n".encode()
        length = len(body)
        while length != len(body) + len(str(length)):
            length = len(body) + len(str(length))
        yield str(length).encode() + body


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def _json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _value(answer: Answer) -> str:
    if isinstance(answer, str):
        return _string(answer)
    pairs = ", ".join(f"{_string(path)} = {_string(kind)}" for path, kind in sorted(answer.items()))
    return f"{{ {pairs} }}" if pairs else "{}"


def _string(text: str) -> str:
    """Return a basic string of TOML, which is one of JSON but for DEL."""
    return re.sub("\x7f", r"\\u007f", json.dumps(text, ensure_ascii=False))
