"""Docker's data root up to 1.9: one that people used, and one generated after its rules."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from layertui import demo
from layertui.errors import LayertuiError
from layertui.inspection import described, fields
from layertui.layers.load import index_layer
from layertui.reference import parse
from layertui.sources import docker_root, list_images, open_image
from layertui.sources.overview import overview
from layertui.union.changes import changes
from layertui.verify import verify
from tests.engines import need_root, run
from tests.fixtures import fixture
from tests.layouts import OciLayout
from tests.programs import need
from tests.seen import seen
from tests.sources.engine.test_containers import union_of

TOP = "1cee97b18f87b5fa91633db35f587e2c65c093facfa2cbbe83d5ebe06e1d9125"


@pytest.fixture
def aufs(tmp_path: Path) -> Path:
    """A real one, of Docker 1.9 with AUFS."""
    with tarfile.open(fixture("google+docker-explorer/test_data/aufs.v1.tgz")) as archive:
        archive.extractall(tmp_path, filter="fully_trusted" if os.geteuid() == 0 else "data")
    return tmp_path / "docker"


def test_a_real_one(aufs: Path) -> None:
    (row,) = list_images(f"docker-root:{aufs}")
    assert (row.name, row.tag, row.id, row.layers) == ("busybox", "latest", f"sha256:{TOP}", 2)
    assert row.created == "2018-12-26T08:20:42.831353376Z"
    image = open_image(row.reference)
    assert [entry.created_by for entry in image.history] == [
        "/bin/sh -c #(nop) ADD file:ce026b62356eec3ad1214f92be2c9dc063fe205bd5e600be3492c4dfb17148bd in / ",
        '/bin/sh -c #(nop)  CMD ["sh"]',
    ]
    union, contents = union_of(image)
    assert union.nodes == 416
    event = union.at(union.find("/etc/passwd"), 2)
    assert contents.read(event).startswith(b"root:x:0:0:root:")


def test_which_entry_each_field_of_inspect_comes_from(aufs: Path) -> None:
    """As Docker 1.9 filled them (moby v1.9.1, graph/service.go)."""
    image = open_image(f"docker-root:[{aufs}]busybox")
    folder = aufs / "graph" / TOP
    told = json.loads((folder / "json").read_text())
    found = {field.name: field for field in fields(image)}
    assert {field.key: name for name, field in found.items() if field.file == str(folder / "json")} == {
        "parent": "Parent",
        "comment": "Comment",
        "created": "Created",
        "container": "Container",
        "container_config": "ContainerConfig",
        "docker_version": "DockerVersion",
        "author": "Author",
        "config": "Config",
        "architecture": "Architecture",
        "os": "Os",
    }
    for field in found.values():
        value = told.get(field.key) if field.file == str(folder / "json") else None
        if isinstance(value, dict):
            assert {key: field.value.get(key) for key in value} == value
        elif value is not None:
            assert field.value == value
    sizes = [int((aufs / "graph" / each / "layersize").read_text()) for each in (TOP, told["parent"])]
    assert (found["Size"].value, found["Size"].file) == (sizes[0], str(folder / "layersize"))
    assert (found["VirtualSize"].value, found["VirtualSize"].key) == (sum(sizes), "layersize of 2 images")
    assert (found["Id"].value, found["Id"].file) == (TOP, str(folder))
    assert (found["RepoTags"].value, found["RepoTags"].file) == (
        ["busybox:latest"],
        str(aufs / "repositories-aufs"),
    )
    assert found["GraphDriver"].value == {"Data": None, "Name": "aufs"}
    assert {"RootFS", "Metadata"}.isdisjoint(described(image))
    (folder / "parent").write_text(told["parent"])  # which counts before that of the JSON
    image = open_image(f"docker-root:[{aufs}]busybox")
    parent = next(field for field in fields(image) if field.name == "Parent")
    assert (parent.value, parent.file, parent.key) == (told["parent"], str(folder / "parent"), "")


def test_its_containers(aufs: Path) -> None:
    rows = {row.name: row for row in docker_root.list_containers(parse(f"docker-root:{aufs}"))}
    assert {name: row.state for name, row in rows.items()} == {
        "insane_rosalind": "exited",
        "angry_rosalind": "running",
        "kickass_mestorf": "exited",
    }
    image = open_image(rows["angry_rosalind"].reference)
    assert image.name == "angry_rosalind (busybox:latest)"
    union, contents = union_of(image)
    written = [change.path for change in changes(union, 4, contents.same) if change.change == "added"]
    assert "/.dockerinit" not in written
    assert written


def test_without_records_the_directories_tell(aufs: Path) -> None:
    image = open_image(f"docker-root:[{aufs}]busybox")
    expected = seen(image).trees
    for record in aufs.glob("graph/*/tar-data.json.gz"):
        record.unlink()
    # Whoever copied the store did not keep the owners of its files.
    for ours, theirs in zip(seen(open_image(f"docker-root:[{aufs}]busybox")).trees, expected, strict=True):
        assert {path: (facts.type, facts.content) for path, facts in ours.items()} == {
            path: (facts.type, facts.content) for path, facts in theirs.items()
        }


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as Docker 1.9's overlay driver would keep it: unchanged files are hardlinks to the parent's."""
    need_root()
    need("umoci")
    folder = tmp_path_factory.mktemp("overlay")
    layout, root, image = OciLayout(folder / "oci"), folder / "docker", demo.image()
    parent = ""
    for layer in image.layers:
        identity = f"{layer.number:064x}"
        layout.add_base(str(layer.number), image, layer.number)
        tree = root / "overlay" / identity / "root"
        tree.parent.mkdir(parents=True)
        run("umoci", "raw", "unpack", "--image", f"{layout.directory}:{layer.number}", tree)
        if parent:
            share(root / "overlay" / parent / "root", tree)
        graph = root / "graph" / identity
        graph.mkdir(parents=True)
        step = next(entry for entry in image.history if entry.layer == layer.number)
        value = {
            "id": identity,
            "created": step.created,
            "container_config": {"Cmd": [step.created_by]},
            "os": "linux",
            "architecture": "amd64",
            "Size": 1,
            **({"parent": parent} if parent else {}),
        }
        (graph / "json").write_text(json.dumps(value))
        (graph / "layersize").write_text(str(layer.number * 1000))
        parent = identity
    names = {"Repositories": {"quarry": {"1.1": parent, "sha256:" + "ab" * 32: parent}}}
    (root / "repositories-overlay").write_text(json.dumps(names))
    (root / "graph/_tmp").mkdir()
    return root


