"""Docker's data root since 1.10, live, stopped, and as other people copied theirs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.anatomy.chain import origins
from layertui.anatomy.docker_inspect import described, fields
from layertui.content.read import Contents
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.image import ContainerSummary, ImageSummary
from layertui.model.numbers import LayerNumber
from layertui.model.reference import parse_reference
from layertui.sources import docker_root, list_images, open_image
from layertui.sources.containerd.namespace import METADATA_DB
from layertui.sources.store_usage import SUBVOLUME, usage_of
from layertui.union.changes import changes
from layertui.union.model import LayerUnion
from layertui.verify.image import verify_image
from tests.observable import Seen, Sizes, assert_sizes, seen
from tests.open_counts import counted_opens
from tests.other_projects import docker_root as other_people
from tests.programs import lacking, need
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import copy_of
from tests.union.trees import assert_same, merged, on_disk


@pytest.fixture(params=["overlay2", "overlay", "vfs", "btrfs"])
def root(request: pytest.FixtureRequest, docker_roots: Callable[[str], Path]) -> Path:
    return docker_roots(request.param)


def driver_of(root: Path) -> str:
    return next(path.name for path in (root / "image").iterdir())


def test_the_same_image_as_from_its_archive(root: Path, expected: Seen, measured: Sizes) -> None:
    image = open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}")
    assert seen(image) == expected
    if driver_of(root) == "btrfs":
        assert all(
            Path(str(layer.unpacked.location)).stat().st_ino == SUBVOLUME
            for layer in image.layers
            if layer.unpacked
        )
    counted = measured.directories if driver_of(root) == "overlay2" else measured.files
    assert_sizes(image, counted, "of files")


def test_list(root: Path) -> None:
    rows = {f"{row.name}:{row.tag}": row for row in list_images(f"docker-root:{root}")}
    assert sorted(rows) == ["old:1.9", "quarry:1.1", "work:1"]
    row = rows["quarry:1.1"]
    assert (row.id, row.layers) == (demo.image().id, len(demo.image().layers))
    assert open_image(row.reference).id == row.id
    assert open_image(f"docker-root:[{root}]{row.id[7:20]}").id == row.id


def test_inspect_is_dockers(root: Path) -> None:
    for theirs in json.loads((root.parent / "inspect.json").read_text()):
        image = open_image(f"docker-root:[{root}]{theirs['Id']}")
        ours = described(image)
        assert list(ours) == list(theirs) and ours == theirs
        assert all(where != "." for _, where, _ in origins(fields(image)))
        for field in fields(image):
            assert os.path.lexists(field.file) if field.file else field.name in ("Parent", "Metadata")
            if field.key in image.config and isinstance(field.value, str) and field.value:
                assert json.loads(Path(field.file).read_bytes())[field.key] == field.value
        if theirs["RepoTags"] == ["work:1"]:
            noted = next(field for field in fields(image) if field.name == "Parent")
            assert Path(noted.file).read_text() == noted.value != ""


def test_what_an_image_says_is_read_once(root: Path) -> None:
    """A daemon may write between two reads: what is shown and the bytes of it are those of one moment."""
    store = root / "image" / driver_of(root)
    with counted_opens() as opens:
        image = open_image(f"docker-root:[{root}]work:1")
    config = store / "imagedb/content" / image.id.replace(":", "/")
    assert [opens[str(path)] for path in (config, store / "repositories.json")] == [1, 1]
    assert json.loads(image.config_bytes) == image.config


def test_steps_of_a_build_are_not_offered(root: Path) -> None:
    stored = list((root / "image" / driver_of(root) / "imagedb/content/sha256").iterdir())
    listed = {row.id for row in list_images(f"docker-root:{root}")}
    steps = {f"sha256:{path.name}" for path in stored} - listed
    assert steps
    for identity in steps:  # docker images --all lists them, and docker inspect knows them
        (row,) = list_images(f"docker-root:[{root}]{identity}")
        assert (row.name, row.tag, row.id) == ("", "", identity)
        assert open_image(row.reference).id == identity


def test_each_step_of_a_build_has_the_id_of_its_image(root: Path) -> None:
    """As in docker history; of an image that was loaded only the last step has one."""
    built, loaded = (open_image(f"docker-root:[{root}]{name}") for name in ("work:1", demo.SAMPLE_NAME))
    ids = [step.id for step in built.history[::-1]]
    assert ids[0] == built.id and len(set(ids)) == len(ids) > 2
    for identity, below in zip(ids, [*ids[1:], ""], strict=True):
        assert described(open_image(f"docker-root:[{root}]{identity}"))["Parent"] == below
    assert [step.id for step in loaded.history[::-1]] == [loaded.id] + ["<missing>"] * (
        len(loaded.history) - 1
    )
    container = open_image(f"docker-root:[{root}]/worked")
    assert [step.id for step in container.history[-2:]] == ["<missing>"] * 2


def test_containers(root: Path) -> None:
    rows = {row.name: row for row in docker_root.list_containers(parse_reference(f"docker-root:{root}"))}
    assert sorted(rows) == ["idle", "worked"]
    assert (rows["worked"].image, rows["worked"].state) == ("work:1", "exited")
    assert rows["worked"].status.startswith("Exited (0) ") and rows["worked"].status.endswith(" ago")
    assert (rows["idle"].state, rows["idle"].status) == ("created", "Created")
    image = open_image(rows["worked"].reference)
    assert [entry.created_by.partition(":")[0] for entry in image.history[-2:]] == [
        "init layer",
        "read-write layer of container worked (exited)",
    ]
    union, contents = union_of(image)
    theirs = {tuple(pair) for pair in json.loads((root.parent / "diff.json").read_text())}
    assert changed(union, contents) == theirs and ("deleted", "/.dockerenv") in theirs
    assert union.at(union.resolve("/srv/new", union.layers), union.layers) >= 0
    assert (
        union.at(union.find("/.dockerenv"), union.layers)
        < 0
        <= union.at(union.find("/.dockerenv"), LayerNumber(4))
    )
    assert contents.read(union.at(union.find("/srv/kept"), union.layers)) == b"more\n"


def test_a_container_that_never_ran_has_written_nothing(root: Path) -> None:
    """Though its directory may be a copy of the init layer's: copying keeps the times of files and symlinks."""
    union, contents = union_of(open_image(f"docker-root:[{root}]/idle"))
    assert not changed(union, contents)
    init = {
        change.path: change.change for change in changes(union, LayerNumber(union.layers - 1), contents.same)
    }
    assert init["/.dockerenv"] == init["/etc/mtab"] == "added"


