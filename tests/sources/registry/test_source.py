"""Images of a real registry, as the program opens them."""

import io
import json
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from layertui.anatomy import chain
from layertui.cache.blobs import BlobCache
from layertui.cli import main
from layertui.content.read import Contents
from layertui.layers.load import DOWNLOADS, index_layer, index_layers
from layertui.model.errors import LayertuiError
from layertui.model.image import Descriptor, Image
from layertui.model.numbers import LayerNumber
from layertui.sources import list_images, open_image
from layertui.sources.registry.name import parse_name
from layertui.sources.registry.repository import Repository
from layertui.union.builder import UnionBuilder
from layertui.union.changes import changes
from layertui.union.codec import pack_union
from layertui.union.model import LayerUnion
from layertui.worker.protocol import TreeDone, TreeRequest
from tests.layouts import CONFIG, INDEX, LAYER, MANIFEST
from tests.observable import Seen, Sizes, assert_sizes, seen
from tests.sources.registry.conftest import QUARRY, TAGS
from tests.sources.registry.proxy import Answer, FaultyProxy, Request
from tests.sources.registry.server import Registry
from tests.waiting import SECONDS
from tests.worker.runs import frames, pin, start


def read(image: Image) -> tuple[LayerUnion, Contents]:
    indexes = [index for _, index in sorted(index_layers(image, None), key=lambda each: each[0])]
    builder = UnionBuilder()
    for index in indexes:
        assert not index.damage
        builder.add(index)
    union = builder.freeze()
    return union, Contents(image, indexes, union)


def tar(name: str, content: bytes) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return output.getvalue()


@pytest.mark.parametrize("tag", TAGS)
def test_is_the_image_that_was_loaded(registry: Registry, layout: Path, tag: str) -> None:
    far, near = open_image(f"docker://{registry.host}/{QUARRY}:{tag}"), open_image(f"oci:{layout}:{tag}")
    assert far.config_bytes == near.config_bytes and far.id == near.id
    assert far.manifest_bytes == near.manifest_bytes and far.manifest_digest == near.manifest_digest
    assert far.history == near.history
    assert [each.descriptor for each in far.layers] == [each.descriptor for each in near.layers]
    (ours, our_contents), (theirs, their_contents) = read(far), read(near)
    assert pack_union(ours) == pack_union(theirs)
    for number in range(1, len(far.layers) + 1):
        mine = [each.to_json() for each in changes(ours, LayerNumber(number), our_contents.same)]
        assert mine == [each.to_json() for each in changes(theirs, LayerNumber(number), their_contents.same)]
        assert mine
    assert b"Held" in our_contents.read(
        ours.at(ours.resolve("/etc/os-release", LayerNumber(1)), LayerNumber(1))
    )
    assert far.layers[0].blob and far.layers[0].blob.digest == far.layers[0].descriptor.digest


def test_shows_what_its_archive_shows(registry: Registry, expected: Seen, measured: Sizes) -> None:
    image = open_image(f"docker://{registry.host}/{QUARRY}:1.0")
    assert seen(image) == expected
    assert_sizes(image, measured.blobs)


def test_what_it_is_called(registry: Registry) -> None:
    image = open_image(f"docker://{registry.host}/{QUARRY}:1.0")
    assert image.name == f"{registry.host}/{QUARRY}:1.0"
    assert image.tags == (image.name,)
    assert image.repo_digests == (f"{registry.host}/{QUARRY}@{image.manifest_digest}",)
    assert image.reference == f"docker://{registry.host}/{QUARRY}:1.0"
    assert image.warnings == []
    pinned = open_image(f"docker://{image.repo_digests[0]}")
    assert pinned.manifest_bytes == image.manifest_bytes
    assert pinned.name == image.repo_digests[0] and pinned.tags == ()


