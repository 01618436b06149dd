"""Two-layer cases on which engines agree or are known not to: the tree that the spec asks for.

The engines' answers were measured with umoci 0.4.7, Docker 20.10 (overlay2 and vfs) and
Podman 4.3. Where umoci gives the spec's answer, it is asked again here.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.images import layers_of, reader, union_of
from tests.layouts import OciLayout, blob_bytes
from tests.union.test_against_umoci import unpack
from tests.union.trees import Facts, assert_same, merged


@dataclass(frozen=True)
class Case:
    """Layers are written as words: ``d/`` a directory, ``f=text``, ``l->target``, ``h=>linked``."""

    name: str
    lower: str
    upper: str
    tree: str
    codes: list[str] = field(default_factory=list)
    umoci: bool = True
    """Whether umoci gives the same."""


AGREED = [
    Case("whiteout", "a=1 b=2", ".wh.a", "b=2"),
    Case("whiteout of a directory", "d/ d/s/ d/s/a=1", ".wh.d", ""),
    Case("whiteout then opaque parent", "d/ d/a=1 d/b=2", "d/ d/.wh..wh..opq d/c=3", "d/ d/c=3"),
    Case("opaque first", "d/ d/old=1", "d/ d/.wh..wh..opq d/new=2", "d/ d/new=2"),
    Case("opaque last", "d/ d/old=1", "d/ d/new=2 d/.wh..wh..opq", "d/ d/new=2"),
    Case("opaque with the same name again", "d/ d/a=1 d/b=1", "d/ d/a=2 d/.wh..wh..opq", "d/ d/a=2"),
    Case("opaque without an entry for the directory", "d/ d/a=1", "d/.wh..wh..opq", "d/"),
    Case("directory over symlink", "r/ r/a=1 d->r", "d/ d/b=2", "r/ r/a=1 d/ d/b=2"),
    Case("opaque directory over symlink", "r/ r/a=1 d->r", "d/ d/.wh..wh..opq d/b=2", "r/ r/a=1 d/ d/b=2"),
    Case("directory with a whiteout over symlink", "r/ r/a=1 d->r", "d/ d/.wh.a", "r/ r/a=1 d/"),
    Case("symlink over directory", "d/ d/a=1", "d->x", "d->x"),
    Case("file over directory", "d/ d/s/ d/s/a=1", "d=2", "d=2"),
    Case("directory over file", "d=1", "d/ d/a=2", "d/ d/a=2"),
    Case("file over symlink", "r=1 l->r", "l=2", "r=1 l=2"),
    Case("directory over directory", "d/ d/a=1", "d/ d/b=2", "d/ d/a=1 d/b=2"),
    Case("implied parents", "a=1", "x/y/z=2", "a=1 x/ x/y/ x/y/z=2"),
    Case("hardlink named from the root", "z=0", "a=1 h=>/a", "z=0 a=1 h=1"),
    Case("hardlink to a symlink", "z=0", "l->z h=>l", "z=0 l->z h->z"),
    Case("whiteout that is a directory", "a=1 b=2", ".wh.a/", "b=2", ["whiteout-not-empty"]),
    Case("whiteout that is a symlink", "a=1 b=2", ".wh.a->b", "b=2", ["whiteout-not-empty"]),
    Case("whiteout with content", "a=1 b=2", ".wh.a=text", "b=2", ["whiteout-not-empty"]),
    Case("whiteout of nothing", "a=1", ".wh.b d/ d/.wh.c", "a=1 d/"),
    Case("whiteout in the base", ".wh.a d/ d/.wh..wh..opq d/b=2", "c=3", "d/ d/b=2 c=3"),
    Case("whiteout of a hidden file", ".hidden=1 hidden=2", ".wh..hidden", "hidden=2"),
    Case("other files of AUFS", "a=1", ".wh..wh.aufs .wh..wh.plnk/ d/ d/.wh..wh.x", "a=1 d/", umoci=False),
    Case(
        "files in a directory of AUFS",
        "a=1",
        ".wh..wh.plnk/ .wh..wh.plnk/1=2 .wh..wh.plnk/2=3 d/ d/.wh..wh.x/y=4",
        "a=1 .wh..wh.plnk/ .wh..wh.plnk/1=2 .wh..wh.plnk/2=3 d/ d/.wh..wh.x/ d/.wh..wh.x/y=4",
        ["aufs-directory"],
    ),
    Case(
        "names from the root and with dots",
        "a=1 d/",
        "/a=2 ./b=3 d/../c=4 ../e=5 d//f=6",
        "a=2 b=3 c=4 d/ d/f=6 e=5",
        ["path-escapes"],
    ),
    Case(
        "directory deleted and made again",
        "d/ d/s/ d/s/old=1",
        "d/ d/s/ d/s/.wh..wh..opq d/s/new=2",
        "d/ d/s/ d/s/new=2",
    ),
    Case("opaque and deleted later", "d/ d/a=1", "d/ d/.wh..wh..opq", "d/"),
]

DISAGREED = [
    Case("whiteout then file", "a=1", ".wh.a a=2", "a=2", ["whiteout-of-own-entry"]),
    Case("file then whiteout", "a=1", "a=2 .wh.a", "a=2", ["whiteout-of-own-entry"]),
    Case(
        "child then whiteout",
        "d/ d/s/ d/s/old=1",
        "d/ d/s/new=2 d/.wh.s",
        "d/ d/s/ d/s/new=2",
        ["whiteout-of-own-entry"],
    ),
    Case(
        "whiteout then directory",
        "d/ d/s/ d/s/old=1",
        "d/.wh.s d/s/ d/s/new=2",
        "d/ d/s/ d/s/new=2",
        ["whiteout-of-own-entry"],
    ),
    Case("whiteout then child alone", "d/ d/old=1", ".wh.d d/new=2", "d/ d/new=2", ["whiteout-of-own-entry"]),
    Case("opaque root", "a=1 d/ d/b=2", ".wh..wh..opq c=3", "c=3", ["opaque-root"]),
    Case("opaque of nothing", "a=1", "zz/.wh..wh..opq", "a=1", ["opaque-missing"]),
    Case("opaque of a file", "a=1", "a/.wh..wh..opq", "a=1", ["opaque-on-file"], umoci=False),
    Case("file below a symlink", "r/ d->r", "d/new=2", "r/ r/new=2 d->r", ["symlink-parent"]),
    Case("opaque below a symlink", "r/ r/a=1 d->r", "d/.wh..wh..opq", "r/ d->r", ["symlink-parent"]),
    Case("opaque of a file that becomes a directory", "a=1", "a/ a/.wh..wh..opq a/b=2", "a/ a/b=2"),
    Case("whiteout below a symlink", "r/ r/old=1 d->r", "d/.wh.old", "r/ d->r", ["symlink-parent"]),
    Case("file below a file", "d=1", "d/new=2", "d/ d/new=2", ["below-file"], umoci=False),
    Case("stored twice", "z=0", "a=1 a=2", "z=0 a=2", ["duplicate"]),
    Case("hardlink to the layer below", "a=1", "h=>a", "a=1 h=1", ["hardlink-below"]),
    Case("hardlink before its target", "z=0", "h=>a a=1", "z=0 h a=1", ["hardlink-dangling"], umoci=False),
    Case("hardlink to nothing", "z=0", "h=>a", "z=0 h", ["hardlink-dangling"], umoci=False),
    Case("hardlink to what is deleted", "a=1", ".wh.a h=>a", "h", ["hardlink-dangling"], umoci=False),
    Case("nameless whiteout", "d/ d/a=1", "d/.wh.", "d/ d/a=1", ["whiteout-invalid"], umoci=False),
    Case("whiteout of a dot", "d/ d/a=1", "d/.wh..", "d/ d/a=1", ["whiteout-invalid"], umoci=False),
    Case("whiteout of two dots", "d/ d/a=1", "d/.wh...", "d/ d/a=1", ["whiteout-invalid"], umoci=False),
    Case("whiteout below a whiteout", "d/ d/s/ d/s/o=1", ".wh.d d/s/.wh.o", "", ["whiteout-below-whiteout"]),
    Case(
        "file below a whiteout's name",
        "d/ d/a=1",
        ".wh.d/x=2",
        "d/ d/a=1 .wh.d/ .wh.d/x=2",
    ),
    Case(
        "opaque and whiteout inside",
        "d/ d/a=1 d/b=2",
        "d/ d/.wh..wh..opq d/.wh.a",
        "d/",
        ["whiteout-in-opaque"],
    ),
]


@pytest.mark.parametrize("case", AGREED + DISAGREED, ids=lambda case: case.name)
def test_tree_and_warnings(case: Case, tmp_path: Path) -> None:
    layers = layers_of([tar(case.lower), tar(case.upper)])
    union = union_of(layers)
    tree = merged(union, 2, reader(union, layers))
    assert words(tree) == sorted(case.tree.split())
    assert sorted({warning.code for warning in union.warnings}) == case.codes
    assert all(warning.layer == 2 and warning.text for warning in union.warnings)
    if case.umoci and os.geteuid() == 0 and shutil.which("umoci"):
        layout = OciLayout(tmp_path / "layout")
        layout.add("two", [blob_bytes(layer.blob) for layer in layers])
        assert_same(tree, unpack(layout.directory, "two", tmp_path / "root"))


def test_file_whose_name_ends_in_a_slash() -> None:
    member = tarfile.TarInfo("a/")
    member.size = 3
    layers = layers_of([pack([(member, b"abc")])])
    union = union_of(layers)
    assert words(merged(union, 1, reader(union, layers))) == ["a=abc"]


def words(tree: dict[str, Facts]) -> list[str]:
    """A tree in the words of a case; a hardlink to nothing stands alone."""
    return sorted(path[1:] + _value(facts) for path, facts in tree.items())


def _value(facts: Facts) -> str:
    if facts.type == "directory":
        return "/"
    if facts.type == "symlink":
        return f"->{facts.linkname}"
    return f"={facts.content.decode()}" if facts.content else ""


def tar(text: str) -> bytes:
    """A layer from its words."""
    members = []
    for word in text.split():
        member, content = tarfile.TarInfo(word), b""
        if "=>" in word:
            member.name, member.linkname = word.split("=>")
            member.type = tarfile.LNKTYPE
        elif "->" in word:
            member.name, member.linkname = word.split("->")
            member.type, member.mode = tarfile.SYMTYPE, 0o777
        elif word.endswith("/"):
            member.type, member.mode = tarfile.DIRTYPE, 0o755
        elif "=" in word:
            member.name, _, value = word.partition("=")
            content = value.encode()
            member.size = len(content)
        members.append((member, content))
    return pack(members)


def pack(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return output.getvalue()
