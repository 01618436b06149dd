"""Layers of registries that are listed and read by their tables of contents."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from layertui.content.read import Contents
from layertui.layers.load import index_layers
from layertui.layers.tar.scanner import scan
from layertui.layers.tar.window import Window
from layertui.layers.unpacked import toc as tocs
from layertui.layers.unpacked import toc_table as tables
from layertui.layers.unpacked.toc import CHUNKED_PREFIXES, ESTARGZ_ANNOTATION, TocLayer
from layertui.model.blob import BytesBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image
from layertui.model.job import Cancelled, Job
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import ROOT, LayerNumber, Node
from layertui.sources import open_image
from layertui.sources import registry as source
from layertui.sources.registry import blob as blobs
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion
from tests.layers.tars import END, extended, file, header
from tests.layouts import OciLayout
from tests.sources.registry.estargz import estargz, push_estargz
from tests.sources.registry.proxy import FaultyProxy
from tests.sources.registry.server import Registry

CONTENT = random.Random(3).randbytes(700_000)


def members() -> list[tuple[tarfile.TarInfo, bytes]]:
    """One entry of every kind."""

    def made(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **facts: Any) -> tuple[Any, bytes]:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mtime = kind, len(data), 1700000000
        for fact, value in facts.items():
            setattr(info, fact, value)
        return info, data

    return [
        made("etc", tarfile.DIRTYPE, mode=0o755),
        made("etc/random", data=CONTENT, mode=0o600, uid=1000, gid=100),
        made("etc/empty"),
        made("etc/hard", tarfile.LNKTYPE, linkname="etc/random"),
        made("etc/soft", tarfile.SYMTYPE, linkname="random"),
        made("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        made("pipe", tarfile.FIFOTYPE),
        made("tool", data=b"#!", mode=0o4755, pax_headers={"SCHILY.xattr.user.a": "b"}),
        made("etc/.wh.gone"),
        made("n" * 150, data=b"long"),
        made("last", data=b"end"),
    ]


def plain() -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members():
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def stargz_layer() -> tuple[bytes, str]:
    """The same as an eStargz layer, and the digest of its table."""
    return estargz(members(), 300_000)


@pytest.fixture(scope="module")
def chunked(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A repository that skopeo has written as zstd:chunked."""
    directory = tmp_path_factory.mktemp("toc")
    OciLayout(directory).add("plain", [plain()])
    # It compresses only what need not stay as it is.
    registry.load(
        f"oci:{directory}:plain", "toc/chunked:1", "--dest-compress-format=zstd:chunked", same=False
    )
    return "toc/chunked:1"


@pytest.fixture(scope="module")
def stargz(registry: Registry) -> str:
    """A repository with an eStargz layer."""
    push_estargz(registry, "toc/stargz", "1", [stargz_layer()])
    return "toc/stargz:1"


def read(image: Image) -> tuple[LayerUnion, Contents, list[str]]:
    builder, indexes, warnings = UnionBuilder(), [], []
    for _, index in index_layers(image, None):
        assert not index.damage
        builder.add(index)
        indexes.append(index)
        warnings += [each.code for each in index.warnings]
    union = builder.freeze()
    return union, Contents(image, indexes, union), warnings


def rows(union: LayerUnion) -> dict[str, Any]:
    """Every entry of the tree by its path."""
    return {
        union.path(Node(node)): union.entry(union.at(Node(node), LayerNumber(1))).to_json()
        for node in nodes(union)
    }


def nodes(union: LayerUnion) -> list[int]:
    found = [node for node in union.subtree(ROOT) if union.at(node, LayerNumber(1)) >= 0]
    return [node for node in found if union.path(node) != "/stargz.index.json"]