def share(parent: Path, tree: Path) -> None:
    """Put hardlinks in place of the files that are as they are in the parent."""
    for folder, _names, files in os.walk(tree):
        for name in files:
            path = Path(folder, name)
            other = parent / path.relative_to(tree)
            if not other.is_symlink() and other.is_file() and path.is_file() and not path.is_symlink():
                one, two = path.stat(), other.stat()
                facts = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns")
                if all(getattr(one, fact) == getattr(two, fact) for fact in facts) and one.st_nlink == 1:
                    path.unlink()
                    os.link(other, path)


def test_a_generated_one_shows_what_the_image_shows_elsewhere(overlay: Path) -> None:
    found = seen(open_image(f"docker-root:[{overlay}]quarry:1.1"))
    expected = seen(demo.image())
    for ours, theirs in zip(found.trees, expected.trees, strict=True):
        assert ours.keys() == theirs.keys()
        for path, facts in theirs.items():
            assert (ours[path].type, ours[path].mode, ours[path].owner, ours[path].linkname) == (
                facts.type,
                facts.mode,
                facts.owner,
                facts.linkname,
            )
            assert ours[path].content == facts.content
    for ours, theirs in zip(found.changes, expected.changes, strict=True):
        files = {
            (each["path"], each["change"])
            for each in theirs
            if each["change"] != "repeated" and each["what"] != ["mtime"]
        }
        assert {(each["path"], each["change"]) for each in ours} >= files


def test_its_list(overlay: Path) -> None:
    (row,) = list_images(f"docker-root:{overlay}")
    layers = len(demo.image().layers)
    assert (row.name, row.tag, row.layers, row.digest) == ("quarry", "1.1", layers, "sha256:" + "ab" * 32)
    assert row.size == sum(number * 1000 for number in range(1, layers + 1))
    told = described(open_image(row.reference))
    assert (told["Size"], told["VirtualSize"]) == (layers * 1000, row.size)
    assert told["GraphDriver"]["Data"] == {"RootDir": str(overlay / "overlay" / f"{layers:064x}" / "root")}
    assert (told["Parent"], told["RepoDigests"]) == (f"{layers - 1:064x}", [f"quarry@{row.digest}"])


