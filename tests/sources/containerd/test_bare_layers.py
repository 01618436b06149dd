"""Snapshots and blobs of containerd that are opened by themselves, whether something names them or not."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest

from layertui import demo
from layertui.anatomy.chain import parts
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.model.reference import parse_reference
from layertui.sources import open_image
from layertui.sources.assemble import ALONE
from layertui.sources.containerd.namespace import METADATA_DB
from layertui.sources.store_usage import unnamed, usage_of
from layertui.verify.image import verify_image
from tests.engines import containerd_daemon, run
from tests.layouts import digest
from tests.observable import alone, seen
from tests.sources.containerd.test_store import SNAPSHOTS
from tests.sources.engine.test_containers import union_of
from tests.sources.fingerprint import fingerprint
from tests.sources.stores import CONTAINER, HUB

CHAIN = [layer.chain_id for layer in demo.image().layers]
DIGESTS = [layer.descriptor.digest for layer in demo.image().layers]
DIFF_IDS = [layer.diff_id for layer in demo.image().layers]
LOOSE = tarfile.TarInfo("loose").tobuf() + bytes(1024)


@pytest.fixture(scope="module")
def left(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store whose images were removed, and its database of names once a snapshot on top was.

    A snapshot that somebody committed keeps those of the image, another lies on it.
    """
    folder = tmp_path_factory.mktemp("left")
    place = Path(tempfile.mkdtemp(prefix="layertui-"))
    run("cp", "--archive", root, place / "root")
    with containerd_daemon(place) as (ctr, store):
        work = [*ctr, "--namespace=work"]
        run(*work, "snapshots", "prepare", "making", CHAIN[-1])
        (folder / "mount").mkdir()
        run("sh", "-c", run(*work, "snapshots", "mounts", folder / "mount", "making"))
        try:
            (folder / "mount/srv/own").write_text("own\n")
            (folder / "mount/etc/passwd").unlink()
        finally:
            run("umount", folder / "mount")
        run(*work, "snapshots", "commit", "made", "making")
        run(*work, "snapshots", "prepare", "on top", "made")
        (folder / "loose").write_bytes(LOOSE)
        run("sh", "-c", f"{' '.join(work)} content ingest loose < {folder / 'loose'}")
        run(*work, "content", "label", digest(LOOSE), "containerd.io/gc.root=kept")
        run(*work, "containers", "rm", "worked")
        run(*work, "images", "rm", "--sync", HUB + demo.SAMPLE_NAME)
        run("cp", "--archive", store, folder / "before")
        run(*work, "snapshots", "rm", "on top")
        run("cp", store / METADATA_DB, folder / "after.db")
    return folder / "before", folder / "after.db"


@pytest.fixture
def store(left: tuple[Path, Path]) -> Path:
    return left[0]


def test_a_snapshot_shows_what_the_image_has_up_to_it(root: Path) -> None:
    top = open_image(f"containerd:[{root}]work///{CHAIN[-1]}")
    assert seen(top) == alone(demo.image(), len(CHAIN))
    assert (top.name, top.tags, top.id, top.warnings) == (f"layer {CHAIN[-1][7:19]}", (), "", [ALONE])
    assert [layer.chain_id for layer in top.layers] == CHAIN
    assert [
        layer.diff_id for layer in top.layers
    ] == DIFF_IDS  # of those that are known, which make the chain IDs
    assert all(layer.unpacked is not None and layer.descriptor.size > 0 for layer in top.layers)
    assert top.measured == "on the disk"
    assert {check.status for check in verify_image(top)} == {"unchecked"}
    for name in (CHAIN[3], CHAIN[3][7:], CHAIN[3][7:19]):
        found = open_image(f"containerd:[{root}]work///{name}")
        assert [layer.chain_id for layer in found.layers] == CHAIN[:4]
        assert found.layers == open_image(f"containerd:[{root}]///{name}").layers  # of any namespace
    assert seen(found) == alone(demo.image(), 4)
    assert [part.kind for part in parts(found)] == ["reference", "history", *["layer"] * 4]
    number = Path(dict(found.layers[-1].places)["unpacked"]).parent.name
    assert open_image(f"containerd:[{root}]work///{number}").layers == found.layers
    with pytest.raises(
        LayertuiError, match=r"the namespace work of .* has no layer none, it is neither the key"
    ):
        open_image(f"containerd:[{root}]work///none")


def test_a_blob_opens_alone(root: Path) -> None:
    for place in ("packed/", "/"):
        image = open_image(f"containerd:[{root}]{place}//{DIGESTS[3]}")
        (layer,) = image.layers
        assert (layer.descriptor.digest, layer.chain_id) == (DIGESTS[3], "")
        assert image.name == f"layer {DIGESTS[3][7:19]}"
        expected = demo.image().layers[3]._replace(number=LayerNumber(1))
        assert index_layer(layer, None).entry_keys() == index_layer(expected, None).entry_keys()
    checks = {
        check.what: check.status
        for check in verify_image(open_image(f"containerd:[{root}]work///{DIGESTS[3]}"))
    }
    assert checks == {"size": "ok", "digest": "ok", "diff ID": "ok"}  # since it was unpacked there
    config = open_image(f"containerd:[{root}]///{demo.image().id}")
    assert config.layers[0].missing == "it is not a tar: its entries cannot be read"


