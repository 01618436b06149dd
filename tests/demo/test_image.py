"""The sample image: the same everywhere, whole, and with something of everything to see."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.entry import Entry
from layertui.model.image import chain_ids
from layertui.union.changes import Change, changes
from tests.engines import run
from tests.images import reader, union_of
from tests.layouts import OciLayout, blob_bytes, docker_archive
from tests.programs import need

HOME = "/srv/quarry"


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_same_bytes_on_every_machine() -> None:
    assert (
        demo.image().manifest_digest
        == "sha256:d22e2dc4a8e969edfda8e71421d55d5c5ad679d9409f27e0d6f3ccf4928d595e"
    )


def test_small() -> None:
    assert demo.image().size < 350_000


def test_digests_and_sizes_are_true() -> None:
    image = demo.image()
    assert image.id == sha256(image.config_bytes)
    assert image.manifest_digest == sha256(image.manifest_bytes)
    assert json.loads(image.config_bytes) == image.config
    assert json.loads(image.manifest_bytes) == image.manifest
    assert image.config["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    assert [layer.chain_id for layer in image.layers] == chain_ids([layer.diff_id for layer in image.layers])
    for layer in image.layers:
        data = blob_bytes(layer.blob)
        assert (layer.descriptor.digest, layer.descriptor.size) == (sha256(data), len(data))
        assert layer.diff_id == sha256(gzip.decompress(data))


def test_history_names_every_layer_once() -> None:
    image = demo.image()
    numbers = [step.layer for step in image.history if step.layer is not None]
    assert numbers == [layer.number for layer in image.layers]
    assert len(image.history) > len(numbers) + 5
    recorded = [step.get("empty_layer", False) for step in image.config["history"]]
    assert recorded == [step.layer is None for step in image.history]


@pytest.fixture(scope="module")
def changed() -> dict[tuple[str, int], Change]:
    image = demo.image()
    union = union_of(image.layers)
    read = reader(union, image.layers)
    return {
        (change.path, change.layer): change
        for layer in image.layers
        for change in changes(union, layer.number, lambda a, b: read(a) == read(b))
    }


@pytest.mark.parametrize(
    ("path", "layer", "change", "what"),
    [
        ("/usr/bin/python3", 2, "added", []),
        ("/usr/lib/apk/db/installed", 2, "modified", ["content", "mtime"]),
        ("/etc/passwd", 5, "modified", ["content", "mtime"]),
        (f"{HOME}/app.py", 5, "modified", ["owner"]),
        ("/usr/local/bin/entrypoint.sh", 5, "modified", ["mode"]),
        ("/etc/quarry/server.conf", 8, "modified", ["content", "mtime"]),
        (f"{HOME}/config/quarry.json", 8, "modified", ["mode"]),
        (f"{HOME}/static/quarry.css", 8, "modified", ["mtime"]),
        (f"{HOME}/static/orders.js", 8, "repeated", []),
        (f"{HOME}/current", 8, "modified", ["owner", "mtime", "linkname"]),
        (f"{HOME}/plugins/map", 8, "modified", ["type", "mode", "owner", "mtime"]),
        (f"{HOME}/exports", 8, "modified", ["type", "mode", "mtime"]),
        (f"{HOME}/static/quarry.svg", 8, "added", []),
        ("/usr/lib/stonecut.so", 9, "modified", ["content", "mtime"]),
    ],
)
def test_changes_worth_looking_at(
    changed: dict[tuple[str, int], Change], path: str, layer: int, change: str, what: list[str]
) -> None:
    found = changed[path, layer]
    assert (found.change, list(found.what)) == (change, what)


@pytest.mark.parametrize(
    ("path", "layer", "whiteout"),
    [
        (f"{HOME}/.env", 6, "file"),
        (f"{HOME}/deploy/id_ed25519", 6, "file"),
        ("/usr/bin/cc", 7, "file"),
        ("/var/cache/apk/python3-3.12.9-r0.apk", 7, "opaque"),
        (f"{HOME}/plugins/map/tiles.json", 8, "replaced"),
    ],
)
def test_deletions_worth_looking_at(
    changed: dict[tuple[str, int], Change], path: str, layer: int, whiteout: str
) -> None:
    found = changed[path, layer]
    assert (found.change, found.whiteout) == ("deleted", whiteout)


def test_special_files() -> None:
    union = union_of(demo.image().layers)
    top = union.layers

    def entry(path: str) -> Entry:
        return union.entry(union.at(union.find(path), top))

    assert entry("/usr/bin/su").mode == 0o4755
    assert "security.capability" in entry("/usr/bin/ping").xattrs
    assert entry("/usr/bin/python3.12").hardlink == "/usr/bin/python3"
    assert entry("/run/initctl").type == "fifo"
    assert union.resolve("/bin/sh", top) == union.find("/usr/bin/held-box")
    for name in ("中文.json", "русский.json", "العربية.json", "Franc\u0327ais.json"):
        assert union.find(f"{HOME}/locale/{name}") > 0
    assert union.find(f"{HOME}/docs/🪨 stones.md") > 0


def test_skopeo_reads_it(tmp_path: Path) -> None:
    need("skopeo")
    layout = OciLayout(tmp_path / "layout")
    layout.add_image("sample", demo.image())
    seen = json.loads(run("skopeo", "inspect", f"oci:{layout.directory}:sample"))
    assert seen["Digest"] == demo.image().manifest_digest
    docker_archive(tmp_path / "sample.tar", demo.image())
    seen = json.loads(run("skopeo", "inspect", "--config", f"docker-archive:{tmp_path / 'sample.tar'}"))
    assert seen["config"]["Env"] == demo.image().config["config"]["Env"]
