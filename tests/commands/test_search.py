"""``layertui search``."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful, image, tar


def test_lines_with_layer_path_and_number(run: Run, tmp_path: Path) -> None:
    done = run("search", eventful(tmp_path), "three")
    assert (done.status, done.lines) == (0, ["1   /hard:3:three", "3   /etc/conf:3:three"])
    assert done.err == "layertui: warning: skipped: 1 binary file; --text searches binary files\n"
    hidden = run("search", eventful(tmp_path / "again"), "-i", "--hidden", "SECRET", "--quiet")
    assert (hidden.status, hidden.lines, hidden.err) == (0, ["1 - /gone:1:secret"], "")


def test_json_is_an_object_a_line(run: Run, tmp_path: Path) -> None:
    done = run("search", eventful(tmp_path), "-E", "tw[o]", "/etc", "--hidden", "--json", "--quiet")
    match = {
        "path": "/etc/conf",
        "layer": 1,
        "visible": False,
        "line": 2,
        "text": "two",
        "start": 0,
        "end": 3,
    }
    assert done.objects == [{**match, "where": "file"}]


def test_config_and_history(run: Run, tmp_path: Path) -> None:
    done = run("search", "demo:", "PYTHONUNBUFFERED", "--config", "--quiet")
    assert done.lines == [
        "    config.Env:3:PYTHONUNBUFFERED=1",
        "    history:4:ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1",
    ]
    assert run("search", "demo:", "PYTHONUNBUFFERED", "--quiet").status == 1


def test_not_found_is_1_as_with_grep(run: Run, tmp_path: Path) -> None:
    done = run("search", eventful(tmp_path), "nowhere at all", "--quiet")
    assert (done.status, done.out, done.err) == (1, b"", "")


def test_the_tree_of_a_layer(run: Run, tmp_path: Path) -> None:
    folder = eventful(tmp_path)
    assert run("search", folder, "two", "--layer", 1, "--quiet").lines == ["1   /etc/conf:2:two", "1   /hard:2:two"]  # fmt: skip
    assert run("search", folder, "two", "--quiet").lines == ["1   /hard:2:two"]
    assert "the layers of" in run("search", folder, "two", "--layer", 4).err


def test_binary_files(run: Run, tmp_path: Path) -> None:
    assert run("search", eventful(tmp_path), "-a", "\x01", "--quiet").out == "2   /etc/bin:1:␀␁␃\n".encode()


def test_a_file_cut_off_is_status_2(run: Run, tmp_path: Path) -> None:
    folder = image(tmp_path, tar(("/a", b"needle\n"), ("/b", b"needle\n" * 999)))
    (blob,) = (path for path in (folder / "blobs/sha256").iterdir() if path.stat().st_size > 5000)
    blob.write_bytes(blob.read_bytes()[:4000])
    done = run("search", folder, "needle", "--json")
    assert done.status == 2 and done.objects[0]["path"] == "/a"


def test_a_pattern_that_is_none(run: Run) -> None:
    done = run("search", "demo:", "-E", "a)")
    assert done.status == 2 and done.err.startswith("layertui: not a regular expression: a), unbalanced")
