"""What four generations of ``docker save``, and others that follow it, write."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from layertui.model.errors import LayertuiError, SeveralImages
from layertui.model.image import MAX_LAYERS
from layertui.sources import list_images, open_image
from layertui.sources.archive import ArchiveFiles
from layertui.verify.image import verify_image
from tests.layers.tars import END, file
from tests.layouts import digest
from tests.other_projects import fixture

GGCR = "google+go-containerregistry/pkg/v1/tarball/testdata/"
TARS = [file(b"f%d" % number) + END for number in range(3)]


def config(history: Any = None, layers: int = 3) -> bytes:
    value: dict[str, Any] = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}
    value["rootfs"]["diff_ids"] = [digest(tar) for tar in TARS[:layers]]
    if history is not None:
        value["history"] = history
    return json.dumps(value).encode()


def archive(path: Path, members: Mapping[str, bytes | str], prefix: str = "") -> str:
    """A tar of files and symlinks (their targets as text), in the order given."""
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(prefix + name)
            if isinstance(data, str):
                member.type, member.linkname = tarfile.SYMTYPE, data
                tar.addfile(member)
            else:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return str(path)


def manifest(*items: dict[str, Any]) -> bytes:
    return json.dumps(items).encode()


NAMES = ["a/layer.tar", "b/layer.tar", "c/layer.tar"]
ITEM: dict[str, Any] = {"Config": "c.json", "RepoTags": ["app:1"], "Layers": NAMES}
LAYERS: dict[str, bytes] = dict(zip(NAMES, TARS, strict=True))


@pytest.mark.parametrize("prefix", ["", "./"])
def test_manifest_may_come_last_and_names_may_have_a_prefix(prefix: str, tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar", {**LAYERS, "c.json": config(), "manifest.json": manifest(ITEM)}, prefix
    )
    image = open_image(path)
    assert (image.name, image.id, str(image.platform)) == ("app:1", digest(config()), "linux/amd64")
    assert [layer.blob and layer.blob.pread(9999, 0) for layer in image.layers] == TARS
    assert not image.warnings


def test_symlinked_repeated_and_empty_layers(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {"manifest.json": manifest(ITEM), "c.json": config(), "a/layer.tar": TARS[0],
               "b/layer.tar": "../a/layer.tar", "c/layer.tar": b""}  # fmt: skip
    blobs = [layer.blob for layer in open_image(archive(tmp_path / "a.tar", members)).layers]
    assert [blob and blob.pread(9999, 0) for blob in blobs] == [TARS[0], TARS[0], b""]


def test_symlinks_in_a_circle_are_a_missing_layer(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {
        "manifest.json": manifest(ITEM),
        "c.json": config(),
        **LAYERS,
        "b/layer.tar": "../b/layer.tar",
    }
    assert open_image(archive(tmp_path / "a.tar", members)).layers[1].blob is None


def test_several_images(tmp_path: Path) -> None:
    items = [ITEM, {**ITEM, "RepoTags": None}, {**ITEM, "RepoTags": ["b:2", "docker.io/library/c:latest"]}]
    path = archive(tmp_path / "a.tar", {**LAYERS, "c.json": config(), "manifest.json": manifest(*items)})
    rows = [row.reference.removeprefix(f"docker-archive:{path}:") for row in list_images(path)]
    assert rows == ["app:1", "@1", "b:2", "docker.io/library/c:latest"]
    with pytest.raises(SeveralImages, match=r"contains 3 images, app:1, @1, b:2, choose one") as raised:
        open_image(path)
    assert [*raised.value.choices] == ["app:1", "@1", "b:2"]
    assert [open_image(each).reference for each in raised.value.choices.values()] == [
        f"docker-archive:{path}:{each}" for each in raised.value.choices
    ]
    for selector in (*rows, "c"):
        image = open_image(f"docker-archive:{path}:{selector}")
        assert open_image(image.reference).reference == image.reference
        assert len(list(list_images(f"docker-archive:{path}:{selector}"))) >= 1
    for selector in ("x:1", "@7", "@x"):
        with pytest.raises(LayertuiError, match="has no image"):
            open_image(f"docker-archive:{path}:{selector}")


def test_a_name_may_be_whole_or_as_docker_shows_it(tmp_path: Path) -> None:
    """As in skopeo, which compares normalized names."""
    items = [{**ITEM, "RepoTags": [name]} for name in ("app:1", "docker.io/library/b:2", "a/b:latest")]
    path = archive(tmp_path / "a.tar", {**LAYERS, "c.json": config(), "manifest.json": manifest(*items)})
    for selector, number in (
        ("app:1", 0), ("docker.io/library/app:1", 0), ("docker.io/app:1", 0), ("b:2", 1), ("docker.io/b:2", 1),
        ("docker.io/a/b", 2), ("docker.io/a/b:latest", 2), ("a/b", 2),
    ):  # fmt: skip
        assert open_image(f"docker-archive:{path}:{selector}").tags == tuple(items[number]["RepoTags"])
    for selector in ("docker.io/library/app:2", "example.org/app:1", "app"):
        with pytest.raises(LayertuiError, match="has no image"):
            open_image(f"docker-archive:{path}:{selector}")


def of_platform(platform: str) -> bytes:
    return json.dumps({**json.loads(config()), "os": platform}).encode()


def test_a_platform_chooses_among_images(tmp_path: Path) -> None:
    """Of two images without a tag, one for Linux and one for Windows."""
    items = [{**ITEM, "RepoTags": None, "Config": f"{name}.json"} for name in ("linux", "windows", "windows")]
    configs = {f"{name}.json": of_platform(name) for name in ("linux", "windows")}
    two = archive(tmp_path / "2.tar", {**LAYERS, **configs, "manifest.json": manifest(*items[:2])})
    assert open_image(two, "windows/amd64").reference == f"docker-archive:{two}:@1"
    assert open_image(two, "linux/amd64").reference == f"docker-archive:{two}:@0"
    three = archive(tmp_path / "3.tar", {**LAYERS, **configs, "manifest.json": manifest(*items)})
    for path, platform in ((two, None), (two, "linux/s390x"), (three, "windows/amd64")):
        with pytest.raises(LayertuiError, match=r"images, @0, @1.*choose one: docker-archive:.*:@INDEX"):
            open_image(path, platform)


def test_of_many_names_the_first_are_listed(tmp_path: Path) -> None:
    items = [{**ITEM, "RepoTags": [f"app:{number}"]} for number in range(13)]
    path = archive(tmp_path / "a.tar", {**LAYERS, "c.json": config(), "manifest.json": manifest(*items)})
    with pytest.raises(LayertuiError, match=r"app:0, .*, app:9 and 3 more, choose one: .*:NAME:TAG"):
        open_image(path)
    with pytest.raises(LayertuiError, match=r"available: app:0, .*, app:9 and 3 more$"):
        open_image(f"docker-archive:{path}:none")


@pytest.mark.parametrize(
    ("history", "layers", "warning"),
    [
        (None, [1, 2, 3], ""),
        ([{}, {"empty_layer": True}, {}, {}], [1, None, 2, 3], ""),
        ([{"empty_layer": "false"}, {"empty_layer": 0}, {"empty_layer": None}], [1, 2, 3], ""),
        ([{}, {}], [1, 2, 3], "the history lists 2 layers, the image has 3"),
        ([{}] * 5, [1, 2, 3, None, None], "the history lists 5 layers, the image has 3"),
        ([{"empty_layer": True}], [None, 1, 2, 3], "the history lists 0 layers, the image has 3"),
    ],
)
def test_history_mentions_every_layer_once(
    history: Any, layers: list[int | None], warning: str, tmp_path: Path
) -> None:
    members = {**LAYERS, "c.json": config(history), "manifest.json": manifest(ITEM)}
    image = open_image(archive(tmp_path / "a.tar", members))
    assert [step.layer for step in image.history] == layers
    assert list(image.warnings) == ([warning] if warning else [])


def test_config_named_by_a_wrong_digest_is_said(tmp_path: Path) -> None:
    item = {**ITEM, "Config": "sha256:" + "0" * 64}
    path = archive(tmp_path / "a.tar", {**LAYERS, item["Config"]: config(), "manifest.json": manifest(item)})
    assert "the config is named sha256:0000" in open_image(path).warnings[0]


@pytest.mark.parametrize(
    ("name", "tags", "layers"),
    [
        ("wagoodman+dive/.data/test-docker-image.tar", ("dive-test:latest",), 14),
        ("wagoodman+dive/.data/test-kaniko-image.tar", ("dive-test:kaniko-latest",), 14),
        (f"{GGCR}hello-world-v25.tar", (), 1),
        (f"{GGCR}no_manifest.tar", ("bazel/v1/tarball:test_image",), 1),
    ],
)
def test_real_archives(name: str, tags: tuple[str, ...], layers: int) -> None:
    """Docker 18.09, kaniko, Docker 25 (``"manifests": null``) and Docker 1.9."""
    image = open_image(str(fixture(name)))
    assert (tuple(image.tags), len(image.layers)) == (tags, layers)
    assert sorted(step.layer for step in image.history if step.layer) == list(range(1, layers + 1))
    assert all(layer.blob is not None for layer in image.layers)


def test_nothing_is_wrong_with_a_real_archive_of_docker_1_9() -> None:
    """The ID of its image is random: it is the digest of no document."""
    found = list(verify_image(open_image(str(fixture(f"{GGCR}no_manifest.tar")))))
    assert [(check.subject, check.what, check.status) for check in found] == [
        ("config", "digest", "unchecked"),
        ("layer 1", "diff ID", "unchecked"),
    ]


BASE, TOP, OTHER = "a" * 64, "b" * 64, "c" * 64
BY_ID = {
    **{f"{layer}/layer.tar": tar for layer, tar in zip((BASE, TOP, OTHER), TARS, strict=True)},
    f"{BASE}/json": json.dumps({"id": BASE}).encode(),
    f"{TOP}/json": json.dumps({"id": TOP, "parent": BASE}).encode(),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "compressed"])
def test_images_that_docker_1_9_saved_by_id(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Without a name to record, ``docker save`` wrote no ``repositories`` (graph/export.go)."""
    path = archive(tmp_path / "a.tar", BY_ID)
    Path(path).write_bytes(pack(Path(path).read_bytes()))
    image = open_image(path)
    assert (image.id, image.tags, len(image.layers)) == (f"sha256:{TOP}", (), 2)
    assert [row.reference for row in list_images(path)] == [f"docker-archive:{path}"]
    path = archive(tmp_path / "b.tar", {**BY_ID, f"{OTHER}/json": json.dumps({"parent": BASE}).encode()})
    assert [open_image(row.reference).id for row in list_images(path)] == [f"sha256:{TOP}", f"sha256:{OTHER}"]


