"""The store of Podman and Buildah, written by them, and damaged afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.layers.unpacked.full_tree import FullTree
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.model.errors import LayertuiError
from layertui.model.reference import parse_reference
from layertui.sources import containers_storage, list_images, open_image
from layertui.sources.store_usage import usage_of
from layertui.union.changes import changes
from tests.engines import containers_storage as store_of
from tests.engines import run
from tests.observable import Seen, Sizes, assert_sizes, seen
from tests.sources.engine.test_containers import union_of
from tests.sources.stores import OLD
from tests.sources.stores import PODMANS as SAMPLE


@pytest.fixture(params=["overlay", "vfs"])
def command(request: pytest.FixtureRequest, podman_stores: Callable[[str], list[str]]) -> list[str]:
    return podman_stores(request.param)


@pytest.fixture
def driver(command: list[str]) -> str:
    return command[3].partition("=")[2]


@pytest.fixture
def root(command: list[str]) -> Path:
    return Path(command[1].partition("=")[2])


@pytest.fixture
def store(root: Path, driver: str) -> str:
    return f"containers-storage:[{driver}@{root}]"


def test_the_same_image_as_from_its_archive(store: str, expected: Seen, measured: Sizes) -> None:
    image = open_image(f"{store}{SAMPLE}")
    assert seen(image) == expected
    assert_sizes(image, measured.tars, "as a tar")
    assert not image.warnings
    assert image.config_bytes == demo.image().config_bytes
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in demo.image().layers]


def test_without_records_the_directories_tell(damaged: Path, driver: str, expected: Seen) -> None:
    for record in damaged.glob("*-layers/*.tar-split.gz"):
        record.unlink()
    image = open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    kind = UnpackedDirectory if driver == "overlay" else FullTree
    assert all(isinstance(layer.unpacked, kind) for layer in image.layers)
    assert [set(tree) for tree in seen(image).trees] == [set(tree) for tree in expected.trees]


def test_list_is_podmans(command: list[str], store: str) -> None:
    theirs = {
        (image["Id"], name, image["Digest"])
        for image in json.loads(run(*command, "images", "--format=json"))
        for name in image["Names"]
    }
    rows = list(list_images(store))
    assert {(row.id[7:], f"{row.name}:{row.tag}", row.digest) for row in rows} == theirs
    assert {row.name for row in rows} == {"localhost/quarry", "localhost/work"}
    for row in rows:
        image = open_image(row.reference)
        assert (image.id, len(image.layers), image.size) == (row.id, row.layers, row.size)
        assert image.manifest_digest == row.digest


def test_ways_to_name_an_image(store: str) -> None:
    identity = demo.image().id
    image = open_image(f"{store}{SAMPLE}")
    names = [
        demo.SAMPLE_NAME,
        identity,
        identity[7:],
        identity[7:20],
        *image.repo_digests,
        f"quarry@{identity}",
    ]
    assert {open_image(f"{store}{name}").id for name in names} == {identity}
    with pytest.raises(
        LayertuiError, match=r"has no image none:1, its .* store has localhost/quarry:1.1, localhost/work:1"
    ):
        open_image(f"{store}none:1")
    with pytest.raises(LayertuiError, match="is a store"):
        open_image(store)
    with pytest.raises(LayertuiError, match="linux/arm64"):
        open_image(f"{store}{SAMPLE}", "linux/arm64")


def test_containers(command: list[str], store: str) -> None:
    rows = {row.name: row for row in containers_storage.list_containers(parse_reference(store))}
    row = rows["worked"]
    assert (row.id, row.image) == (
        run(*command, "inspect", "-f={{.Id}}", "worked").strip(),
        "localhost/work:1",
    )
    image = open_image(row.reference)
    assert image.name == "worked (localhost/work:1)"
    assert image.history[-1].created_by == "read-write layer of container worked (state unknown)"
    union, contents = union_of(image)
    assert contents.read(union.at(union.find("/srv/new"), union.layers)) == b"hello\n"
    found = {change.path: change.change for change in changes(union, union.layers, contents.same)}
    assert {path: found[path] for path in (*OLD, "/srv/link", "/srv/größe 中文")} == {
        "/srv/old": "deleted",
        "/srv/d/x": "deleted",
        "/srv/kept": "modified",
        "/srv/wide": "deleted",
        "/srv/link": "added",
        "/srv/größe 中文": "added",
    }
    assert "/bin/busybox" not in found
    made = next(row for name, row in rows.items() if name.endswith("working-container"))
    alone, _ = union_of(open_image(made.reference))
    assert (alone.layers, alone.find("/srv/kept") > 0) == (1, True)
    with pytest.raises(LayertuiError, match="has no container none, it has "):
        open_image(f"{store}/none")


def test_images_of_another_store(
    command: list[str],
    root: Path,
    driver: str,
    expected: Seen,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container stands on an image of an additional store."""
    with store_of("podman", driver) as own:
        option = f"--storage-opt={driver}.imagestore={root}"
        run(*own, option, "create", "--name=onto", SAMPLE, "sh")
        configuration = tmp_path / "storage.conf"
        configuration.write_text(
            f'[storage]\ndriver = "{driver}"\ngraphroot = "{own[1].partition("=")[2]}"\n'
            f'[storage.options]\nadditionalimagestores = ["{root}"]\n'
        )
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(configuration))
        assert seen(open_image(f"containers-storage:{demo.SAMPLE_NAME}")) == expected
        (row,) = containers_storage.list_containers(parse_reference("containers-storage:"))
        assert row.reference == "containers-storage:[]/onto"
        assert seen(open_image(row.reference)).trees[:-1] == expected.trees


