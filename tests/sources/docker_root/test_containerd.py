"""Docker 29 keeps its images in a containerd inside its data root, here made by containerd itself."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from layertui import demo
from layertui.errors import LayertuiError
from layertui.reference import parse
from layertui.sources import list_images, open_image
from layertui.sources.overview import overview
from tests.engines import containerd_daemon, run
from tests.layouts import docker_archive
from tests.sources.engine.test_images import seen


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docker")
    docker_archive(folder / "sample.tar", demo.image())
    with containerd_daemon(Path(tempfile.mkdtemp(prefix="layertui-"))) as (ctr, store):
        run(*ctr, "--namespace=moby", "images", "import", folder / "sample.tar")
        (folder / "containerd").mkdir()
        shutil.copytree(
            store, folder / "containerd/daemon", symlinks=True, ignore=shutil.ignore_patterns("snapshots")
        )
    return folder


def test_its_images_are_offered(root: Path) -> None:
    (row,) = list_images(f"docker-root:{root}")
    assert (row.name, row.tag, row.id) == ("quarry", "1.1", demo.image().id)
    assert row.reference == f"containerd:[{root}/containerd/daemon]moby/docker.io/library/{demo.NAME}"
    expected = seen(open_image(str(root / "sample.tar")))
    assert seen(open_image(row.reference)) == expected
    assert seen(open_image(f"docker-root:[{root}]{demo.NAME}")) == expected
    assert [each.id for each in list_images(f"docker-root:[{root}]{demo.NAME}")] == [row.id]


def test_its_images_are_in_the_overview(root: Path) -> None:
    found = overview(parse(f"docker-root:{root}"))
    (image,) = found.images
    assert (image.id, image.names) == (demo.image().id, [demo.NAME])
    assert image.frees == image.size == sum(layer.size for layer in found.layers) > 0
    assert open_image(image.reference).id == image.id and not found.problems


def test_what_it_does_not_have(root: Path) -> None:
    with pytest.raises(
        LayertuiError, match=r"moby of .* has no image none:1, it has docker.io/library/quarry:1.1"
    ):
        open_image(f"docker-root:[{root}]none:1")
    with pytest.raises(LayertuiError, match="has no container none"):
        open_image(f"docker-root:[{root}]/none")
    with pytest.raises(LayertuiError, match="has no image none:1"):
        list(list_images(f"docker-root:[{root}]none:1"))


def test_a_data_root_whose_containerd_is_damaged(root: Path, tmp_path: Path) -> None:
    meta = tmp_path / "containerd/daemon/io.containerd.metadata.v1.bolt/meta.db"
    meta.parent.mkdir(parents=True)
    meta.write_bytes(b"no database")
    with pytest.raises(LayertuiError, match=r"meta.db is no Bolt database"):
        list(list_images(f"docker-root:{tmp_path}"))
    meta.unlink()
    with pytest.raises(LayertuiError, match="is no data root of Docker"):
        list(list_images(f"docker-root:{tmp_path}"))
