"""``layertui dockerfile``."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful


def test_prints_a_dockerfile_with_what_each_step_did(run: Run) -> None:
    done = run("dockerfile", "demo:")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0] == "# Reconstructed from the history of quarry:1.1."
    assert "FROM scratch" in done.lines
    at = done.lines.index("RUN apk add python3 sqlite-libs stonecut build-base")
    assert done.lines[at - 1].startswith("# layer 2: 18 added, 5 modified, 0 deleted, 57.0 kB of files")


def test_json_is_an_instruction_a_line(run: Run) -> None:
    found = run("dockerfile", "demo:", "--json").objects
    assert [each["layer"] for each in found if each["layer"]] == list(range(1, 10))
    (user,) = (each for each in found if each["instruction"] == "USER")
    assert user == {
        "instruction": "USER",
        "text": "USER quarry",
        "step": 14,
        "layer": None,
        "base": False,
        "facts": [],
        "guesses": [],
        "unknown": [],
        "did": None,
    }
    run_step = next(each for each in found if each["layer"] == 2)
    changes = run("changes", "demo:", "--layer", "2", "--json").objects
    for kind in ("added", "modified", "deleted", "repeated"):
        assert run_step["did"][kind] == sum(change["change"] == kind for change in changes), kind


def test_a_step_that_no_instruction_makes_is_a_comment(run: Run, tmp_path: Path) -> None:
    done = run("dockerfile", eventful(tmp_path), "--quiet")
    assert done.status == 0
    assert "# unknown: no Dockerfile instruction creates this: layer 1" in done.lines
    assert all(line.startswith("#") for line in done.lines if line and line != "FROM scratch")
