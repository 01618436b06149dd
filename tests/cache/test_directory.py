"""Files that are whole or as they were."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from layertui.cache.directory import save
from layertui.model.errors import LayertuiError


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for data in (b"one", b"two"):
        save(tmp_path / "a", data)
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", data)]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    save(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"x"


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    save(tmp_path / "pipe", b"x")
    reader.join(10)
    assert read == [b"x"] and (tmp_path / "pipe").is_fifo()


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a", b"one")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(LayertuiError, match=r"cannot write .*/a, No space left on device"):
            save(tmp_path / "a", b"two")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"one")]
    with pytest.raises(LayertuiError, match="Is a directory"):
        save(tmp_path, b"x")