def changed(union: LayerUnion, contents: Contents) -> set[tuple[str, str]]:
    """What the top layer did, without what it merely has again."""
    found = changes(union, union.layers, contents.same)
    return {(change.change, change.path) for change in found if change.change != "repeated"}


def test_where_the_layers_of_a_container_lie(root: Path) -> None:
    driver = driver_of(root)
    image = open_image(f"docker-root:[{root}]/worked")
    top, init, own = (dict(layer.places) for layer in image.layers[-3:])
    assert init["unpacked"].rpartition("-init")[0] in own["unpacked"]
    assert init.get("lower-id") == own.get("lower-id") == (top["cache-id"] if driver == "overlay" else None)
    assert not image.warnings


def test_a_container_on_another_tree_than_its_image_says(
    docker_roots: Callable[[str], Path], tmp_path: Path
) -> None:
    damaged = copy_of(docker_roots("overlay"), tmp_path)
    own = dict(open_image(f"docker-root:[{damaged}]/idle").layers[-1].places)
    other = dict(open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}").layers[0].places)["cache-id"]
    path = Path(own["unpacked"]).with_name("lower-id")
    path.write_text(other)
    (warning,) = open_image(f"docker-root:[{damaged}]/idle").warnings
    assert warning.startswith(
        f"{path} says that it is on {other[:12]}, everything else on {own['lower-id'][:12]}: "
    )
    path.write_text("../../../etc")
    image = open_image(f"docker-root:[{damaged}]/idle")
    assert image.warnings and not index_layer(image.layers[-1], None).damage


