"""Stores that real programs wrote, each made once for all tests of a session, when it is asked for first."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from layertui import demo
from layertui.sources import list_images, open_image
from tests.engines import (
    containerd_daemon,
    containers_storage,
    docker_daemon,
    rootless_podman,
    run,
    throw_away,
)
from tests.layouts import MANIFEST, OciLayout, docker_archive
from tests.programs import lacking, need
from tests.sources.docker_root import legacy_images
from tests.sources.engine.test_containers import DOCKERFILE, WORK, told

HUB = "docker.io/library/"
"""How containerd calls what Docker calls by a short name."""
PODMANS = f"localhost/{demo.SAMPLE_NAME}"
"""What Podman calls the sample."""
OLD = ("/srv/old", "/srv/d/x", "/srv/kept", "/srv/wide")
"""Files of the image ``work:1``."""

Made = TypeVar("Made")


def kept(make: Callable[[str], AbstractContextManager[Made]]) -> Iterator[Callable[[str], Made]]:
    """What makes a store of a kind when it is asked for it first, and removes all at its end."""
    with ExitStack() as stack:
        known: dict[str, Made] = {}

        def get(kind: str) -> Made:
            if kind not in known:
                known[kind] = stack.enter_context(make(kind))
            return known[kind]

        yield get


# Docker


@pytest.fixture(scope="session")
def archive_1_9(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as Docker 1.9 saved it: an image for each of its steps."""
    path = tmp_path_factory.mktemp("sample") / "sample-1.9.tar"
    legacy_images.archive(path, "old", "1.9", legacy_images.images_of(demo.image()))
    return path


@pytest.fixture(scope="session")
def docker_roots(
    archive: Path,
    archive_1_9: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str], Path]]:
    """By driver: a data root with the sample, that of 1.9, and an image that was built there.

    Of that it has a container that has run, and one that never did.
    It was copied while the daemon still ran, whiteouts and attributes with it. Beside it lies
    what the daemon said: ``diff.json`` of the container, ``inspect.json`` of the images.
    """

    @contextmanager
    def make(driver: str) -> Iterator[Path]:
        need("busybox", "cp")
        context = tmp_path_factory.mktemp("context")
        shutil.copy(str(shutil.which("busybox")), context / "busybox")
        parent = request.getfixturevalue("btrfs") if driver == "btrfs" else None
        copied = Path(tempfile.mkdtemp(dir=parent or tmp_path_factory.getbasetemp())) / "docker"
        place = Path(tempfile.mkdtemp(prefix="layertui-", dir=parent))
        with docker_daemon(place, driver=driver) as docker:
            docker("load", "--input", archive)
            docker("load", "--input", archive_1_9)
            docker.build("work:1", context, DOCKERFILE)
            work = f"{WORK}\nrm /.dockerenv /etc/mtab"
            docker("run", "--name=worked", "--network=host", "work:1", "/bin/busybox", "sh", "-c", work)
            docker("create", "--name=idle", "--network=host", "work:1", "/bin/busybox")
            (copied.parent / "diff.json").write_text(json.dumps(sorted(told(docker, "worked"))))
            inspected = docker("image", "inspect", demo.SAMPLE_NAME, "work:1", "old:1.9")
            (copied.parent / "inspect.json").write_text(inspected.replace(str(docker.data_root), str(copied)))
            copy = copy_subvolumes if driver == "btrfs" else copy_of
            copy(docker.data_root, copied.parent)
        yield copied

    yield from kept(make)


@pytest.fixture(scope="session")
def old_docker_roots(
    docker_roots: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Path]]:
    """By driver, but overlay2: a data root of Docker 1.9 with the sample of 1.9 and what was built.

    What the daemon said of its containers lies beside it, as ``diff.json``.
    """

    @contextmanager
    def make(driver: str) -> Iterator[Path]:
        newer = docker_roots(driver)
        root = copy_of(newer, tmp_path_factory.mktemp(f"{driver}-1.9"))
        shutil.copy(newer.parent / "diff.json", root.parent)
        sample = legacy_images.images_of(demo.image())
        built = open_image(f"docker-root:[{root}]work:1").config
        images = {
            "old:1.9": [image.document for image in sample],
            "work:1": list(legacy_images.documents_of(built)),
        }
        legacy_images.downgrade(root, images)
        for image in sample[1:] if driver == "overlay" else ():
            legacy_images.copy_directories_as_1_9(root / "overlay" / image.id / "root", image.tar)
        yield root

    yield from kept(make)


