"""``layertui diff``."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful
from tests.programs import need


def test_the_last_two_versions(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    done = run("diff", path, "/etc/conf")
    assert (done.status, done.out, done.err) == (0, b"", "")  # stored again, the same
    done = run("diff", path, "/etc/conf", "--from", 1, "--to", 3)
    assert (done.status, done.err) == (1, "")
    assert done.text == "--- layer1/etc/conf\n+++ layer3/etc/conf\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


def test_a_version_that_is_not_there_is_empty(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    assert run("diff", path, "/gone").lines == ["--- /dev/null", "+++ layer3/gone", "@@ -0,0 +1 @@", "+back"]
    assert run("diff", path, "/gone", "--to", 2).lines[:2] == ["--- layer1/gone", "+++ /dev/null"]
    assert run("diff", path, "/opaque/new", "--from", 0).lines[0] == "--- /dev/null"
    done = run("diff", path, "/opaque/new", "--from", 0, "--to", 1)
    assert done.status == 2 and "no /opaque/new" in done.err
    done = run("diff", path, "/gone", "--from", 0, "--to", 0)
    assert (done.status, done.err) == (2, "layertui: no /gone at layer 0, it is the empty tree\n")


def test_files_that_are_no_text(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    done = run("diff", path, "/etc/bin")
    assert (done.status, done.text) == (1, "Binary files layer1/etc/bin and layer2/etc/bin differ\n")
    found = run("diff", path, "/etc/bin", "--json").objects[0]
    assert (found["same"], found["diff"]) == (False, None)
    assert [found[side]["layer"] for side in ("before", "after")] == [1, 2]
    done = run("diff", path, "/etc")
    assert (done.status, done.err) == (2, "layertui: cannot read /etc, it is a directory\n")


def test_patch_takes_it(run: Run, tmp_path: Path) -> None:
    need("patch")
    path = eventful(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/conf").write_bytes(run("cat", path, "/etc/conf", "--layer", 1).out)
    patch = run("diff", path, "/etc/conf", "--from", 1).out
    subprocess.run(["patch", "-p1", "--quiet"], input=patch, cwd=tmp_path, check=True)
    assert (tmp_path / "etc/conf").read_bytes() == run("cat", path, "/etc/conf").out
