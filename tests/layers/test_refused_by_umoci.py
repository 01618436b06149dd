"""Layers that umoci refuses are those of which a warning says so, for what can be wrong with a tar."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from layertui.layers.load import index_layer
from layertui.union.builder import UnionBuilder
from tests.images import layers_of
from tests.layers.tars import END, extended, file, header, padded
from tests.layouts import LAYER, OciLayout
from tests.programs import need

FILE = file(b"f", b"1" * 100)
TARS = {
    "whole": FILE + END,
    "no padding": FILE[:612],
    "half padding": FILE[:700],
    "no end": FILE,
    "one zero block": FILE + bytes(512),
    "half a zero block": FILE + bytes(511),
    "a zero block and a half": FILE + bytes(1000),
    "name of 255 bytes": extended((b"path", b"n" * 255)) + FILE + END,
    "name of 256 bytes": extended((b"path", b"n" * 256)) + FILE + END,
    "large attribute": extended((b"SCHILY.xattr.user.large", b"v" * 65_537)) + FILE + END,
    "directory twice": header(b"d/", b"5") * 2 + END,
    "whiteout twice": file(b".wh.x") * 2 + END,
    "device 0:0": header(b"c", b"3", major=b"0", minor=b"0") + END,
    "link to itself": FILE + header(b"f", b"1", linkname=b"f") + END,
    "malformed mode": header(b"f", mode=b"abc") + END,
    "malformed time": header(b"f", mtime=b"1x") + END,
    "malformed device number of a file": header(b"f", major=b"xyz") + END,
    "malformed device number of a link": header(b"f", b"2", linkname=b"x", minor=b"8") + END,
    "malformed device number before pax records": header(b"p", b"x", major=b"xyz") + FILE + END,
    "bytes in place of a device number, v7": header(b"f", magic=b"", major=b"xyz") + END,
    "two pax headers": extended((b"path", b"a")) + extended((b"mtime", b"5")) + FILE + END,
    "numbers after NUL": header(b"f", size=b"\x003", mode=b"\x00644") + padded(b"abc") + END,
    **{
        f"type {flag!r}": header(b"f", flag, b"3") + padded(b"abc") + END
        for flag in (b"7", b" ", b"D", b"V", b"N")
    },
}
BLOBS = {
    **{name: (gzip.compress(tar, mtime=0), tar) for name, tar in TARS.items()},
    "zeros behind": (gzip.compress(FILE + END) + bytes(20), FILE + END),
    "bytes behind": (gzip.compress(FILE + END) + b"garbage", FILE + END),
    "two members": (gzip.compress(FILE) + gzip.compress(END), FILE + END),
}


@pytest.mark.parametrize("name", BLOBS)
def test_refused(name: str, tmp_path: Path) -> None:
    need("umoci")
    stored, tar = BLOBS[name]
    [layer] = layers_of([stored])
    index = index_layer(layer, None)
    builder = UnionBuilder()
    builder.add(index)
    texts = [warning.text for warning in builder.freeze().warnings]
    words = ("engines refuse", "umoci refuse", "no engine can")
    is_said = any(word in text for word in words for text in texts)
    OciLayout(tmp_path / "layout").add_blob("1", f"{LAYER}+gzip", stored, tar)
    command = [
        "umoci",
        "raw",
        "unpack",
        "--rootless",
        "--image",
        f"{tmp_path}/layout:1",
        str(tmp_path / "root"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not index.damage and is_said == (done.returncode != 0), (texts, done.stderr[-500:])
