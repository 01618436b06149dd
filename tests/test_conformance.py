"""The cases of ``conformance``, on layertui and umoci, and the runner that others run on their tools."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.case import REFUSED, Answer, Case, all_cases, read_case, write_image
from conformance.layertui_tree import tree
from conformance.run import answer

import layertui
from tests.programs import lacking, need, need_root

ROOT = Path(__file__).parent.parent
README = ROOT / "conformance/README.md"
CASES = all_cases()
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
UMOCI = "umoci raw unpack --image {image} {out}"
LAYERTUI = f"{sys.executable} -m conformance.layertui_tree oci:{{image}}"


@EACH
def test_layertui(case: Case, tmp_path: Path) -> None:
    write_image(case, tmp_path)
    found: Answer
    try:
        found = tree(f"oci:{tmp_path}/layout:1")
    except layertui.LayertuiError:
        found = REFUSED
    assert found == case.expect["layertui"]


WITHOUT_WARNING = {
    "pax-global": "a comment, as of git archive, that umoci alone refuses",
    "zstd": "of the specification; umoci 0.4.7 and Docker 20.10 are older than that",
}
"""Cases on which engines differ and nothing is warned of, and why."""
ALL_REFUSE = re.compile(
    "engines refuse|no engine can|Docker, Podman and umoci refuse|Docker (and Podman )?refuses? the layer$"
)


@EACH
def test_warnings_say_what_engines_do(case: Case, tmp_path: Path) -> None:
    write_image(case, tmp_path)
    image = layertui.open(f"oci:{tmp_path}/layout:1", cache=False, partial=True)
    warnings = [str(warning) for warning in image.warnings]
    answers = [found for engine, found in case.expect.items() if engine != "layertui"]
    differ = any(found != answers[0] for found in answers)
    if case.name in WITHOUT_WARNING:
        assert differ and not warnings
    elif differ or answers[0] == REFUSED:
        assert warnings
    if case.expect["layertui"] != REFUSED:
        is_refused_by_all = all(found == REFUSED for found in answers)
        assert is_refused_by_all == any(ALL_REFUSE.search(text) for text in warnings), warnings


@EACH
def test_umoci(case: Case) -> None:
    need("umoci")
    need_root()  # umoci gives files their owners only as root
    version = subprocess.run(["umoci", "--version"], capture_output=True, text=True, check=True).stdout
    if not re.search(r"\b0\.4\.7\b", version):
        lacking(f"another version of umoci: {version.strip()}")
    found, said = answer(UMOCI, case)
    assert found == case.expect["umoci 0.4.7"], said


@pytest.mark.parametrize(
    "engine", ["docker 20.10.24 overlay2", "podman 4.3.1 overlay", "buildah 1.28.2 overlay"]
)
def test_engines_are_run_as_recorded(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one case that an engine gets wrong: the commands of the README work."""
    need_root()
    program = engine.split()[0]
    need(program)
    if program == "docker":
        monkeypatch.setenv("DOCKER_HOST", request.getfixturevalue("docker").host)
    monkeypatch.chdir(ROOT)
    [command] = re.findall(rf"^\| `{re.escape(engine)}` \| `(.+)` \|$", README.read_text(), re.M)
    [case] = [case for case in CASES if case.name == "whiteout-then-directory"]
    assert answer(command, case) == (case.expect[engine], "")


def test_every_case_is_told_and_recorded_for_every_engine() -> None:
    readme = README.read_text()
    engines = set(
        re.findall(r"^\| `(.+?)` \| `", readme.split("| engine | command |")[1].split("\n\n")[0], re.M)
    )
    assert {"layertui", "umoci 0.4.7", "podman 4.3.1 overlay"} <= engines
    for case in CASES:
        assert case.document["description"].endswith(".") and case.document["rule"], case.name
        assert case.expect.keys() == engines, case.name


def test_an_archive_is_the_same_image_as_the_layout(tmp_path: Path) -> None:
    [case] = [case for case in CASES if case.name == "control"]
    write_image(case, tmp_path)
    assert tree(f"docker-archive:{tmp_path}/archive.tar") == tree(f"oci:{tmp_path}/layout:1")


def run(*arguments: str) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_runner_says_where_a_tool_differs() -> None:
    status, lines, _ = run("--tool", LAYERTUI, "--like", "umoci 0.4.7", "duplicate-file", "xz")
    assert status == 1
    alike = "containerd 1.6.20 overlayfs, containerd 2.4.2 overlayfs, layertui, umoci"
    assert lines[0].startswith(f"duplicate-file: /a file 2, /z file 0; as {alike}")
    assert lines[1].startswith("✗ xz: /a file 1; as ")
    assert lines[2:] == ["1 of 2 differ from umoci 0.4.7"]


def test_runner_judges_no_tool_that_fails_on_an_ordinary_image() -> None:
    status, lines, error = run("--tool", "sh -c 'echo broken >&2; exit 1' {image} {out}", "xz")
    assert (status, lines) == (2, [])
    assert error == "conformance: the tool fails on an ordinary image: broken\n"


def test_runner_compares_paths_alone_where_a_tool_prints_no_more(tmp_path: Path) -> None:
    (tmp_path / "paths").write_text(f'#!/bin/sh\nexec {LAYERTUI.split(" oci:")[0]} "oci:$1" | cut -f1\n')
    (tmp_path / "paths").chmod(0o755)
    status, lines, error = run(
        "--tool", f"{tmp_path}/paths {{image}}", "--like", "layertui", "hardlink-below"
    )
    assert (status, lines[1:]) == (0, ["0 of 1 differ from layertui"]), error
    assert lines[0].startswith("hardlink-below: /a, /h; as layertui, umoci 0.4.7")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    case = read_case(Path(shutil.copy(CASES[0].path, tmp_path)))
    found: Answer = {'/q"\\': "file a\nb\x7f\x00", "/größe 中文 🐚": "directory", "/\\xff": "symlink ]"}
    case.record("tool 1.0", found)
    assert read_case(case.path).expect == {**CASES[0].expect, "tool 1.0": found}
    case.record("tool 1.0", REFUSED)
    read_case(case.path).record("empty 1", {})
    assert read_case(case.path).expect == {**CASES[0].expect, "tool 1.0": REFUSED, "empty 1": {}}
    assert read_case(case.path).layers() == CASES[0].layers()
