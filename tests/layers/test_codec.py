"""An index survives encoding; damaged and hostile bytes are refused."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from layertui.cache.indexes import DamagedEntry
from layertui.layers.codec import INDEX_COLUMNS, pack_index, unpack_index_checked
from tests.layers.tars import END, extended, facts, file, random_tar, scanned

INDEX = scanned(random_tar(7, 2))


def body() -> dict[str, Any]:
    value: dict[str, Any] = msgspec.msgpack.decode(pack_index(INDEX))
    return value


def test_round_trip() -> None:
    found = unpack_index_checked(pack_index(INDEX))
    assert facts(found) == facts(INDEX)
    assert found.warnings == INDEX.warnings and found.tar_size == INDEX.tar_size


LIMITS = (0, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mode", LIMITS[:4]),
        ("uid", LIMITS[:6]),
        ("gid", LIMITS[:6]),
        ("size", LIMITS),
        ("mtime", (-(1 << 40), -1, *LIMITS)),
        ("mtime_ns", LIMITS[:6]),
        ("offset", LIMITS),
        ("link", (-1, 0, 255, 32_766, 32_767, 32_768)),
    ],
)
def test_values_at_the_limits_of_narrower_columns(name: str, values: Sequence[int]) -> None:
    """A column takes no more room than its values need, and none of them changes."""
    index = scanned(file(b"a") + file(b"b") + END)
    index.links = [b"target"] * 32_769
    for value in values:
        for column in ([value, value], [value, 0], [1, value]):
            setattr(index, name, array(dict(INDEX_COLUMNS)[name], column))
            found = getattr(unpack_index_checked(pack_index(index)), name)
            assert list(found) == column
            if value == 0:
                assert found.itemsize == (2 if name == "link" else 1)


def test_hostile_bodies_are_refused() -> None:
    """Each field replaced by values of every type."""
    assert facts(unpack_index_checked(msgspec.msgpack.encode(body()))) == facts(INDEX)
    hostile: tuple[object, ...] = (
        None,
        -1,
        1 << 63,
        1.5,
        "x",
        b"",
        b"\0" * 9,
        b"/" * 99,
        [],
        [b"\xff" * 80],
        [[1, 2]],
        {},
        True,
    )
    for name in body():
        for value in hostile:
            try:
                unpack_index_checked(msgspec.msgpack.encode({**body(), name: value}))
            except DamagedEntry:
                continue
            may_be_empty = {"links": [], "extra": [], "warnings": [], "stamp": b""}
            assert value == may_be_empty.get(name), (name, value)


def test_attributes_that_entries_share_are_stored_once() -> None:
    """As in the scanner, whose limit of memory holds for the cache only so."""
    value = b"v" * 5000
    entries = b"".join(
        extended((b"SCHILY.xattr.user.a", value)) + file(b"f%d" % number) for number in range(99)
    )
    index = scanned(entries + END)
    packed = pack_index(index)
    assert packed.count(value) == 1
    found = unpack_index_checked(packed)
    assert [found.extra[number].xattrs for number in range(99)] == [{"user.a": value}] * 99
    assert len({id(extra.xattrs) for extra in found.extra.values()}) == 1


@pytest.mark.parametrize("place", [-1, 1 << 40])
def test_attributes_that_are_not_stored_are_refused(place: int) -> None:
    number, _, *rest = body()["extra"][0]
    with pytest.raises(DamagedEntry):
        unpack_index_checked(msgspec.msgpack.encode({**body(), "extra": [(number, place, *rest)]}))


def test_cut_bytes_are_refused() -> None:
    data = pack_index(INDEX)
    for length in range(0, len(data), 7):
        with pytest.raises(DamagedEntry):
            unpack_index_checked(data[:length])


def test_random_columns_are_refused_or_fit() -> None:
    random_ = random.Random(2)
    refused = fit = 0
    for _ in range(300):
        value = body()
        columns = list(value["columns"])
        number = random_.randrange(len(columns))
        columns[number] = random_.randbytes(random_.choice((0, 1, len(columns[number]))))
        try:
            index = unpack_index_checked(msgspec.msgpack.encode({**value, "columns": columns}))
        except DamagedEntry:
            refused += 1
            continue
        facts(index)
        fit += 1
    assert refused > 30 and fit > 30
