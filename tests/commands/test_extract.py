"""``layertui extract``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.commands.running import Run
from tests.commands.samples import eventful, image, tar
from tests.programs import need


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def paths(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_file_as_it_was_at_a_layer(run: Run, tmp_path: Path, out: Path) -> None:
    done = run("extract", eventful(tmp_path), "/gone", out, "--layer", 1)
    assert (done.status, done.out, done.err) == (0, b"", "1 file, 7 bytes\n")
    assert (out / "gone").read_bytes() == b"secret\n"


def test_symlinks_are_followed_with_a_slash_behind_them(run: Run, tmp_path: Path, out: Path) -> None:
    path = eventful(tmp_path)
    assert run("extract", path, "/lib", out, "--layer", 1).status == 0
    assert (out / "lib").readlink() == Path("usr/lib")
    assert run("extract", path, "/lib/", tmp_path / "other", "--layer", 1).status == 0
    assert paths(tmp_path / "other") == ["lib", "lib/so"]


def test_sums_as_json(run: Run, tmp_path: Path, out: Path) -> None:
    done = run("extract", eventful(tmp_path), "/etc", out, "--json", "--quiet")
    assert done.err == ""
    assert done.objects == [{"destination": str(out), "files": 3, "bytes": 65, "left_out": []}]


def test_what_is_there_stays(run: Run, tmp_path: Path, out: Path) -> None:
    path = eventful(tmp_path)
    out.mkdir()
    (out / "gone").write_text("mine")
    done = run("extract", path, "/gone", out)
    assert (done.status, (out / "gone").read_text()) == (2, "mine")
    assert done.err.splitlines()[1:] == [
        f"layertui: will not replace {out}/gone, already there, --force replaces files"
    ]
    assert run("extract", path, "/gone", out, "--force").status == 0
    assert (out / "gone").read_text() == "back\n"


def test_what_one_layer_changed(run: Run, tmp_path: Path, out: Path) -> None:
    path = eventful(tmp_path)
    assert run("extract", path, "/", out, "--layer", 3, "--changes").status == 0
    assert paths(out) == ["etc", "etc/conf", "gone", "usr", "usr/lib", "usr/lib/.wh.so"]
    done = run("extract", path, "/opaque", out, "--layer", 3, "--changes")
    assert (done.status, done.err) == (
        2,
        "layertui: nothing to extract: layer 3 changes nothing at /opaque\n",
    )


def test_a_tar_is_what_the_tree_is(run: Run, tmp_path: Path) -> None:
    need("bsdtar")
    path = eventful(tmp_path)
    for layer in (1, 2, 3):
        done = run("extract", path, "/", "-", "--layer", layer)
        listed = subprocess.run(["bsdtar", "-tf", "-"], input=done.out, capture_output=True, check=True)
        names = {f"/{name.rstrip('/')}" for name in listed.stdout.decode().splitlines()}
        shown = {entry["path"] for entry in run("tree", path, "--json", "--layer", layer).objects}
        assert {name for name in names if name.isalpha()} == {name for name in shown if name.isalpha()}
        assert len(names) == len(shown)
        assert run("extract", path, "/", "-", "--layer", layer).out == done.out


@pytest.mark.parametrize(
    "words, told",
    [
        (("/none", "out"), "no /none at layer 3, nearest existing path: /"),
        (("/gone", "out", "--layer", "2"), "no /gone at layer 2, layer 2 deletes /gone"),
        (("/", ""), "DEST is empty, give a directory, or - for a tar"),
        (("/", "-", "--json"), "--json cannot be combined with a tar on stdout, give a directory"),
        (("/", "/dev/null"), "cannot write into /dev/null, Not a directory"),
        (("/", "/proc/none"), "cannot write into /proc/none, No such file or directory"),
    ],
)
def test_what_cannot_be_extracted(run: Run, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = run("extract", eventful(tmp_path), *words, "--quiet")
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith(f"layertui: {told}")
    assert done.err.count("\n") == 1


def test_a_damaged_layer_gives_what_is_there_and_says_so(run: Run, tmp_path: Path, out: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 1000), ("/b", b"b" * 100_000)))
    blob = max((path / "blobs/sha256").iterdir(), key=lambda file: file.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:50_000])
    done = run("extract", path, "/", out)
    assert (done.status, paths(out)) == (2, ["a"])
    assert done.err.splitlines()[-1] == (
        "layertui: 1 path not extracted as in the image, /b: the layer ends in the middle of it"
    )
    assert run("extract", path, "/a", out, "--force").status == 2  # for the layer is damaged


def test_a_terminal_gets_no_tar(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    words = ["-m", "layertui", "extract", "demo:", "/", "-"]
    terminal = pexpect.spawn(sys.executable, words, env=environment)
    terminal.expect(pexpect.EOF)
    assert (
        b"layertui: refusing to write a tar to a terminal, redirect the output, or give a directory"
        in terminal.before
    )
    terminal.close()
    assert terminal.exitstatus == 2
