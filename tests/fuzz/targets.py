"""What is fuzzed: a function of any bytes that may end in a :class:`LayertuiError`, and in nothing else.

Each target reads its input as the product does, asks the result the questions that the screens ask, and
asserts what must hold for any input. Inputs of several parts are separated by :data:`SEPARATOR`.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import requests
import urllib3
from requests.adapters import HTTPAdapter

from layertui import sources
from layertui.anatomy.docker_inspect import described
from layertui.cache.indexes import DamagedEntry
from layertui.commands.attachments import ListedDocument, to_json
from layertui.dockerfile import instructions
from layertui.dockerfile.base import base_of
from layertui.dockerfile.syntax import global_arguments, lines_of, stages_of, way_to, written_in
from layertui.insight import databases, rpm
from layertui.layers.codec import pack_index, unpack_index_checked
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import PlainWindow
from layertui.layers.unpacked import toc_table
from layertui.layers.unpacked.tar_split import PiecesWindow, pieces
from layertui.model.blob import Blob, BytesBlob, FileState
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import ROOT, LayerNumber
from layertui.model.reference import parse_reference
from layertui.sources import docker_archive, oci_layout
from layertui.sources.attachments import attachments_in
from layertui.sources.containerd.bolt import Bucket, read_bolt
from layertui.sources.oci import open_layout
from layertui.sources.oci_layout import FilesLayout
from layertui.sources.registry import connection
from layertui.sources.simple_signatures import signature_attachment
from layertui.union.changes import changes
from layertui.union.codec import pack_union, unpack_union_checked
from layertui.union.model import LayerUnion
from tests.layers.tars import END, facts, header, padded
from tests.layouts import MANIFEST, digest
from tests.native import in_both_modes
from tests.union import small

SEPARATOR = b"\n--\n"
TAR_BLOCK = 512
FOLDER = Path(
    tempfile.mkdtemp(prefix="layertui-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
)
"""For what is read by path."""


def index_of_tar(data: bytes) -> LayerIndex:
    """Scan a tar; its index must survive being stored."""
    index = in_both_modes(lambda: scan(PlainWindow(BytesBlob(data, "fuzzed"))))
    assert len(index.kind) == len(index.size) == len(index.mtime) == index.count
    if not index.damage:
        assert facts(unpack_index_checked(pack_index(index))) == facts(index)
    return index


def tar(data: bytes) -> None:
    """Headers of a layer; :func:`with_checksums` has repaired their checksums."""
    index_of_tar(data)


def pax(data: bytes) -> None:
    """The records of an extended header, before a file of one block."""
    index_of_tar(
        header(b"x", b"x", b"%o" % len(data)) + padded(data) + header(b"f", b"0", b"1") + padded(b"f") + END
    )


def sparse(data: bytes) -> None:
    """A sparse map: as GNU tar writes it into headers, and before the contents as pax 1.0 does."""
    block = bytearray(header(b"f", b"S", b"1000"))
    block[386 : 386 + len(data[:126])] = data[:126]
    index_of_tar(_summed(bytes(block)) + data[126:].ljust(TAR_BLOCK * 4, b"\0") + END)
    records = b"".join(
        b"%d %s\n" % (len(text) + 4, text)
        for text in (b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.realsize=9")
    )
    members = header(b"x", b"x", b"%o" % len(records)) + padded(records)
    index_of_tar(members + header(b"f", b"0", b"%o" % len(data)) + padded(data) + END)


def union(data: bytes) -> None:
    """Layers of few names, so that they meet: two bytes an entry, kind and path."""
    kinds = list(small.KINDS)
    layers = [
        small.layer(
            *(
                _entry(kinds[one % len(kinds)], one, two)
                for one, two in zip(part[::2], part[1::2], strict=False)
            )
        )
        for part in data.split(b"\xff")[:8]
    ]
    check_union(in_both_modes(lambda: small.union(*layers)))


_NAMES = ("a", "b", "d", "e")


def _entry(kind: str, one: int, two: int) -> small.Entry:
    path = "/".join(_NAMES[two >> shift & 3] for shift in range(0, 2 * (1 + (two >> 6)), 2))
    target = ("a", "/b/d", "../e", "d/..", "/")[one // 8 % 5]
    return (
        kind,
        path,
        {"to": target.strip("/.") or "a" if kind == "h" else target, "size": one & 7, "mode": 0o644 + one},
    )


def check_union(merged: LayerUnion) -> None:
    """Walk the trees and changes of all layers; the union must survive being stored."""
    for number in range(1, merged.layers + 1):
        layer = LayerNumber(number)
        shown = [
            path
            for path in map(merged.path, merged.descendants(ROOT))
            if merged.at(merged.find(path), layer) >= 0
        ]
        assert len(set(shown)) == len(shown)
        for path in shown:
            assert path.rpartition("/")[0] in ("", *shown), f"{path} without its directory"
        for change in changes(merged, layer, _same):
            change.to_json()
    again = unpack_union_checked(pack_union(merged), merged.indexes)
    assert again.ev_node == merged.ev_node and again.ev_inode == merged.ev_inode


def _same(one: int, other: int) -> bool:
    return bool((one + other) & 1)


def table_of_contents(data: bytes) -> None:
    """The table of an eStargz or zstd:chunked layer."""
    pack_index(toc_table.index_of(toc_table.parse_table(data, "the table"), "the table"))


def tar_split(data: bytes) -> None:
    """A record of Docker and Podman, before it is compressed."""
    path = FOLDER / "tar-split.json.gz"
    path.write_bytes(gzip.compress(data, 0))
    pack_index(scan(PiecesWindow(pieces(path))))


def bolt(data: bytes) -> None:
    """A database of containerd or BuildKit: all of its buckets."""
    path = FOLDER / "meta.db"
    path.write_bytes(data)

    def walk(bucket: Bucket) -> None:
        for value in bucket.entries.values():
            if isinstance(value, Bucket):
                walk(value)

    walk(read_bolt(path))


def packages(data: bytes) -> None:
    """Databases of packages; the first byte chooses one."""
    parsers: tuple[Callable[[str, bytes], Any], ...] = (
        databases.dpkg, databases.apk, databases.python, databases.npm, rpm.rpm_package, rpm.rpm,
        rpm.rpm_manifest,
    )  # fmt: skip
    parsers[data[0] % len(parsers) if data else 0]("/database", data[1:])


class MemoryFiles:
    """The files of an archive, in memory."""

    path, damage = Path("fuzzed.tar"), ""
    state: FileState | None = None

    def __init__(self, files: dict[str, bytes], other: bytes) -> None:
        self._files = files
        self._other = other

    def get(self, name: str) -> Blob | None:
        return BytesBlob(self._files.get(name, self._other), name)

    def legacy_layers(self) -> Sequence[str]:
        return ()


def documents(data: bytes) -> None:
    """JSON of images: an index or manifest.json, a manifest, and a config."""
    first, manifest, config = (*data.split(SEPARATOR), b"{}", b"{}")[:3]
    files = MemoryFiles({"manifest.json": first, "repositories": first}, config)
    reference = parse_reference("docker-archive:fuzzed.tar")
    with contextlib.suppress(LayertuiError):
        docker_archive.summaries(files, reference)
        _ask(docker_archive.open_item(files, reference, None))
    descriptor = {"mediaType": MANIFEST, "digest": digest(manifest), "size": len(manifest)}
    blobs = {f"blobs/{digest(each).replace(':', '/')}": each for each in (manifest, config)}
    for index in (first, json.dumps({"manifests": [descriptor]}).encode()):
        layout = FilesLayout(MemoryFiles({"index.json": index, **blobs}, config), "oci")
        with contextlib.suppress(LayertuiError):
            image = open_layout(layout, parse_reference("oci:fuzzed"), None)
            _ask(image)
            for attachment in attachments_in(layout, image):
                json.dumps([to_json(ListedDocument(attachment, each)) for each in attachment.documents])
    with contextlib.suppress(LayertuiError):
        for each in signature_attachment(b"\0sigstore-json\n" + config, "fuzzed", digest(config)).documents:
            each.verified()


def _ask(image: Image) -> None:
    for instruction in instructions(image, base_of(image, ())):
        assert all("\n" not in line for line in instruction.lines)
    json.dumps(described(image))


_UNION = small.union(
    small.layer(("d", "d"), ("-", "d/a"), ("l", "l", {"to": "d"})),
    small.layer(("wh", "d/a"), ("h", "b", {"to": "d/a"})),
)


def dockerfile(data: bytes) -> None:
    """A Dockerfile as BuildKit records it: its instructions are in order, and none is of two lines' ranges."""
    text = data.decode("utf-8", "surrogateescape")
    written, count = written_in(text), len(lines_of(text))
    end = 0
    for each in written:
        assert end < each.start <= each.end <= count and each.keyword == each.keyword.upper()
        end = each.end
    stages = stages_of(written)
    values = global_arguments(written, {"TARGETARCH": "amd64"})
    way = way_to(stages, "", values, ())
    assert way[-1:] == stages[-1:] and [each.number for each in way] == sorted(each.number for each in way)


