"""Layers of a data root that are opened by themselves, those not referenced by an image and those of images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui import demo
from layertui.anatomy.chain import parts
from layertui.dockerfile.base_candidates import neighbours
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.reference import parse_reference
from layertui.sources import list_containers, list_images, open_image
from layertui.sources.assemble import ALONE
from layertui.sources.store_usage import unnamed, usage_of
from layertui.verify.image import verify_image
from tests.observable import alone, seen
from tests.other_projects import docker_root as other_people
from tests.sources.fingerprint import fingerprint
from tests.sources.stores import copy_of

CHAIN = [layer.chain_id for layer in demo.image().layers]
FOLDERS = {"overlay2": "overlay2", "overlay": "overlay", "vfs": "vfs/dir"}


@pytest.fixture(params=["overlay2", "overlay", "vfs", "btrfs"])
def root(request: pytest.FixtureRequest, docker_roots: Callable[[str], Path]) -> Path:
    return docker_roots(request.param)


@pytest.fixture(params=["overlay2", "overlay", "vfs"])
def damaged(request: pytest.FixtureRequest, docker_roots: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy without the sample image: its layers are all that is left of it."""
    root = copy_of(docker_roots(request.param), tmp_path)
    store = root / "image" / request.param
    (store / "imagedb/content" / demo.image().id.replace(":", "/")).unlink()
    names = json.loads((store / "repositories.json").read_text())
    del names["Repositories"]["quarry"]
    (store / "repositories.json").write_text(json.dumps(names))
    return root


def driver_of(root: Path) -> str:
    return next(path.name for path in (root / "image").iterdir())


def facts_of(root: Path, chain_id: str) -> Path:
    return root / "image" / driver_of(root) / "layerdb" / chain_id.replace(":", "/")


def test_a_layer_shows_what_the_image_has_up_to_it(root: Path) -> None:
    top = open_image(f"docker-root:[{root}]//{CHAIN[-1]}")
    assert seen(top) == alone(demo.image(), len(CHAIN))
    assert (top.name, top.tags, top.id) == (f"layer {CHAIN[-1][7:19]}", (), "")
    assert top.warnings == [ALONE]
    assert {check.status for check in verify_image(top)} == {"ok"}
    assert [layer.chain_id for layer in top.layers] == CHAIN
    fourth = open_image(f"docker-root:[{root}]//{CHAIN[3]}")
    assert seen(fourth) == alone(demo.image(), 4)


def test_ways_to_name_it(root: Path) -> None:
    cache_id = (facts_of(root, CHAIN[3]) / "cache-id").read_text()
    for name in (CHAIN[3], CHAIN[3][7:], CHAIN[3][7:19], CHAIN[3][:19], cache_id):
        found = open_image(f"docker-root:[{root}]//{name}")
        assert [layer.chain_id for layer in found.layers] == CHAIN[:4]
    with pytest.raises(LayertuiError, match="has no layer none, it is not a chain ID"):
        open_image(f"docker-root:[{root}]//none")
    (row,) = list_images(f"docker-root:[{root}]//{CHAIN[3]}")
    assert (row.layers, row.name, row.size) == (4, "", found.size)
    with pytest.raises(LayertuiError, match="is a layer"):
        list(list_containers(f"docker-root:[{root}]//{CHAIN[3]}"))


def test_its_anatomy_says_that_there_is_no_config(root: Path) -> None:
    chain = list(parts(open_image(f"docker-root:[{root}]//{CHAIN[1]}")))
    assert [part.kind for part in chain] == ["reference", "history", "layer", "layer"]
    assert dict(chain[0].facts)["config"].startswith("none: layers opened")
    facts = dict(chain[3].facts)
    assert facts["chain ID"] == CHAIN[1] and Path(facts["unpacked"]).is_dir()
    assert not any(part.document for part in chain)


def test_the_overview_leads_to_what_no_image_names(damaged: Path) -> None:
    before = fingerprint(damaged)
    found = usage_of(parse_reference(f"docker-root:{damaged}"))
    rows = unnamed(found)
    assert [row.id for row in rows] == CHAIN[1:]  # the first is that of another image
    assert [row.parent for row in rows] == CHAIN[:-1]
    assert seen(open_image(rows[-1].reference)) == alone(demo.image(), len(CHAIN))
    for row in found.layers:  # those that images name, too
        assert open_image(row.reference).layers[-1].chain_id == row.id
    assert fingerprint(damaged) == before


