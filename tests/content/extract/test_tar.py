"""The tar that is written of a selection; see also :mod:`tests.content.extract.test_against_umoci`."""

from __future__ import annotations

import io
import tarfile

import pytest

from layertui.content.extract.selection import LeftOut, changeset, tree
from layertui.content.extract.tar import write_selection
from layertui.model.errors import LayertuiError
from layertui.model.numbers import ROOT, LayerNumber, Node
from tests import hostile
from tests.content.archives import contents_of, contents_of_layers, sparse_tar
from tests.layers.tars import END, extended, file, header


def written(blob: bytes) -> tuple[list[str], list[LeftOut]]:
    """The names in the tar of all of a layer, and what is not in there."""
    contents, union = contents_of(blob)
    out = io.BytesIO()
    left_out = write_selection(tree(union, LayerNumber(1)), contents, out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        return archive.getnames(), left_out


def test_a_hostile_image_comes_back_whole() -> None:
    contents, union = contents_of_layers(list(hostile.image().layers))
    out = io.BytesIO()
    left_out = write_selection(tree(union, LayerNumber(3)), contents, out)
    assert len(left_out) == 4
    assert all(left.why.startswith("a tar cannot store its attribute user.<") for left in left_out)
    again, other = contents_of(out.getvalue())
    assert {warning.code for warning in other.warnings} == {"name-too-long"}
    for node in union.descendants(ROOT):
        event = union.at(node, LayerNumber(3))
        if event >= 0:
            mine = other.at(other.find_key(union.key(node)), LayerNumber(1))
            entry, found = union.entry(event).to_json(), other.entry(mine).to_json()
            assert found == {**entry, "layer": 1, "implied": False, "xattrs": {}}
            if entry["type"] == "file":
                assert again.read(mine) == contents.read(event)


def test_attributes_of_any_bytes() -> None:
    value = bytes(range(256))
    contents, union = contents_of(extended((b"SCHILY.xattr.security.x", value)) + file(b"f") + END)
    out = io.BytesIO()
    assert not write_selection(tree(union, LayerNumber(1)), contents, out)
    _, other = contents_of(out.getvalue())
    assert other.entry(other.at(Node(1), LayerNumber(1))).xattrs == {"security.x": value}


def test_what_no_tar_can_hold_is_left_out() -> None:
    huge = b"\x80\0\0\0\x7f\xff\xff\xff"
    device = header(b"device", b"3", major=huge, minor=huge)
    names, left_out = written(file(b"ok") + device + END)
    assert names == ["ok"]
    assert left_out == [LeftOut("/device", "its numbers do not fit a tar header")]


def test_holes_of_terabytes_are_not_written() -> None:
    size = 1 << 42
    names, left_out = written(sparse_tar((0, 3), size=size, data=b"abc"))
    assert names == []
    assert left_out == [LeftOut("/sparse", f"it claims {size - 3:,} bytes of zeros")]


def test_a_small_file_that_breaks_off_is_left_out() -> None:
    names, left_out = written(file(b"a", b"a" * 1000) + file(b"b", b"b" * 1000)[:-1000])
    assert names == ["a"]
    assert left_out == [LeftOut("/b", "the layer ends in the middle of it")]


def test_a_large_one_breaks_the_tar_off() -> None:
    with pytest.raises(LayertuiError, match="the layer ends in the middle of it"):
        written(file(b"b", b"b" * 20_000_000)[:-1000])


def test_whiteouts_come_before_what_has_their_name_by_then() -> None:
    """Engines remove a path when they come to its whiteout (layer.md of the image spec asks for this order)."""
    below, above = file(b"a/one") + END, file(b"a/.wh.one") + file(b"a/one") + file(b"a/.wh..wh..opq") + END
    contents, union = contents_of(below, above)
    out = io.BytesIO()
    assert not write_selection(changeset(union, LayerNumber(2)), contents, out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        names = archive.getnames()
    assert names.index("a/.wh..wh..opq") < names.index("a/one")
    assert max(names.index(name) for name in names if "/.wh." in name) < names.index("a/one")
