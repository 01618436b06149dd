"""A containerd's store for the tests of this directory."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui import demo
from tests.engines import containerd_daemon, run, throw_away
from tests.layouts import OciLayout

HUB = "docker.io/library/"


@pytest.fixture(scope="package")
def oci_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images in one layout."""
    folder = tmp_path_factory.mktemp("layout")
    layout = OciLayout(folder / "oci")
    layout.add_image("example.org/one/sample:1", demo.image())
    layout.add("example.org/two:2", [blank("other")], "zstd")
    with tarfile.open(folder / "oci.tar", "w") as tar:
        tar.add(folder / "oci", ".")
    return folder / "oci.tar"


def blank(name: str) -> bytes:
    return tarfile.TarInfo(name).tobuf() + bytes(1024)


@pytest.fixture(scope="package")
def live(archive: Path, oci_archive: Path) -> Iterator[tuple[list[str], Path]]:
    """A containerd with the sample unpacked, packed, beside another image, and worked on in a container."""
    with containerd_daemon(Path(tempfile.mkdtemp(prefix="layertui-"))) as (ctr, root):
        run(*ctr, "--namespace=work", "images", "import", archive)
        run(*ctr, "--namespace=packed", "images", "import", "--no-unpack", archive)
        run(*ctr, "--namespace=layout", "images", "import", "--no-unpack", oci_archive)
        image = HUB + demo.NAME
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


@pytest.fixture(scope="package")
def root(live: tuple[list[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, taken while containerd runs."""
    copied = tmp_path_factory.mktemp("copied") / "containerd"
    subprocess.run(["cp", "--archive", live[1], copied], check=True)
    return copied
