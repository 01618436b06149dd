"""Points in gzip layers: from each, the rest of the layer is what it is from the start."""

from __future__ import annotations

import gzip
import random
import zlib
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from layertui.cache.indexes import DamagedEntry
from layertui.layers.compression import gzip_points
from layertui.layers.compression.gzip_points import (
    GzipPoint,
    GzipStart,
    PointFinder,
    point_finder,
    unpack_points,
)
from layertui.model.blob import BytesBlob
from tests.native import need_core

RANDOM = random.Random(5)
WORDS = [RANDOM.randbytes(RANDOM.randint(2, 9)) for _ in range(3000)]
PLAIN = b"".join(RANDOM.choices(WORDS, k=150_000)) + RANDOM.randbytes(200_000) + bytes(300_000)
"""Blocks of every kind: of dynamic and fixed codes, and stored ones."""


@pytest.fixture(autouse=True)
def every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    need_core()
    monkeypatch.setattr(gzip_points, "POINT_SPACING", 1)


def points_of(packed: bytes, piece: int = 70_001) -> list[GzipPoint]:
    finder = point_finder(0)
    assert isinstance(finder, PointFinder)
    for start in range(0, len(packed), piece):
        finder.feed(packed[start : start + piece])
    return unpack_points(data, len(packed)) if (data := finder.pack()) else []


def rest(packed: bytes, point: GzipPoint, length: int) -> bytes:
    member, found = GzipStart(BytesBlob(packed, "a layer"), point).copy(), b""
    while len(found) < length and (data := member.read(length - len(found))):
        found += data
    return found


def test_a_layer_is_read_from_every_block() -> None:
    """Whichever bit of a byte a block begins with."""
    bits = set()
    for level in (1, 6, 9):
        packed = gzip.compress(PLAIN, level, mtime=0)
        points = points_of(packed)
        assert len(points) > 20
        for point in points:
            length = min(50_000, len(PLAIN) - point.offset)
            assert rest(packed, point, length) == PLAIN[point.offset :][:length]
            bits.add(point.bits)
        assert points == points_of(packed, len(packed))
    assert bits == set(range(8))


def test_the_end_of_a_layer_is_found_from_a_point() -> None:
    packed = gzip.compress(PLAIN, mtime=0)
    point = points_of(packed)[-1]
    first = GzipStart(BytesBlob(packed, "a layer"), point).copy()
    assert first.read(10) == PLAIN[point.offset :][:10]
    twin = first.copy()
    for member in (first, twin):
        found = b""
        while data := member.read(1 << 16):
            found += data
        assert found == PLAIN[point.offset + 10 :] and member.end == len(packed)


def with_header(flags: int, fields: bytes) -> bytes:
    packed = gzip.compress(PLAIN, mtime=0)
    return packed[:3] + bytes([flags]) + packed[4:10] + fields + packed[10:]


@pytest.mark.parametrize(
    "fields",
    [(4, b"\x03\0abc"), (8, b"name\0"), (16, b"\0"), (2, b"ab"), (30, b"\x01\0anam\0comm\0ab")],
    ids=str,
)
def test_fields_in_the_header(fields: tuple[int, bytes]) -> None:
    packed = with_header(*fields)
    point = points_of(packed)[3]
    assert rest(packed, point, 1000) == PLAIN[point.offset :][:1000]


@pytest.mark.parametrize(
    "packed",
    [
        b"\x1f\x8b\x08",
        with_header(8, bytes([7]) * 70_001 + b"\0"),
        with_header(4, b"\xff\xff" + bytes(65_535)),
    ],
)
def test_a_header_that_ends_late_has_no_points(packed: bytes) -> None:
    assert points_of(packed, 60_000) == []


def test_only_the_first_member_has_points() -> None:
    first = gzip.compress(PLAIN[:500_000], mtime=0)
    points = points_of(first + gzip.compress(PLAIN, mtime=0))
    assert points == points_of(first) != []


def test_damage_ends_the_search() -> None:
    packed = gzip.compress(PLAIN, mtime=0)
    half = len(packed) // 2
    points = points_of(packed[:half] + b"\xff" * half)
    whole = [point for point in points_of(packed) if point.stored <= half]
    assert points[: len(whole) - 1] == whole[:-1] != []


def test_far_apart() -> None:
    """As the spacing says, and that of large layers is larger: their points are as few."""
    core = need_core()
    packed = zlib.compress(PLAIN, wbits=-15)
    finder = core.BlockFinder(100_000)
    finder.feed(packed)
    stored = [point[1] for point in finder.points()]
    assert len(stored) > 3 and all(b - a >= 100_000 for a, b in pairwise(stored))


@pytest.mark.parametrize(
    "change",
    [
        {"offset": 0}, {"stored": 0}, {"stored": 1 << 40}, {"bits": 8}, {"bits": -1}, {"bits": 2, "value": 4},
        {"value": -1}, {"window": b""}, {"window": bytes((1 << 15) + 1)}, {"offset": 1 << 50},
    ],
    ids=str,
)  # fmt: skip
def test_points_that_cannot_be(change: dict[str, Any]) -> None:
    packed = gzip.compress(PLAIN, mtime=0)
    first, second, *more = points_of(packed)
    damaged = first._replace(**change)
    with pytest.raises(DamagedEntry):
        unpack_points(msgspec.msgpack.encode([damaged, second, *more]), len(packed))


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x91\x01", b"\x91\x95\x01\x02\x03\x04\xa1x"])
def test_bytes_that_are_no_points(data: bytes) -> None:
    with pytest.raises(DamagedEntry):
        unpack_points(data, 1000)
