"""Layers of Podman's store that are opened by themselves, those not referenced by an image and those of images."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.anatomy.chain import parts
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.reference import parse_reference
from layertui.sources import open_image
from layertui.sources.assemble import ALONE
from layertui.sources.store_usage import unnamed, usage_of
from layertui.verify.image import verify_image
from tests.engines import run
from tests.observable import alone, seen
from tests.sources.fingerprint import fingerprint
from tests.sources.stores import PODMANS

DIFF_IDS = [layer.diff_id for layer in demo.image().layers]
FOLDERS = {"overlay": "overlay", "vfs": "vfs/dir"}


@pytest.fixture(params=["overlay", "vfs"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def damaged(driver: str, podman_stores: Callable[[str], list[str]], tmp_path: Path) -> Path:
    """A copy without the sample image: its layers are all that is left of it."""
    root = podman_stores(driver)[1].partition("=")[2]
    subprocess.run(["cp", "--archive", root, tmp_path / "copy"], check=True)
    keep(tmp_path / f"copy/{driver}-images/images.json", lambda image: PODMANS not in image["names"])
    return tmp_path / "copy"


def keep(path: Path, which: Callable[[dict[str, Any]], bool]) -> None:
    """Leave only these in a list of a store."""
    path.write_text(json.dumps([each for each in json.loads(path.read_text()) if which(each)]))


def mark_as_incomplete(path: Path, diff_id: str) -> None:
    layers = json.loads(path.read_text())
    next(each for each in layers if each.get("diff-digest") == diff_id)["flags"] = {"incomplete": True}
    path.write_text(json.dumps(layers))


def ids_of(root: Path, driver: str) -> list[str]:
    """The IDs of the sample's layers, base first."""
    layers = json.loads((root / f"{driver}-layers/layers.json").read_text())
    by_diff_id = {layer.get("diff-digest"): layer["id"] for layer in layers}
    return [by_diff_id[each] for each in DIFF_IDS]


def test_a_layer_shows_what_the_image_has_up_to_it(
    driver: str, podman_stores: Callable[[str], list[str]]
) -> None:
    root = Path(podman_stores(driver)[1].partition("=")[2])
    ids = ids_of(root, driver)
    place = f"containers-storage:[{driver}@{root}]"
    top = open_image(f"{place}//{ids[-1]}")
    assert seen(top) == alone(demo.image(), len(ids))
    assert (top.name, top.tags, top.id, top.warnings) == (f"layer {ids[-1][:12]}", (), "", [ALONE])
    assert {check.status for check in verify_image(top)} == {"ok"}
    assert [layer.chain_id for layer in top.layers] == [layer.chain_id for layer in demo.image().layers]
    for name in (ids[3], ids[3][:12], f"sha256:{ids[3]}"):
        assert [dict(layer.places)["layer ID"] for layer in open_image(f"{place}//{name}").layers] == ids[:4]
    assert seen(open_image(f"{place}//{ids[3]}")) == alone(demo.image(), 4)
    assert [part.kind for part in parts(top)] == ["reference", "history", *["layer"] * len(ids)]
    with pytest.raises(LayertuiError, match="has no layer none, it is no ID of one"):
        open_image(f"{place}//none")


def test_the_overview_leads_to_what_no_image_names(damaged: Path, driver: str) -> None:
    before = fingerprint(damaged)
    found = usage_of(parse_reference(f"containers-storage:{damaged}"))
    rows = unnamed(found)
    assert [row.id for row in rows] == ids_of(damaged, driver)
    assert [row.parent for row in rows] == ["", *[row.id for row in rows[:-1]]]
    assert seen(open_image(rows[-1].reference)) == alone(demo.image(), len(rows))
    (named,) = [layer for layer in found.layers if layer.images]
    assert seen(open_image(named.reference)).trees == seen(open_image(named.images[0])).trees
    assert fingerprint(damaged) == before


def test_a_containers_layer_opens_too(driver: str, podman_stores: Callable[[str], list[str]]) -> None:
    """Of which the overview tells among the containers."""
    command = podman_stores(driver)
    root = Path(command[1].partition("=")[2])
    containers = json.loads(run(*command, "inspect", "worked"))
    own = next(
        each["layer"]
        for each in json.loads((root / f"{driver}-containers/containers.json").read_text())
        if each["id"] == containers[0]["Id"]
    )
    image = open_image(f"containers-storage:[{root}]//{own}")
    assert seen(image).trees == seen(open_image(f"containers-storage:[{root}]/worked")).trees
    assert own not in {layer.id for layer in usage_of(parse_reference(f"containers-storage:{root}")).layers}