def test_layers_without_manifest_of_an_archive_that_is_cut(tmp_path: Path) -> None:
    """``docker save`` of 1.10 to 24 has the same documents, and writes manifest.json last."""
    path = Path(archive(tmp_path / "a.tar", BY_ID))
    path.write_bytes(path.read_bytes().rstrip(b"\0"))
    for place in (str(path), f"docker-archive:{path}"):
        with pytest.raises(LayertuiError, match="is not an image"):
            open_image(place)


def test_one_name_of_two_images_selects_neither(tmp_path: Path) -> None:
    items = [ITEM, {**ITEM, "Config": "d.json"}, {**ITEM, "RepoTags": ["app:1", "app:2"]}]
    configs = {"c.json": config(), "d.json": of_platform("windows")}
    path = archive(tmp_path / "a.tar", {**LAYERS, **configs, "manifest.json": manifest(*items)})
    rows = list(list_images(path))
    selectors = [row.reference.removeprefix(f"docker-archive:{path}:") for row in rows]
    assert selectors == ["@0", "@1", "@2", "app:2"]
    assert [open_image(row.reference).id for row in rows] == [row.id for row in rows]
    for place, others in ((f"docker-archive:{path}:app:1", "could be several"), (path, "contains 3")):
        with pytest.raises(SeveralImages, match=f"{others} images, @0, @1, app:2, choose one: ") as raised:
            open_image(place)
        assert [open_image(each).id for each in raised.value.choices.values()] == [
            rows[0].id, rows[1].id, rows[2].id,
        ]  # fmt: skip


