"""The index cache gives back what it was given, or nothing: never what is damaged or hostile."""

from __future__ import annotations

import os
import random
import threading
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from layertui.layers import codec as module
from layertui.layers.codec import MAGIC, DamagedIndex, IndexCache, decode, encode
from tests.layers.tars import facts, random_tar, scanned

INDEX = scanned(random_tar(7, 2))


def packed(body: object) -> bytes:
    """Bytes with a right checksum, whatever is in them."""
    data = zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(body))
    return MAGIC + zlib.crc32(data).to_bytes(4, "little") + data


def body() -> dict[str, Any]:
    raw = zstandard.ZstdDecompressor().decompress(encode(INDEX)[len(MAGIC) + 4 :])
    value: dict[str, Any] = msgspec.msgpack.decode(raw)
    return value


def test_round_trip(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "new")
    assert cache.load("key") is None
    cache.save("key", INDEX)
    found = cache.load("key")
    assert found is not None and facts(found) == facts(INDEX)
    assert found.warnings == INDEX.warnings and found.tar_size == INDEX.tar_size


def test_damage_is_seen_wherever_it_is(tmp_path: Path) -> None:
    data = encode(INDEX)
    for position in range(len(data)):
        bad = bytearray(data)
        bad[position] ^= 1
        with pytest.raises(DamagedIndex):
            decode(bytes(bad))
        with pytest.raises(DamagedIndex):
            decode(data[:position])
    cache = IndexCache(tmp_path)
    (tmp_path / "key").write_bytes(data[:-1])
    assert cache.load("key") is None and not (tmp_path / "key").exists()


def test_hostile_bodies_are_refused() -> None:
    """Each field replaced by values of every type, with a right checksum."""
    assert facts(decode(packed(body()))) == facts(INDEX)
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
                decode(packed({**body(), name: value}))
            except DamagedIndex:
                continue
            may_be_empty = {"links": [], "extra": [], "warnings": [], "stamp": b""}
            assert value == may_be_empty.get(name), (name, value)


def test_what_was_kept_before_there_were_stamps_is_still_good() -> None:
    before = body()
    del before["stamp"]
    assert facts(decode(packed(before))) == facts(INDEX)


def test_random_columns_are_refused_or_fit() -> None:
    random_ = random.Random(2)
    for _ in range(300):
        value = body()
        columns = list(value["columns"])
        number = random_.randrange(len(columns))
        columns[number] = random_.randbytes(random_.choice((0, 1, len(columns[number]))))
        try:
            index = decode(packed({**value, "columns": columns}))
        except DamagedIndex:
            continue
        facts(index)


def test_bombs_are_refused_before_they_inflate() -> None:
    data = zstandard.ZstdCompressor().compress(bytes(1 << 20))
    small = MAGIC + zlib.crc32(data).to_bytes(4, "little") + data
    with pytest.MonkeyPatch.context() as patch, pytest.raises(DamagedIndex, match="excessive"):
        patch.setattr(module, "MAX_INFLATED", 1000)
        decode(small)


def test_another_version_or_byte_order_is_made_anew() -> None:
    data = encode(INDEX)
    for other in (MAGIC[:-2] + b"\x7f" + MAGIC[-1:], MAGIC[:-1] + b"?"):
        with pytest.raises(DamagedIndex, match="version"):
            decode(other + data[len(MAGIC) :])


def test_a_folder_that_cannot_be_written_only_means_that_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = IndexCache(tmp_path / "file")
    cache.save("key", INDEX)
    assert cache.load("key") is None


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    IndexCache(tmp_path).save("key", INDEX)
    assert list(tmp_path.iterdir()) == []


def test_two_writers(tmp_path: Path) -> None:
    def write() -> None:
        for _ in range(20):
            IndexCache(tmp_path).save("key", INDEX)
            assert IndexCache(tmp_path).load("key") is not None

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_the_longest_unused_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = IndexCache(tmp_path)
    for number in range(4):
        cache.save(f"{number}", INDEX)
        os.utime(tmp_path / f"{number}", (number, number))
    cache.load("0")
    monkeypatch.setattr(module, "MAX_BYTES", 3 * len(encode(INDEX)))
    cache.save("4", INDEX)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "3", "4"]
