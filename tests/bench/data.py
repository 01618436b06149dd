"""Images to measure with, made in code: the same bytes every time, fast to make."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import zstandard
from isal import isal_zlib

from tests.layouts import CONFIG, INDEX, LAYER, MANIFEST

VERSION = "3"
"""Made again when this changes."""

MEDIA_TYPE = {"": LAYER, "gzip": f"{LAYER}+gzip", "zstd": f"{LAYER}+zstd"}
CHUNK = 1 << 20


@dataclass(frozen=True)
class Shape:
    """What an image is like."""

    name: str
    layers: int
    entries: int
    """In all layers together."""
    content: int
    """Bytes of files in all layers together."""
    compression: str = "gzip"
    text: float = 0.7
    """The part of the files that is text; the rest does not compress."""
    rewritten: float = 0.05
    """The part of a layer's files that layers below have too."""
    packages: int = field(default=0, repr=False)
    """Packages of dpkg that each layer adds; its database is the last of its files."""
    zeros: float = field(default=0, repr=False)
    """The part of the files that is zeros: they take next to nothing once compressed."""

    def smaller(self, by: int) -> Shape:
        return replace(self, entries=self.entries // by, content=self.content // by)


ORDINARY = Shape("ordinary", 8, 60_000, 1_400_000_000)
PLAIN = Shape("plain", 8, 60_000, 1_400_000_000, "")
ZSTD = Shape("zstd", 8, 60_000, 1_400_000_000, "zstd")
HUNDRED = Shape("100k", 6, 100_000, 300_000_000)
TINY = Shape("tiny", 4, 400_000, 400_000_000)
TINY_PLAIN = Shape("tiny-plain", 4, 400_000, 400_000_000, "")
DEBIAN = Shape("debian", 5, 25_000, 500_000_000, packages=80)
STEPS = Shape("steps", 24, 12_000, 60_000_000)
MILLION = Shape("million", 10, 1_000_000, 200_000_000)
LARGE = Shape("large", 10, 1_000_000, 10_000_000_000, zeros=0.98)


@dataclass(frozen=True)
class Sample:
    """An image on disk, as an OCI layout."""

    shape: Shape
    directory: Path
    blobs: list[Path]
    """Its layers as stored, base first."""
    entries: int
    """Headers in its tars."""

    @property
    def reference(self) -> str:
        return f"oci:{self.directory}:latest"

    @property
    def stored(self) -> int:
        """Bytes of its layers as stored."""
        return sum(blob.stat().st_size for blob in self.blobs)

    def docker_archive(self) -> Path:
        """The same layers as ``docker save`` writes them, for programs that read no OCI layout."""
        path = self.directory.with_suffix(".docker.tar")
        if not path.exists():
            index = json.loads((self.directory / "index.json").read_text())
            manifest = json.loads(self._blob(index["manifests"][0]["digest"]).read_text())
            config = self._blob(manifest["config"]["digest"])
            named = [
                {
                    "Config": f"blobs/sha256/{config.name}",
                    "RepoTags": [f"{self.shape.name}:latest"],
                    "Layers": [f"blobs/sha256/{blob.name}" for blob in self.blobs],
                }
            ]
            half = path.with_suffix(".half")
            with tarfile.open(half, "w") as archive:
                for blob in (*self.blobs, config):
                    archive.add(blob, f"blobs/sha256/{blob.name}")
                text = json.dumps(named).encode()
                member = tarfile.TarInfo("manifest.json")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
            half.rename(path)
        return path

    def _blob(self, digest: str) -> Path:
        return self.directory / "blobs" / digest.replace(":", "/")


def sample(root: Path, shape: Shape, say: Callable[[str], None]) -> Sample:
    """An image of this shape; made at the first call, in a process of its own, then kept under ``root``."""
    directory = root / shape.name
    marker = directory / "made.json"
    facts = {"version": VERSION, "shape": repr(shape)}
    made = json.loads(marker.read_text()) if marker.exists() else {}
    if {key: made.get(key) for key in facts} != facts:
        say(f"making {shape.name}: {shape.entries:,} entries, {shape.content / 1e6:,.0f} MB of files …")
        shutil.rmtree(directory, ignore_errors=True)
        directory.with_suffix(".docker.tar").unlink(missing_ok=True)
        # What this process has in memory would count as the peak of every process that it starts.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            made = facts | pool.submit(_write, directory, shape).result()
        marker.write_text(json.dumps(made))
    blobs = [directory / "blobs" / "sha256" / name for name in made["blobs"]]
    return Sample(shape, directory, blobs, made["entries"])


def _write(directory: Path, shape: Shape) -> dict[str, Any]:
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    files = _Files(shape)
    layers: list[dict[str, Any]] = []
    diff_ids, entries = [], 0
    for number in range(shape.layers):
        temporary = blobs / "new"
        with temporary.open("wb") as out:
            sink = _Sink(out, shape.compression)
            for piece in files.layer(number):
                sink.write(piece)
            sink.finish()
        entries += files.written
        digest = sink.stored.hexdigest()
        layers.append(
            {"mediaType": MEDIA_TYPE[shape.compression], "digest": f"sha256:{digest}", "size": sink.size}
        )
        temporary.rename(blobs / digest)
        diff_ids.append(f"sha256:{sink.plain.hexdigest()}")

    def add(value: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": f"RUN step {number}"} for number in range(1, shape.layers + 1)],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG} | add(config),
        "layers": layers,
    }
    tag = {"mediaType": MANIFEST, "annotations": {"org.opencontainers.image.ref.name": "latest"}} | add(
        manifest
    )
    (directory / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [tag]})
    )
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return {"blobs": [layer["digest"].partition(":")[2] for layer in layers], "entries": entries}


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Sink:
    """Compresses and hashes what is written."""

    def __init__(self, out: io.BufferedIOBase, compression: str) -> None:
        self._out = out
        self._compressor: _Compressor | None = None
        if compression == "gzip":
            self._compressor = isal_zlib.compressobj(level=2, wbits=31)
        elif compression == "zstd":
            self._compressor = zstandard.ZstdCompressor(level=3).compressobj()
        self._waiting: list[bytes] = []
        self._bytes = 0
        self.plain, self.stored = hashlib.sha256(), hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes >= CHUNK:
            self._pass_on()

    def finish(self) -> None:
        self._pass_on()
        if self._compressor is not None:
            self._put(self._compressor.flush())

    def _pass_on(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        self.plain.update(data)
        self._put(data if self._compressor is None else self._compressor.compress(data))

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self.stored.update(data)
        self.size += len(data)


class _Entry(NamedTuple):
    name: bytes
    flag: bytes
    mode: int
    size: int = 0
    mtime: int = 1_700_000_000
    link: bytes = b""
    content: bytes = b""
    """In place of one that is made up."""


class _Files:
    """The tars of an image's layers, each over the ones before."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._random = random.Random(f"layertui {shape.name}")
        words = [
            bytes(self._random.choices(b"etaoinshrdlucmfwypvbgkqjxz_", k=self._random.randint(2, 11)))
            for _ in range(6000)
        ]
        line = self._random.choices(words, weights=[1 / (rank + 5) for rank in range(6000)], k=4_000_000)
        self._text = b"".join(
            word + (b"\n    " if number % 9 == 0 else b" ") for number, word in enumerate(line)
        )
        self._noise = self._random.randbytes(16 << 20)
        self._known: list[bytes] = []
        self.written = 0

    def layer(self, number: int) -> Iterator[bytes]:
        """The tar of one layer, in pieces."""
        planned = self._plan(number)
        self.written = len(planned)
        for entry in sorted(planned, key=lambda entry: entry.name.rstrip(b"/").replace(b"/", b"\0")):
            yield _header(entry)
            if entry.content:
                yield entry.content + bytes(-entry.size % 512)
            elif entry.size:
                yield from self._content(entry.size)
        yield bytes(1024)

    def _plan(self, number: int) -> list[_Entry]:
        """The entries of a layer; few in the last one, as the last step of a build makes few."""
        shape, rng = self._shape, self._random
        entries = int(shape.entries / (shape.layers - 0.9))
        mean = shape.content / shape.entries
        if number == shape.layers - 1:
            entries //= 10
        top = b"layer%02d/" % number
        planned = [_Entry(top, b"5", 0o755)]
        seen = {top}
        directory, left = top, 0
        fresh: list[bytes] = []
        while len(planned) < entries:
            if not left:
                directory, left = top, rng.randint(4, 30)
                for name in (*rng.choices(_NAMES, k=rng.randint(1, 4)), b"d%05d" % len(planned)):
                    directory += name + b"/"
                    if directory not in seen:
                        seen.add(directory)
                        planned.append(_Entry(directory, b"5", 0o755))
            left -= 1
            draw = rng.random()
            if self._known and draw < shape.rewritten:
                name = rng.choice(self._known)
                if name in seen:
                    continue
                seen.add(name)
                if draw < shape.rewritten / 5:
                    above, _, last = name.rpartition(b"/")
                    planned.append(_Entry(above + b"/.wh." + last, b"0", 0))
                    continue
            else:
                name = directory + b"%s_%d%s" % (rng.choice(_NAMES), len(planned), rng.choice(_ENDINGS))
                if draw > 0.97:
                    planned.append(_Entry(name, b"2", 0o777, link=b"../" + rng.choice(_NAMES)))
                    continue
                fresh.append(name)
            size = min(int(mean * rng.paretovariate(1.3) * 0.26), 64 << 20)
            planned.append(
                _Entry(name, b"0", 0o755 if draw > 0.9 else 0o644, size, 1_700_000_000 + len(planned) // 50)
            )
        self._known += rng.sample(fresh, min(len(fresh), 5000))
        if shape.packages:
            status = b"".join(map(_stanza, range(shape.packages * (number + 1))))
            planned.append(_Entry(b"var/lib/dpkg/status", b"0", 0o644, len(status), content=status))
        return planned

    def _content(self, size: int) -> Iterator[bytes]:
        if self._shape.zeros and self._random.random() < self._shape.zeros:
            yield bytes(-(-size // 512) * 512)
            return
        source = self._text if self._random.random() < self._shape.text else self._noise
        left = size
        while left > 0:
            piece = min(left, len(source) // 2)
            start = self._random.randrange(len(source) - piece)
            yield source[start : start + piece]
            left -= piece
        if size % 512:
            yield bytes(-size % 512)


def _stanza(number: int) -> bytes:
    return (
        b"Package: package-%d\nStatus: install ok installed\nInstalled-Size: %d\nArchitecture: amd64\n"
        b"Version: 1.%d-1\nDescription: a package\n that is made up, with as long a text as others have\n\n"
        % (number, number, number)
    )


def _header(entry: _Entry) -> bytes:
    header = bytearray(
        b"%b%07o\0%07o\0%07o\0%011o\0%011o\0        %b%bustar\x0000root%broot%b"
        % (
            entry.name.ljust(100, b"\0"),
            entry.mode,
            0,
            0,
            entry.size,
            entry.mtime,
            entry.flag,
            entry.link.ljust(100, b"\0"),
            bytes(28),
            bytes(28),
        )
    ).ljust(512, b"\0")
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


_NAMES = (
    b"bin lib share python3 site-packages node_modules include locale doc man src dist internal utils core test "
    b"common model client server config assets vendor runtime plugins handler schema index main parser"
).split()
_ENDINGS = (b".py", b".js", b".so", b".h", b".mo", b".json", b".txt", b"", b".1", b".pyc", b".map")