def copy_of(root: Path, folder: Path) -> Path:
    """A data root that may be changed."""
    run("cp", "--archive", root, folder / "docker")
    return folder / "docker"


def copy_subvolumes(root: Path, folder: Path) -> Path:
    """The same on one btrfs, of subvolumes as snapshots."""
    copied = folder / "docker"
    copied.mkdir()
    for path in root.iterdir():
        if path.name != "btrfs":
            run("cp", "--archive", path, copied)
    (copied / "btrfs/subvolumes").mkdir(parents=True)
    for path in (root / "btrfs/subvolumes").iterdir():
        run("btrfs", "subvolume", "snapshot", path, copied / "btrfs/subvolumes")
    return copied


CONTAINER = "c0" * 32
MOBY = "--namespace=moby"


@pytest.fixture(scope="session")
def embedded_root(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of Docker 29, which keeps its images and its containers' layers in a containerd inside it.

    The store is made by containerd itself, in the steps that moby's
    sources take (daemon/containerd/image_snapshot.go, ``createLayer`` and ``prepareInitLayer``),
    and the container's config has the fields of daemon/container/container.go.
    """
    folder = tmp_path_factory.mktemp("docker")
    with containerd_daemon(Path(tempfile.mkdtemp(prefix="layertui-"))) as (ctr, store):
        run(*ctr, MOBY, "images", "import", archive)
        throw_away(ctr, MOBY)
        row = next(iter(list_images(f"containerd:[{store}]moby")))
        top = demo.image().layers[-1].chain_id
        with mounted(ctr, f"{CONTAINER}-init-key", top, folder) as mount:
            (mount / ".dockerenv").touch()
        run(*ctr, MOBY, "snapshots", "commit", f"{CONTAINER}-init", f"{CONTAINER}-init-key")
        with mounted(ctr, CONTAINER, f"{CONTAINER}-init", folder) as mount:
            (mount / "etc/passwd").unlink()
            (mount / "srv/new").write_text("hello\n")
        (folder / "containerd").mkdir()
        run("cp", "--archive", store, folder / "containerd/daemon")
    config = folder / "containers" / CONTAINER / "config.v2.json"
    config.parent.mkdir(parents=True)
    value = {
        "State": {
            "Running": False,
            "ExitCode": 3,
            "StartedAt": "2026-11-01T10:00:01Z",
            "FinishedAt": "2026-11-01T10:00:02Z",
        },
        "ID": CONTAINER,
        "Created": "2026-11-01T10:00:00Z",
        "Path": "/bin/sh",
        "Args": ["-c", "true"],
        "Config": {"Image": demo.SAMPLE_NAME, "Labels": {"a": "b"}},
        "Image": row.digest,
        "ImageManifest": {"mediaType": MANIFEST, "digest": row.digest, "size": 1722},
        "Name": "/worked",
        "Driver": "overlayfs",
        "MountPoints": {},
    }
    config.write_text(json.dumps(value))
    return folder


@contextmanager
def mounted(ctr: list[str], key: str, parent: str, folder: Path) -> Iterator[Path]:
    """A new snapshot, mounted."""
    mount = folder / "mount"
    mount.mkdir()
    run(*ctr, MOBY, "snapshots", "prepare", key, parent)
    run("sh", "-c", run(*ctr, MOBY, "snapshots", "mounts", mount, key))
    try:
        yield mount
    finally:
        run("umount", mount)
        mount.rmdir()


# Podman


@pytest.fixture(scope="session")
def podman_stores(archive: Path) -> Iterator[Callable[[str], list[str]]]:
    """By driver: Podman on a store with the sample, an image of Buildah, and a container that was worked in."""

    @contextmanager
    def make(driver: str) -> Iterator[list[str]]:
        need("podman", "crun", "buildah", "busybox")
        with containers_storage("podman", driver) as podman:
            run(*podman, "load", "--input", archive)
            buildah = ["buildah", *podman[1:]]
            made = run(*buildah, "from", "scratch").strip()
            run(*buildah, "copy", made, str(shutil.which("busybox")), "/bin/busybox")
            run("chroot", run(*buildah, "mount", made).strip(), "/bin/busybox", "mkdir", "-p", "/srv/d")
            run("chroot", run(*buildah, "mount", made).strip(), "/bin/busybox", "touch", *OLD)
            run(*buildah, "umount", made)
            run(*buildah, "commit", made, "work:1")
            run(*podman, "create", "--name=worked", "work:1", "/bin/busybox", "true")
            run("chroot", run(*podman, "mount", "worked").strip(), "/bin/busybox", "sh", "-c", WORK)
            run(*podman, "umount", "worked")
            yield podman

    yield from kept(make)


@pytest.fixture(scope="session")
def podman_on_btrfs(btrfs: Path, archive: Path) -> Iterator[list[str]]:
    """Podman on a store on a real btrfs, with the sample and a container that was worked in."""
    need("podman", "crun")
    with containers_storage("podman", "btrfs", btrfs) as podman:
        run(*podman, "load", "--input", archive)
        run(*podman, "create", "--name=worked", PODMANS, "sh")
        mount = Path(run(*podman, "mount", "worked").strip())
        (mount / "etc/passwd").unlink()
        (mount / "srv/new").write_text("hello\n")
        os.mknod(mount / "srv/zero", stat.S_IFCHR | 0o644, 0)  # which overlay takes for a whiteout
        run(*podman, "umount", "worked")
        yield podman


ROOTLESS_WORK = """set -e
root=$({podman} mount worked)
cd $root
rm etc/passwd
rm -r srv/quarry/static
mkdir srv/quarry/static
echo a > srv/quarry/static/new
echo hello > srv/new
chown 1000:1001 srv/new
chmod 4751 srv/new
chown 42 etc/hostname
find . -mindepth 1 -printf '%P\\t%y\\t%m\\t%U:%G\\t%l\\n' > {told}
{podman} umount worked
"""


@pytest.fixture(scope="session")
def user_stores() -> Iterator[Callable[[str], tuple[Path, str]]]:
    """By driver, or ``fuse-overlayfs``: a store that a user without root's privileges has.

    With the sample and a container that was worked in; and what find(1) said of the container's tree.
    """

    @contextmanager
    def make(option: str) -> Iterator[tuple[Path, str]]:
        if option == "fuse-overlayfs" and not (shutil.which(option) and Path("/dev/fuse").exists()):
            lacking("fuse-overlayfs needs FUSE")
        with rootless_podman(option) as (podman, folder):
            docker_archive(folder / "sample.tar", demo.image())
            run(*podman, "load", "--input", folder / "sample.tar")
            run(*podman, "create", "--name=worked", PODMANS, "/bin/x")
            inner = " ".join(podman[podman.index("podman") :])
            (folder / "work").write_text(ROOTLESS_WORK.format(podman=inner, told=folder / "told"))
            run(*podman, "unshare", "sh", folder / "work")
            yield folder / "store", (folder / "told").read_text()

    yield from kept(make)


# containerd


@pytest.fixture(scope="session")
def containerd_live(
    archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[str], Path]]:
    with worked_containerd(archive, tmp_path_factory.mktemp("layout")) as found:
        yield found


@contextmanager
def worked_containerd(
    archive: Path, folder: Path, path: str | None = None
) -> Iterator[tuple[list[str], Path]]:
    """A containerd that runs, with the sample unpacked, packed, beside another image, and worked on in a container.

    Its client's command, and its root. ``path`` is the PATH for its programs.
    """
    layout = OciLayout(folder / "oci")
    layout.add_image("example.org/one/sample:1", demo.image())
    layout.add("example.org/two:2", [tarfile.TarInfo("other").tobuf() + bytes(1024)], "zstd")
    with tarfile.open(folder / "oci.tar", "w") as tar:
        tar.add(folder / "oci", ".")
    with containerd_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), path) as (ctr, root):
        run(*ctr, "--namespace=work", "images", "import", archive)
        run(*ctr, "--namespace=packed", "images", "import", "--no-unpack", archive)
        run(*ctr, "--namespace=layout", "images", "import", "--no-unpack", folder / "oci.tar")
        image = HUB + demo.SAMPLE_NAME
        run(*ctr, "--namespace=work", "images", "label", image, "owner=tests")
        run(*ctr, "--namespace=work", "containers", "create", image, "worked", "/bin/true")
        mount = root.with_name("mount")
        mount.mkdir()
        run("sh", "-c", run(*ctr, "--namespace=work", "snapshots", "mounts", mount, "worked"))
        try:
            (mount / "etc/passwd").unlink()
            shutil.rmtree(mount / "srv/quarry/static")
            (mount / "srv/quarry/static").mkdir()
            (mount / "srv/new").write_text("hello\n")
        finally:
            run("umount", mount)
        throw_away(ctr, "--namespace=work")
        yield ctr, root