def test_files_that_a_container_only_gave_away(archive: Path) -> None:
    """Fedora's default keeps their data in the image's layers."""
    with store_of("podman", "overlay") as podman:
        podman = [*podman, "--storage-opt=overlay.mountopt=metacopy=on"]
        run(*podman, "load", "--input", archive)
        run(*podman, "create", "--name=given", SAMPLE, "sh")
        mount = Path(run(*podman, "mount", "given").strip())
        (mount / "etc/passwd").chmod(0o600)
        expected = (mount / "etc/passwd").read_bytes()
        run(*podman, "umount", "given")
        store = podman[1].partition("=")[2]
        image = open_image(f"containers-storage:[{store}]/given")
        upper = Path(image.layers[-1].unpacked.location if image.layers[-1].unpacked else "")
        assert (upper / "etc/passwd").read_bytes() == bytes(len(expected))
        union, contents = union_of(image)
        entry = union.at(union.find("/etc/passwd"), union.layers)
        assert contents.read(entry) == expected
        (change,) = [
            each for each in changes(union, union.layers, contents.same) if each.path == "/etc/passwd"
        ]
        assert (change.change, list(change.what)) == ("modified", ["mode"])


# Damage


@pytest.fixture
def damaged(root: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    subprocess.run(["cp", "--archive", root, tmp_path / "copy"], check=True)
    return tmp_path / "copy"


def change(path: Path, edit: Callable[[list[dict[str, Any]]], None]) -> None:
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


def the_other_is_readable(root: Path) -> None:
    assert {row.name for row in list_images(f"containers-storage:{root}")} >= {"localhost/work"}
    assert union_of(open_image(f"containers-storage:[{root}]work:1"))[0].find("/srv/kept") > 0


def test_a_layer_whose_directory_is_gone(damaged: Path) -> None:
    layer = open_image(f"containers-storage:[{damaged}]{SAMPLE}").layers[3]
    assert layer.unpacked is not None
    shutil.rmtree(layer.unpacked.location)
    image = open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    assert [layer.number for layer in image.layers if layer.missing] == [4]
    assert image.layers[3].missing.endswith("is not there")
    assert not index_layer(image.layers[0], None).damage
    the_other_is_readable(damaged)


def test_parents_that_go_round_in_circles(damaged: Path, driver: str) -> None:
    def edit(layers: list[dict[str, Any]]) -> None:
        top = open_image(f"containers-storage:[{damaged}]{SAMPLE}").layers[-1]
        base = next(each for each in layers if "parent" not in each and each["diff-digest"] != top.diff_id)
        base["parent"] = next(each["id"] for each in layers if each.get("diff-digest") == top.diff_id)

    change(damaged / f"{driver}-layers/layers.json", edit)
    image = open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    assert "form a cycle" in image.warnings[0]
    assert len(image.layers) == len(demo.image().layers)
    the_other_is_readable(damaged)
    rows = {row.name for row in list_images(f"containers-storage:{damaged}")}
    assert rows == {"localhost/quarry", "localhost/work"}
    containers = list(containers_storage.list_containers(parse_reference(f"containers-storage:{damaged}")))
    assert {open_image(row.reference).name.split()[0] for row in containers} == {
        row.name for row in containers
    }
    found = usage_of(parse_reference(f"containers-storage:{damaged}"))
    assert {name for image in found.images for name in image.names} == {SAMPLE, "localhost/work:1"}
    (problem,) = found.problems
    assert problem.startswith(f"{SAMPLE}: the parents of its layers form a cycle at ")


def test_a_layer_that_is_incomplete(damaged: Path, driver: str, expected: Seen) -> None:
    top = open_image(f"containers-storage:[{damaged}]{SAMPLE}").layers[-1].diff_id

    def edit(layers: list[dict[str, Any]]) -> None:
        next(each for each in layers if each.get("diff-digest") == top)["flags"] = {"incomplete": True}

    change(damaged / f"{driver}-layers/layers.json", edit)
    image = open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    assert all("or only a part of it" in layer.missing for layer in image.layers)
    assert [(entry.layer, entry.created_by) for entry in image.history] == [
        (layer, command) for layer, _created, command, *_ in expected.history
    ]
    the_other_is_readable(damaged)


def test_a_layer_in_anothers_place(damaged: Path, driver: str) -> None:
    def edit(layers: list[dict[str, Any]]) -> None:
        next(each for each in layers if "parent" in each)["diff-digest"] = "sha256:" + "0" * 64

    change(damaged / f"{driver}-layers/layers.json", edit)
    missing = [layer.missing for layer in open_image(f"containers-storage:[{damaged}]{SAMPLE}").layers]
    assert [number for number, why in enumerate(missing, 1) if "another layer there" in why] == [2]


def test_an_id_that_is_not_the_configs_digest(damaged: Path, driver: str, expected: Seen) -> None:
    """Of images whose layers are known by their TOC (containers/image, ``computeID``)."""
    folder, identity = damaged / f"{driver}-images", "12" * 32

    def edit(images: list[dict[str, Any]]) -> None:
        next(each for each in images if each["id"] == demo.image().id[7:])["id"] = identity

    change(folder / "images.json", edit)
    (folder / demo.image().id[7:]).rename(folder / identity)
    image = open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    assert image.id == demo.image().id
    assert seen(open_image(f"containers-storage:[{damaged}]{identity}")).trees == expected.trees
    row = next(row for row in list_images(f"containers-storage:{damaged}") if row.id == f"sha256:{identity}")
    assert (row.layers, row.size) == (len(image.layers), image.size)
    the_other_is_readable(damaged)


def test_a_config_that_is_damaged_or_gone(damaged: Path, driver: str) -> None:
    folder = damaged / f"{driver}-images" / demo.image().id[7:]
    (config,) = (path for path in folder.iterdir() if path.name.startswith("=c2hhMjU2"))
    config.write_bytes(config.read_bytes().replace(b"linux", b"LINUX"))
    with pytest.raises(LayertuiError, match=r"the config of .*: wrong digest"):
        open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    shutil.rmtree(folder)
    with pytest.raises(LayertuiError, match=r"cannot read .*manifest"):
        open_image(f"containers-storage:[{damaged}]{SAMPLE}")
    rows = {row.name: row for row in list_images(f"containers-storage:{damaged}")}
    assert (rows["localhost/quarry"].id, rows["localhost/quarry"].size) == (demo.image().id, None)
    the_other_is_readable(damaged)


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"{}", b"5", b"[" * 100_000, b"[" + b'{"id": "a/../b"},' * 2 + b"1]"]
)
@pytest.mark.parametrize("name", ["images/images.json", "layers/layers.json", "containers/containers.json"])
def test_lists_that_are_broken(damaged: Path, driver: str, name: str, junk: bytes) -> None:
    path = damaged / f"{driver}-{name}"
    path.write_bytes(junk)
    kind = name.partition("/")[0]
    try:
        rows = list(list_images(f"containers-storage:{damaged}"))
        assert len(rows) == (0 if kind == "images" else 2)
        assert kind != "layers" or all(row.size is None for row in rows)
        containers = list(
            containers_storage.list_containers(parse_reference(f"containers-storage:{damaged}"))
        )
        assert len(containers) == (0 if kind == "containers" else 2)
        image = open_image(f"containers-storage:[{damaged}]{SAMPLE}")
        assert all("the store has no layer" in layer.missing for layer in image.layers) == (kind == "layers")
    except LayertuiError as error:
        assert str(path) in str(error) or "has no image" in str(error)


