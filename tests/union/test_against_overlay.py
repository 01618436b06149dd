"""Merged trees equal what the kernel mounts of images that real engines built."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.image import Image
from layertui.sources import open_image
from tests.engines import Docker, containers_storage, overlay, run
from tests.images import trees_of
from tests.layouts import docker_archive
from tests.programs import need
from tests.union.trees import Facts, assert_same, on_disk

TAG = "layertui/tree:1"
TRANSPORTS = ["oci", "oci-archive", "dir", "docker-archive"]
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /srv/app/data /srv/keep /opt/tool /tmp && chmod 1777 /tmp \\
 && for i in 1 2 3 4 5; do echo "$i" > /srv/app/data/$i; done \\
 && echo keep > /srv/keep/k && echo two > /srv/keep/l && ln -s app /srv/link && ln -s nowhere /srv/dangling \\
 && dd if=/bin/busybox of=/opt/tool/blob bs=1000 count=30 && echo > "/srv/größe 中文"
ENV STAGE=two
RUN rm /srv/app/data/1 && rm -r /srv/keep && chmod 4755 /opt/tool/blob && touch -d 2001-02-03 /srv/app/data/2
RUN ln /opt/tool/blob /opt/tool/again && ln /srv/app/data/2 /srv/app/data/two && mkfifo -m 600 /srv/pipe
RUN rm -r /srv/app/data && mkdir /srv/app/data && echo new > /srv/app/data/new
RUN rm -r /opt/tool && echo file > /opt/tool && rm /srv/link && mkdir /srv/link && echo x > /srv/link/x
RUN rm /opt/tool && mkdir -p /opt/tool/deep/er && chown -R 1000:2000 /srv/app && mknod /srv/null c 1 3
RUN mv /srv/app /srv/moved && ln -s moved /srv/app && echo through > /srv/app/through && cp -a /bin/busybox /tmp/b
RUN true
WORKDIR /srv/work/here
COPY busybox /srv/link/x
RUN rm -rf /srv/link && echo again > /srv/link && rm -rf /tmp/b /opt && mkdir /opt
"""


pytestmark = pytest.mark.xdist_group("overlay")  # what they compare is built once


@pytest.fixture(scope="module")
def built(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of the Dockerfile, as ``docker save`` writes it."""
    need("busybox")
    context = tmp_path_factory.mktemp("context")
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    docker.build(TAG, context, DOCKERFILE)
    return docker.save(TAG, tmp_path_factory.mktemp("saved") / "image.tar")


def trees(image: Image) -> list[dict[str, Facts]]:
    """The merged tree at each layer. Docker saves times in whole seconds."""
    return [whole_seconds(tree) for tree in trees_of(image.layers)]


def whole_seconds(tree: dict[str, Facts]) -> dict[str, Facts]:
    return {path: replace(facts, mtime=facts.mtime and (facts.mtime[0], 0)) for path, facts in tree.items()}


def check(image: Image, directories: list[Path], tmp_path: Path) -> None:
    """Compare every layer's merged tree with the kernel's of the daemon's directories."""
    assert len(image.layers) == len(directories)
    for number, ours in enumerate(trees(image), 1):
        with overlay(directories[:number], tmp_path / str(number)) as root:
            assert_same(ours, whole_seconds(on_disk(root)))


def test_every_layer_of_an_image_that_docker_built(docker: Docker, built: Path, tmp_path: Path) -> None:
    check(open_image(str(built)), docker.layers(TAG), tmp_path)


def test_root_of_a_container(docker: Docker, built: Path) -> None:
    top = trees(open_image(str(built)))[-1]
    listed = docker("run", "--rm", "--network=host", TAG, "find", "/", "-xdev").split("\n")
    # The runtime adds mount points to every container.
    stubs = ("/.dockerenv", "/dev", "/etc", "/proc", "/sys")
    shown = {path for path in listed if path not in ("/", "") and not path.startswith(stubs)}
    assert shown == {path for path in top if not path.startswith(stubs)}


def test_every_layer_of_the_sample_once_docker_loaded_it(docker: Docker, tmp_path: Path) -> None:
    docker_archive(tmp_path / "sample.tar", demo.image())
    docker("load", "--input", tmp_path / "sample.tar")
    check(demo.image(), docker.layers(demo.SAMPLE_NAME), tmp_path)
    saved = open_image(str(docker.save(demo.SAMPLE_NAME, tmp_path / "saved.tar")))
    assert trees(saved) == trees(demo.image())


@pytest.fixture(scope="module")
def expected(built: Path) -> list[dict[str, Facts]]:
    """The trees of the image as Docker saved it."""
    return trees(open_image(str(built)))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_same_trees_after_skopeo_copied_it(
    built: Path, expected: list[dict[str, Facts]], transport: str, tmp_path: Path
) -> None:
    need("skopeo")
    run("skopeo", "copy", f"docker-archive:{built}", target(transport, tmp_path))
    assert trees(open_image(f"{transport}:{tmp_path / 'copy'}")) == expected
    assert trees(open_image(str(tmp_path / "copy"))) == expected


@pytest.fixture(scope="module", params=["podman", "buildah"])
def store(request: pytest.FixtureRequest, built: Path) -> Iterator[list[str]]:
    """The command of an engine that has pulled the image into a store of its own."""
    need(request.param)
    with containers_storage(request.param) as command:
        run(*command, "pull", f"docker-archive:{built}")
        yield command


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_same_trees_from_podman_and_buildah(
    store: list[str], expected: list[dict[str, Facts]], transport: str, tmp_path: Path
) -> None:
    run(*store, "push", TAG, target(transport, tmp_path))
    assert trees(open_image(f"{transport}:{tmp_path / 'copy'}")) == expected


def target(transport: str, directory: Path) -> str:
    return f"{transport}:{directory / 'copy'}" + ("" if transport == "dir" else ":copy:1")
