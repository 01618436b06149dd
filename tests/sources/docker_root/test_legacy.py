"""Docker's data root up to 1.9: what it notes of images, in one that people used and in one made after its rules."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from layertui import demo
from layertui.anatomy.chain import parts
from layertui.anatomy.docker_inspect import described, fields
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.image import ImageSummary
from layertui.model.numbers import LayerNumber
from layertui.model.reference import parse_reference
from layertui.sources import docker_root, list_images, open_image
from layertui.sources.store_usage import usage_of
from layertui.union.changes import changes
from layertui.verify.image import verify_image
from tests.observable import seen
from tests.open_counts import counted_opens
from tests.other_projects import docker_root as other_people
from tests.sources.docker_root import legacy_images
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import copy_of
from tests.union.trees import assert_same, merged, on_disk

TOP = "1cee97b18f87b5fa91633db35f587e2c65c093facfa2cbbe83d5ebe06e1d9125"


@pytest.fixture
def aufs(tmp_path: Path) -> Path:
    """A real one, of Docker 1.9 with AUFS."""
    return other_people("aufs.v1", tmp_path)


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
    event = union.at(union.find("/etc/passwd"), LayerNumber(2))
    assert contents.read(event).startswith(b"root:x:0:0:root:")
    if os.geteuid() == 0:  # whoever copied the store did not keep the owners of its files
        there = on_disk(aufs / "aufs/diff" / str(image.history[0].id))
        ours, theirs = (
            {path: replace(facts, owner=(0, 0)) for path, facts in tree.items() if "/.wh..wh." not in path}
            for tree in (merged(union, 2, contents.read), there)
        )
        assert_same(ours, theirs)


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
    rows = {row.name: row for row in docker_root.list_containers(parse_reference(f"docker-root:{aufs}"))}
    assert {name: row.state for name, row in rows.items()} == {
        "insane_rosalind": "exited",
        "angry_rosalind": "running",
        "kickass_mestorf": "created",
    }
    image = open_image(rows["angry_rosalind"].reference)
    assert image.name == "angry_rosalind (busybox:latest)"
    union, contents = union_of(image)
    written = [
        change.path for change in changes(union, LayerNumber(4), contents.same) if change.change == "added"
    ]
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


@pytest.fixture
def overlay(old_docker_roots: Callable[[str], Path], tmp_path: Path) -> Path:
    """One with the overlay driver, to be changed."""
    return copy_of(old_docker_roots("overlay"), tmp_path)


def ids() -> list[str]:
    """The images of the sample's steps, base first."""
    return [image.id for image in legacy_images.images_of(demo.image())]


def test_its_list(overlay: Path) -> None:
    names = json.loads((overlay / "repositories-overlay").read_text())
    digest = "sha256:" + "ab" * 32
    names["Repositories"]["old"][digest] = ids()[-1]
    (overlay / "repositories-overlay").write_text(json.dumps(names))
    row, other = list_images(f"docker-root:{overlay}")
    row = row if row.name == "old" else other
    assert (row.name, row.tag, row.layers, row.digest) == ("old", "1.9", len(ids()), digest)
    files = sum(sum(index_layer(layer, None).size) for layer in demo.image().layers)
    assert row.size == files
    told = described(open_image(row.reference))
    assert (told["Size"], told["VirtualSize"]) == (0, files)
    assert (told["Parent"], told["RepoDigests"]) == (ids()[-2], [f"old@{digest}"])


def test_the_file_parent_counts(overlay: Path) -> None:
    base, _, third = ids()[:3]
    (overlay / "graph" / third / "parent").write_text(base)
    image = open_image(f"docker-root:[{overlay}]{third}")
    assert len(image.layers) == 2 and dict(image.layers[1].places)["parent"] == base