def test_one_broken_image_leaves_the_others_in_the_list(tmp_path: Path) -> None:
    items = [{**ITEM, "RepoTags": ["bad:1"], "Config": "gone.json"}, ITEM]
    path = archive(tmp_path / "a.tar", {**LAYERS, "c.json": config(), "manifest.json": manifest(*items)})
    assert [row.name for row in list_images(path)] == ["app"]
    path = archive(tmp_path / "b.tar", {**LAYERS, "manifest.json": manifest(*items)})
    with pytest.raises(LayertuiError, match=r"has no gone\.json"):
        list_images(path)


def test_a_missing_layer_is_named_as_the_archive_does(tmp_path: Path) -> None:
    for name in ("gone/layer.tar", "", None):
        item = {**ITEM, "Layers": [*NAMES[:2], name]}
        path = archive(tmp_path / "a.tar", {**LAYERS, "c.json": config(), "manifest.json": manifest(item)})
        assert open_image(path).layers[2].missing == f"the archive has no {name}"


def test_what_follows_a_compressed_archive_in_the_cache_is_no_part_of_it(tmp_path: Path) -> None:
    """A copy ends in a mark of its own, which the members of a truncated archive reach."""
    plain = Path(archive(tmp_path / "a.tar", {"manifest.json": b"[]", "f": b"text" * 99})).read_bytes()
    packed = zlib.compressobj(wbits=31)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed.compress(plain[: plain.index(b"text") + 10]) + packed.flush(zlib.Z_FULL_FLUSH))
    files = ArchiveFiles(path)
    member = files.get("f")
    assert member is not None and (member.size, files.damage) == (396, "its gzip stream ends early")
    assert member.pread(396, 0) == b"texttextte"
    assert member.pread(9, 10) == member.pread(9, 300) == b""


