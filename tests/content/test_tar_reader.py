"""Seek points: few enough, near enough, and right."""

from __future__ import annotations

import gzip
import random

import pytest

from layertui.content.tar_reader import BlockCache, SeekPoint, SeekPoints, TarReader
from layertui.model.blob import BytesBlob


def test_points_beyond_the_limit_are_thinned_and_the_spacing_doubles() -> None:
    points = SeekPoints(spacing=10, limit=4)
    for offset in (10, 20, 30):
        assert points.is_due(offset) and not points.is_due(offset - 1)
        points.add(SeekPoint(offset, offset // 2, None))
    assert [points.before(offset).offset for offset in (9, 10, 29, 35)] == [0, 10, 20, 30]
    points.add(SeekPoint(40, 20, None))  # the fifth: 10 and 30 go
    assert [points.before(offset).offset for offset in (9, 19, 39, 99)] == [0, 0, 20, 40]
    assert points.before(39).stored == 10
    assert not points.is_due(59) and points.is_due(60)


def test_points_are_found_in_whichever_order_they_were_added() -> None:
    points = SeekPoints(spacing=10, limit=100)
    offsets = list(range(10, 500, 10))
    random.Random(1).shuffle(offsets)
    for offset in offsets:
        points.add(SeekPoint(offset, offset, None))
    assert all(points.before(offset + 9).offset == offset for offset in offsets)


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_reads_are_right_however_many_points_are_kept(limit: int) -> None:
    random_ = random.Random(limit)
    tar = b"".join(random_.choices([random_.randbytes(9) for _ in range(50)], k=60_000))
    # Of several members, as appending to a gzip file makes it.
    blob = b"".join(gzip.compress(tar[start : start + 100_000], 1) for start in range(0, len(tar), 100_000))
    points = SeekPoints(spacing=20_000, limit=limit)
    reader = TarReader(1, BytesBlob(blob, "layer"), BlockCache(0), points)
    assert reader.read(0, len(tar)) == tar
    for _ in range(60):
        offset, length = random_.randrange(len(tar)), random_.randrange(30_000)
        assert reader.read(offset, length) == tar[offset : offset + length]
        assert len(points._points) <= limit