def test_no_layer_is_fetched_before_it_is_read(proxy: FaultyProxy) -> None:
    image = open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    config = image.manifest["config"]["digest"]
    base = f"/v2/{QUARRY}"
    assert proxy.paths() == ["/v2/", f"{base}/manifests/1.0", f"{base}/blobs/{config}"]
    blob = image.layers[3].blob
    assert blob is not None
    assert blob.pread(2, 0) == b"\x1f\x8b"
    assert proxy.paths()[3:] == [f"{base}/blobs/{blob.digest}"]
    assert {request.method for request in proxy.requests} == {"GET"}


def test_nothing_is_fetched_twice(proxy: FaultyProxy) -> None:
    reference = f"docker://{proxy.host}/{QUARRY}:1.0"
    image = open_image(reference)
    read(image)
    blobs = proxy.paths("/blobs/")
    assert sorted(blobs) == sorted(set(blobs)) and len(blobs) == len(image.layers) + 1
    again = open_image(reference)
    read(again)
    open_image(f"docker://{proxy.host}/{QUARRY}@{image.manifest_digest}")
    assert proxy.paths("/blobs/") == blobs
    # A tag may have moved: it is asked for each time.
    assert len(proxy.paths("/manifests/1.0")) == 2


def test_layers_are_downloaded_side_by_side(proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is answered before so many are asked for, even where one processor is all there is."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    image = open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    assert len(image.layers) >= DOWNLOADS
    together = threading.Barrier(DOWNLOADS)

    def wait(_request: Request, _answer: Answer) -> None:
        together.wait(SECONDS)

    proxy.fail("/blobs/", wait, times=DOWNLOADS)
    read(image)
    assert not together.broken


def test_lists_tags(registry: Registry) -> None:
    rows = list(list_images(f"docker://{registry.host}/{QUARRY}"))
    assert sorted(row.tag for row in rows) == sorted(TAGS)
    assert {row.size for row in rows} == {None}
    row = next(row for row in rows if row.tag == "zstd")
    assert open_image(row.reference).name == f"{row.name}:{row.tag}"


def test_lists_tags_page_by_page(proxy: FaultyProxy) -> None:
    def page(request: Any, answer: Any) -> None:
        following = {"/tags/list": "list?last=a", "?last=a": f"</v2/{QUARRY}/tags/list?last=b"}
        part = next((part for part in following if request.path.endswith(part)), "")
        answer.body = json.dumps({"name": QUARRY, "tags": [request.path[-1]]}).encode()
        answer.headers = {"Link": f'<{following[part].lstrip("<")}>; rel="next"'} if part else {}

    proxy.fail("/tags/list", page)
    rows = list(list_images(f"docker://{proxy.host}/{QUARRY}"))
    assert [row.tag for row in rows] == ["t", "a", "b"]


def test_summary_of_a_tag(registry: Registry, layout: Path) -> None:
    (row,) = list_images(f"docker://{registry.host}/{QUARRY}:zstd")
    (near,) = list_images(f"oci:{layout}:zstd")
    assert (row.id, row.digest, row.size, row.created) == (near.id, near.digest, near.size, near.created)
    assert (row.layers, row.platforms) == (near.layers, near.platforms)
    assert row.reference == f"docker://{registry.host}/{QUARRY}:zstd"


def image_of(registry: Registry, repository: str, tars: list[bytes], architecture: str) -> dict[str, Any]:
    layers = [registry.push_blob(repository, each, LAYER) for each in tars]
    config = {
        "os": "linux",
        "architecture": architecture,
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.push_blob(repository, json.dumps(config).encode(), CONFIG),
        "layers": layers,
    }
    pushed = registry.push_manifest(repository, manifest)
    return {**pushed, "platform": {"os": "linux", "architecture": architecture}}


def test_several_platforms_and_attestations(registry: Registry, proxy: FaultyProxy) -> None:
    images = [
        image_of(registry, "many", [tar(f"{name}.txt", name.encode())], name) for name in ("amd64", "arm64")
    ]
    statement = registry.push_blob("many", b'{"predicate": {}}', "application/vnd.in-toto+json")
    attestation = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.push_blob("many", b"{}", CONFIG),
        "layers": [statement],
    }
    attested = {
        **registry.push_manifest("many", attestation),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": images[1]["digest"],
        },
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*images, attested]}
    top = registry.push_manifest("many", index, "latest")
    arm = open_image(f"docker://{proxy.host}/many", "linux/arm64")
    assert arm.manifest_digest == images[1]["digest"]
    assert [each.digest for each in arm.attestations] == [attested["digest"]]
    assert arm.repo_digests == (f"{proxy.host}/many@{top['digest']}",)
    assert arm.reference == f"docker://{proxy.host}/many"
    # Of the other platform, nothing is asked for.
    assert not proxy.paths(images[0]["digest"])
    with pytest.raises(LayertuiError, match="linux/s390x"):
        open_image(f"docker://{proxy.host}/many", "linux/s390x")
    (row,) = list_images(f"docker://{proxy.host}/many:latest")
    assert [str(each) for each in row.platforms] == ["linux/amd64", "linux/arm64"]
    assert row.digest == top["digest"]