@pytest.mark.parametrize("kind", ["chunked", "stargz"])
def test_lists_and_reads_by_ranges(
    kind: str, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    name = f"docker://{proxy.host}/{request.getfixturevalue(kind)}"
    whole, whole_contents, told = read(open_image(name))
    assert "table-of-contents" not in told  # small layers are read whole
    monkeypatch.setattr(source, "TABLE_FROM", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/self/nowhere")
    image = open_image(name)
    proxy.requests.clear()
    union, contents, warnings = read(image)
    assert rows(union) == rows(whole)
    assert warnings == ["table-of-contents"]
    listing = [each.headers.get("Range", "") for each in proxy.requests]
    assert all(listing) and len(listing) <= 2
    assert sum(length(each) for each in listing) < 10_000
    proxy.requests.clear()
    for path in ("/tool", "/last", "/etc/empty"):
        wanted = whole_contents.read(whole.at(whole.find(path), LayerNumber(1)))
        assert contents.read(union.at(union.find(path), LayerNumber(1))) == wanted
    assert sum(length(each.headers["Range"]) for each in proxy.requests) < 10_000
    event = union.at(union.find("/etc/hard"), LayerNumber(1))
    assert contents.read(event, 299_990, 20) == CONTENT[299_990:300_010]
    assert contents.read(event) == CONTENT


def test_parts_in_a_row_are_read_ahead(
    stargz: str, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is read here and there is not, not even near the start."""
    monkeypatch.setattr(source, "TABLE_FROM", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/self/nowhere")
    layer = open_image(f"docker://{proxy.host}/{stargz}").layers[0]
    assert isinstance(layer.blob, blobs.RegistryBlob)
    blob, whole = blobs.RangedBlob(layer.blob), stargz_layer()[0]
    proxy.requests.clear()
    for offset in (5000, 600_000, 7000):
        assert blob.pread(1000, offset) == whole[offset : offset + 1000]
    asked = [length(each.headers["Range"]) for each in proxy.requests]
    assert asked == [1000, 1000, 1000]
    for offset in range(8000, 600_000, 1000):
        assert blob.pread(1000, offset) == whole[offset : offset + 1000]
    ahead = [length(each.headers["Range"]) for each in proxy.requests[3:]]
    assert len(ahead) < 6 and ahead[0] == 1000 + blobs.FIRST_AHEAD and ahead[1] > 2 * blobs.FIRST_AHEAD
    assert blob.pread(1 << 20, len(whole) - 5) == whole[-5:] and blob.pread(1, len(whole)) == b""


def length(header: str) -> int:
    start, _, end = header.removeprefix("bytes=").partition("-")
    return int(end) - int(start) + 1


def change_at(layer: bytes, position: int) -> bytes:
    return layer[:position] + bytes([layer[position] ^ 1]) + layer[position + 1 :]


def toc(layer: bytes, digest: str) -> TocLayer:
    return TocLayer(BytesBlob(layer, "a layer"), Descriptor("", "", len(layer), {ESTARGZ_ANNOTATION: digest}))


def test_a_table_that_is_not_the_one_of_the_manifest() -> None:
    layer, digest = stargz_layer()
    with pytest.raises(LayertuiError, match="table of contents of a layer: wrong digest"):
        toc(layer, "sha256:" + "0" * 64).scan()
    with pytest.raises(LayertuiError, match="lacks the footer"):
        toc(layer[:-1], digest).scan()


def in_a_tar(*members: bytes) -> tuple[bytes, str]:
    """An eStargz layer with any tar in place of its table."""
    layer = bytes(100) + gzip.compress(b"".join(members))
    footer = b"SG" + (22).to_bytes(2, "little") + b"%016xSTARGZ" % 100
    layer += b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(footer).to_bytes(2, "little") + footer
    return layer + b"\x01\0\0\xff\xff" + bytes(8), "sha256:" + "0" * 64


TABLE = b"stargz.index.json"


@pytest.mark.parametrize(
    "tar",
    [
        (
            extended((b"path", TABLE), (b"GNU.sparse.size", b"2147483648"), (b"GNU.sparse.map", b"")),
            file(b"x"),
        ),
        (header(TABLE, b"0", b"\x80" + (9 << 50).to_bytes(11, "big")),),
        (gzip.compress(file(TABLE, bytes(1 << 20)) + END),),
        (header(TABLE, b"2"), END),
        (file(b"other", b"{}"), END),
        (b"no tar",),
        (),
    ],
    ids=["sparse", "huge", "compressed again", "symlink", "other", "no tar", "empty"],
)
def test_a_table_is_a_plain_file_of_its_tar(tar: tuple[bytes, ...]) -> None:
    """A few bytes that claim gigabytes are refused before these are there."""
    with pytest.raises(LayertuiError, match=r"table of contents of a layer(:| cannot be read)"):
        toc(*in_a_tar(*tar)).scan()


@pytest.mark.parametrize(
    "position", ["", "1:2", "-5:9:9:1", "0:-1:9:1", "0:99999:9:1", "0:9:999999999999:1", "a:b:c:d"]
)
def test_a_table_is_within_the_layer(position: str) -> None:
    annotations = {f"{CHUNKED_PREFIXES[0]}.manifest-checksum": "sha256:" + "0" * 64}
    if position:
        annotations[f"{CHUNKED_PREFIXES[0]}.manifest-position"] = position
    layer = TocLayer(BytesBlob(bytes(1000), "a layer"), Descriptor("", "", 1000, annotations))
    with pytest.raises(LayertuiError, match="table of contents of a layer cannot be read"):
        layer.scan()


@pytest.mark.parametrize("offset", ["+1", "ffffffffffffffff", "000000000000zzzz"])
def test_a_footer_leads_into_the_layer(offset: str) -> None:
    layer, digest = in_a_tar(file(TABLE, b"{}"), END)
    layer = layer.replace(b"%016xSTARGZ" % 100, offset.rjust(16, "f").encode() + b"STARGZ")
    with pytest.raises(LayertuiError, match="table of contents of a layer cannot be read"):
        toc(layer, digest).scan()


def test_large_tables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tocs, "MAX_TABLE", 100)
    with pytest.raises(LayertuiError, match="more than 100 are not read"):
        toc(*stargz_layer()).scan()


def test_a_listing_stops_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the table is laid out as a tar, and while that is looked through."""
    layer = toc(*stargz_layer())
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        layer.scan(job)
    job = Job()

    def stopping(headers: Window) -> LayerIndex:
        job.cancel()
        return scan(headers)

    monkeypatch.setattr(tables, "scan", stopping)
    with pytest.raises(Cancelled):
        layer.scan(job=job)


def test_content_that_is_not_what_the_table_says() -> None:
    layer, digest = stargz_layer()
    blob = toc(change_at(layer, 2000), digest).open(b"etc\0random", len(CONTENT))
    with pytest.raises(LayertuiError, match=r"wrong digest|Error"):
        blob.pread(10, 0)
    assert blob.pread(10, 350_000) == CONTENT[350_000:350_010]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entries: entries.append({}),
        lambda entries: entries.append({"name": 1, "type": "reg"}),
        lambda entries: entries.append({"name": "x", "type": "reg", "size": "many"}),
        lambda entries: entries.append({"name": "x", "type": "reg", "size": -5, "offset": -3}),
        lambda entries: entries.append({"name": "x", "type": "reg", "modtime": "noon"}),
        lambda entries: entries.append({"name": "x", "type": "reg", "xattrs": {"a": "!"}}),
        lambda entries: entries.append({"name": "x", "type": ["reg"]}),
        lambda entries: entries.append("x"),
        lambda entries: entries.append({"name": "x", "type": "dir", "mode": 1e400}),
        lambda entries: entries.append({"name": "x", "type": "reg", "size": 1 << 70}),
        lambda entries: entries.append({"name": "x", "type": "reg", "size": 4.5}),
        lambda entries: entries.append({"name": "x", "type": "reg", "size": 4, "offset": "y"}),
        lambda entries: entries.append({"name": "x", "type": "reg", "size": 4, "offset": 1, "chunkSize": []}),
        lambda entries: entries.append({"name": "x", "type": "reg", "chunkDigest": 5, "offset": 1}),
        lambda entries: entries.append({"name": "x", "type": "reg", "chunkOffset": {}, "offset": 1}),
        lambda entries: entries.append({"name": "x", "type": "reg", "digest": [5], "offset": 1}),
        lambda entries: entries.append({"name": "x", "type": "reg", "uid": -5, "gid": 1 << 62}),
        lambda entries: entries.append({"name": "x\0y", "type": "symlink", "linkName": "\0"}),
        lambda entries: entries.append({"name": "x", "type": "reg", "modtime": "9999-12-31T23:59:59-23:59"}),
        lambda entries: entries.append({"name": "x", "type": "reg", "modtime": "0001-01-01T00:00:00+23:59"}),
    ],
)
def test_tables_of_any_shape_end_in_an_error_or_a_listing(spoil: Callable[[list[Any]], None]) -> None:
    import zstandard

    entries: list[Any] = [{"name": "a", "type": "dir", "mode": 0o755}]
    spoil(entries)
    data = json.dumps({"version": 1, "entries": entries}).encode()
    packed = zstandard.compress(data)
    annotations = {
        f"{CHUNKED_PREFIXES[0]}.manifest-checksum": f"sha256:{hashlib.sha256(packed).hexdigest()}",
        f"{CHUNKED_PREFIXES[0]}.manifest-position": f"0:{len(packed)}:{len(data)}:1",
    }
    layer = TocLayer(BytesBlob(packed, "a layer"), Descriptor("", "", len(packed), annotations))
    try:
        assert layer.scan().count >= 1
    except LayertuiError as error:
        assert "cannot be read" in str(error)
