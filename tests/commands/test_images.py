"""``layertui images``."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.sources import open_image
from tests.commands.running import Run
from tests.layouts import OciLayout, docker_archive

DOCKER = {
    "Containers", "CreatedAt", "CreatedSince", "Digest", "ID", "Repository", "SharedSize", "Size", "Tag",
    "UniqueSize", "VirtualSize",
}  # fmt: skip
"""The fields of ``docker images --format json``."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/no-podman.sock")
    docker_archive(tmp_path / "demo.tar", open_image("demo:"))
    OciLayout(tmp_path / "layout").add("1.0", [])
    return tmp_path


def test_lists_the_folder_and_the_sample_and_says_what_it_could_not_ask(run: Run, folder: Path) -> None:
    (folder / "image.tar").write_bytes((folder / "demo.tar").read_bytes()[:2000])
    done = run("images", "--json")
    assert done.status == 0
    rows = {row["Reference"]: row for row in done.objects}
    assert list(rows) == ["docker-archive:demo.tar:quarry:1.1", "oci:layout:1.0", "demo:"]
    assert all(set(row) == DOCKER | {"Source", "Reference"} for row in rows.values())
    demo = rows["demo:"]
    assert (demo["Repository"], demo["Tag"], demo["Source"]) == ("quarry", "1.1", "demo")
    assert demo["ID"] == open_image("demo:").id and demo["CreatedAt"] == "2026-03-09T10:05:28Z"
    assert demo["Size"] == open_image("demo:").size
    for told in ("image.tar", "Docker", "Podman"):
        assert any(line.startswith("layertui: warning: ") and told in line for line in done.err.splitlines())
    assert run("images", "--quiet").err == ""


def test_every_reference_opens_its_image(run: Run, folder: Path) -> None:
    for row in run("images", "--json", "--quiet").objects:
        (image,) = run("inspect", row["Reference"], "--json").objects[0]
        assert image["Id"] == row["ID"]


def test_lists_what_it_is_told_to_and_fails_if_one_is_not_there(run: Run, folder: Path) -> None:
    done = run("images", "demo:", "nowhere.tar", "demo.tar")
    assert done.status == 2
    assert [line.split()[0] for line in done.lines] == ["REPOSITORY", "quarry", "quarry"]
    assert done.err.startswith("layertui: no image nowhere.tar") and done.err.count("\n") == 1


def test_a_platform(run: Run, folder: Path) -> None:
    assert len(run("images", "demo:", "--platform", "linux/amd64").lines) == 2
    assert len(run("images", "demo:", "--platform", "linux/s390x").lines) == 1