@pytest.mark.parametrize(
    ("break_", "said"),
    [
        (
            lambda root: (root / "graph" / ids()[0] / "parent").write_text(ids()[2]),
            "form a cycle",
        ),
        (lambda root: shutil.rmtree(root / "graph" / ids()[0]), "is missing"),
        (lambda root: (root / "graph" / ids()[1] / "json").write_text("{"), "is not valid JSON"),
        (lambda root: (root / "repositories-overlay").write_text("[]"), "is not a JSON object"),
    ],
    ids=["circle", "missing", "json", "names"],
)
def test_what_is_broken_is_said(overlay: Path, break_: Callable[[Path], object], said: str) -> None:
    break_(overlay)
    with pytest.raises(LayertuiError, match=said):
        open_image(f"docker-root:[{overlay}]old:1.9")


def test_recorded_sizes_against_whole_trees(overlay: Path) -> None:
    """What differs from the tree below can show that a size is right, not that it is wrong."""
    for record in overlay.glob("graph/*/tar-data.json.gz"):
        record.unlink()
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    size = image.layers[4].descriptor.size
    assert size > 0
    (overlay / "graph" / ids()[4] / "layersize").write_text(str(size + 1))
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    sizes = [
        check for check in verify_image(image) if check.what == "size" and check.subject.startswith("layer")
    ]
    assert [check.status for check in sizes] == [*["ok"] * 4, "unchecked", *["ok"] * (len(sizes) - 5)]
    assert sizes[4].why.startswith(f"{size} bytes differ from the layers below; ")


def test_a_tree_that_is_gone(overlay: Path) -> None:
    shutil.rmtree(overlay / "overlay" / ids()[1])
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    assert image.layers[1].missing.endswith("is not there")


def test_what_is_broken_leaves_the_rest_in_the_lists(overlay: Path) -> None:
    for broken in ("0" * 64, "f" * 64):
        (overlay / "graph" / broken).mkdir()
        (overlay / "graph" / broken / "json").write_text("{")
    images: list[ImageSummary] = []
    with pytest.raises(LayertuiError, match="0" * 64):
        images.extend(list_images(f"docker-root:{overlay}"))
    assert {f"{row.name}:{row.tag}" for row in images} >= {"old:1.9", "work:1"}
    told = usage_of(parse_reference(f"docker-root:{overlay}"))
    assert any("old:1.9" in image.names for image in told.images)
    assert any("0" * 64 in problem for problem in told.problems)


def test_aufs_has_the_same_order(aufs: Path) -> None:
    """It mounts what it has noted itself, whatever the graph says."""
    image = open_image(f"docker-root:[{aufs}]/angry_rosalind")
    own, init, top, base = (Path(dict(layer.places)["layers"]) for layer in reversed(image.layers))
    assert own.read_text().split() == [init.name, top.name, base.name]
    assert base.read_text() == "" and len(image.warnings) == 1
    top.write_text(f"{'c' * 64}\n{base.name}\n")
    (_, warning) = open_image(f"docker-root:[{aufs}]busybox").warnings
    assert warning == (
        f"{top} says that it is on {'c' * 12}, {base.name[:12]}, everything else on {base.name[:12]}: "
        "Docker uses the former, shown is the latter"
    )
    own.write_text("")
    warnings = open_image(f"docker-root:[{aufs}]/angry_rosalind").warnings
    assert warnings[-1].startswith(f"{own} says that it is on nothing, everything else on {init.name[:12]}")
    own.unlink()
    assert len(open_image(f"docker-root:[{aufs}]/angry_rosalind").warnings) == 2


# v1Compatibility: the image as registries know it


def with_compatibility(root: Path, identity: str, **changed: object) -> Path:
    """What a push to a registry leaves: the image with its ID and its parent's."""
    folder = root / "graph" / identity
    path = folder / "v1Compatibility"
    path.write_text(json.dumps({**json.loads((folder / "json").read_text()), **changed}))
    return path


def test_v1_compatibility_is_shown_beside_json(overlay: Path) -> None:
    top = ids()[-1]
    # Fields that are empty come and go, and so do IDs: each is as good as the other.
    value = json.loads((overlay / "graph" / top / "json").read_text())
    config = {**value["config"], "OnBuild": [], "MemorySwap": -1, "Domainname": ""}
    path = with_compatibility(overlay, top, id="a" * 64, Size=7, config=config, throwaway=True)
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    assert dict(image.layers[-1].places)["v1Compatibility"] == str(path) and len(image.warnings) == 1
    chain = list(parts(image))
    assert [part.kind for part in chain[:4]] == [
        "reference",
        "repositories-overlay",
        "config",
        "v1Compatibility",
    ]
    assert (chain[3].data, dict(chain[3].facts)["stored at"]) == (path.read_bytes(), str(path))
    assert {field.file for field in fields(image) if field.key == "created"} == {str(path.with_name("json"))}


