"""``layertui history`` and ``layertui inspect``, against the real Docker where it runs."""

from __future__ import annotations

import json
from pathlib import Path

from layertui.anatomy.docker_inspect import described
from layertui.sources import open_image
from tests.commands.running import Run
from tests.commands.samples import symlink_bytes, tar
from tests.engines import Docker
from tests.layouts import OciLayout, docker_archive

UNKNOWN = {"Size", "VirtualSize", "GraphDriver", "Metadata", "Parent"}
"""What an archive does not tell: these are the engine's own."""


def test_newest_first_with_layers(run: Run) -> None:
    done = run("history", "demo:")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].split() == ["IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT", "LAYER"]
    assert done.lines[1].startswith("8fe8033ddb36  9 months ago  CMD")
    assert done.lines[-1].startswith("<missing>") and done.lines[-1].endswith("  1")


def test_what_json_says_of_each_step(run: Run) -> None:
    steps = run("history", "demo:", "--json").objects
    image = open_image("demo:")
    assert all(
        list(step)
        == ["ID", "CreatedAt", "CreatedBy", "Size", "Comment", "Layer", "DiffID", "StoredSize", "LiveSize"]
        for step in steps
    )
    assert [step["ID"] for step in steps] == [image.id] + ["<missing>"] * (len(steps) - 1)
    assert [step["Layer"] for step in steps if step["Layer"]] == list(range(len(image.layers), 0, -1))
    for step in steps:
        layer = image.layers[step["Layer"] - 1] if step["Layer"] else None
        assert (step["StoredSize"], step["DiffID"]) == (
            (layer.descriptor.size, layer.diff_id) if layer else (0, None)
        )
    sizes = run("size", "demo:", "--json").objects[0]["layers"]
    found = [(step["Layer"], step["Size"], step["LiveSize"]) for step in reversed(steps) if step["Layer"]]
    assert found == [(row["layer"], row["size"], row["live"]) for row in sizes]


def test_a_layer_that_cannot_be_read_has_no_size_and_status_2(run: Run, tmp_path: Path) -> None:
    OciLayout(tmp_path).add("1", [tar(("/a", b"1")), tar(("/b", b"22"))])
    layer = open_image(f"oci:{tmp_path}").layers[1]
    (tmp_path / "blobs/sha256" / layer.descriptor.digest.partition(":")[2]).unlink()
    done = run("history", f"oci:{tmp_path}", "--json")
    assert (done.status, [step["Size"] for step in done.objects]) == (2, [None, 1])
    assert "layer 2 could not be read completely" in done.err


def test_a_second_time_no_layer_is_looked_into(run: Run, tmp_path: Path) -> None:
    """The indexes of the layers and their union are cut: that is not even noticed."""
    lower, upper = tar(("/a", b"one"), ("/dangling", "=nothing")), tar(("/a", b"two"))
    OciLayout(tmp_path / "image").add("1", [lower, upper], "gzip")
    words = ("history", f"oci:{tmp_path}/image", "--json")
    first = run(*words)
    for path in (tmp_path / "cache/layertui/indexes").iterdir():
        if path.name.startswith(("sha256-", "union-")):
            path.write_bytes(path.read_bytes()[:-1])
    second = run(*words)
    assert [step["LiveSize"] for step in second.objects] == [3, 0]
    assert (first.status, first.out, first.err) == (second.status, second.out, second.err)
    assert "layer 1: /dangling: " in second.err and not run(*words, "--quiet").err
    again = run(*words, "--no-cache")
    assert (again.out, again.err) == (first.out, first.err)


def test_inspect_prints_an_array_of_one_object(run: Run) -> None:
    (image,) = json.loads(run("inspect", "demo:").out)
    assert [image] == run("inspect", "demo:", "--json").objects[0]
    assert image["Id"] == open_image("demo:").id and image["Config"]["User"] == "quarry"


def test_agrees_with_docker_on_images_that_it_loads_and_builds(
    docker: Docker, tmp_path: Path, run: Run
) -> None:
    archive = tmp_path / "demo.tar"
    docker_archive(archive, open_image("demo:"))
    docker("load", "--input", archive)
    (tmp_path / "context").mkdir()
    (tmp_path / "context/x").write_text("x\n")
    docker.build(
        "settings:1",
        tmp_path / "context",
        'FROM scratch\nMAINTAINER someone\nCOPY x /x\nLABEL a=b\nVOLUME /data\nSHELL ["/bin/ash"]\nONBUILD RUN x\n'
        'STOPSIGNAL 9\nEXPOSE 80\nHEALTHCHECK CMD ["/x"]\nENTRYPOINT ["/x"]\nUSER 1:1\nWORKDIR /w\n',
    )
    built = docker.save("settings:1", tmp_path / "settings.tar")
    for name, path in (("quarry:1.1", archive), ("settings:1", built)):
        (theirs,) = json.loads(docker("image", "inspect", name))
        ours = described(open_image(str(path)))
        assert list(ours) == list(theirs)
        # The daemon is shared: other tests may have given an image more names.
        theirs["RepoTags"] = [tag for tag in theirs["RepoTags"] if tag == name]
        assert {key: value for key, value in ours.items() if key not in UNKNOWN} == {
            key: value for key, value in theirs.items() if key not in UNKNOWN
        }
        assert list(ours["Config"]) == list(theirs["Config"])
        lines = docker("history", "--no-trunc", "--human=false", "--format", "json", name).splitlines()
        steps = run("history", path, "--json").objects
        for mine, step in zip(steps, map(json.loads, lines), strict=True):
            assert mine["CreatedBy"] == step["CreatedBy"] and mine["Comment"] == step["Comment"]
            assert (mine["CreatedAt"] or "")[:19] == step["CreatedAt"][:19]
            # Docker counts the targets of symlinks too (overlay2: sizes that lstat(2) reports).
            assert mine["Size"] + symlink_bytes(open_image(str(path)), mine["Layer"]) == int(step["Size"])
