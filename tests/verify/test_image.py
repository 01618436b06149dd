"""An image is compared with all that it claims."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.model.job import Cancelled, Job
from layertui.sources import open_image
from layertui.verify.image import verify_image
from layertui.verify.layer import Check, checks
from tests.layers.tars import END, file
from tests.layouts import OciLayout, docker_archive

TAR = file(b"f", b"text") + END


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    OciLayout(tmp_path / "image").add_image("1", demo.image())
    return tmp_path / "image"


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def statuses(checks: list[Check]) -> set[str]:
    return {check.status for check in checks}


def test_all_is_as_claimed(layout: Path, tmp_path: Path) -> None:
    docker_archive(tmp_path / "a.tar", demo.image())
    for text in ("demo:", str(layout), str(tmp_path / "a.tar")):
        image = open_image(text)
        found = list(verify_image(image))
        assert statuses(found) == {"ok"} and all(check.found == check.expected for check in found)
        layers = [check for check in found if check.subject == "layer 3"]
        whats = ["size", "digest", "diff ID", "chain ID"]
        if text.endswith("a.tar"):  # where a layer is called 3/layer.tar, and nothing by its digest
            whats = ["diff ID", "chain ID"]
        assert [check.what for check in layers] == whats
        assert layers[-1].found == demo.image().layers[2].chain_id
    names = [(check.subject, check.what) for check in verify_image(open_image(str(layout)))]
    assert names[:4] == [
        ("manifest", "size"),
        ("manifest", "digest"),
        ("config", "size"),
        ("config", "digest"),
    ]


def wrong(image: Image) -> dict[tuple[str, str], Check]:
    return {(check.subject, check.what): check for check in verify_image(image) if check.status == "wrong"}


def test_one_byte_of_a_layer(layout: Path) -> None:
    layer = demo.image().layers[3]
    path = blob(layout, layer.descriptor.digest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = wrong(open_image(str(layout)))
    assert found["layer 4", "digest"].expected == layer.descriptor.digest != found["layer 4", "digest"].found
    assert ("layer 4", "diff ID") in found and ("layer 4", "size") not in found
    # Nothing that stands on it is vouched for, all below it is.
    assert {subject for subject, what in found if what != "chain ID"} == {"layer 4"}
    chain = [check.status for check in verify_image(open_image(str(layout))) if check.what == "chain ID"]
    assert chain[:3] == ["ok"] * 3 and "ok" not in chain[3:]


def test_a_layer_that_is_cut(layout: Path) -> None:
    layer = demo.image().layers[0]
    path = blob(layout, layer.descriptor.digest)
    path.write_bytes(path.read_bytes()[:-10])
    found = wrong(open_image(str(layout)))
    size = layer.descriptor.size
    assert (found["layer 1", "size"].expected, found["layer 1", "size"].found) == (str(size), str(size - 10))


def test_a_diff_id_that_lies(layout: Path) -> None:
    """The blobs are right, the config claims another tar."""
    image = open_image(str(layout))
    lie = "sha256:" + "0" * 64
    layers = [image.layers[0]._replace(diff_id=lie), *image.layers[1:]]
    found = wrong(image._replace(layers=layers))
    assert found["layer 1", "diff ID"].found == image.layers[0].diff_id


def test_a_diff_id_of_another_algorithm_than_the_digest(tmp_path: Path) -> None:
    """Of what is not compressed, both are of the same bytes."""
    OciLayout(tmp_path / "image").add("1", [TAR])
    (layer,) = open_image(str(tmp_path / "image")).layers
    long, lie = f"sha512:{hashlib.sha512(TAR).hexdigest()}", f"sha384:{'0' * 96}"
    by_sha512 = layer.descriptor._replace(digest=long)
    for descriptor, diff_id, status in (
        (layer.descriptor, long, "ok"),
        (layer.descriptor, lie, "wrong"),
        (by_sha512, layer.diff_id, "ok"),
        (layer.descriptor._replace(digest="md5:00"), layer.diff_id, "ok"),
        (layer.descriptor, "md5:00", "unchecked"),
    ):
        found = checks(layer._replace(descriptor=descriptor, diff_id=diff_id))
        assert [check.status for check in found if check.what == "diff ID"] == [status]


def test_a_size_that_lies(layout: Path) -> None:
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["size"] += 1
    (layout / "index.json").write_text(json.dumps(index))
    found = wrong(open_image(str(layout)))
    assert list(found) == [("manifest", "size")]


def test_a_layer_that_is_absent_and_one_that_need_not_be_here(layout: Path) -> None:
    image = open_image(str(layout))
    absent = image.layers[1]._replace(blob=None, missing="its blob is not here")
    checks: list[Check] = []
    with pytest.raises(LayertuiError, match="layer 2 cannot be verified, its blob is not here"):
        checks.extend(verify_image(image._replace(layers=[image.layers[0], absent, *image.layers[2:]])))
    foreign = absent._replace(descriptor=absent.descriptor._replace(urls=("somewhere",)))
    found = list(verify_image(image._replace(layers=[image.layers[0], foreign, *image.layers[2:]])))
    unchecked = {(check.subject, check.what): check.why for check in found if check.status == "unchecked"}
    assert unchecked.pop(("layer 2", "digest")) == unchecked.pop(("layer 2", "diff ID"))
    # What stands on it cannot be known either.
    assert set(unchecked) == {(f"layer {number}", "chain ID") for number in range(2, 10)}
    assert statuses(found) == {"ok", "unchecked"}


def test_progress_counts_stored_bytes_and_it_stops_when_told_to(layout: Path) -> None:
    image = open_image(str(layout))
    done: dict[int, int] = {}
    list(verify_image(image, Job(layers=lambda layer, read, _total: done.update({layer: read}))))
    assert done == {layer.number: layer.descriptor.size for layer in image.layers}
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        list(verify_image(image, job))
