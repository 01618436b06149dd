"""Names that come to mean another image, in every kind of place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from layertui.model.blob import BytesBlob
from layertui.model.image import Image
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.engines import Docker, containerd_daemon, podman_service, run
from tests.layouts import OciLayout, docker_archive
from tests.programs import need
from tests.sources.registry.server import Registry, docker_registry

NAME = "app:1"
FILES = ("/one", "/two")
"""What both images contain, with contents of the same size."""


@dataclass(frozen=True)
class World:
    """A place where a name leads to ``old`` until another image is put there."""

    reference: str
    put: Callable[[str], None]
    """Have the name lead to ``old`` or ``new``."""
    remove: Callable[[], None]
    """Delete the image ``old``, and the name."""
    keeps_old: bool
    """Whether the old image exists, without the name, when the name leads to the new one."""


def content(version: str, path: str) -> bytes:
    return f"{version} {path}\n".encode() * 100


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    """The images ``old`` and ``new``, in memory."""
    folder = tmp_path_factory.mktemp("versions")
    layout, found = OciLayout(folder / "layout"), {}
    for version in ("old", "new"):
        layout.add(version, [tar((path, content(version, path)), (f"/{version}", b"")) for path in FILES])
        image = open_image(f"oci:{folder}/layout:{version}")
        layers = []
        for layer in image.layers:
            assert layer.blob is not None
            layers.append(layer._replace(blob=BytesBlob(layer.blob.pread(layer.blob.size, 0), "memory")))
        found[version] = image._replace(layers=layers, tags=(NAME,))
        docker_archive(folder / f"{version}.tar", found[version])
    return found


@pytest.fixture(scope="session")
def archives(versions: dict[str, Image], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same as archives of ``docker save``."""
    folder = tmp_path_factory.mktemp("archives")
    for version, image in versions.items():
        docker_archive(folder / f"{version}.tar", image)
    return {version: folder / f"{version}.tar" for version in versions}


@pytest.fixture
def layout(versions: dict[str, Image], tmp_path: Path) -> World:
    """An OCI layout, whose tag is rewritten."""
    folder = tmp_path / "layout"
    made = OciLayout(folder)

    def put(version: str) -> None:
        made.clear()
        made.add_image("1", versions[version])

    return World(f"oci:{folder}:1", put, lambda: shutil.rmtree(folder), keeps_old=True)


@pytest.fixture
def replaced(archives: dict[str, Path], tmp_path: Path) -> World:
    """An archive that another is renamed over."""
    path = tmp_path / "app.tar"

    def put(version: str) -> None:
        (tmp_path / "next.tar").write_bytes(archives[version].read_bytes())
        (tmp_path / "next.tar").replace(path)

    return World(f"docker-archive:{path}", put, path.unlink, keeps_old=False)


@pytest.fixture
def rewritten(archives: dict[str, Path], tmp_path: Path) -> World:
    """An archive that is rewritten, its size unchanged."""
    path = tmp_path / "app.tar"

    def put(version: str) -> None:
        path.write_bytes(archives[version].read_bytes())
        os.utime(path, (1, 1 if version == "old" else 2))

    return World(f"docker-archive:{path}", put, path.unlink, keeps_old=False)


@pytest.fixture
def compressed(rewritten: World, archives: dict[str, Path], tmp_path: Path) -> World:
    """A compressed archive that is rewritten."""
    need("zstd")
    path = tmp_path / "app.tar.zst"

    def put(version: str) -> None:
        run("zstd", "--quiet", "--force", archives[version], "-o", path)

    return World(f"docker-archive:{path}", put, path.unlink, keeps_old=False)


@pytest.fixture
def docker_engine(
    docker: Docker, archives: dict[str, Path], versions: dict[str, Image], monkeypatch: pytest.MonkeyPatch
) -> World:
    """Docker, where the tag is moved by what is loaded."""
    monkeypatch.setenv("DOCKER_HOST", docker.host)

    def put(version: str) -> None:
        docker("load", "--input", archives[version])

    def remove() -> None:
        docker("image", "rm", "--force", versions["old"].id)

    return World(f"docker-daemon:{NAME}", put, remove, keeps_old=True)


