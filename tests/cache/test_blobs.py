"""Blobs stored by digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.cache import blobs, directory
from layertui.cache.blobs import BlobCache
from layertui.model.errors import LayertuiError
from tests.layouts import digest


def test_a_blob_is_stored_under_its_digest(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "new")
    assert cache.get(digest(b"one")) is None
    cache.put(digest(b"one"), b"one")
    found = cache.get(digest(b"one"))
    assert found is not None and found.pread(9, 0) == b"one"


def test_bytes_that_nobody_keeps_are_deleted(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path)
    with cache.writer() as writer:
        writer.write(b"half")
        writer.flush()
        assert writer.path.read_bytes() == b"half"
    with pytest.raises(LayertuiError), cache.writer() as writer:
        writer.write(b"half")
        raise LayertuiError("the connection broke")
    assert list(tmp_path.iterdir()) == []


def test_the_blob_just_written_is_kept_whatever_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "MAX_BLOB_BYTES", 0)
    monkeypatch.setattr(directory, "RECENT", 0)
    cache = BlobCache(tmp_path)
    for data in (b"one", b"two"):
        cache.put(digest(data), data)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [data]


def test_a_full_disk_is_an_error_that_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with (
        pytest.raises(LayertuiError, match=r"cannot keep a layer in .*No space left on device"),
        BlobCache(tmp_path).writer() as writer,
    ):
        writer.write(b"one")
        writer.keep()
    assert list(tmp_path.iterdir()) == []
