"""The index cache returns what it was given, or nothing: never what is damaged."""

from __future__ import annotations

import os
import threading
import zlib
from pathlib import Path

import pytest
import zstandard

from layertui.cache import directory, indexes
from layertui.cache.indexes import ENTRY_MAGIC, MIN_INFLATED, DamagedEntry, IndexCache, seal, unseal
from tests.programs import need_root

DATA = os.urandom(500) + bytes(2 * indexes.MIN_ZSTD)


def test_round_trip(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "new")
    assert cache.read("key", bytes) is None and not cache.has("key")
    cache.write("key", DATA)
    assert cache.read("key", bytes) == DATA and cache.has("key")


def test_damage_is_detected_wherever_it_is(tmp_path: Path) -> None:
    data = seal(DATA)
    for position in range(len(data)):
        bad = bytearray(data)
        bad[position] ^= 1
        with pytest.raises(DamagedEntry):
            unseal(bytes(bad))
        with pytest.raises(DamagedEntry):
            unseal(data[:position])
    cache = IndexCache(tmp_path)
    (tmp_path / "key").write_bytes(data[:-1])
    assert cache.read("key", bytes) is None and not (tmp_path / "key").exists()


def test_an_entry_that_does_not_decode_is_deleted(tmp_path: Path) -> None:
    def refuse(_: bytes) -> None:
        raise DamagedEntry("hostile")

    cache = IndexCache(tmp_path)
    cache.write("key", DATA)
    assert cache.read("key", refuse) is None and not cache.has("key")


def test_bombs_are_refused_before_they_inflate(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zstandard.ZstdCompressor().compress(bytes(1 << 20))
    monkeypatch.setattr(indexes, "MAX_INFLATED", 1000)
    with pytest.raises(DamagedEntry, match="excessive"):
        unseal(ENTRY_MAGIC + zlib.crc32(data).to_bytes(4, "little") + data)


def test_a_small_file_does_not_inflate_to_gigabytes(tmp_path: Path) -> None:
    """Within the size limit: only the ratio reveals it."""
    data = seal(bytes(1 << 30))
    with pytest.raises(DamagedEntry, match="excessive"):
        unseal(data)
    assert unseal(seal(bytes(MIN_INFLATED))) == bytes(MIN_INFLATED)


def test_entries_of_another_user_and_symlinks_are_not_read(tmp_path: Path) -> None:
    need_root()
    cache = IndexCache(tmp_path)
    cache.write("key", DATA)
    os.chown(tmp_path / "key", 12345, 12345)
    assert not cache.has("key") and cache.read("key", bytes) is None
    cache.write("key", DATA)
    assert cache.read("key", bytes) == DATA  # its own, in its place
    (tmp_path / "link").symlink_to("key")
    assert not cache.has("link") and cache.read("link", bytes) is None


def test_a_fifo_is_no_entry(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    cache = IndexCache(tmp_path)
    assert not cache.has("key") and cache.read("key", bytes) is None
    cache.write("key", DATA)
    assert cache.read("key", bytes) == DATA


def test_another_version_or_byte_order_is_damage() -> None:
    data = seal(DATA)
    for other in (ENTRY_MAGIC[:-2] + b"\x7f" + ENTRY_MAGIC[-1:], ENTRY_MAGIC[:-1] + b"?"):
        with pytest.raises(DamagedEntry, match="version"):
            unseal(other + data[len(ENTRY_MAGIC) :])


def test_a_folder_that_cannot_be_written_only_means_that_nothing_is_cached(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = IndexCache(tmp_path / "file")
    with cache.lock("key"):
        cache.write("key", DATA)
    assert cache.read("key", bytes) is None


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    IndexCache(tmp_path).write("key", DATA)
    assert list(tmp_path.iterdir()) == []


def test_two_writers(tmp_path: Path) -> None:
    wrong: list[bytes | None] = []

    def write() -> None:
        for _ in range(20):
            IndexCache(tmp_path).write("key", DATA)
            if (found := IndexCache(tmp_path).read("key", bytes)) != DATA:
                wrong.append(found)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and [path.name for path in tmp_path.iterdir()] == ["key"]


def test_the_longest_unused_are_evicted_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = IndexCache(tmp_path)
    for number in range(4):
        cache.write(f"{number}", DATA)
        os.utime(tmp_path / f"{number}", (number, number))
    cache.read("0", bytes)
    monkeypatch.setattr(indexes, "MAX_INDEX_BYTES", 3 * len(seal(DATA)))
    cache.write("4", DATA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "3", "4"]


def test_an_entry_just_written_is_kept_whatever_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "MAX_INDEX_BYTES", 0)
    monkeypatch.setattr(directory, "RECENT", 0)
    cache = IndexCache(tmp_path)
    for key in ("a", "b"):
        cache.write(key, DATA)
        assert [path.name for path in tmp_path.iterdir()] == [key]
