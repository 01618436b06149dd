"""Layers compressed in every way that builders do it, whole and damaged."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import random
import threading
import zlib
from functools import cache

import pytest
import zstandard

from layertui.layers.compression.format import Damaged, compression_of
from layertui.layers.compression.members import Members, gzip_end, zstd_end
from layertui.layers.compression.stream import STORED_CHUNK, DecompressedStream, StoredBytes
from layertui.layers.load import index_layer
from layertui.model.blob import BytesBlob
from layertui.verify.layer import checks
from tests.content.archives import COMPRESS
from tests.images import layers_of
from tests.layers.tars import END, facts, file, scanned

RANDOM = random.Random(4)
TAR = b"".join(file(b"f%d" % number, RANDOM.randbytes(3000)) for number in range(400)) + END
COMPRESSIONS = [name for name in COMPRESS if name != "plain"]
CLEAN = [name for name in COMPRESSIONS if name not in ("gzip-garbage", "gzip-padded")]
"""Those with nothing behind the stream."""
EMPTY = bytes.fromhex("1f8b08000000000000ff621805a360148c5800080000ffff2eafb5ef00040000")
"""The layer of 32 bytes that BuildKit gives to steps which changed nothing: 1,024 zeros."""


@cache
def compressed(name: str) -> bytes:
    """:data:`TAR`, compressed."""
    return COMPRESS[name](TAR)


def read(data: bytes) -> tuple[bytes, str, str]:
    """What a blob decompresses to, its damage and its digest."""
    stream = DecompressedStream(BytesBlob(data, "memory"))
    found, damage = b"", ""
    try:
        while piece := stream.read(100_000):
            found += piece
    except Damaged as error:
        damage = str(error)
    digest = stream.digest()
    stream.close()
    return found, damage, digest


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_whole(name: str) -> None:
    data = compressed(name)
    assert compression_of(data) == name.partition("-")[0]
    assert read(data) == (TAR, "", "sha256:" + hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    "name", ["gzip", "gzip-members", "zstd", "zstd-streamed", "zstd-frames", "bzip2", "xz"]
)
def test_cut_is_damage_after_all_that_was_whole(name: str) -> None:
    data = compressed(name)
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


def frame(content: bytes, window: int) -> bytes:
    """A zstd frame with a window of 2 to the ``window`` bytes (RFC 8878, 3.1.1.1) and blocks as they are."""
    blocks = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
    headers = [((len(block) << 3) | (block is blocks[-1])).to_bytes(3, "little") for block in blocks]
    return b"\x28\xb5\x2f\xfd\0" + bytes([(window - 10) << 3]) + b"".join(map(bytes.__add__, headers, blocks))


@pytest.mark.parametrize("window", [27, 28, 29])
def test_zstd_windows_that_engines_read(window: int) -> None:
    """Podman 4.3 and containerd 1.6 unpack 29 and say of 30 "window size exceeded"."""
    assert read(frame(TAR, window))[:2] == (TAR, "")
    assert read(frame(TAR, 20) + frame(TAR, window))[:2] == (TAR * 2, "")


@pytest.mark.parametrize("window", [30, 31, 41])
def test_zstd_windows_that_are_too_large_are_not_called_damage(window: int) -> None:
    why = f"its zstd stream needs a window of {1 << window - 20:,} MiB: more than 512 MiB are not supported"
    assert read(frame(TAR, window))[1].startswith(why)
    first, after, _ = read(frame(TAR, 20) + frame(TAR, window))
    assert first == TAR and after.startswith(why)
    [layer] = layers_of([frame(TAR, window)])
    assert index_layer(layer, None).damage.startswith(why)
    [check] = [check for check in checks(layer) if check.what == "diff ID"]
    assert check.status == "unchecked" and check.why.startswith(why)


BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
STARGZ_END = bytes.fromhex("1f8b08000000000000ff010000ffff0000000000000000")
"""Empty members: the end of a BGZF file, and of an eStargz layer (without its extra field)."""
COUNTED = {
    "gzip": [b"\0", bytes(512), b"g", b"garbage" * 10, b"\0\0garbage"],
    "gzip-members": [b"\0", bytes(512), b"g", b"garbage" * 10],
    "zstd": [b"\0", bytes(512), b"g", b"garbage" * 10, b"\x28\xb5"],
    "zstd-frames": [b"\0", bytes(512), b"garbage" * 10],
    "bzip2": [b"\0", bytes(512), b"g", b"garbage" * 10],
    "xz": [b"\0", bytes(6), b"g", b"garbage" * 10, b"abcd"],
}
"""What Podman refuses behind each stream: "invalid header", "unexpected EOF", "magic number mismatch"."""


@pytest.mark.parametrize("name", COUNTED)
def test_bytes_behind_the_stream_are_said(name: str) -> None:
    for rest in COUNTED[name]:
        [layer] = layers_of([compressed(name) + rest])
        index = index_layer(layer, None)
        assert (index.count, index.damage) == (400, ""), rest
        [warning] = [each for each in index.warnings if each.code != "compression"]
        follow = "1 byte follows" if len(rest) == 1 else f"{len(rest)} bytes follow"
        assert warning.code == "trailing-bytes" and warning.text.startswith(f"{follow} the "), rest


def test_what_belongs_to_a_stream_is_not_behind_it() -> None:
    """Members, frames and streams one after another, their empty ends, padding of xz, frames that are skipped."""
    skippable = b"\x50\x2a\x4d\x18\3\0\0\0abc"
    for name in CLEAN:
        data = compressed(name)
        more = {"gzip": [gzip.compress(b""), BGZF_END, STARGZ_END], "xz": [bytes(4), bytes(512)]}
        for rest in (b"", COMPRESS[name](bytes(512)), *more.get(name, [skippable] * name.startswith("zstd"))):
            index = index_layer(layers_of([data + rest])[0], None)
            codes = {warning.code for warning in index.warnings} - {"compression"}
            assert (index.count, index.damage, codes) == (400, "", set()), (name, rest)


class Watched(BytesBlob):
    """A blob that counts what is read of it."""

    taken = 0
    reads = 0

    def pread(self, length: int, offset: int) -> bytes:
        data = super().pread(length, offset)
        self.taken += len(data)
        self.reads += 1
        return data


def test_the_end_of_a_gzip_stream_is_found_without_decompressing_it_again() -> None:
    for rest in (b"", gzip.compress(b""), BGZF_END, STARGZ_END):
        blob = Watched(compressed("gzip") + rest, "memory")
        assert blob.data.endswith(b"\0")
        assert gzip_end(blob, len(TAR)) == blob.size and blob.taken == 10


@pytest.mark.parametrize(
    "frame", [b"\x50\x2a\x4d\x18\0\0\0\0", b"\x5f\x2a\x4d\x18\1\0\0\0a", zstandard.compress(b"")]
)
def test_frames_of_a_few_bytes_are_not_read_one_by_one(frame: bytes) -> None:
    """Their end is found with less than three times their bytes, and as many reads as pages."""
    for data in (frame * 20_000 + compressed("zstd"), compressed("zstd") + frame * 20_000):
        blob = Watched(data, "memory")
        assert zstd_end(blob) == blob.size and blob.taken < 3 * blob.size + 10_000
        assert blob.reads < blob.size // 2000
        assert read(data)[:2] == (TAR, "")
        members = Members(blob, "zstd", STORED_CHUNK)
        assert b"".join(iter(lambda: members.read(STORED_CHUNK), b"")) == TAR  # noqa: B023


@pytest.mark.parametrize(
    "cut", [b"\x50\x2a\x4d\x18", b"\x50\x2a\x4d\x18\1\0\0", b"\x50\x2a\x4d\x18\5\0\0\0a"]
)
def test_a_skippable_frame_that_is_cut(cut: bytes) -> None:
    for before in (b"", b"\x50\x2a\x4d\x18\0\0\0\0" * 3):
        blob = BytesBlob(compressed("zstd") + before + cut, "memory")
        assert zstd_end(blob) > blob.size
        assert read(blob.data)[:2] == (TAR, "its zstd stream ends early")


def test_damage_behind_the_end_of_the_tar() -> None:
    for name in ("gzip", "gzip-members", "xz"):
        data = bytearray(COMPRESS[name](TAR + bytes(50_000)))
        data[-6 if name.startswith("gzip") else -14] ^= 1
        index = index_layer(layers_of([bytes(data)])[0], None)
        assert index.count == 400 and f"its {name.partition('-')[0]} stream" in index.damage, name


def test_xz_that_wants_too_much_memory_is_damage() -> None:
    """The dictionary of the block's header (xz-file-format.txt, 3.1 and 5.3.1): compressing with one takes 10 GB."""
    data = bytearray(lzma.compress(b"x" * 1000, preset=0))
    block, filter_ = data[12:24], b"\x21\x01"  # after the header of the stream
    assert block[2:4] == filter_
    block[4] = 36  # 1 GiB
    data[12:24] = block[:8] + zlib.crc32(block[:8]).to_bytes(4, "little")
    assert "xz stream is damaged" in read(bytes(data))[1]


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
    for _ in range(2):
        before = threading.active_count()
        stream = DecompressedStream(BytesBlob(data, "memory"))
        assert 0 < len(stream.read(1000)) <= 1000
        assert stream.digest() == "sha256:" + hashlib.sha256(data).hexdigest()
        stream.close()
        assert threading.active_count() == before


def test_closing_ends_what_inflates_ahead() -> None:
    before = threading.active_count()
    for read_first in (1, 1000, len(TAR) + 1):
        stream = DecompressedStream(BytesBlob(compressed("gzip"), "memory"))
        stream.read(read_first)
        stream.close()
    assert threading.active_count() == before


def test_a_watcher_that_fails_holds_nothing_up() -> None:
    """The digest is that of all bytes, also of more chunks than may wait to be hashed."""
    data = bytes(range(256)) * 100
    seen: list[bytes] = []

    def watcher(piece: bytes) -> None:
        seen.append(piece)
        raise RuntimeError

    stored = StoredBytes(BytesBlob(data, "memory"), "sha256", watcher=watcher)
    while stored.read(1000):
        pass
    assert stored.digest() == "sha256:" + hashlib.sha256(data).hexdigest()
    assert seen == [data[:1000]]
