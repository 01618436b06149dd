"""Layers compressed in every way that builders do it, whole and damaged."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import random
import threading

import pytest
import zstandard

from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.compression.stream import STORED_CHUNK, DecompressedStream
from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from tests.content.archives import COMPRESS
from tests.images import layers_of
from tests.layers.tars import END, facts, file, scanned

RANDOM = random.Random(4)
TAR = b"".join(file(b"f%d" % number, RANDOM.randbytes(3000)) for number in range(400)) + END
COMPRESSIONS = [name for name in COMPRESS if name != "plain"]
EMPTY = bytes.fromhex("1f8b08000000000000ff621805a360148c5800080000ffff2eafb5ef00040000")
"""The layer of 32 bytes that BuildKit gives to steps which changed nothing: 1,024 zeros."""


def read(data: bytes) -> tuple[bytes, str, str]:
    """What a blob decompresses to, its damage and its digest."""
    stream = DecompressedStream(BytesBlob(data, "memory"))
    buffer, found, damage = bytearray(100_000), b"", ""
    try:
        while count := stream.readinto(buffer):
            found += buffer[:count]
    except Damaged as error:
        damage = str(error)
    digest = stream.digest()
    stream.close()
    return found, damage, digest


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_whole(name: str) -> None:
    data = COMPRESS[name](TAR)
    assert compression_of(data) == name.partition("-")[0]
    assert read(data) == (TAR, "", "sha256:" + hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    "name", ["gzip", "gzip-members", "zstd", "zstd-streamed", "zstd-frames", "bzip2", "xz"]
)
def test_cut_is_damage_after_all_that_was_whole(name: str) -> None:
    data = COMPRESS[name](TAR)
    digest = hashlib.sha256
    for size in (20, len(data) // 3, len(data) * 2 // 3, len(data) - 5):
        found, damage, whole = read(data[:size])
        assert TAR.startswith(found) and "stream" in damage, (size, damage)
        assert whole == "sha256:" + digest(data[:size]).hexdigest()
        # bzip2 gives out blocks of 900 kB, the others less.
        assert len(found) >= len(TAR) * size // len(data) - STORED_CHUNK, size


def test_small_cut_layer_shows_the_entries_before() -> None:
    tar = b"".join(file(b"f%d" % number, RANDOM.randbytes(3000)) for number in range(20)) + END
    data = gzip.compress(tar)
    [layer] = layers_of([data[: len(data) // 2]])
    index = index_layer(layer, None)
    assert 8 <= index.count <= 10 and "gzip stream" in index.damage
    assert facts(index) == facts(scanned(tar))[: index.count]


def test_empty_layer_of_buildkit() -> None:
    assert read(EMPTY)[:2] == (bytes(1024), "")
    [layer] = layers_of([EMPTY])
    index = index_layer(layer, None)
    assert (index.count, index.damage, index.warnings) == (0, "", [])


def test_flipped_bits_never_raise_anything_else() -> None:
    for name in COMPRESSIONS:
        data = bytearray(COMPRESS[name](TAR[:50_000]))
        for _ in range(30):
            bad = bytearray(data)
            bad[RANDOM.randrange(len(bad))] ^= 1 << RANDOM.randrange(8)
            read(bytes(bad))


def test_zstd_cut_before_its_first_block() -> None:
    data = zstandard.ZstdCompressor().compress(TAR)
    for size in (4, 5, 8, 12):
        assert read(data[:size]) == (b"", "its zstd stream ends early", read(data[:size])[2])


def test_xz_that_wants_too_much_memory_is_damage() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    try:
        data = lzma.compress(b"x" * 1000, filters=filters)
    except MemoryError:
        pytest.skip("not enough memory to make it")
    assert "xz stream is damaged" in read(data)[1]


def test_estargz_entries_are_marked() -> None:
    """The form of estargz.md: a member for every entry, the table of contents last."""
    names = (b".no.prefetch.landmark", b"README.md", b"stargz.index.json")
    entries = [file(name, b"\x0f") for name in names]
    [layer] = layers_of([b"".join(map(gzip.compress, [*entries, END]))])
    index = index_layer(layer, None)
    marked = [warning.key for warning in index.warnings if warning.code == "estargz"]
    assert marked == [b"stargz.index.json", b".no.prefetch.landmark"]
    assert index.count == 3 and not index.damage


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_digest_of_all_after_the_start_alone_was_read(name: str) -> None:
    """What is inflated ahead of the reader must not be missing from the digest, nor come twice."""
    data = COMPRESS[name](TAR * 4)
    for _ in range(5):
        before = threading.active_count()
        stream = DecompressedStream(BytesBlob(data, "memory"))
        assert stream.readinto(bytearray(1000)) == 1000
        assert stream.digest() == "sha256:" + hashlib.sha256(data).hexdigest()
        stream.close()
        assert threading.active_count() == before


def test_closing_ends_what_inflates_ahead() -> None:
    before = threading.active_count()
    for read_first in (0, 1000, len(TAR) + 1):
        stream = DecompressedStream(BytesBlob(COMPRESS["gzip"](TAR), "memory"))
        stream.readinto(bytearray(read_first))
        stream.close()
    assert threading.active_count() == before
