"""``layertui find``: over all that is here, a list, or one image; and what of it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layertui import demo
from tests.commands.running import Run
from tests.commands.samples import eventful, tar
from tests.layouts import OciLayout, docker_archive
from tests.schema import complaints


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a layout of two images, and the archive of another; no engine."""
    monkeypatch.chdir(tmp_path)
    for engine in ("DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.setenv(engine, f"unix://{tmp_path}/no.sock")
    base = tar(("/etc", None), ("/etc/conf", b"a = 1\n"), ("/app", b"old\n"))
    layout = OciLayout(tmp_path / "layout")
    layout.add("1", [base, tar(("/.wh.app", b""))])
    layout.add("2", [base, tar(("/app", b"new\n"))])
    docker_archive(tmp_path / "quarry.tar", demo.image())
    return tmp_path


def test_all_local_images_but_the_sample(folder: Path, run: Run) -> None:
    done = run("find", "/app", "--quiet")
    assert (done.status, done.err) == (0, "")
    assert [line.split() for line in done.lines] == [
        ["oci:layout:1", "1", "-", "/app"],
        ["oci:layout:2", "1", "-", "/app"],
        ["oci:layout:2", "2", "/app"],
    ]
    assert len({line.index("/app") for line in done.lines}) == 1
    assert run("find", "id_ed25519", "--quiet").lines == [
        f"docker-archive:quarry.tar:quarry:1.1    {layer} - /srv/quarry/deploy/id_ed25519" for layer in (4, 5)
    ]
    assert run("find", "xyzzy", "--quiet").status == 1
    warned = run("find", "/app").err
    assert "cannot reach Docker" in warned and "cannot reach Podman" in warned


def test_named_images_and_sources(folder: Path, run: Run) -> None:
    rows = run("find", "id_ed25519", "demo:", "oci:layout:1", "--json").objects
    assert [(row["image"], row["layer"], row["visible"]) for row in rows] == [
        ("demo:", 4, False),
        ("demo:", 5, False),
    ]
    assert {row["image"] for row in run("find", "conf", "layout", "--json").objects} == {
        "oci:layout:1",
        "oci:layout:2",
    }
    assert [row["image"] for row in run("find", "conf", "oci:layout:2", "--json").objects] == ["oci:layout:2"]


def test_contents(folder: Path, run: Run) -> None:
    assert run("find", "--content", "old", "layout", "--quiet").lines == [
        "oci:layout:1    1 - /app:1:old",
        "oci:layout:2    1 - /app:1:old",
    ]
    (row,) = run("find", "new", "layout", "--content", "--json").objects
    assert (row["match"], row["line"], row["text"], row["start"], row["end"]) == ("content", 1, "new", 0, 3)


def test_packages_and_digests(folder: Path, run: Run) -> None:
    (line,) = run("find", "--package", "apk:libc=1.*", "demo:").lines
    assert line == "demo:    1   apk libc 1.2.5-r1"
    image = demo.image()
    digest = image.layers[1].diff_id
    for given in (digest, digest[:19], digest[7:19], digest[7:19].upper()):
        (row,) = run("find", "--digest", given, "quarry.tar", "--json").objects
        assert (row["layer"], row["what"], row["digest"]) == (2, "diff ID", digest)
    (row,) = run("find", "--digest", image.id, "--json", "--quiet").objects
    assert (row["image"], row["layer"], row["what"]) == (
        "docker-archive:quarry.tar:quarry:1.1",
        None,
        "config",
    )
    assert run("find", "--digest", "", "demo:").status == 1


def test_an_image_that_cannot_be_read_does_not_hide_the_others(folder: Path, run: Run) -> None:
    index = json.loads((folder / "layout/index.json").read_bytes())
    (folder / "layout/blobs" / index["manifests"][1]["digest"].replace(":", "/")).write_bytes(b"{")
    done = run(
        "find", "conf", "oci:layout:1", "oci:layout:2", "missing.tar", "quarry.tar", "--quiet", "--json"
    )
    assert done.status == 2
    assert [(row["image"], row["path"]) for row in done.objects] == [("oci:layout:1", "/etc/conf")]
    told = done.err.splitlines()
    assert len(told) == 2 and all(line.startswith("layertui: ") for line in told)
    assert "wrong digest" in told[0] and "no image missing.tar" in told[1]


def test_a_damaged_layer_is_reported(folder: Path, run: Run) -> None:
    blob = max((eventful(folder) / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:3000])
    for option, pattern in (("--content", "one"), ("--package", "x")):
        done = run("find", option, pattern, "image", "layout", "--quiet")
        assert done.status == 2
        assert done.err.startswith("layertui: oci:image:1: layer 1 could not be read completely: ")
        assert done.err.count("\n") == 1
    done = run("find", "/etc/conf", "image", "layout", "--quiet")
    assert done.status == 2 and len(done.lines) == 5


def test_a_container_or_bare_layers_are_opened_by_their_names(folder: Path, run: Run) -> None:
    done = run("find", "conf", "docker-container:none", "oci:layout:1")
    assert done.status == 2 and done.err.count("\n") == 1 and len(done.lines) == 1


def test_one_question_at_a_time(run: Run) -> None:
    done = run("find", "a", "--content", "--digest", "demo:")
    assert (done.status, done.err) == (
        2,
        "layertui: argument --digest: not allowed with argument --content, see layertui find --help\n",
    )


@pytest.mark.parametrize(
    "words", [["passwd"], ["--content", "quarry"], ["--package", "*"], ["--digest", "sha256"]]
)
def test_the_json_is_as_its_schema_says(words: list[str], run: Run) -> None:
    rows = run("find", *words, "demo:", "--json").objects
    assert rows and not complaints(["find"], rows)