@pytest.fixture(params=["overlay2", "vfs"])
def damaged(request: pytest.FixtureRequest, docker_roots: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy to be broken."""
    return copy_of(docker_roots(request.param), tmp_path)


def top_layer(root: Path) -> Path:
    image = open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}")
    return root / "image" / driver_of(root) / "layerdb" / image.layers[-1].chain_id.replace(":", "/")


def test_a_layer_whose_directory_is_gone(damaged: Path) -> None:
    layer = open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}").layers[-1]
    assert layer.unpacked is not None
    shutil.rmtree(layer.unpacked.location)
    image = open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}")
    assert image.layers[-1].missing.endswith("is not there")
    assert not index_layer(image.layers[0], None).damage


def test_a_layer_that_the_store_does_not_know(damaged: Path) -> None:
    shutil.rmtree(top_layer(damaged))
    assert (
        "the store has no layer of the chain ID"
        in open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}").layers[-1].missing
    )


def test_a_layer_in_anothers_place(damaged: Path) -> None:
    (top_layer(damaged) / "diff").write_text("sha256:" + "0" * 64)
    assert (
        "has another diff ID" in open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}").layers[-1].missing
    )


def test_a_cache_id_that_leads_outside(damaged: Path) -> None:
    (top_layer(damaged) / "cache-id").write_text("../../../etc")
    assert open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}").layers[-1].unpacked is None


def test_without_records_the_directories_tell(damaged: Path, expected: Seen) -> None:
    """But what a tar had again as it was: of that a whole tree keeps nothing."""
    for record in damaged.glob("image/*/layerdb/sha256/*/tar-split.json.gz"):
        record.unlink()
    image = open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}")
    found = seen(image)
    if driver_of(damaged) == "overlay2":
        assert found == expected and not image.warnings
        return
    assert image.warnings[0].startswith("no record of the tar of layers 2, 3, 4, 5, 6, 7, 8, 9:")
    assert (found.trees, found.history, found.tree_bytes) == (
        expected.trees,
        expected.history,
        expected.tree_bytes,
    )
    for ours, theirs in zip(found.changes, expected.changes, strict=True):
        assert [did(each) for each in ours] == [did(each) for each in theirs if each["change"] != "repeated"]
    for ours, theirs in zip(found.entries, expected.entries, strict=True):
        assert [{**each, "layer": 0} for each in ours] == [{**each, "layer": 0} for each in theirs]
    statuses = {
        (check.what, check.status) for check in verify_image(image) if check.subject.startswith("layer")
    }
    assert ("diff ID", "unchecked") in statuses and not any(status == "wrong" for _, status in statuses)


def did(change: dict[str, Any]) -> tuple[object, ...]:
    return change["path"], change["change"], change["what"]


def test_a_tree_without_the_one_below_it(docker_roots: Callable[[str], Path], tmp_path: Path) -> None:
    root = copy_of(docker_roots("vfs"), tmp_path)
    layers = open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}").layers
    for layer in layers:
        Path(dict(layer.places)["tar-split"]).unlink()
    shutil.rmtree(dict(layers[3].places)["unpacked"])
    missing = [layer.missing for layer in open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}").layers]
    assert missing[3].endswith("is not there") and "together with what is below it" in missing[4]
    assert not missing[2] and not missing[5]


def test_fuse_overlayfs(
    docker_roots: Callable[[str], Path], expected: Seen, measured: Sizes, tmp_path: Path
) -> None:
    """As Docker without root's privileges has it on older kernels: whiteouts may be files named after what they hide."""
    need("fuse-overlayfs")
    if not Path("/dev/fuse").exists():
        lacking("fuse-overlayfs needs FUSE")
    root = copy_of(docker_roots("fuse-overlayfs"), tmp_path)
    image = open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}")
    assert seen(image) == expected and {check.status for check in verify_image(image)} == {"ok"}
    assert_sizes(image, measured.directories, "of files")
    union, contents = union_of(open_image(f"docker-root:[{root}]/worked"))
    found = changed(union, contents)
    assert {("deleted", "/srv/d/x"), ("deleted", "/srv/old"), ("modified", "/srv/kept")} <= found
    assert ("added", "/srv/new") in found and not any(".wh." in path for _, path in found)
    assert list(root.glob("fuse-overlayfs/*/diff/**/.wh.*"))
    for record in root.glob("image/*/layerdb/sha256/*/tar-split.json.gz"):
        record.unlink()
    assert seen(open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}")) == expected


