"""What is no image, or no longer one: an error that says so, and never another exception."""

from __future__ import annotations

import contextlib
import copy
import gzip
import io
import json
import os
import random
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.sources import list_images, open_image
from tests.layers.tars import scanned
from tests.layouts import OciLayout, digest, docker_archive

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1 << 70, 1.5, "", "x", "../../etc/passwd", "sha256:" + "0" * 64, "\ud800", "a\0b",
    [], {}, [None], [[]], [{}], {"a": None}, [7], ["x"], {"digest": "sha256:x"}, "sha256:../x", "md5:00",
    "sha256:" + "0" * 5000,
)  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """The sample as an OCI layout."""
    OciLayout(tmp_path / "layout").add_image("tag", demo.image())
    return tmp_path / "layout"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The sample as a docker-archive."""
    docker_archive(tmp_path / "app.tar", demo.image())
    return tmp_path / "app.tar"


def problem(reference: object) -> LayertuiError:
    """The one error of opening what is no image; listing it fails as well."""
    with pytest.raises(LayertuiError) as opening:
        open_image(str(reference))
    with pytest.raises(LayertuiError):
        list_images(str(reference))
    return opening.value


def tar_with(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: data.read() for member in tar if (data := tar.extractfile(member))}


def test_not_there(tmp_path: Path) -> None:
    error = problem(tmp_path / "none.tar")
    assert str(error) == f"{tmp_path}/none.tar does not exist, give the path of an image, or demo:"


def test_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    assert str(problem(tmp_path / "text")).endswith(
        "text is not an image, neither a tar archive nor a directory"
    )
    (tmp_path / "empty").touch()
    assert str(problem(tmp_path / "empty")).endswith("empty is empty")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manifest.json", "[]")
    assert "is not an image" in problem(tmp_path / "a.zip").what
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello" * 1000))
    assert "is not an image" in problem(tmp_path / "a.gz").what


def test_a_file_system_is_no_image(tmp_path: Path) -> None:
    path = tar_with(tmp_path / "rootfs.tar", {"etc/passwd": b"root"})
    assert problem(path).remedy == "a root file system has no layers"


def test_folder_without_index(tmp_path: Path) -> None:
    assert problem(tmp_path).why == "a directory without index.json"
    assert problem(f"oci:{tmp_path}").why == "no index.json"
    assert problem(f"dir:{tmp_path}").what == f"{tmp_path} has no manifest.json"


def test_index_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "index.json").mkdir()
    assert "no index.json" in str(problem(f"oci:{tmp_path}"))


def test_the_wrong_transport_names_a_right_one(layout: Path, archive: Path) -> None:
    assert problem(f"docker-archive:{layout}").remedy == f"try oci:{layout}"
    assert problem(f"oci:{archive}").remedy == f"try the bare path {archive}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(archive: Path) -> None:
    archive.chmod(0)
    assert problem(archive).why == "Permission denied"


def test_missing_blobs(layout: Path) -> None:
    image = open_image(str(layout))
    for name, part in ((image.id, "config"), (image.manifest_digest, "manifest")):
        blob = layout / "blobs" / name.replace(":", "/")
        data = blob.read_bytes()
        blob.unlink()
        assert problem(layout).why == f"the {part} of the image"
        blob.write_bytes(data)


def test_missing_layer_leaves_the_others(layout: Path) -> None:
    image = open_image(str(layout))
    (layout / "blobs" / image.layers[1].descriptor.digest.replace(":", "/")).unlink()
    layers = open_image(str(layout)).layers
    assert [layer.blob is None for layer in layers[:3]] == [False, True, False]
    assert layers[1].missing == f"blob {image.layers[1].descriptor.digest} not found"


def test_wrong_digest_names_both(layout: Path) -> None:
    image = open_image(str(layout))
    blob = layout / "blobs" / image.id.replace(":", "/")
    blob.write_bytes(blob.read_bytes() + b" ")
    assert str(problem(layout)) == (
        f"the config {image.id} of {layout}: wrong digest, expected {image.id}, "
        f"got {digest(image.config_bytes + b' ')}"
    )


def test_archive_cut_anywhere(archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    packed = gzip.compress(data, 1)
    step = max(512, len(data) // 60 // 512 * 512)
    for size in range(100, scanned(data).tar_size - 512, step):
        for content in (data[:size], packed[: len(packed) * size // len(data)]):
            cut = tmp_path / f"cut{size}-{len(content)}"
            cut.write_bytes(content)
            with contextlib.suppress(LayertuiError):
                image = open_image(str(cut))
                assert any("damaged" in warning for warning in image.warnings), size


def test_compressed_archive_that_is_damaged_says_so_each_time(archive: Path, tmp_path: Path) -> None:
    data = bytearray(gzip.compress(archive.read_bytes(), 1))
    data[-8] ^= 1  # the checksum: everything can be read, nothing can be trusted
    (tmp_path / "app.tar.gz").write_bytes(data)
    for _ in range(2):
        assert any("damaged" in warning for warning in open_image(str(tmp_path / "app.tar.gz")).warnings)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    yield path
    for key, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = other
    return value


def variants(data: bytes, seed: int) -> Iterator[bytes]:
    """The JSON with each of its values replaced by some of every type."""
    random_ = random.Random(seed)
    value = json.loads(data)
    for path in places(value):
        for other in random_.sample(VALUES, 6):
            yield json.dumps(replaced(value, path, other)).encode()


def opened(reference: str) -> None:
    """Open an image and index a layer; only the one error may come of it."""
    with contextlib.suppress(LayertuiError):
        list_images(reference)
    with contextlib.suppress(LayertuiError):
        image = open_image(reference)
        str(image.platform), image.size, image.warnings
        for layer in image.layers[:1]:
            index_layer(layer, None)


@pytest.mark.parametrize("part", ["manifest.json", "config", "repositories", "json"])
def test_any_json_in_an_archive(part: str, archive: Path, tmp_path: Path) -> None:
    files = members(archive)
    config = json.loads(files["manifest.json"])[0]["Config"]
    if part in ("repositories", "json"):
        files = {
            "repositories": b'{"app": {"1": "aa"}}',
            "aa/json": b'{"id": "aa", "parent": "bb", "os": "linux", "container_config": {"Cmd": ["x"]}}',
            "bb/json": b'{"id": "bb", "created": "2015-01-01T00:00:00Z"}',
            "aa/layer.tar": bytes(1024),
        }
    name = {"config": config, "json": "aa/json"}.get(part, part)
    files = {key: data for key, data in files.items() if len(data) < 1 << 20}
    for number, data in enumerate(variants(files[name], 1)):
        if part == "config" and number % 4:
            continue
        opened(str(tar_with(tmp_path / "bad.tar", {**files, name: data})))


@pytest.mark.parametrize("transport", ["oci", "dir"])
@pytest.mark.parametrize("part", ["index", "manifest", "config"])
def test_any_json_in_a_layout(part: str, transport: str, layout: Path, tmp_path: Path) -> None:
    image = open_image(str(layout))
    index = json.loads((layout / "index.json").read_bytes())
    source = {
        "index": json.dumps(index).encode(),
        "manifest": image.manifest_bytes,
        "config": image.config_bytes,
    }
    if transport == "dir":
        for blob in (layout / "blobs/sha256").iterdir():
            blob.rename(layout / blob.name)
    blobs = layout if transport == "dir" else layout / "blobs/sha256"

    def put(data: bytes) -> str:
        name = digest(data)
        (blobs / name.partition(":")[2]).write_bytes(data)
        return name

    for number, data in enumerate(variants(source[part], 2)):
        if part != "index" and number % 3:
            continue
        manifest = image.manifest_bytes
        if part == "config":
            manifest = manifest.replace(image.id.encode(), put(data).encode())
        elif part == "manifest":
            manifest = data
        if transport == "dir":
            (layout / "manifest.json").write_bytes(data if part == "index" else manifest)
        else:
            index["manifests"][0] |= {"digest": put(manifest), "size": len(manifest)}
            (layout / "index.json").write_bytes(data if part == "index" else json.dumps(index).encode())
        opened(f"{transport}:{layout}")


def test_json_that_is_none(layout: Path) -> None:
    for data, why in ((b"", "not valid JSON"), (b"\xff\xfe", "not valid JSON"), (b"[" * 100_000, "not valid JSON"),
                      (b"7", "not a JSON object"), (b"{" + b" " * 100, "not valid JSON"),
                      (b"9" * 5000, "not")):  # fmt: skip
        (layout / "index.json").write_bytes(data)
        assert why in str(problem(layout))


def test_indexes_inside_indexes_without_end(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs/sha256"
    blobs.mkdir(parents=True)
    entries: list[dict[str, Any]] = []
    for _ in range(12):
        data = json.dumps({"manifests": entries}).encode()
        (blobs / digest(data).partition(":")[2]).write_bytes(data)
        kind = "application/vnd.oci.image.index.v1+json"
        entries = [{"mediaType": kind, "digest": digest(data), "size": len(data)}] * 50
    (tmp_path / "index.json").write_text(json.dumps({"manifests": entries[:1]}))
    assert "too deep" in problem(tmp_path).what


def test_halves_of_characters_are_replaced(layout: Path) -> None:
    index = json.loads((layout / "index.json").read_bytes())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "a\ud800b 🪨"}
    (layout / "index.json").write_text(json.dumps(index))
    assert next(iter(list_images(str(layout)))).tag == "a\ufffdb 🪨"