def cache(data: bytes) -> None:
    """Entries of the cache: an index, and a union for layers that are known."""
    with contextlib.suppress(DamagedEntry):
        _walk(small.union(unpack_index_checked(data)))
    with contextlib.suppress(DamagedEntry):
        _walk(unpack_union_checked(data, _UNION.indexes))


def _walk(merged: LayerUnion) -> None:
    for number in range(1, merged.layers + 1):
        for change in changes(merged, LayerNumber(number), _same):
            change.to_json()


def registry(data: bytes) -> None:
    """Answers of a registry, one after the other: a status line, headers, an empty line, the body."""
    answers = iter(data.split(SEPARATOR)[:12])

    def send(_adapter: object, request: requests.PreparedRequest, **_options: object) -> requests.Response:
        return _response(request, next(answers, b"404"))

    with mock.patch.object(HTTPAdapter, "send", send):
        image = sources.open_image("docker://127.0.0.1:5000/app:1")
        _ask(image)
        for layer in image.layers:
            if layer.blob is not None:
                layer.blob.pread(100, 0)


def _response(request: requests.PreparedRequest, answer: bytes) -> requests.Response:
    head, _, body = answer.partition(b"\n\n")
    status, *lines = head.decode("latin-1").split("\n")
    pairs = [(name, value) for name, colon, value in (line.partition(": ") for line in lines) if colon]
    response = requests.Response()
    response.status_code = (
        int(status) if status.isascii() and status.isdecimal() and len(status) == 3 else 200
    )
    response.url, response.request = request.url or "", request
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(body), urllib3.HTTPHeaderDict(pairs), response.status_code, preload_content=False
    )
    response.headers = requests.structures.CaseInsensitiveDict(response.raw.headers)
    return response


def prepare() -> None:
    """Keep to memory and loopback, do not wait, and have mutated documents pass for those that were named."""
    os.environ.update(HOME=str(FOLDER), XDG_CACHE_HOME=str(FOLDER), XDG_RUNTIME_DIR=str(FOLDER))
    os.environ.pop("DOCKER_CONFIG", None)
    connection.BACK_OFF = connection.MAX_WAIT = 0
    mock.patch.object(oci_layout, "check_digest", lambda *_: None).start()


def with_checksums(data: bytes) -> bytes:
    """Repair the checksum of each block that looks like a header, so that damage gets past it."""
    blocks = [data[at : at + TAR_BLOCK] for at in range(0, len(data), TAR_BLOCK)]
    return b"".join(
        _summed(block) if block[257:262] == b"ustar" and len(block) == TAR_BLOCK else block
        for block in blocks
    )


def _summed(block: bytes) -> bytes:
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        tar,
        pax,
        sparse,
        union,
        table_of_contents,
        tar_split,
        bolt,
        packages,
        documents,
        dockerfile,
        cache,
        registry,
    )
}
REPAIRS: dict[str, Callable[[bytes], bytes]] = {"tar": with_checksums}
"""What is done to an input after it was mutated."""