def test_a_store_that_ends_before_the_base(damaged: Path, driver: str) -> None:
    ids = ids_of(damaged, driver)
    keep(damaged / f"{driver}-layers/layers.json", lambda layer: layer["id"] != ids[2])
    image = open_image(f"containers-storage:[{damaged}]//{ids[-1]}")
    assert f"the store has no layer {ids[2]}" in image.layers[0].missing
    assert [layer.diff_id for layer in image.layers] == ["", *DIFF_IDS[3:]]
    assert not any(layer.chain_id for layer in image.layers)  # made of all below
    assert index_layer(image.layers[0], None).damage
    assert [index_layer(layer, None).entry_keys() for layer in image.layers[1:]] == [
        index_layer(layer, None).entry_keys() for layer in demo.image().layers[3:]
    ]


def test_a_layer_that_is_incomplete(damaged: Path, driver: str) -> None:
    top = ids_of(damaged, driver)[-1]
    mark_as_incomplete(damaged / f"{driver}-layers/layers.json", DIFF_IDS[-1])
    row = unnamed(usage_of(parse_reference(f"containers-storage:{damaged}")))[-1]
    assert row.id == top
    image = open_image(row.reference)
    assert f"layer {len(DIFF_IDS)} as incomplete" in image.damage and image.damage in image.warnings
    assert seen(image).trees == alone(demo.image(), len(DIFF_IDS)).trees


def test_an_incomplete_layer_of_an_image_is_that_images(
    driver: str, podman_stores: Callable[[str], list[str]], tmp_path: Path
) -> None:
    root = podman_stores(driver)[1].partition("=")[2]
    subprocess.run(["cp", "--archive", root, tmp_path / "copy"], check=True)
    mark_as_incomplete(tmp_path / f"copy/{driver}-layers/layers.json", DIFF_IDS[-1])
    found = usage_of(parse_reference(f"containers-storage:{tmp_path}/copy"))
    assert ids_of(tmp_path / "copy", driver)[-1] not in {layer.id for layer in unnamed(found)}
    assert any("or only a part of it" in problem for problem in found.problems)


def test_a_directory_that_nothing_names(damaged: Path, driver: str) -> None:
    """The driver notes what it lies on, but of whole trees: these are shown as one layer."""
    ids = ids_of(damaged, driver)
    keep(damaged / f"{driver}-layers/layers.json", lambda layer: layer["id"] not in ids[-2:])
    for each in ids[-2:]:
        (damaged / f"{driver}-layers/{each}.tar-split.gz").unlink()
    (damaged / FOLDERS[driver] / "empty").mkdir()
    found = usage_of(parse_reference(f"containers-storage:{damaged}"))
    strays = {stray.path: stray for stray in found.strays if stray.path.parent == damaged / FOLDERS[driver]}
    assert {path.name for path in strays} == {*ids[-2:], "empty"}
    assert bool(strays[damaged / FOLDERS[driver] / "empty"].reference) == (driver == "vfs")
    assert [stray.reference for stray in found.strays if stray.path.parent.name == f"{driver}-images"] == [""]
    image = open_image(strays[damaged / FOLDERS[driver] / ids[-1]].reference)
    expected = alone(demo.image(), len(ids))
    if driver == "overlay":
        assert [layer.diff_id for layer in image.layers] == [*DIFF_IDS[:-2], "", ""]
        assert seen(image).trees[-1] == expected.trees[-1] and image.warnings == [ALONE]
    else:
        assert seen(image).trees == expected.trees[-1:]
        assert "is a whole tree, which may contain layers below it" in image.warnings[-1]
    names = dict(image.layers[-1].places)
    assert "layer ID" not in names and ids[-1] in names["unpacked"]


@pytest.mark.parametrize("driver", ["overlay"], indirect=True)  # others note nothing of what is below
def test_a_directory_on_one_that_is_gone(damaged: Path, driver: str) -> None:
    ids = ids_of(damaged, driver)
    keep(damaged / "overlay-layers/layers.json", lambda _: False)
    shutil.rmtree(damaged / "overlay" / ids[-2])
    image = open_image(f"containers-storage:[{damaged}]//{ids[-1]}")
    assert [bool(layer.missing) for layer in image.layers] == [False] * (len(ids) - 2) + [True, False]
