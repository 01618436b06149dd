"""``layertui build``, with the engines' own programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Run
from tests.engines import Docker
from tests.programs import need, need_root
from tests.ui.terminal import COMMAND, Terminal

DOCKERFILE = "FROM scratch\nARG NAME=file\nCOPY Dockerfile /$NAME\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text(DOCKERFILE)
    return tmp_path / "context"


@pytest.fixture
def _docker(docker: Docker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.mark.usefixtures("_docker")
def test_docker_builds_and_the_reference_is_printed(context: Path, tmp_path: Path) -> None:
    """As a program of its own: the builder writes where the command does."""
    words = ["build", "--no-cache", "--build-arg", "NAME=other", str(context)]
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *steps, reference = done.stdout.splitlines()
    assert any("COPY Dockerfile /$NAME" in step for step in steps)
    assert re.fullmatch("docker-daemon:sha256:[0-9a-f]{64}", reference)
    listed = subprocess.run([COMMAND, "tree", reference], capture_output=True, text=True, check=True)
    assert "/other" in listed.stdout
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("layertui-")] == []


@pytest.mark.usefixtures("_docker")
def test_in_ci_the_image_is_checked(context: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    for rules, status, last in (
        ("rules: {}", 0, "PASS [pass:2 skip:1]"),
        ("rules: {lowestEfficiency: 1, highestWastedBytes: off, highestUserWastedPercent: off}", 0, None),
        ("[rules]\nforbidden-paths = ['/file']", 1, "FAIL: 0 rules passed, 1 failed"),
    ):
        (tmp_path / (".layertui.toml" if rules.startswith("[") else ".dive-ci")).write_text(rules)
        done = subprocess.run(
            [COMMAND, "build", context], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == status, done.stderr
        assert done.stdout.splitlines()[-1] == (last or "PASS [pass:1 skip:2]")


@pytest.mark.usefixtures("_docker")
def test_the_image_opens_in_the_app(context: Path) -> None:
    own: dict[str, Any] = {name: os.environ[name] for name in ("DOCKER_HOST", "DOCKER_BUILDKIT", "TMPDIR")}
    with Terminal("build", "--tag", "built:1", str(context), **own) as terminal:
        terminal.wait("built:1", "Merged tree at layer 1", "file")
        terminal.press("q")
        assert terminal.end() == 0
    assert b"COPY Dockerfile" in terminal.raw


@pytest.mark.usefixtures("_docker")
def test_a_file_for_the_id_of_ones_own(context: Path, tmp_path: Path) -> None:
    file = tmp_path / "iid"
    words = ["build", f"--iidfile={file}", str(context)]
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"docker-daemon:{file.read_text()}"


@pytest.mark.usefixtures("_docker")
def test_what_docker_says_of_a_failure_stands(context: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "build", "--nothing", context], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown flag: --nothing" in done.stderr
    assert re.search(r"^layertui: no image to open, docker build ended with status \d+$", done.stderr, re.M)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of PATH."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return directory


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_podman_builds_where_there_is_no_docker(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    need("podman")
    need_root()
    podman = shutil.which("podman")
    assert podman
    (request.getfixturevalue("programs") / "podman").symlink_to(podman)
    root = Path(tempfile.mkdtemp(prefix="layertui-"))
    settings = root / "storage.conf"
    settings.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{root / "root"}"\nrunroot = "{root / "run"}"\n'
    )
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(settings))
    done = subprocess.run([COMMAND, "build", context], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reference = done.stdout.splitlines()[-1]
    assert re.fullmatch("containers-storage:(sha256:)?[0-9a-f]{64}", reference)
    listed = subprocess.run([COMMAND, "tree", reference], capture_output=True, text=True, check=True)
    assert "/file" in listed.stdout
    shutil.rmtree(root)


def test_neither_docker_nor_podman(programs: Path, run: Run) -> None:
    done = run("build", ".")
    assert (done.status, done.err) == (2, "layertui: cannot build, neither docker nor podman is installed\n")


@pytest.mark.parametrize("identity", ["", f"sha256:{6:064}"])
def test_a_builder_that_keeps_the_image(programs: Path, run: Run, identity: str) -> None:
    """As buildx with a builder of the driver docker-container does, with --load or --push left out."""
    script(programs / "docker", f'test "$1 $2 $4" = "build --iidfile ." && printf "{identity}" > "$3"')
    done = run("build", ".")
    assert (done.status, done.out) == (2, b"")
    assert done.err == (
        "layertui: cannot open the built image, docker does not have the image: the builder kept "
        "it, or exported it elsewhere, build with --load\n"
    )


def test_an_interrupt_is_the_builders_too(programs: Path, tmp_path: Path) -> None:
    script(programs / "docker", "trap 'echo cleaned; exit 3' INT; echo started; while :; do :; done")
    with Terminal("build", ".", PATH=str(programs), TMPDIR=str(tmp_path)) as terminal:
        terminal.wait("started")
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("layertui-")] != []
        terminal.press("\x03")
        terminal.wait("cleaned")
        assert terminal.end() == 130
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("layertui-")] == []
