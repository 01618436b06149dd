"""Which files give more rights than is usual."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from layertui.insight.permissions import Permission, Right, permissions
from tests.commands.samples import tar
from tests.insight.reading import opened
from tests.layouts import OciLayout
from tests.programs import need, need_root
from tests.union.generator import Generator
from tests.union.test_against_umoci import unpack

PING = bytes.fromhex("0100000200200000000000000000000000000000")
"""``getfattr -n security.capability /bin/ping`` where ``getcap`` says ``cap_net_raw=ep``."""


def header(mode: int = 0o644, uid: int = 0, type_: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo()
    made.mode, made.uid, made.type = mode, uid, type_
    return made


def of(*tars: bytes) -> list[Permission]:
    return list(permissions(*opened(tars)))


def paths(*tars: bytes) -> list[tuple[Right, str]]:
    return [(row.right, row.entry.path) for row in of(*tars)]


def test_rights_of_files_and_directories() -> None:
    found = paths(
        tar(
            ("/su", header(0o4755)),
            ("/wall", header(0o2755)),
            ("/both", header(0o6755)),
            ("/open", header(0o666)),
            ("/tmp", header(0o1777, type_=tarfile.DIRTYPE)),
            ("/drop", header(0o777, type_=tarfile.DIRTYPE)),
            ("/mail", header(0o2775, type_=tarfile.DIRTYPE)),
            ("/link", "->su"),
            ("/null", header(0o666, type_=tarfile.CHRTYPE)),
        )
    )
    assert found == [
        (Right.SETUID, "/both"), (Right.SETUID, "/su"), (Right.SETGID, "/both"), (Right.SETGID, "/wall"),
        (Right.WRITABLE, "/drop"), (Right.WRITABLE, "/open"),
    ]  # fmt: skip


def test_capabilities() -> None:
    ping = header(0o755)
    ping.pax_headers = {"SCHILY.xattr.security.capability": PING.decode("latin-1")}
    assert [(row.right, row.capabilities) for row in of(tar(("/ping", ping)))] == [
        (Right.CAPABILITIES, "cap_net_raw=ep")
    ]


def test_owners_that_the_image_does_not_know_are_one_row_a_directory() -> None:
    passwd = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n"
    rows = of(
        tar(
            ("/etc/passwd", passwd),
            ("/app", header(0o755, 1000, tarfile.DIRTYPE)),
            ("/srv", header(0o755, 1001, tarfile.DIRTYPE)),
            ("/srv/a", header(0o644, 1001)),
            ("/srv/b", header(0o755, 1001, tarfile.DIRTYPE)),
            ("/srv/b/c", header(0o644, 1001)),
            ("/srv/b/mine", header(0o644, 1000)),
            ("/srv/other", header(0o644, 1002)),
        )
    )
    assert [(row.right, row.entry.path, row.entry.uid, row.paths) for row in rows] == [
        (Right.UNKNOWN_OWNER, "/srv", 1001, 4),
        (Right.UNKNOWN_OWNER, "/srv/other", 1002, 1),
    ]


def test_only_the_final_tree_counts() -> None:
    base = tar(("/su", header(0o4755)), ("/gone", header(0o4755)))
    assert of(base, tar(("/su", header(0o755)), ("/.wh.gone", b""))) == []


@pytest.mark.parametrize("seed", range(10))
def test_random_images_against_umoci(seed: int, tmp_path: Path) -> None:
    need("umoci")
    need_root()
    tars = Generator(seed).layers()
    OciLayout(tmp_path / "layout").add("1", tars)
    there = unpack(tmp_path / "layout", "1", tmp_path / "root")
    expected = set()
    for path, facts in there.items():
        mode = facts.mode or 0
        if facts.type == "file":
            expected |= {
                (right, path) for right, bit in (("setuid", 0o4000), ("setgid", 0o2000)) if mode & bit
            }
        if (facts.type == "file" and mode & 2) or (facts.type == "directory" and mode & 0o1002 == 2):
            expected.add(("world-writable", path))
    found = of(*tars)
    rows = [row for row in found if row.right != Right.UNKNOWN_OWNER]
    assert {(str(row.right), row.entry.path) for row in rows} == expected
    strangers = sum(facts.owner[0] != 0 for facts in there.values())
    assert sum(row.paths for row in found if row.right == Right.UNKNOWN_OWNER) == strangers