def test_a_config_that_is_damaged(damaged: Path) -> None:
    identity = demo.image().id
    path = damaged / "image" / driver_of(damaged) / "imagedb/content" / identity.replace(":", "/")
    path.write_bytes(path.read_bytes().replace(b"linux", b"LINUX"))
    with pytest.raises(LayertuiError, match=f"{identity[7:]}: wrong digest"):
        open_image(f"docker-root:[{damaged}]{demo.SAMPLE_NAME}")


def test_what_is_broken_leaves_the_rest_in_the_lists(damaged: Path) -> None:
    content = damaged / "image" / driver_of(damaged) / "imagedb/content/sha256"
    for broken in ("0" * 64, "f" * 64):  # before the others and after them
        (content / broken).write_bytes(b"{")
        (damaged / "containers" / broken).mkdir()
        (damaged / "containers" / broken / "config.v2.json").write_bytes(b"{")
        (damaged / "image" / driver_of(damaged) / "layerdb/mounts" / broken).mkdir()
    images: list[ImageSummary] = []
    containers: list[ContainerSummary] = []
    with pytest.raises(LayertuiError, match="0" * 64):
        images.extend(list_images(f"docker-root:{damaged}"))
    with pytest.raises(LayertuiError, match="0" * 64):
        containers.extend(docker_root.list_containers(parse_reference(f"docker-root:{damaged}")))
    # extend() keeps what came before the error
    assert {f"{row.name}:{row.tag}" for row in images} >= {demo.SAMPLE_NAME, "work:1"}
    assert sorted(row.name for row in containers) == ["idle", "worked"]
    assert open_image(containers[0].reference).layers
    told = usage_of(parse_reference(f"docker-root:{damaged}"))
    assert {name for image in told.images for name in image.names} >= {demo.SAMPLE_NAME, "work:1"}
    assert len([problem for problem in told.problems if "0" * 64 in problem]) >= 2


def test_a_damaged_containerd_leaves_docker_s_own_images(damaged: Path) -> None:
    """Docker 20.10 has one there too, whose database nobody of Docker's images needs."""
    meta = damaged / "containerd/daemon" / METADATA_DB
    meta.write_bytes(b"no database")
    images: list[ImageSummary] = []
    containers: list[ContainerSummary] = []
    with pytest.raises(LayertuiError, match=r"meta\.db is no Bolt database"):
        images.extend(list_images(f"docker-root:{damaged}"))
    with pytest.raises(LayertuiError, match=r"meta\.db is no Bolt database"):
        containers.extend(docker_root.list_containers(parse_reference(f"docker-root:{damaged}")))
    assert {f"{row.name}:{row.tag}" for row in images} == {demo.SAMPLE_NAME, "old:1.9", "work:1"}
    assert sorted(row.name for row in containers) == ["idle", "worked"]
    for reference in [row.reference for row in images] + [row.reference for row in containers]:
        assert open_image(reference).layers
    found = usage_of(parse_reference(f"docker-root:{damaged}"))
    assert {name for image in found.images for name in image.names} == {demo.SAMPLE_NAME, "old:1.9", "work:1"}
    (problem,) = found.problems
    assert str(meta) in problem and found.parts and found.layers


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"Repositories": 5}', b'{"Repositories": {"a": [1]}}'])
def test_names_that_are_broken(damaged: Path, junk: bytes) -> None:
    (damaged / "image" / driver_of(damaged) / "repositories.json").write_bytes(junk)
    try:
        assert all(not row.name for row in list_images(f"docker-root:{damaged}"))
    except LayertuiError as error:
        assert "repositories.json" in str(error)


