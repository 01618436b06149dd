"""Bytes of images that have been read: found by reference and ID together only."""

from __future__ import annotations

from pathlib import Path

from layertui.cache.image_bytes import recall_bytes, remember_bytes
from layertui.cache.indexes import IndexCache
from layertui.model.sizes import Bytes


def test_bytes_are_known_by_reference_and_id(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    remember_bytes(cache, "docker-archive:a.tar", "sha256:1", Bytes(5, 1 << 60))
    assert recall_bytes(cache, "docker-archive:a.tar", "sha256:1") == Bytes(5, 1 << 60)
    assert recall_bytes(cache, "docker-archive:b.tar", "sha256:1") is None
    assert recall_bytes(cache, "docker-archive:a.tar", "sha256:2") is None
    assert recall_bytes(cache, "docker-archive:a.tar", "") is None
    remember_bytes(cache, "docker-archive:a.tar", "sha256:1", Bytes(6, 0))
    assert recall_bytes(cache, "docker-archive:a.tar", "sha256:1") == Bytes(6, 0)


def test_damage_is_not_believed(tmp_path: Path) -> None:
    cache = IndexCache(tmp_path)
    remember_bytes(cache, "a\udcff", "sha256:1", Bytes(5, 7))
    (path,) = tmp_path.iterdir()
    cache.write(path.name, b"short")
    assert recall_bytes(cache, "a\udcff", "sha256:1") is None and not list(tmp_path.iterdir())