def test_what_it_is_built_on(docker_roots: Callable[[str], Path], tmp_path: Path) -> None:
    """An image that has the first layers: which platform they are for, layers do not tell."""
    root = copy_of(docker_roots("overlay2"), tmp_path)
    work = open_image(f"docker-root:[{root}]work:1")
    assert len(work.layers) > 1
    below = [each.names[0] for each in neighbours(open_image(f"docker-root:[{root}]//{CHAIN[-1]}"))]
    assert "work:1" in below  # of fewer layers, so it is looked at


def test_a_store_that_ends_before_the_base(damaged: Path) -> None:
    shutil.rmtree(facts_of(damaged, CHAIN[2]))
    image = open_image(f"docker-root:[{damaged}]//{CHAIN[-1]}")
    assert len(image.layers) == len(CHAIN) - 2
    assert CHAIN[2] in image.layers[0].missing and "nor what is below it" in image.layers[0].missing
    assert index_layer(image.layers[0], None).damage
    assert [index_layer(layer, None).entry_keys() for layer in image.layers[1:]] == [
        index_layer(layer, None).entry_keys() for layer in demo.image().layers[3:]
    ]
    for record in damaged.glob("image/*/layerdb/sha256/*/tar-split.json.gz"):
        record.unlink()
    (_, lowest, *_) = open_image(f"docker-root:[{damaged}]//{CHAIN[-1]}").layers
    alone_there = driver_of(damaged) == "overlay2"
    assert alone_there == (lowest.unpacked is not None)  # else what is its own cannot be told
    assert alone_there or "together with what is below it" in lowest.missing


def test_parents_that_are_none(damaged: Path) -> None:
    second = facts_of(damaged, CHAIN[1]) / "parent"
    second.write_text(CHAIN[3])
    with pytest.raises(LayertuiError, match="form a cycle"):
        open_image(f"docker-root:[{damaged}]//{CHAIN[4]}")
    assert {row.id for row in unnamed(usage_of(parse_reference(f"docker-root:{damaged}")))} == set(CHAIN[1:])
    second.write_text("../../../../etc")
    image = open_image(f"docker-root:[{damaged}]//{CHAIN[1]}")
    assert "has no layer of the chain ID ../../../../etc" in image.layers[0].missing


def test_a_directory_that_nothing_names(damaged: Path) -> None:
    """The driver notes what it lies on, but of whole trees: these are shown as one layer."""
    driver = driver_of(damaged)
    names = [(facts_of(damaged, each) / "cache-id").read_text() for each in CHAIN]
    for chain_id in CHAIN[-2:]:
        shutil.rmtree(facts_of(damaged, chain_id))
    strays = {stray.path.name: stray for stray in usage_of(parse_reference(f"docker-root:{damaged}")).strays}
    assert strays.keys() == set(names[-2:])
    assert all(stray.path.parent == damaged / FOLDERS[driver] for stray in strays.values())
    image = open_image(strays[names[-1]].reference)
    assert image.name == f"layer {names[-1][:12]}"
    if driver == "overlay2":
        assert [layer.chain_id for layer in image.layers] == [*CHAIN[:-2], "", ""]
        assert seen(image).trees[-1] == alone(demo.image(), len(CHAIN)).trees[-1]
        assert image.warnings == [ALONE]
        assert dict(image.layers[-1].places)["lower"].startswith("l/")
    else:
        assert len(image.layers) == 1
        assert seen(image).trees == alone(demo.image(), len(CHAIN)).trees[-1:]
        assert "is a whole tree, which may contain layers below it" in image.warnings[-1]
    assert [check.status for check in verify_image(image)][-1] == "unchecked"  # no digest of it is known


def test_a_directory_on_one_that_is_gone(docker_roots: Callable[[str], Path], tmp_path: Path) -> None:
    root = copy_of(docker_roots("overlay2"), tmp_path)
    stray = root / "overlay2/stray"
    (stray / "diff").mkdir(parents=True)
    (stray / "diff/own").write_text("x")
    (stray / "lower").write_text("l/GONE")
    image = open_image(f"docker-root:[{root}]//stray")
    assert ["l/GONE is not there" in layer.missing for layer in image.layers] == [True, False]
    assert b"own" in index_layer(image.layers[1], None).entry_keys()
    for name in ("..", "l", "stray/diff"):
        with pytest.raises(LayertuiError, match="has no layer"):
            open_image(f"docker-root:[{root}]//{name}")