def test_legacy_chain_in_a_circle(tmp_path: Path) -> None:
    members = {
        "repositories": b'{"a": {"1": "x"}}',
        "x/json": b'{"parent": "y"}',
        "y/json": b'{"parent": "x"}',
    }
    with pytest.raises(LayertuiError, match="form a cycle"):
        open_image(archive(tmp_path / "a.tar", members))


@pytest.mark.parametrize("repositories", [{"a": {"latest": ""}}, {"a": {"1": "", "2": None}}, {"a": {}}])
def test_legacy_names_of_nothing(repositories: dict[str, Any], tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", {"repositories": json.dumps(repositories).encode()})
    for read in (open_image, list_images):
        with pytest.raises(LayertuiError, match="lists no image"):
            read(path)


def test_an_archive_that_ends_before_its_manifest(tmp_path: Path) -> None:
    """``docker save`` writes it last: a download that broke off has none."""
    path = tmp_path / "app.tar"
    path.write_bytes((file(b"layer.tar", b"x" * 5000) + END)[:2000])
    with pytest.raises(LayertuiError, match=r"is not an image archive, it has neither .*, and is damaged: "):
        open_image(f"docker-archive:{path}")


def test_images_of_too_many_layers_are_refused_by_number(tmp_path: Path) -> None:
    """One small layer any number of times; Docker has a limit of 125."""
    for count, is_read in ((MAX_LAYERS, True), (MAX_LAYERS + 1, False), (70_000, False)):
        config_ = json.dumps({"rootfs": {"diff_ids": [digest(TARS[0])] * count}}).encode()
        item = {**ITEM, "Layers": NAMES[:1] * count}
        members = {"manifest.json": manifest(item), "c.json": config_, NAMES[0]: TARS[0]}
        path = archive(tmp_path / "a.tar", members)
        if is_read:
            assert len(open_image(path).layers) == count
            continue
        with pytest.raises(LayertuiError, match=f"has {count:,} layers, more than 1,000 are not read"):
            open_image(path)
