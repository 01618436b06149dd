"""``layertui log``."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful


def test_every_version_base_first_deletions_too(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    first, deleted, back = run("log", path, "/gone", "--json").objects
    assert (first["layer"], first["size"], back["layer"], back["size"]) == (1, 7, 3, 5)
    assert deleted == {"path": "/gone", "layer": 2, "deleted": "file"}
    assert run("log", path, "/opaque/old", "--json").objects[1]["deleted"] == "opaque"
    assert run("log", path, "/dir/below/file", "--json").objects[1]["deleted"] == "replaced"


def test_says_what_each_version_changed(run: Run, tmp_path: Path) -> None:
    assert run("log", eventful(tmp_path), "/etc/conf").lines == [
        "   LAYER  MODE        OWNER  SIZE  MODIFIED             WHAT     PATH",
        "+      1  -rw-r--r--  0:0    14 B  2023-11-14 22:13:20           /etc/conf",
        "~      2  -rw-r--r--  0:0    12 B  2023-11-14 22:13:20  content  /etc/conf",
        "=      3  -rw-r--r--  0:0    12 B  2023-11-14 22:13:20           /etc/conf",
    ]


def test_finds_what_lies_behind_a_symlinked_directory(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    for name in ("/lib/so", "usr/lib/../lib/so", "/usr/lib/so"):
        assert [row["path"] for row in run("log", path, name, "--json").objects] == ["/usr/lib/so"] * 2
    assert run("log", path, "/lib/nothing").err == (
        "layertui: no /lib/nothing at layer 3, nearest existing path: /usr/lib\n"
    )
