"""What is no regular file is neither waited for nor read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui.layers.unpacked.composefs import ComposefsDirectory
from layertui.layers.unpacked.tar_split import pieces
from layertui.model.errors import LayertuiError
from layertui.model.regular_file import open_regular
from layertui.sources.containerd.bolt import read_bolt
from layertui.sources.files import read_text


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link_to_a_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


def link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_a_terminal(path: Path) -> None:
    path.symlink_to("/dev/ptmx")


def directory(path: Path) -> None:
    path.mkdir()


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


MADE = (fifo, link_to_a_fifo, link_to_zeros, link_to_a_terminal, directory, listening)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_where_a_file_is_expected(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(OSError, match=r"No such device|not a regular file"):
        open_regular(path)
    assert read_text(path) == ""
    for read in (read_bolt, lambda record: list(pieces(record))):
        with pytest.raises(LayertuiError, match=f"cannot read {path}"):
            read(path)
    with pytest.raises(LayertuiError, match=f"cannot read .*{path}"):
        ComposefsDirectory(path, tmp_path).scan()


def test_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x\n")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"x\n"
        assert read_text(tmp_path / name) == "x"
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")