def test_any_values_end_in_an_error_or_an_image(damaged: Path, driver: str) -> None:
    """Every value of every list replaced by others, one after the other."""
    junk: list[Any] = [None, 7, -1, True, "", "x/../..", "\udcff", [], [None], {}, {"a": 1}]
    chance = random.Random(5)
    for name in ("images/images.json", "layers/layers.json", "containers/containers.json"):
        path = damaged / f"{driver}-{name}"
        whole = path.read_text()
        for number, record in enumerate(json.loads(whole)):
            for key in record:
                value = json.loads(whole)
                value[number][key] = chance.choice(junk)
                path.write_text(json.dumps(value))
                references = [SAMPLE, "work:1", "/worked", demo.image().id]
                for reference in references:
                    with contextlib.suppress(LayertuiError):
                        open_image(f"containers-storage:[{damaged}]{reference}")
                with contextlib.suppress(LayertuiError):
                    list(list_images(f"containers-storage:{damaged}"))
                with contextlib.suppress(LayertuiError):
                    list(containers_storage.list_containers(parse_reference(f"containers-storage:{damaged}")))
        path.write_text(whole)
    the_other_is_readable(damaged)


def test_an_image_for_several_platforms(command: list[str], store: str) -> None:
    run(*command, "manifest", "create", "many:1", f"containers-storage:{SAMPLE}")
    try:
        row = next(row for row in list_images(store) if row.name == "localhost/many")
        assert [str(platform) for platform in row.platforms] == ["linux/amd64"]
        with pytest.raises(LayertuiError, match="is a list of images for platforms, sha256:"):
            open_image(row.reference)
    finally:
        run(*command, "manifest", "rm", "many:1")


