"""Which manifests of a layout are images to choose from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layertui.model.errors import LayertuiError, NoImage, NotFound, SeveralImages
from layertui.model.image import Descriptor
from layertui.sources import list_directory, list_images, open_image
from layertui.sources.oci_layout import FilesLayout
from tests.engines import run
from tests.layouts import CONFIG, INDEX, LAYER, MANIFEST
from tests.other_projects import engine_fixture, fixture
from tests.programs import need
from tests.sources.maker import Maker

EMPTY = "application/vnd.oci.empty.v1+json"
SPDX = "application/spdx+json"
REF_NAME = "org.opencontainers.image.ref.name"
Json = dict[str, Any]
Write = Callable[[Maker, Json], list[Json]]


def called(name: str) -> Json:
    return {"annotations": {REF_NAME: name}}


def artifact(maker: Maker, **more: Any) -> Json:
    """An SBOM; ``more`` is of its manifest."""
    manifest = {
        "config": maker.blob(b"{}", EMPTY),
        "layers": [maker.blob(b'{"spdxVersion": "SPDX-2.3"}', SPDX)],
        **more,
    }
    return maker.blob(manifest, MANIFEST)


def tag_of(descriptor: Json, end: str = "") -> str:
    return str(descriptor["digest"]).replace(":", "-") + end


def referrer(maker: Maker, image: Json) -> list[Json]:
    return [{**image, **called("1")}, artifact(maker, subject=image)]


def named_referrer(maker: Maker, image: Json) -> list[Json]:
    return [{**image, **called("1")}, {**artifact(maker, subject=image), **called("sbom")}]


def referrers_tag(maker: Maker, image: Json) -> list[Json]:
    about = maker.blob({"manifests": [artifact(maker, subject=image)]}, INDEX)
    return [{**about, **called(tag_of(image))}, {**image, **called("1")}]


def cosign_tags(maker: Maker, image: Json) -> list[Json]:
    ends = (".sig", ".att", ".sbom")
    attached = [{**artifact(maker, number=end), **called(tag_of(image, end))} for end in ends]
    return [{**image, **called("1")}, *attached]


def cosign_tags_with_repository(maker: Maker, image: Json) -> list[Json]:
    """As Singularity writes them."""
    return [{**image, **called("1")}, {**artifact(maker), **called(f"_cosign:{tag_of(image, '.sig')}")}]


def cosign_save(maker: Maker, image: Json) -> list[Json]:
    kinds = ("image", "sigs", "atts", "sboms")
    attached = [artifact(maker, number=kind) for kind in kinds[1:]]
    return [
        {**each, "annotations": {"kind": f"dev.cosignproject.cosign/{kind}", REF_NAME: "1"}}
        for kind, each in zip(kinds, [image, *attached], strict=True)
    ]


def child_of_a_named_index(maker: Maker, image: Json) -> list[Json]:
    """As ``oras copy --recursive`` writes them."""
    nested = maker.blob({"manifests": [image]}, INDEX)
    index = maker.blob({"manifests": [nested]}, INDEX)
    bare = {key: image[key] for key in ("mediaType", "digest", "size")}
    return [bare, {**index, **called("1")}, nested]


@pytest.mark.parametrize(
    "write",
    [
        referrer,
        named_referrer,
        referrers_tag,
        cosign_tags,
        cosign_tags_with_repository,
        cosign_save,
        child_of_a_named_index,
    ],
)
def test_what_is_about_an_image_is_no_image_to_choose(write: Write, maker: Maker) -> None:
    image = maker.image()
    top = write(maker, image)
    path = maker.index(*top)
    (row,) = list_images(path)
    assert (row.tag, row.layers) == ("1", 1)
    for reference in (path, f"{path}:1", f"{path}@{image['digest']}"):
        assert open_image(reference).manifest_digest == image["digest"]
    for each in top:  # which all open if they are asked for
        assert open_image(f"{path}@{each['digest']}").layers


def test_artifacts_alone_are_listed(maker: Maker) -> None:
    """A copy of an SBOM or a signature without its image."""
    image = maker.image()
    signature = {**artifact(maker), **called(tag_of(image, ".sig"))}
    path = maker.index(signature, {**artifact(maker, subject=image), **called("sbom")})
    (maker.folder / "blobs" / image["digest"].replace(":", "/")).unlink()
    assert [row.tag for row in list_images(path)] == [tag_of(image, ".sig"), "sbom"]
    assert "not a container image" in open_image(f"{path}:sbom").warnings[0]
    with pytest.raises(LayertuiError, match=r"contains 2 images, .*\.sig, sbom, choose one: .*:TAG"):
        open_image(path)


def test_what_is_about_something_else_is_no_image_either(maker: Maker) -> None:
    """A signature of the index that an image was copied from, and an SBOM of another image."""
    other, image = maker.image("s390x"), maker.image()
    signature = {**artifact(maker), **called(tag_of(other, ".sig"))}
    path = maker.index(signature, artifact(maker, subject=other), {**image, **called("1")})
    (maker.folder / "blobs" / other["digest"].replace(":", "/")).unlink()
    assert [row.tag for row in list_images(path)] == ["1"]
    assert open_image(path).manifest_digest == image["digest"]


def test_an_artifact_opens_by_its_name(maker: Maker) -> None:
    path = maker.index(*named_referrer(maker, maker.image()))
    assert "not a container image" in open_image(f"{path}:sbom").warnings[0]
    with pytest.raises(NotFound, match=r"has no image none, available: 1$"):
        open_image(f"{path}:none")


def test_layouts_of_oras_and_regctl(tmp_path: Path) -> None:
    """Each has one tag: what ``oras copy --recursive`` and ``regctl image copy`` copied."""
    root = engine_fixture("oras-regctl-layouts", tmp_path)
    for name, tag in (("oras-oci", "1"), ("regctl-dir", "10")):
        (row,) = list_images(f"oci:{root / name}")
        assert row.tag == tag
        assert open_image(f"oci:{root / name}", "linux/amd64").layers


def test_layouts_of_singularity() -> None:
    images = "sylabs+oci-tools/test/images"
    for name in ("hello-world-cosign-manifest", "hello-world-cosign-manifest-list"):
        (row,) = list_images(str(fixture(f"{images}/{name}")))
        assert open_image(row.reference).config["config"]["Cmd"] == ["/hello"]


# Names


def test_one_name_on_two_images(maker: Maker) -> None:
    images = [maker.image(layers=[]), maker.image()]
    path = maker.index(*({**image, **called("app:1")} for image in images))
    rows = list(list_images(path))
    assert [(row.name, row.tag, row.layers) for row in rows] == [("app", "1", 0), ("app", "1", 1)]
    assert [open_image(row.reference).manifest_digest for row in rows] == [each["digest"] for each in images]
    with pytest.raises(SeveralImages) as raised:
        open_image(f"{path}:app:1")
    assert [*raised.value.choices.values()] == [f"{path}@{each['digest']}" for each in images]
    assert "app:1 could be several images" in str(raised.value)
    assert raised.value.remedy == f"choose one: {path}@DIGEST"
    assert open_image(f"{path}@{images[1]['digest']}").manifest_digest == images[1]["digest"]
    assert all(image["digest"] in str(raised.value) for image in images)
    with pytest.raises(LayertuiError, match=r"contains 2 images, @sha256:.*choose one: .*@DIGEST"):
        open_image(path)


def test_umoci_refuses_it_too(maker: Maker) -> None:
    need("umoci")
    (maker.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    path = maker.index(*({**image, **called("1")} for image in (maker.image(layers=[]), maker.image())))
    with pytest.raises(AssertionError, match="tag is ambiguous: 1"):
        run("umoci", "stat", "--image", f"{path.removeprefix('oci:')}:1")


def test_one_name_on_several_platforms(maker: Maker) -> None:
    path = maker.index(*({**maker.image(each), **called("1")} for each in ("amd64", "arm64", "amd64")))
    (row,) = list_images(path)
    assert [each.architecture for each in row.platforms] == ["amd64", "arm64"]
    assert open_image(f"{path}:1", "linux/arm64").platform.architecture == "arm64"


def test_a_platform_chooses_among_images(maker: Maker) -> None:
    path = maker.index({**maker.image("amd64"), **called("a")}, {**maker.image("arm64"), **called("b")})
    assert open_image(path, "linux/arm64").tags == ("b",)
    for platform in (None, "linux/s390x"):
        with pytest.raises(SeveralImages, match="contains 2 images, a, b, choose one") as raised:
            open_image(path, platform)
        assert raised.value.choices == {"a": f"{path}:a", "b": f"{path}:b"}


def windows(maker: Maker, version: str, in_config: bool = True) -> Json:
    fields = {"os": "windows", "architecture": "amd64", "os.version": version}
    config = maker.blob(
        fields if in_config else {"os": "windows", "architecture": "amd64", "n": version}, CONFIG
    )
    return maker.blob({"config": config, "layers": []}, MANIFEST, platform=fields)


@pytest.mark.parametrize("in_config", [True, False])
def test_versions_of_windows(in_config: bool, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a pause or hello-world image; configs need not have the version that the index has."""
    monkeypatch.setattr("layertui.model.platforms.machine_name", lambda: "x86_64")
    images = {each: windows(maker, each, in_config) for each in ("10.0.17763.5458", "10.0.20348.2322")}
    path = maker.index(maker.blob({"manifests": list(images.values())}, INDEX))
    (row,) = list_images(path)
    assert [str(each) for each in row.platforms] == [f"windows({version})/amd64" for version in images]
    for version, found in images.items():
        image = open_image(path, f"windows({version})/amd64")
        assert (image.manifest_digest, str(image.platform)) == (found["digest"], f"windows({version})/amd64")
        assert not image.warnings
    with pytest.raises(LayertuiError) as raised:
        open_image(path)
    listed = [f"windows({version})/amd64 @{found['digest']}" for version, found in images.items()]
    assert raised.value.why == f"platforms: {', '.join(listed)}"
    first = open_image(path, "windows/amd64")
    assert str(first.platform) == "windows(10.0.17763.5458)/amd64"
    (warning,) = first.warnings
    assert warning.endswith("choose another with --platform: windows(10.0.20348.2322)/amd64")


