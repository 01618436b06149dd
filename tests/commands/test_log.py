"""``layertui log``."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful, image, tar


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


def test_lines_with_the_layer_that_wrote_each(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert run("log", path, "/etc/conf", "--lines").lines == [
        "LAYER  STEP     LINE  TEXT",
        "    1  layer 1     1  one",
        "    2  layer 2     2  2",
        "    1  layer 1     3  three",
    ]
    assert run("log", path, "/etc/conf", "--lines", "--json").objects == [
        {"path": "/etc/conf", "line": 1, "layer": 1, "certain": True, "text": "one"},
        {"path": "/etc/conf", "line": 2, "layer": 2, "certain": True, "text": "2"},
        {"path": "/etc/conf", "line": 3, "layer": 1, "certain": True, "text": "three"},
    ]


def test_lines_of_what_was_deleted_and_added_again_are_new(run: Run, tmp_path: Path) -> None:
    assert [row["layer"] for row in run("log", eventful(tmp_path), "/gone", "--lines", "--json").objects] == [
        3
    ]


def test_lines_of_a_deleted_file_are_those_of_its_last_version(run: Run, tmp_path: Path) -> None:
    done = run("log", eventful(tmp_path), "/opaque/old", "--lines")
    assert done.lines[1:] == ["    1  layer 1     1  old"]
    assert done.err == "layertui: warning: layer 2 deletes it; these are the lines of its last version\n"


def test_lines_are_escaped_and_tabs_expanded(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/f", b"a\tb\x1b[2J\xff\r\n")))
    assert run("log", path, "/f", "--lines").lines[1] == r"    1  layer 1     1  a       b␛[2J\xff"
    assert run("log", path, "/f", "--lines", "--json").objects[0]["text"] == "a\tb\x1b[2J\udcff\r"


def test_what_has_no_lines(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert run("log", path, "/etc/bin", "--lines").err == "layertui: no lines of /etc/bin, it is binary\n"
    assert run("log", path, "/etc", "--lines").err == (
        "layertui: no lines of /etc, layer 1 stores no file there\n"
    )