def test_without_permission(root: Path, driver: str) -> None:
    os.seteuid(65534)
    try:
        for reference in (f"containers-storage:{root}", f"containers-storage:[{driver}@{root}]"):
            with pytest.raises(LayertuiError, match=r"cannot list .*, Permission denied, run as root"):
                list(list_images(reference))
    finally:
        os.seteuid(0)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(LayertuiError) as raised:
        list(list_images(f"containers-storage:{tmp_path}"))
    assert str(raised.value) == f"{tmp_path} is not a store of Podman or Buildah, it has no DRIVER-images"
    with pytest.raises(LayertuiError, match="there is no such directory"):
        list(list_images(f"containers-storage:{tmp_path}/none"))
    (tmp_path / "vfs-images").mkdir()
    with pytest.raises(LayertuiError, match="has nothing of overlay, it has vfs"):
        list(list_images(f"containers-storage:[overlay@{tmp_path}]"))
    assert list(list_images(f"containers-storage:{tmp_path}")) == []


def test_drivers_side_by_side(damaged: Path, driver: str, archive: Path, expected: Seen) -> None:
    other = "vfs" if driver == "overlay" else "overlay"
    command = ["buildah", f"--root={damaged}", f"--runroot={damaged}.run", f"--storage-driver={other}"]
    try:
        run(*command, "pull", f"docker-archive:{archive}")
    finally:
        subprocess.run(["umount", "--lazy", str(damaged / "overlay")], capture_output=True)
    rows = list(list_images(f"containers-storage:{damaged}"))
    assert sorted(row.name for row in rows) == ["localhost/quarry", "localhost/quarry", "localhost/work"]
    assert len({row.reference for row in rows}) == 3
    for row in rows:
        image = open_image(row.reference)
        assert image.id == row.id
        if row.name == "localhost/quarry":
            assert seen(image) == expected