def test_the_worker_shares_the_cache(proxy: FaultyProxy) -> None:
    reference = f"docker://{proxy.host}/{QUARRY}:zstd"
    workers = [start(TreeRequest(pin(reference), False)) for _ in range(2)]
    for worker in workers:
        assert isinstance([*frames(worker.stdout)][-1], TreeDone)
        assert worker.wait(SECONDS) == 0
    count = len(proxy.paths("/blobs/"))
    image = open_image(reference)
    union, contents = read(image)
    assert len(proxy.paths("/blobs/")) == count
    assert b"Held" in contents.read(
        union.at(union.resolve("/etc/os-release", LayerNumber(1)), LayerNumber(1))
    )
    cache = BlobCache()
    assert all(cache.get(layer.descriptor.digest) for layer in image.layers)
    assert not [path for path in cache.directory.iterdir() if path.name.startswith(".")]


def test_how_it_is_organised_is_told_before_a_layer_is_fetched(proxy: FaultyProxy) -> None:
    image = open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    parts = list(chain.parts(image))
    assert [part.title for part in parts[:4]] == ["reference", "manifest", "config", "history"]
    assert not chain.is_at_hand(image)
    layers = {layer.descriptor.digest for layer in image.layers}
    assert not [request for request in proxy.requests if any(digest in request.path for digest in layers)]
    for layer in image.layers:
        index_layer(layer, None)
    assert chain.is_at_hand(image)


@pytest.mark.parametrize("left", [0, 100])
def test_a_manifest_that_was_cut_in_the_cache_is_fetched_again(registry: Registry, left: int) -> None:
    """As a power failure may leave it."""
    image = open_image(f"docker://{registry.host}/{QUARRY}:1.0")
    descriptor = Descriptor(MANIFEST, image.manifest_digest, len(image.manifest_bytes))
    name = parse_name(f"{registry.host}/{QUARRY}")
    Repository(name).stored(descriptor)
    kept = BlobCache().get(image.manifest_digest)
    assert kept is not None and kept.size == descriptor.size
    os.truncate(kept.path, left)
    assert Repository(name).stored(descriptor).pread(descriptor.size, 0) == image.manifest_bytes


def test_finding_in_all_tags_of_a_repository(
    registry: Registry, proxy: FaultyProxy, layout: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A layer that tags have in common is fetched once; the image of another repository is not."""
    for tag in ("1", "2"):
        registry.load(f"oci:{layout}:1.0", f"found:{tag}")
    assert main(["find", "id_ed25519", f"docker://{proxy.host}/found", "--json", "--no-cache"]) == 0
    found = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert sorted((row["image"], row["layer"], row["visible"]) for row in found) == [
        (f"docker://{proxy.host}/found:{tag}", layer, False) for tag in ("1", "2") for layer in (4, 5)
    ]
    layers = [layer.descriptor.digest for layer in open_image("demo:").layers]
    assert [len(proxy.paths(f"/blobs/{digest}")) for digest in layers] == [1] * 9
