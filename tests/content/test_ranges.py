"""Byte ranges that differ, against a comparison byte by byte."""

import random
from itertools import pairwise

import pytest

from layertui.content import ranges as module
from layertui.content.ranges import ByteRange, ReadAt, differing_ranges


def reader(data: bytes) -> ReadAt:
    return lambda offset, length: data[offset : offset + length]


@pytest.mark.parametrize("piece", [1, 7, 64, 1 << 18])
def test_ranges_hold_every_byte_that_differs_and_end_with_one(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(module, "COMPARED_CHUNK", piece)
    for seed in range(50):
        chance = random.Random(seed)
        one = bytearray(chance.choice([b"\0", b"ab"]) * chance.randrange(1, 300))
        other = bytearray(one)
        for _ in range(chance.randrange(0, 12)):
            other[chance.randrange(len(other))] ^= chance.randrange(256)
        differing = [at for at in range(len(one)) if one[at] != other[at]]
        found = list(differing_ranges(reader(bytes(one)), reader(bytes(other)), len(one)))
        assert [at for at in differing if not any(r.start <= at < r.end for r in found)] == []
        assert all(r.start in differing and r.end - 1 in differing for r in found)
        assert all(b.start - a.end >= 16 for a, b in pairwise(found))


def test_reads_no_further_than_it_is_asked_for() -> None:
    asked: list[int] = []

    def zeros(offset: int, length: int) -> bytes:
        asked.append(offset)
        return bytes(length)

    def ones(offset: int, length: int) -> bytes:
        return b"\1" + bytes(length - 1)

    found = differing_ranges(zeros, ones, 1 << 40)
    assert next(found) == ByteRange(0, 1)
    assert len(asked) == 2