def test_no_docker_roots(tmp_path: Path) -> None:
    with pytest.raises(LayertuiError) as raised:
        list(list_images(f"docker-root:{tmp_path}"))
    assert (
        str(raised.value) == f"{tmp_path} is not a data root of Docker, it has neither "
        "image/DRIVER/imagedb nor graph and repositories-DRIVER"
    )


def test_names_of_the_store_are_told(root: Path) -> None:
    with pytest.raises(
        LayertuiError, match=r"has no image none:1, its .* store has old:1.9, quarry:1.1, work:1"
    ):
        open_image(f"docker-root:[{root}]none:1")
    with pytest.raises(LayertuiError, match=r"has no container none, it has (idle, worked|worked, idle)"):
        open_image(f"docker-root:[{root}]/none")
    with pytest.raises(LayertuiError, match="is a store"):
        open_image(f"docker-root:{root}")


@pytest.mark.parametrize(
    ("name", "paths", "containers", "lost"),
    [
        ("aufs.v2", 390, 7, ("owner", "mode")),
        ("overlay.v2", 413, 6, ("owner",)),
        ("overlay2.v2", 413, 5, ("owner",)),
    ],
)
def test_docker_rootss_of_other_people(
    name: str, paths: int, containers: int, lost: tuple[str, ...], tmp_path: Path
) -> None:
    """Their image is what lies there, but for what whoever copied the store did not keep."""
    root = other_people(name, tmp_path)
    (row,) = list_images(f"docker-root:{root}")
    assert (row.name, row.tag) == ("busybox", "latest")
    image = open_image(row.reference)
    union, contents = union_of(image)
    assert union.nodes - 1 == paths
    (layer,) = image.layers
    assert layer.unpacked is not None
    if os.geteuid() == 0:
        without: dict[str, Any] = dict.fromkeys(lost)
        there = on_disk(Path(layer.unpacked.location))
        there = {path: facts for path, facts in there.items() if not path.startswith("/.wh..wh.")}
        ours = merged(union, 1, contents.read)
        assert_same(
            {path: replace(facts, **without) for path, facts in ours.items()},
            {path: replace(facts, **without) for path, facts in there.items()},
        )
    found = list(docker_root.list_containers(parse_reference(f"docker-root:{root}")))
    assert len(found) == containers
    for container in found:
        assert not any(index_layer(layer, None).damage for layer in open_image(container.reference).layers)


def test_what_containers_of_other_people_wrote(tmp_path: Path) -> None:
    """Held against the names that are in their directories and not in those that they began as copies of."""
    root = other_people("overlay.v2", tmp_path)
    wrote = {}
    for row in docker_root.list_containers(parse_reference(f"docker-root:{root}")):
        image = open_image(row.reference)
        init, own = (Path(str(layer.unpacked.location)) for layer in image.layers[-2:] if layer.unpacked)
        names = [{str(path.relative_to(upper)) for path in upper.rglob("*")} for upper in (init, own)]
        found = changed(*union_of(image))
        assert {path for _, path in found} == {f"/{name}" for name in names[1] - names[0]}
        wrote[row.name] = found
    assert set(filter(None, map(frozenset, wrote.values()))) == {
        frozenset({("modified", "/root"), ("added", "/root/.ash_history"), ("added", "/test")})
    }