def test_a_build_cache_is_no_image(maker: Maker) -> None:
    """BuildKit's cache with ``image-manifest=false``: an index of layers."""
    kind = "application/vnd.buildkit.cacheconfig.v0"
    layers = [maker.blob(b"1", LAYER), maker.blob(b"{}", kind)]
    path = maker.index(maker.blob({"manifests": layers}, INDEX, **called("latest")))
    for ask in (open_image, list_images):
        with pytest.raises(NoImage, match="contains no image, it is a build cache of BuildKit"):
            ask(path)
    (problem,) = list_directory(maker.folder.parent)
    assert "it is a build cache of BuildKit" in str(problem)
    path = maker.index(maker.blob({"manifests": layers[:1]}, INDEX))
    with pytest.raises(NoImage, match=rf"its index lists no manifests, but {re.escape(LAYER)}"):
        list_images(path)


def test_a_build_cache_as_a_manifest_is_no_image(maker: Maker) -> None:
    """BuildKit's cache since 0.21 (``image-manifest=true`` is the default): its layers can be read by its name."""
    config = maker.blob(b"{}", "application/vnd.buildkit.cacheconfig.v0")
    cache = maker.blob({"config": config, "layers": [maker.blob(b"1", LAYER)]}, MANIFEST, **called("latest"))
    path = maker.index(cache)
    with pytest.raises(NoImage, match="contains no image, it is a build cache of BuildKit"):
        list_images(path)
    assert open_image(f"{path}:latest").warnings[0] == "it is a build cache of BuildKit"
    (row,) = list_images(maker.index(cache, {**maker.image(), **called("app")}))
    assert row.tag == "app"


