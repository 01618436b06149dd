"""What a store of containerd holds, compared with what it says itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui import demo
from layertui.model.errors import LayertuiError
from layertui.model.reference import parse_reference
from layertui.sources import open_image
from layertui.sources.store_usage import Orphan, usage_of, users
from tests.engines import run
from tests.sources.containerd.test_store import BLOBS, SNAPSHOTS, damaged, discard_layers
from tests.sources.stores import HUB

__all__ = ["damaged"]
WORK, PACKED = f"work/{HUB}{demo.SAMPLE_NAME}", f"packed/{HUB}{demo.SAMPLE_NAME}"


def test_blobs_and_snapshots_are_all_accounted_for(live: tuple[list[str], Path], root: Path) -> None:
    found = usage_of(parse_reference(f"containerd:{root}"))
    blobs, usage = {}, {}
    for namespace in ("work", "packed", "layout"):
        for line in run(*live[0], f"--namespace={namespace}", "content", "ls").splitlines()[1:]:
            digest, size = line.split()[:2]
            blobs[digest] = size
        for line in run(*live[0], f"--namespace={namespace}", "snapshots", "usage").splitlines()[1:]:
            key, size, unit, _ = line.split()
            usage[key] = float(size) * {"B": 1, "KiB": 1024, "MiB": 1 << 20}[unit]
    sizes = {layer.id: layer.size for layer in found.layers if "/" in layer.directory}
    assert sizes.keys() < blobs.keys()
    assert {digest: text(size) for digest, size in sizes.items()} == {each: blobs[each] for each in sizes}
    opened = [open_image(image.reference) for image in found.images]
    assert blobs.keys() - sizes.keys() == {
        each for image in opened for each in (image.id, image.manifest_digest)
    }
    unpacked = {layer.id: layer.size for layer in found.layers if "/" not in layer.directory}
    del usage["worked"]  # which a container writes to
    assert unpacked == usage and all(layer.images for layer in found.layers)
    assert not found.problems and not found.strays
    assert [part.name for part in found.parts if not part.about] == []


def text(size: int) -> str:
    """As ctr writes it (progress.Bytes)."""
    value, unit = float(size), 0
    while value >= 1000:
        value, unit = value / 1000, unit + 1
    return f"{value:.4g}{('B', 'kB', 'MB')[unit]}"


def test_what_an_image_frees(root: Path) -> None:
    """Blobs are shared between namespaces, what is unpacked is not."""
    found = usage_of(parse_reference(f"containerd:{root}"))
    images = {image.names[0]: image for image in found.images}
    blobs = sum(layer.descriptor.size for layer in open_image(f"containerd:[{root}]{WORK}").layers)
    assert images[PACKED].size == blobs and images[PACKED].frees == 0
    assert images[WORK].containers == ["worked"] and images[PACKED].containers == []
    unpacked = sum(layer.size for layer in found.layers if "/" not in layer.directory)
    assert (images[WORK].size, images[WORK].frees) == (blobs + unpacked, unpacked)
    other = images["layout/example.org/two:2"]
    assert other.frees == other.size > 0 and open_image(other.reference).id == other.id
    digest = open_image(f"containerd:[{root}]{WORK}").layers[0].descriptor.digest
    layer = next(layer for layer in found.layers if layer.id == digest)
    assert set(users(found, layer)) == {WORK, PACKED, "layout/example.org/one/sample:1"}
    assert len(layer.images) == 3
    alone = usage_of(parse_reference(f"containerd:[{root}]packed"))
    assert [(image.names, image.frees) for image in alone.images] == [([PACKED], 0)]
    assert len(alone.layers) == len(demo.image().layers)
    with pytest.raises(LayertuiError, match="has no namespace none"):
        usage_of(parse_reference(f"containerd:[{root}]none"))


def test_what_nothing_names(damaged: Path) -> None:
    left = [damaged / BLOBS / ("0" * 64), damaged / SNAPSHOTS / "snapshots/99"]
    left[0].write_bytes(b"x")
    (left[1] / "fs").mkdir(parents=True)
    assert usage_of(parse_reference(f"containerd:{damaged}")).strays == [
        Orphan(left[0], ""),  # which is no tar
        Orphan(left[1], f"containerd:[{damaged}]///99"),
    ]


def test_where_blobs_were_discarded(damaged: Path) -> None:
    discard_layers(damaged)
    found = usage_of(parse_reference(f"containerd:[{damaged}]work"))
    (image,) = found.images
    assert image.size == image.frees == sum(layer.size for layer in found.layers) > 0
    assert not any("/" in layer.directory for layer in found.layers if layer.images)


def test_a_damaged_image_leaves_the_rest(damaged: Path) -> None:
    image = open_image(f"containerd:[{damaged}]layout/two:2")
    (damaged / BLOBS / image.manifest_digest[7:]).write_bytes(b"{}")
    found = usage_of(parse_reference(f"containerd:{damaged}"))
    assert any("wrong digest" in problem for problem in found.problems)
    assert {WORK, PACKED} <= {image.names[0] for image in found.images}
