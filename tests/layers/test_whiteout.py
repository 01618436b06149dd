"""Names of files that stand for whiteouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.whiteout import hides_nothing, parse_whiteout, whiteout_name
from layertui.model.layer_index import Kind, path_of

NAMES = {
    "d/.wh.gone": (Kind.WHITEOUT, "/d/gone"),
    ".wh.top": (Kind.WHITEOUT, "/top"),
    "d/.wh..hidden": (Kind.WHITEOUT, "/d/.hidden"),
    ".wh....": (Kind.WHITEOUT, "/..."),
    "d/.wh..wh..opq": (Kind.OPAQUE, "/d"),
    ".wh..wh..opq": (Kind.OPAQUE, "/"),
    ".wh..wh.plnk": (Kind.METADATA, "/.wh..wh.plnk"),
    "d/.wh.": (Kind.METADATA, "/d/.wh."),
    "d/.wh..": (Kind.METADATA, "/d/.wh.."),
    ".wh...": (Kind.METADATA, "/.wh..."),
}


def key(path: str) -> bytes:
    return path.encode().replace(b"/", b"\0")


@pytest.mark.parametrize("path", NAMES)
def test_names_of_whiteouts(path: str) -> None:
    parsed = parse_whiteout(key(path))
    assert parsed is not None
    assert (parsed[0], path_of(parsed[1])) == NAMES[path]
    malformed = [path for path in NAMES if hides_nothing(key(path).rpartition(b"\0")[2])]
    assert malformed == ["d/.wh.", "d/.wh..", ".wh..."]


@pytest.mark.parametrize("path", ["", "wh.x", ".wh", ".wha", "d/x.wh.y", ".wh.d/x"])
def test_other_names(path: str) -> None:
    assert parse_whiteout(key(path)) is None


def test_a_name_and_its_whiteout() -> None:
    assert parse_whiteout(b"a\0" + whiteout_name(b"b")) == (Kind.WHITEOUT, b"a\0b")


def test_names_in_a_directory(tmp_path: Path) -> None:
    for path in NAMES:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    index = UnpackedDirectory(tmp_path, whiteout_names=True).scan()
    found = {(Kind(kind), path_of(key)) for kind, key in zip(index.kind, index.entry_keys(), strict=True)}
    assert found - {(Kind.DIRECTORY, "/d")} - {(Kind.DIRECTORY, "/")} == set(NAMES.values())