@pytest.mark.parametrize("name", ["json", "v1Compatibility"])
def test_what_an_image_says_is_read_once(overlay: Path, name: str) -> None:
    """A daemon may write between two reads: what is shown and the bytes of it are those of one moment."""
    folder = with_compatibility(overlay, ids()[-1]).parent
    if name != "json":
        (folder / "json").write_text("{")
    with counted_opens() as opens:
        image = open_image(f"docker-root:[{overlay}]old:1.9")
    names = ("json", "v1Compatibility", "layersize", "parent")
    files = [*(folder / each for each in names if (folder / each).exists()), overlay / "repositories-overlay"]
    assert len(files) > 3 and [opens[str(path)] for path in files] == [1] * len(files)
    assert json.loads(image.config_bytes) == image.config
    assert image.config_bytes == (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"author": "someone else"}, "another author than json"),
        ({"created": "2020-01-01T00:00:00Z", "os": "plan9"}, "another created, os than json"),
        ({"config": {"User": "root"}}, "another config than json"),
    ],
)
def test_v1_compatibility_that_contradicts_json(overlay: Path, changed: dict[str, object], said: str) -> None:
    path = with_compatibility(overlay, ids()[3], **changed)
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    assert image.warnings[1:] == [f"{path} has {said}: shown is that of json"]


def test_v1_compatibility_of_the_same_moment(overlay: Path) -> None:
    created = json.loads((overlay / "graph" / ids()[3] / "json").read_text())["created"]
    with_compatibility(overlay, ids()[3], created=created.replace("Z", ".000+00:00"))
    assert len(open_image(f"docker-root:[{overlay}]old:1.9").warnings) == 1


@pytest.mark.parametrize("broken", [None, b"{", b"[]"])
def test_v1_compatibility_in_place_of_json(overlay: Path, broken: bytes | None) -> None:
    """With the IDs that a registry knows, where a pull by digest made others."""
    expected = open_image(f"docker-root:[{overlay}]old:1.9")
    *_, below, top = ids()
    with_compatibility(overlay, below, id="b" * 64)
    path = with_compatibility(overlay, top, id="a" * 64, parent="b" * 64)
    path.with_name("json").unlink() if broken is None else path.with_name("json").write_bytes(broken)
    image = open_image(f"docker-root:[{overlay}]old:1.9")
    found, wanted = ([entry._replace(document=None) for entry in each.history] for each in (image, expected))
    assert found == wanted and len(image.layers) == len(expected.layers)
    assert image.warnings[1].startswith(str(path.with_name("json")))
    assert image.warnings[1].endswith(": shown is what its v1Compatibility says")
    assert image.links[-1].location == str(path) and image.config["id"] == "a" * 64
    told = {field.name: field.file for field in fields(image)}
    assert told["Created"] == told["Parent"] == str(path)
    assert {f"{row.name}:{row.tag}" for row in list_images(f"docker-root:{overlay}")} == {"old:1.9", "work:1"}


def test_neither_can_be_read(overlay: Path) -> None:
    path = with_compatibility(overlay, ids()[-1])
    path.write_text("{")
    assert open_image(f"docker-root:[{overlay}]old:1.9").warnings[1].startswith(f"{path} is not valid JSON")
    path.with_name("json").write_text("[")
    with pytest.raises(LayertuiError, match=r"json is not valid JSON"):
        open_image(f"docker-root:[{overlay}]old:1.9")


def test_json_of_another_image(overlay: Path) -> None:
    path = overlay / "graph" / ids()[-1] / "json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": "a" * 64}))
    (_, warning) = open_image(f"docker-root:[{overlay}]old:1.9").warnings
    assert warning == f"{path} is of the image {'a' * 64}: Docker does not open it"