def test_the_overview_leads_to_what_nothing_names(store: Path) -> None:
    before = fingerprint(store)
    found = usage_of(parse_reference(f"containerd:[{store}]work"))
    assert not any(unnamed(found))  # ctr gives what it prepares or commits a label that keeps it
    (row,) = [row for row in found.held if row.id == "on top"]
    assert row.kind == "label" and len(open_image(row.reference).layers) == len(CHAIN) + 2
    known = {row.id: row for row in found.layers if "/" not in row.directory}
    rows = [known[key] for key in (*CHAIN, "made", "on top")]
    assert len(known) == len(rows) and {row.held_by for row in rows} == {"label"}
    assert [row.parent for row in rows] == ["", *CHAIN, "made"]
    image = open_image(rows[-2].reference)
    shown = seen(image)
    assert shown.trees[:-1] == alone(demo.image(), len(CHAIN)).trees
    assert ["/srv/own" in tree for tree in shown.trees[-2:]] == [False, True]
    assert "/etc/passwd" in shown.trees[-2] and "/etc/passwd" not in shown.trees[-1]
    assert image.name == "layer made"
    union, contents = union_of(image)
    assert contents.read(union.at(union.find("/srv/own"), union.layers)) == b"own\n"
    assert len(open_image(rows[-1].reference).layers) == len(CHAIN) + 2
    (loose,) = [row for row in found.held if row.id == digest(LOOSE)]
    assert loose.kind == "label"
    assert index_layer(open_image(loose.reference).layers[0], None).entry_keys() == [b"loose"]
    assert not any(stray.reference for stray in found.strays)  # documents of the image, if still stored
    for layer in usage_of(parse_reference(f"containerd:{store}")).layers:
        assert open_image(layer.reference).layers
    assert fingerprint(store) == before


def test_a_directory_that_only_the_snapshotter_knows(left: tuple[Path, Path], tmp_path: Path) -> None:
    """As when containerd ends between removing a name and what it stood for."""
    run("cp", "--archive", left[0], tmp_path / "copy")
    shutil.copy(left[1], tmp_path / "copy" / METADATA_DB)
    strays = [
        stray
        for stray in usage_of(parse_reference(f"containerd:{tmp_path}/copy")).strays
        if stray.path.parent == tmp_path / "copy" / SNAPSHOTS / "snapshots"
    ]
    (stray,) = strays
    assert stray.reference == f"containerd:[{tmp_path}/copy]///{stray.path.name}"
    image = open_image(stray.reference)
    assert len(image.layers) == len(CHAIN) + 2
    made = open_image(f"containerd:[{left[0]}]work///made")
    assert seen(image).trees[:-1] == seen(made).trees
    (tmp_path / "copy" / SNAPSHOTS / "metadata.db").unlink()
    with pytest.raises(LayertuiError, match="cannot read"):
        open_image(stray.reference)


def test_a_directory_alone(root: Path, tmp_path: Path) -> None:
    run("cp", "--archive", root, tmp_path / "copy")
    folder = tmp_path / "copy" / SNAPSHOTS / "snapshots/99"
    (folder / "fs/srv").mkdir(parents=True)
    (folder / "fs/srv/own").write_text("x")
    (tmp_path / "copy" / SNAPSHOTS / "snapshots/98").mkdir()
    found = {
        stray.path.name: stray.reference
        for stray in usage_of(parse_reference(f"containerd:{tmp_path}/copy")).strays
    }
    assert found == {"98": "", "99": f"containerd:[{tmp_path}/copy]///99"}
    image = open_image(found["99"])
    assert [set(tree) for tree in seen(image).trees] == [{"/srv", "/srv/own"}]


def test_a_snapshot_whose_directory_is_gone(store: Path, tmp_path: Path) -> None:
    run("cp", "--archive", store, tmp_path / "copy")
    whole = open_image(f"containerd:[{tmp_path}/copy]work///made")
    shutil.rmtree(Path(dict(whole.layers[2].places)["unpacked"]).parent)
    image = open_image(f"containerd:[{tmp_path}/copy]work///made")
    assert [layer.number for layer in image.layers if layer.missing] == [3]


def test_snapshots_of_docker_29(embedded_root: Path) -> None:
    """By the data root's reference too; the overview's is that of the store in it."""
    image = open_image(f"docker-root:[{embedded_root}]//{CHAIN[-1]}")
    assert seen(image) == alone(demo.image(), len(CHAIN)) and image.transport == "docker-root"
    container = open_image(f"docker-root:[{embedded_root}]//{CONTAINER}")
    assert seen(container).trees == seen(open_image(f"docker-root:[{embedded_root}]/worked")).trees
    for layer in usage_of(parse_reference(f"docker-root:{embedded_root}")).layers:
        assert open_image(layer.reference).layers
    with pytest.raises(LayertuiError, match="has no layer none"):
        open_image(f"docker-root:[{embedded_root}]//none")