def test_a_containers_directories_open_too(docker_roots: Callable[[str], Path]) -> None:
    root = docker_roots("overlay2")
    container = open_image(f"docker-root:[{root}]/worked")
    mount = Path(container.layers[-1].unpacked.location).parent.name if container.layers[-1].unpacked else ""
    image = open_image(f"docker-root:[{root}]//{mount}")
    assert seen(image).trees == seen(container).trees
    assert not {stray.path.name for stray in usage_of(parse_reference(f"docker-root:{root}")).strays}


# Docker up to 1.9


@pytest.fixture
def aufs(tmp_path: Path) -> Path:
    """A real one, of Docker 1.9 with AUFS."""
    return other_people("aufs.v1", tmp_path)


def ids(image: Image) -> list[str]:
    return [entry.id for entry in image.history]


def test_of_docker_1_9_each_layer_is_an_image(aufs: Path) -> None:
    found = usage_of(parse_reference(f"docker-root:{aufs}"))
    assert len(found.layers) == 2 and all(layer.images for layer in found.layers) and not found.strays
    for layer in found.layers:
        image, by_id = open_image(layer.reference), open_image(f"docker-root:[{aufs}]{layer.id}")
        # How each is opened again differs, as their references do.
        assert image._replace(reference="", pinned="") == by_id._replace(reference="", pinned="")
        assert image.id == f"sha256:{layer.id}" and ids(image)[-1] == layer.id


@pytest.mark.parametrize("driver", ["overlay", "vfs"])
def test_layers_of_docker_1_9_whose_json_is_damaged(
    driver: str, old_docker_roots: Callable[[str], Path], tmp_path: Path
) -> None:
    root = copy_of(old_docker_roots(driver), tmp_path)
    whole = open_image(f"docker-root:[{root}]work:1")
    base, top = ids(whole)[0], ids(whole)[-1]
    expected = seen(whole)
    (root / "graph" / top / "json").write_text("{")
    found = usage_of(parse_reference(f"docker-root:{root}"))
    (row,) = unnamed(found)
    assert row.id == top
    image = open_image(row.reference)
    assert len(image.layers) == 1 and any("not valid JSON" in each for each in image.warnings)
    assert seen(image).file_bytes == expected.file_bytes[-1:]  # as the record of its tar has it
    (root / "graph" / top / "tar-data.json.gz").unlink(missing_ok=True)
    image = open_image(row.reference)
    assert "is a whole tree, which may contain layers below it" in image.warnings[-1]
    assert seen(image).trees == expected.trees[-1:] and not image.history[0].recorded
    (root / "graph" / top / "parent").write_text(ids(whole)[-2])  # which counts more than the JSON
    image = open_image(row.reference)
    assert seen(image).trees == expected.trees and ids(image) == ids(whole)
    assert [entry.created_by for entry in image.history[:-1]] == [
        entry.created_by for entry in whole.history[:-1]
    ]
    assert (image.id, image.config) == ("", {}) and not image.chain
    shutil.rmtree(root / "graph" / base)
    image = open_image(row.reference)
    assert seen(image).trees == expected.trees  # its directory is still there
    assert any(f"graph/{base}/json is not there" in each for each in image.warnings)
    shutil.rmtree(root / ("vfs/dir" if driver == "vfs" else "overlay") / base)
    for record in root.glob("graph/*/tar-data.json.gz"):
        record.unlink()
    image = open_image(row.reference)
    assert "is not there" in image.layers[0].missing and "together with" in image.layers[1].missing


def test_a_directory_of_aufs_that_nothing_names(aufs: Path) -> None:
    image = open_image(f"docker-root:[{aufs}]busybox")
    stray = aufs / "aufs/diff/stray"
    stray.mkdir()
    (stray / "own").write_text("x")
    (stray / ".wh.etc").touch()
    (aufs / "aufs/layers/stray").write_text("\n".join(reversed(ids(image))))
    (found,) = usage_of(parse_reference(f"docker-root:{aufs}")).strays
    opened = open_image(found.reference)
    trees = seen(opened).trees
    assert trees[:-1] == seen(image).trees
    assert "/own" in trees[-1] and "/etc/passwd" in trees[-2] and "/etc/passwd" not in trees[-1]
    (aufs / "aufs/layers/stray").unlink()
    assert len(open_image(found.reference).layers) == 1