def test_an_image_without_files_of_its_own(overlay: Path, tmp_path: Path) -> None:
    run("cp", "--archive", overlay, tmp_path / "docker")
    root = tmp_path / "docker"
    top = f"{len(demo.image().layers):064x}"
    empty = "f" * 64
    (root / "graph" / empty).mkdir()
    (root / "graph" / empty / "json").write_text(json.dumps({"id": empty, "parent": top}))
    for name in ("upper", "work", "merged"):
        (root / "overlay" / empty / name).mkdir(parents=True)
    image = open_image(f"docker-root:[{root}]{empty}")
    assert index_layer(image.layers[-1], None).count == 0
    assert index_layer(image.layers[-1], None).damage == ""


def test_the_file_parent_counts(overlay: Path, tmp_path: Path) -> None:
    run("cp", "--archive", overlay, tmp_path / "docker")
    root = tmp_path / "docker"
    third, first = f"{3:064x}", f"{1:064x}"
    (root / "graph" / third / "parent").write_text(first)
    assert len(open_image(f"docker-root:[{root}]{third}").layers) == 2


@pytest.mark.parametrize(
    ("break_", "said"),
    [
        (
            lambda root: (root / "graph" / f"{1:064x}" / "parent").write_text(f"{3:064x}"),
            "go round in circles",
        ),
        (lambda root: shutil.rmtree(root / "graph" / f"{1:064x}"), "is missing"),
        (lambda root: (root / "graph" / f"{2:064x}" / "json").write_text("{"), "is not valid JSON"),
        (lambda root: (root / "repositories-overlay").write_text("[]"), "is not a JSON object"),
    ],
    ids=["circle", "missing", "json", "names"],
)
def test_what_is_broken_is_said(overlay: Path, tmp_path: Path, break_, said: str) -> None:
    run("cp", "--archive", overlay, tmp_path / "docker")
    break_(tmp_path / "docker")
    with pytest.raises(LayertuiError, match=said):
        open_image(f"docker-root:[{tmp_path / 'docker'}]quarry:1.1")


def test_recorded_sizes_against_whole_trees(overlay: Path, tmp_path: Path) -> None:
    """What differs from the tree below can show that a size is right; a file stored again as it was it does not show."""
    run("cp", "--archive", overlay, tmp_path / "docker")
    reference = f"docker-root:[{tmp_path / 'docker'}]quarry:1.1"
    stored = [sum(index_layer(layer, None).size) for layer in open_image(reference).layers]
    for number, size in enumerate(stored, 1):
        (tmp_path / "docker/graph" / f"{number:064x}" / "layersize").write_text(str(size + (number == 2)))
    sizes = [
        check
        for check in verify(open_image(reference))
        if check.what == "size" and check.subject.startswith("layer")
    ]
    assert [check.status for check in sizes] == ["ok", "unchecked", *["ok"] * (len(stored) - 2)]
    assert sizes[1].why.startswith(f"{stored[1]} bytes differ from what is below; ")


def test_a_tree_that_is_gone(overlay: Path, tmp_path: Path) -> None:
    run("cp", "--archive", overlay, tmp_path / "docker")
    shutil.rmtree(tmp_path / "docker/overlay" / f"{2:064x}")
    image = open_image(f"docker-root:[{tmp_path / 'docker'}]quarry:1.1")
    assert image.layers[1].missing.endswith("is not there")


def test_what_is_broken_leaves_the_rest_in_the_lists(overlay: Path, tmp_path: Path) -> None:
    run("cp", "--archive", overlay, tmp_path / "docker")
    for broken in ("0" * 64, "f" * 64):
        (tmp_path / "docker/graph" / broken).mkdir()
        (tmp_path / "docker/graph" / broken / "json").write_text("{")
    images = []
    with pytest.raises(LayertuiError, match="0" * 64):
        images.extend(list_images(f"docker-root:{tmp_path / 'docker'}"))
    assert "quarry:1.1" in {f"{row.name}:{row.tag}" for row in images}
    told = overview(parse(f"docker-root:{tmp_path / 'docker'}"))
    assert any("quarry:1.1" in image.names for image in told.images)
    assert any("0" * 64 in problem for problem in told.problems)
