"""Layers of a store of Podman that composefs keeps.

No program here makes one: a store of Podman is laid out as the sources of containers/storage do
it (pkg/chunked/storage_linux.go, ``makeEntriesFlat``), with tables of contents that skopeo wrote.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.layers.unpacked.toc import _read_table
from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from layertui.sources.containers_storage.store import TABLE, big_data_name
from layertui.verify.image import verify_image
from tests.engines import containers_storage, run
from tests.layouts import OciLayout
from tests.observable import seen
from tests.programs import need


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    need("podman", "skopeo")
    folder = tmp_path_factory.mktemp("composefs")
    OciLayout(folder / "plain").add_image("1", demo.image())
    chunked = f"oci:{folder / 'chunked'}:1"
    run("skopeo", "copy", "--dest-compress-format=zstd:chunked", f"oci:{folder / 'plain'}:1", chunked)
    with containers_storage("podman", "overlay") as podman:
        run(*podman, "pull", "--quiet", f"oci:{folder / 'plain'}:1")
        store = Path(podman[1].removeprefix("--root="))
        image = open_image(f"containers-storage:[{store}]{demo.image().id}")
        for layer, packed in zip(image.layers, open_image(chunked).layers, strict=True):
            places = dict(layer.places)
            assert packed.blob is not None
            table = _read_table(packed.blob, packed.descriptor.annotations, "the table")
            keep_by_digest(store, places["layer ID"], Path(places["unpacked"]), table)
        yield store


def keep_by_digest(store: Path, identity: str, directory: Path, table: bytes) -> None:
    """Name a layer's files by their digests, and put its table where the store has it."""
    flat = directory.with_name("flat")
    for entry in json.loads(table)["entries"]:
        digest = entry.get("digest")
        if entry["type"] == "reg" and digest:
            data = (directory / entry["name"]).read_bytes()
            assert digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
            path = flat / digest[7:9] / digest[9:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    shutil.rmtree(directory)
    flat.mkdir(exist_ok=True)
    flat.rename(directory)
    blob = directory.with_name("composefs-data") / "composefs.blob"
    blob.parent.mkdir()
    blob.write_bytes(b"an EROFS image")
    big_data = store / "overlay-layers" / identity
    big_data.mkdir()
    (big_data / big_data_name(TABLE)).write_bytes(table)


def test_files_are_found_by_their_digests(root: Path) -> None:
    image = open_image(f"containers-storage:[{root}]{demo.image().id}")
    assert seen(image) == seen(demo.image())
    assert {check.status for check in verify_image(image)} == {"ok"}


def test_without_records_the_tables_of_contents_tell(root: Path, tmp_path: Path) -> None:
    run("cp", "--archive", root, tmp_path / "store")
    for record in (tmp_path / "store/overlay-layers").glob("*.tar-split.gz"):
        record.unlink()
    reference = f"containers-storage:[{tmp_path / 'store'}]{demo.image().id}"
    found, expected = seen(open_image(reference)), seen(demo.image())
    assert found.trees == expected.trees and found.history == expected.history
    index = index_layer(open_image(reference).layers[0], None)
    assert [warning.code for warning in index.warnings] == ["composefs"]
    (table,) = (tmp_path / "store").glob(f"overlay-layers/{demo.image().layers[0].diff_id[7:]}/*")
    table.write_bytes(b"{}")
    unpacked = open_image(reference).layers[0].unpacked
    assert unpacked is not None
    with pytest.raises(LayertuiError, match=r"the table of contents .* cannot be read, .*`entries`"):
        unpacked.scan()
    table.unlink()
    layers = open_image(reference).layers
    assert [layer.number for layer in layers if layer.missing] == [1]
    assert "composefs.blob, which is not read here" in layers[0].missing
