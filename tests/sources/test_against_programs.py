"""One image in every form that real programs write it in is the same image with the same tree."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import zstandard

from layertui import demo
from layertui.layers.compression.format import compression_of
from layertui.model.image import Image
from layertui.sources import list_images, open_image
from tests.engines import Docker, containers_storage, run
from tests.layouts import OciLayout, docker_archive
from tests.observable import Seen, assert_sizes, seen, sizes
from tests.programs import need

OTHER = "quarry/other:2"
"""A second image: the first one with a label."""
COMPRESSIONS = {
    "gzip": ["--dest-compress", "--dest-compress-format=gzip"],
    "zstd": ["--dest-compress", "--dest-compress-format=zstd"],
    "": ["--dest-decompress", "--dest-oci-accept-uncompressed-layers"],
}
"""How skopeo is told to store layers."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample as skopeo names it; its config is OCI's, which no program has to convert."""
    path = tmp_path_factory.mktemp("sample") / "layout"
    OciLayout(path).add_image(demo.SAMPLE_NAME, demo.image())
    return f"oci:{path}:{demo.SAMPLE_NAME}"


@pytest.fixture(scope="module")
def loaded(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """A daemon that has the sample and the other image."""
    context = tmp_path_factory.mktemp("context")
    docker_archive(context / "sample.tar", demo.image())
    docker("load", "--input", context / "sample.tar")
    docker.build(OTHER, context, f"FROM {demo.SAMPLE_NAME}\nLABEL other=yes\n")
    return docker


@pytest.fixture(scope="module", params=["podman", "buildah"])
def store(request: pytest.FixtureRequest, sample: str) -> Iterator[list[str]]:
    """The command of an engine whose store has the sample."""
    need(request.param)
    with containers_storage(request.param) as command:
        pull(command, sample)
        yield command


@pytest.fixture(scope="module")
def podman(sample: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Podman's command on a store that has the sample and the other image."""
    need("podman")
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text(f"FROM {demo.SAMPLE_NAME}\nLABEL other=yes\n")
    with containers_storage("podman") as command:
        pull(command, sample)
        run(*command, "build", "--pull=never", "--format=docker", "--tag", OTHER, context)
        yield command


def pull(command: list[str], sample: str) -> None:
    """Pull the sample; engines name what comes from a layout after its path."""
    run(*command, "pull", sample)
    run(*command, "tag", demo.image().id.removeprefix("sha256:"), demo.SAMPLE_NAME)


def check(image: Image, expected: Seen, compression: str | None = None) -> None:
    """Compare an image with the sample; its layers have to be stored as told (``None``: anyhow)."""
    sample = demo.image()
    assert list(image.history) == list(sample.history)
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in sample.layers]
    assert not image.warnings
    blobs = [layer.blob for layer in image.layers if layer.blob is not None]
    assert compression is None or {compression_of(blob.pread(6, 0)) for blob in blobs} == {compression}
    assert seen(image) == expected
    # As they lie there, whatever they were elsewhere.
    assert_sizes(image, [blob.size for blob in blobs])
    if compression == "":
        assert image.size == sum(sizes().tars)


def familiar(tags: Sequence[str]) -> list[str]:
    """Tags without the registry and folder that engines put in front of a bare name."""
    return [
        tag.removeprefix("docker.io/").removeprefix("library/").removeprefix("localhost/") for tag in tags
    ]


# Docker


@pytest.mark.parametrize("by", ["name", "ID"])
def test_docker_save(loaded: Docker, by: str, expected: Seen, tmp_path: Path) -> None:
    name = demo.SAMPLE_NAME if by == "name" else demo.image().id
    image = open_image(str(loaded.save(name, tmp_path / "saved")))
    check(image, expected, "")
    assert image.tags == ((demo.SAMPLE_NAME,) if by == "name" else ())


def test_docker_save_of_several(loaded: Docker, expected: Seen, tmp_path: Path) -> None:
    loaded("save", "--output", tmp_path / "saved", OTHER, demo.SAMPLE_NAME)
    rows = {f"{row.name}:{row.tag}": row for row in list_images(str(tmp_path / "saved"))}
    assert set(rows) == {demo.SAMPLE_NAME, OTHER}
    check(open_image(rows[demo.SAMPLE_NAME].reference), expected, "")
    check(open_image(f"docker-archive:{tmp_path / 'saved'}:{demo.SAMPLE_NAME}"), expected, "")
    other = open_image(rows[OTHER].reference)
    assert (other.tags, other.config["config"]["Labels"]["other"]) == ((OTHER,), "yes")
    assert other.layers[-1].diff_id == demo.image().layers[-1].diff_id


def test_docker_save_of_several_by_id(loaded: Docker, expected: Seen, tmp_path: Path) -> None:
    other = loaded("image", "inspect", "--format", "{{.Id}}", OTHER).strip()
    loaded("save", "--output", tmp_path / "saved", demo.image().id, other)
    rows = {row.id: row for row in list_images(str(tmp_path / "saved"))}
    assert set(rows) == {demo.image().id, other}
    assert {(row.name, row.tag) for row in rows.values()} == {("", "")}
    image = open_image(rows[demo.image().id].reference)
    check(image, expected, "")
    assert image.tags == ()


def test_docker_save_of_one_image_with_two_names(loaded: Docker, tmp_path: Path) -> None:
    loaded("tag", demo.SAMPLE_NAME, "quarry:again")
    loaded("save", "--output", tmp_path / "saved", demo.SAMPLE_NAME, "quarry:again")
    loaded("rmi", "quarry:again")
    assert set(open_image(str(tmp_path / "saved")).tags) == {demo.SAMPLE_NAME, "quarry:again"}
    assert {row.tag for row in list_images(str(tmp_path / "saved"))} == {"1.1", "again"}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_archive_compressed_as_a_whole(
    loaded: Docker, compression: str, expected: Seen, tmp_path: Path
) -> None:
    data = loaded.save(demo.SAMPLE_NAME, tmp_path / "saved").read_bytes()
    pack = gzip.compress if compression == "gzip" else zstandard.ZstdCompressor().compress
    (tmp_path / "packed").write_bytes(pack(data))
    for reference in (str(tmp_path / "packed"), f"docker-archive:{tmp_path / 'packed'}:{demo.SAMPLE_NAME}"):
        check(open_image(reference), expected, "")


# skopeo


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("transport", ["oci", "oci-archive", "dir"])
def test_skopeo(sample: str, transport: str, compression: str, expected: Seen, tmp_path: Path) -> None:
    need("skopeo")
    copy = tmp_path / "copy"
    tag = "" if transport == "dir" else f":{demo.SAMPLE_NAME}"
    if not compression and tag:  # only to a folder are compressed layers stored plain
        run("skopeo", "copy", "--dest-decompress", sample, f"dir:{tmp_path / 'plain'}")
        sample = f"dir:{tmp_path / 'plain'}"
    run("skopeo", "copy", *COMPRESSIONS[compression], sample, f"{transport}:{copy}{tag}")
    for reference in (str(copy), f"{transport}:{copy}{tag}"):
        image = open_image(reference)
        check(image, expected, compression)
        assert (image.transport, list(image.tags)) == (transport, [demo.SAMPLE_NAME] if tag else [])


def test_skopeo_to_docker_archive(sample: str, expected: Seen, tmp_path: Path) -> None:
    """Its layers lie at the top, with links to them below the names of legacy images."""
    need("skopeo")
    run("skopeo", "copy", sample, f"docker-archive:{tmp_path / 'copy'}:{demo.SAMPLE_NAME}")
    image = open_image(str(tmp_path / "copy"))
    check(image, expected, "")
    assert familiar(image.tags) == [demo.SAMPLE_NAME]
    with tarfile.open(tmp_path / "copy") as archive:
        assert any(member.issym() for member in archive)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_oci_archive_compressed_as_a_whole(
    sample: str, compression: str, expected: Seen, tmp_path: Path
) -> None:
    need("skopeo")
    run("skopeo", "copy", sample, f"oci-archive:{tmp_path / 'copy'}:{demo.SAMPLE_NAME}")
    pack = gzip.compress if compression == "gzip" else zstandard.ZstdCompressor().compress
    (tmp_path / "packed").write_bytes(pack((tmp_path / "copy").read_bytes()))
    for reference in (str(tmp_path / "packed"), f"oci-archive:{tmp_path / 'packed'}:{demo.SAMPLE_NAME}"):
        check(open_image(reference), expected)


# Podman and buildah


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "docker-dir", "oci-dir"])
def test_podman_save(podman: list[str], form: str, expected: Seen, tmp_path: Path) -> None:
    run(*podman, "save", f"--format={form}", "--output", tmp_path / "saved", demo.SAMPLE_NAME)
    image = open_image(str(tmp_path / "saved"))
    check(image, expected)
    assert image.transport == {"docker-dir": "dir", "oci-dir": "oci"}.get(form, form)
    if form != "docker-dir":
        assert familiar(image.tags) == [demo.SAMPLE_NAME]


def test_podman_save_of_several(podman: list[str], expected: Seen, tmp_path: Path) -> None:
    run(*podman, "save", "-m", "--output", tmp_path / "saved", demo.SAMPLE_NAME, OTHER)
    rows = {familiar([f"{row.name}:{row.tag}"])[0]: row for row in list_images(str(tmp_path / "saved"))}
    assert set(rows) == {demo.SAMPLE_NAME, OTHER}
    check(open_image(rows[demo.SAMPLE_NAME].reference), expected, "")
    assert open_image(rows[OTHER].reference).config["config"]["Labels"]["other"] == "yes"


@pytest.mark.parametrize("transport", ["oci", "oci-archive", "docker-archive"])
def test_push(store: list[str], transport: str, expected: Seen, tmp_path: Path) -> None:
    run(*store, "push", demo.SAMPLE_NAME, f"{transport}:{tmp_path / 'copy'}:{demo.SAMPLE_NAME}")
    image = open_image(str(tmp_path / "copy"))
    check(image, expected)
    assert (image.transport, set(familiar(image.tags))) == (transport, {demo.SAMPLE_NAME})
