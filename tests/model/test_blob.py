"""Bytes of local files: those of the file that was there, or an error."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from layertui.model.blob import FileBlob, FileState
from layertui.model.errors import ImageChanged


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("is_open", [False, True], ids=["before", "after"])
def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time(is_open: bool, tmp_path: Path) -> None:
    """Noticed by its inode where it was not open yet; an open one is the old file still."""
    path = tmp_path / "a.tar"
    write(path, b"old")
    blob = FileBlob(path)
    if is_open:
        assert blob.pread(3, 0) == b"old"
    write(tmp_path / "b.tar", b"new")
    (tmp_path / "b.tar").replace(path)
    if is_open:
        assert blob.pread(3, 0) == b"old"
    else:
        with pytest.raises(ImageChanged):
            blob.pread(3, 0)


def test_a_file_that_was_written_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    write(path, b"old")
    blob = FileBlob(path)
    assert blob.pread(3, 0) == b"old"
    path.write_bytes(b"new")
    with pytest.raises(ImageChanged):
        blob.pread(3, 0)


def test_a_file_that_another_thread_is_opening_is_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thread reads between the opening and the look at what was opened."""
    write(tmp_path / "a.tar", b"old")
    blob = FileBlob(tmp_path / "a.tar")
    read: list[object] = []

    def second() -> None:
        try:
            read.append(blob.pread(3, 0))
        except ImageChanged as error:
            read.append(error)

    thread, of = threading.Thread(target=second), FileState.of

    def looked_at(facts: os.stat_result) -> FileState:
        thread.start()
        thread.join(0.2)  # it waits until this has returned
        return of(facts)

    monkeypatch.setattr(FileState, "of", looked_at)
    assert blob.pread(3, 0) == b"old"
    thread.join()
    assert read == [b"old"]
