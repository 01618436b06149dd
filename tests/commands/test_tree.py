"""``layertui tree``."""

from __future__ import annotations

import base64
import tarfile
from pathlib import Path

import pytest

from layertui.model.numbers import ROOT
from tests.commands.running import Run
from tests.commands.samples import HOSTILE, eventful, image, tar
from tests.images import layers_of, union_of
from tests.union.generator import Generator

FIELDS = {
    "path", "type", "mode", "uid", "gid", "size", "mtime", "linkname", "layer", "implied", "xattrs", "hardlink",
}  # fmt: skip


def test_prints_the_merged_tree_sorted_by_path_without_the_root(run: Run, tmp_path: Path) -> None:
    for name in ("demo:", eventful(tmp_path)):
        done = run("tree", name, "--json")
        assert (done.status, done.err) == (0, "")
        paths = [entry["path"] for entry in done.objects]
        assert paths == sorted(paths) and "/" not in paths and len(paths) > 10
        assert all(set(entry) == FIELDS for entry in done.objects)
    assert paths.index("/etc/conf-d") == paths.index("/etc/conf") + 1


def test_every_field_of_every_type(run: Run, tmp_path: Path) -> None:
    device, fifo, directory, special = (tarfile.TarInfo() for _ in range(4))
    device.type, device.devmajor, device.devminor, device.mode = tarfile.CHRTYPE, 1, 3, 0o666
    fifo.type = tarfile.FIFOTYPE
    directory.type, directory.mode, directory.uid, directory.gid = tarfile.DIRTYPE, 0o1777, 7, 70_000
    special.mode, special.mtime = 0o4755, 1_700_000_000.25
    special.pax_headers = {"SCHILY.xattr.user.x": "value", "mtime": "1700000000.25"}
    path = image(
        tmp_path,
        tar(
            ("/dev/null", device), ("/fifo", fifo), ("/tmp", directory), ("/su", special),
            ("/link", "->su"), ("/hard", "=su"), ("/file", b"12345"),
        ),
    )  # fmt: skip
    found = {entry["path"]: entry for entry in run("tree", path, "--json").objects}
    plain = {
        "uid": 0, "gid": 0, "size": 0, "mtime": "2023-11-14T22:13:20Z", "linkname": None, "layer": 1,
        "implied": False, "xattrs": {}, "hardlink": None,
    }  # fmt: skip
    su = {
        **plain, "type": "file", "mode": "4755", "mtime": "2023-11-14T22:13:20.25Z",
        "xattrs": {"user.x": base64.b64encode(b"value").decode()},
    }  # fmt: skip
    expected = {
        "/dev": {
            **plain,
            "type": "directory",
            "mode": "0755",
            "implied": True,
            "mtime": "1970-01-01T00:00:00Z",
        },
        "/dev/null": {**plain, "type": "char", "mode": "0666", "device": [1, 3]},
        "/fifo": {**plain, "type": "fifo", "mode": "0644"},
        "/tmp": {**plain, "type": "directory", "mode": "1777", "uid": 7, "gid": 70_000},
        "/su": su,
        "/link": {**plain, "type": "symlink", "mode": "0644", "linkname": "su"},
        "/hard": {**su, "hardlink": "/su"},
        "/file": {**plain, "type": "file", "mode": "0644", "size": 5},
    }
    assert found == {path: {"path": path, **facts} for path, facts in expected.items()}


def test_an_earlier_layer_and_a_part_of_the_tree(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert "/gone" in run("tree", path, "--layer", 1).text
    assert "/gone" not in run("tree", path, "--layer", 2).text
    paths = [entry["path"] for entry in run("tree", path, "/opaque", "--json").objects]
    assert paths == ["/opaque", "/opaque/new"]
    # As find(1): a symlink is followed if a slash stands behind it.
    assert [entry["path"] for entry in run("tree", path, "/lib", "--json").objects] == ["/lib"]
    assert [entry["path"] for entry in run("tree", path, "/lib/", "--json").objects] == ["/usr/lib"]


def test_the_table_lines_up(run: Run, tmp_path: Path) -> None:
    lines = run("tree", eventful(tmp_path), "/etc").lines
    assert lines == [
        "MODE        OWNER  SIZE  LAYER  PATH",
        "drwxr-xr-x  0:0              1  /etc",
        "-rw-r--r--  0:0     3 B      2  /etc/bin",
        "-rw-r--r--  0:0    12 B      3  /etc/conf",
        "-rw-r--r--  0:0    50 B      1  /etc/conf-d",
    ]


def test_names_are_escaped_in_a_pipe_and_exact_in_json(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert "/e␛[2J<U+202E>\\xff␊x\n" in run("tree", path).text
    done = run("tree", path, "--json")
    assert b"\\u001b[2J\\u202e\\udcff\\nx" in done.out
    assert HOSTILE in [entry["path"] for entry in done.objects]


def test_says_what_is_near_a_path_that_is_not_there(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)

    def told(wanted: str, *more: object) -> str:
        done = run("tree", path, wanted, *more)
        assert (done.status, done.out) == (2, b"")
        return done.err

    assert told("/etc/nothing/at/all") == (
        "layertui: no /etc/nothing/at/all at layer 3, nearest existing path: /etc\n"
    )
    assert told("/etc/conf/x") == (
        "layertui: no /etc/conf/x at layer 3, nearest existing path: /etc/conf, which is not a directory\n"
    )
    assert told("/gone", "--layer", 2) == (
        "layertui: no /gone at layer 2, layer 2 deletes /gone, see --layer 1\n"
    )
    assert told("/lib/so") == (
        "layertui: no /lib/so at layer 3, layer 3 deletes /usr/lib/so, see --layer 2\n"
    )
    assert "/loop links to loop, back at /loop" in told("/loop/x")
    assert "/dangling links to /nowhere/at/all, no /nowhere/at/all" in told("/dangling/")


@pytest.mark.parametrize("seed", range(12))
def test_is_the_union_of_random_images(run: Run, tmp_path: Path, seed: int) -> None:
    layers = Generator(seed).layers()
    union = union_of(layers_of(layers))
    entries = [
        union.entry(event, union.layers)
        for node in union.descendants(ROOT)
        if (event := union.at(node, union.layers)) >= 0
    ]
    expected = [entry.to_json() for entry in sorted(entries, key=lambda entry: entry.path)]
    assert run("tree", image(tmp_path, *layers), "--json", "--quiet").objects == expected
