"""The commands on the images of a running engine, whichever way their layers come."""

from __future__ import annotations

import json
import os

import pytest

from layertui import demo
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from layertui.sources.engine import images
from layertui.text.format import size_text
from tests.commands.running import Run
from tests.commands.samples import symlink_bytes
from tests.engines import Docker
from tests.layouts import docker_archive

REFERENCE = f"docker-daemon:{demo.SAMPLE_NAME}"


@pytest.fixture(scope="module")
def loaded(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """An engine with the sample and an image that stands on it."""
    folder = tmp_path_factory.mktemp("sample")
    docker_archive(folder / "sample.tar", demo.image())
    docker("load", "--input", folder / "sample.tar")
    (folder / "own").write_bytes(os.urandom(5000))
    docker.build("derived:1", folder, f"FROM {demo.SAMPLE_NAME}\nCOPY own /own\n")
    docker("create", "--name=user", "--network=none", "derived:1")
    return docker


@pytest.fixture(params=["directories", "streamed"])
def engine(loaded: Docker, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("DOCKER_HOST", loaded.host)
    if request.param == "streamed":
        monkeypatch.setattr(images, "readable_directories", lambda *_: [])
    return loaded


def test_a_file_of_any_layer(engine: Docker, run: Run) -> None:
    here = open_image("demo:")
    for layer in (1, len(here.layers)):
        done = run("cat", REFERENCE, "/etc/os-release", "--layer", layer)
        assert (done.status, done.err) == (0, "")
        assert done.out == run("cat", "demo:", "/etc/os-release", "--layer", layer).out != b""
    assert run("changes", REFERENCE, "--layer", 3).status == 0
    assert (
        run("tree", REFERENCE, "--layer", 2, "--json").objects
        == run("tree", "demo:", "--layer", 2, "--json").objects
    )
    done = run("cat", "docker-container:user", "/own")
    assert done.status == 0 and len(done.out) == 5000


def test_history_is_dockers_and_reads_as_a_dockerfile(engine: Docker, run: Run) -> None:
    lines = engine("history", "--no-trunc", "--human=false", "--format", "json", "derived:1").splitlines()
    theirs = [json.loads(line) for line in lines]
    mine = run("history", "docker-daemon:derived:1", "--json").objects
    image = open_image("docker-daemon:derived:1")
    for row, step in zip(mine, theirs, strict=True):
        size = row["Size"] + symlink_bytes(image, row["Layer"])  # Docker counts them too
        assert (row["ID"], row["CreatedBy"], row["Comment"], size) == (
            step["ID"], step["CreatedBy"], step["Comment"], int(step["Size"])
        )  # fmt: skip
    assert theirs[0]["CreatedBy"].startswith("/bin/sh -c #(nop) COPY")
    shown = run("history", "docker-daemon:derived:1").lines[1]
    assert "#(nop)" not in shown and "COPY a file in /own" in shown and size_text(5000) in shown


def test_shared_sizes_and_containers_as_docker_counts_them(
    loaded: Docker, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", loaded.host)
    used = json.loads(loaded("system", "df", "--verbose", "--format", "json"))["Images"]
    theirs = {row["ID"]: row for row in used}
    rows = {row["Reference"]: row for row in run("images", "docker-daemon:", "--json").objects}
    for reference in (REFERENCE, "docker-daemon:derived:1"):
        row = rows[reference]
        other = theirs[row["ID"]]
        assert row["Containers"] == int(other["Containers"])
        assert row["SharedSize"] + row["UniqueSize"] == row["Size"]
        for field in ("SharedSize", "UniqueSize"):
            assert float(f"{row[field]:.4g}") == _bytes(other[field])
    assert rows["docker-daemon:derived:1"]["UniqueSize"] == 5000
    assert rows["docker-daemon:derived:1"]["Containers"] == 1
    (alone,) = run("images", "demo:", "--json").objects
    assert alone["SharedSize"] is alone["Containers"] is None


def _bytes(text: str) -> float:
    """What docker writes as ``1.23kB``."""
    number = text.rstrip("kMGB")
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[text[len(number) :]]


def test_an_engine_that_does_not_tell(loaded: Docker, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a daemon of an API before 1.42 whose disk usage cannot be asked."""

    def refuse(transport: str) -> dict[str, int]:
        raise LayertuiError("Docker refuses")

    monkeypatch.setenv("DOCKER_HOST", loaded.host)
    monkeypatch.setattr("layertui.sources.engine.shared_sizes", refuse)
    done = run("images", REFERENCE, "--json")
    (row,) = done.objects
    assert row["SharedSize"] is row["UniqueSize"] is None and row["Containers"] is not None
    assert done.status == 0 and "does not report how its images are used: Docker refuses" in done.err