@pytest.fixture
def docker_root(docker_engine: World, docker: Docker) -> World:
    """The store of the same daemon."""
    return replace(docker_engine, reference=f"docker-root:[{docker.data_root}]{NAME}")


@pytest.fixture(scope="session")
def podman() -> Iterator[tuple[str, list[str]]]:
    with podman_service(Path(tempfile.mkdtemp(prefix="layertui-"))) as service:
        yield service


@pytest.fixture
def podman_engine(
    podman: tuple[str, list[str]],
    archives: dict[str, Path],
    versions: dict[str, Image],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Podman."""
    url, command = podman
    command = ["env", "--unset=CONTAINER_HOST", *command]  # which would make it a remote client
    monkeypatch.setenv("CONTAINER_HOST", url)

    def put(version: str) -> None:
        run(*command, "load", "--input", archives[version])

    def remove() -> None:
        run(*command, "image", "rm", "--force", versions["old"].id.removeprefix("sha256:"))

    return World(f"podman:{NAME}", put, remove, keeps_old=True)


@pytest.fixture
def containers_storage(podman_engine: World, podman: tuple[str, list[str]]) -> World:
    """The store of Podman."""
    root = Path(podman[0].removeprefix("unix://")).with_name("root")
    return replace(podman_engine, reference=f"containers-storage:[overlay@{root}]localhost/{NAME}")


@pytest.fixture(scope="session")
def registry_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry.host


@pytest.fixture
def registry(
    registry_host: str, versions: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """A registry, to which the tag is pushed again."""
    made = OciLayout(tmp_path / "pushed")
    for version, image in versions.items():
        made.add_image(version, image)
    monkeypatch.setenv("HOME", str(tmp_path))
    manifests = f"http://{registry_host}/v2/app/manifests"

    def put(version: str) -> None:
        Registry(registry_host).load(f"oci:{tmp_path}/pushed:{version}", NAME)

    def remove() -> None:
        done = requests.delete(f"{manifests}/{versions['old'].manifest_digest}", timeout=20)
        assert done.status_code == 202, done.text

    return World(f"docker://{registry_host}/{NAME}", put, remove, keeps_old=True)


@pytest.fixture
def directory(archives: dict[str, Path], tmp_path: Path) -> World:
    """A directory as ``skopeo copy … dir:`` writes it, over which another image is copied."""
    need("skopeo")
    folder = tmp_path / "directory"

    def put(version: str) -> None:
        run("skopeo", "--insecure-policy", "copy", f"docker-archive:{archives[version]}", f"dir:{folder}")

    return World(f"dir:{folder}", put, lambda: shutil.rmtree(folder), keeps_old=False)


@pytest.fixture(scope="session")
def containerd_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], Path]]:
    with containerd_daemon(tmp_path_factory.mktemp("containerd")) as daemon:
        yield daemon


@pytest.fixture
def containerd(containerd_at: tuple[list[str], Path], archives: dict[str, Path]) -> World:
    """The store of containerd, where the tag is moved by what is imported."""
    ctr, root = containerd_at
    name = f"docker.io/library/{NAME}"

    def put(version: str) -> None:
        run(*ctr, "image", "import", archives[version])

    def remove() -> None:
        run(*ctr, "image", "rm", "--sync", name)

    return World(f"containerd:[{root}]default/{name}", put, remove, keeps_old=False)


FILE_WORLDS = ("layout", "replaced", "rewritten")
DAEMON_WORLDS = ("podman_engine", "containers_storage", "containerd", "registry")
WORLDS = (
    *FILE_WORLDS,
    "compressed",
    "docker_engine",
    "docker_root",
    "directory",
    # In one process, which starts each daemon once; Docker's is used by other tests too.
    *(pytest.param(name, marks=pytest.mark.xdist_group("worlds")) for name in DAEMON_WORLDS),
)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of a parameter, with the old image in place."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found: World = request.getfixturevalue(request.param)
    found.put("old")
    return found