def test_of_many_names_the_first_are_listed(maker: Maker) -> None:
    image = maker.image()
    path = maker.index(
        {**image, **called("0")}, *({**maker.image(f"x{n}"), **called(str(n))} for n in range(1, 13))
    )
    listed = "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"
    with pytest.raises(LayertuiError, match=f"contains 13 images, {listed}, choose"):
        open_image(path)
    with pytest.raises(NotFound, match=f"has no image none, available: {listed}"):
        open_image(f"{path}:none")


def test_an_index_is_read_once_however_often_it_is_listed(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five levels, each with the next forty times: 40^5 ways to the image."""
    below = image = maker.image()
    for _ in range(5):
        below = maker.blob({"manifests": [below] * 40}, INDEX)
    path = maker.index({**below, **called("1")})
    read: Counter[str] = Counter()
    fetch = FilesLayout.fetch

    def counted(layout: FilesLayout, descriptor: Descriptor, what: str) -> tuple[Json, bytes]:
        read[descriptor.digest] += 1
        return fetch(layout, descriptor, what)

    monkeypatch.setattr(FilesLayout, "fetch", counted)
    opened = open_image(path)
    assert opened.manifest_digest == image["digest"]
    assert [link.name for link in opened.links] == ["index.json", *["index"] * 5, "manifest", "config"]
    assert max(read.values()) < 10
