"""What overlayfs takes for whiteouts, once a layer's tar has been unpacked, is what containers see in a store."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from layertui.model.image import Image
from layertui.model.numbers import ROOT
from layertui.sources import open_image
from tests import every_entry_type
from tests.engines import Docker, containers_storage, run
from tests.layouts import docker_archive
from tests.sources.engine.test_containers import union_of

NAME = "marks:1"
LEFT = {"/d", "/d/kept", "/o", "/o/new"}


def tar(*entries: tuple[str, bytes, dict[str, str]]) -> bytes:
    """Entries by name, type and extended attributes; a device is 0:0."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, xattrs in entries:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            member.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in xattrs.items()}
            archive.addfile(member)
    return out.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    base = [("d", tarfile.DIRTYPE), ("d/gone", tarfile.REGTYPE), ("d/kept", tarfile.REGTYPE)]
    base += [("gone", tarfile.REGTYPE), ("o", tarfile.DIRTYPE), ("o/old", tarfile.REGTYPE)]
    marks = tar(
        ("d", tarfile.DIRTYPE, {}),
        ("d/gone", tarfile.CHRTYPE, {}),
        ("gone", tarfile.CHRTYPE, {}),
        ("o", tarfile.DIRTYPE, {"trusted.overlay.opaque": "y"}),
        ("o/new", tarfile.REGTYPE, {}),
    )
    path = tmp_path / "marks.tar"
    docker_archive(path, every_entry_type.image_of(NAME, [tar(*((*each, {}) for each in base)), marks]))
    return path


def shown(image: Image) -> tuple[set[str], set[str]]:
    """The paths of the merged tree, and the codes of warnings."""
    union, _ = union_of(image)
    events = (union.at(node, union.layers) for node in union.descendants(ROOT))
    paths = {union.entry(event).path for event in events if event >= 0}
    return paths, {warning.code for warning in union.warnings}


def test_docker(docker: Docker, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    docker("load", "--input", archive)
    try:
        docker("create", "--name=marked", NAME, "/none")
        docker("export", "--output", tmp_path / "export.tar", "marked")
        with tarfile.open(tmp_path / "export.tar") as exported:
            theirs = {f"/{name.rstrip('/')}" for name in exported.getnames()}
        assert {path for path in theirs if path.split("/")[1] in ("d", "gone", "o")} == LEFT
        for reference in (f"docker-root:[{docker.data_root}]{NAME}", f"docker-daemon:{NAME}"):
            assert shown(open_image(reference)) == (LEFT, set())  # what is applied needs no warning
        paths, codes = shown(open_image(f"docker-archive:{archive}"))  # as in umoci and the specification
        assert paths > LEFT and codes == {"overlay-whiteout", "overlay-xattr"}
    finally:
        docker("rm", "marked")
        docker("rmi", NAME)


@pytest.mark.parametrize("driver", ["overlay", "vfs"])
def test_podman(driver: str, archive: Path) -> None:
    """A whole tree has no whiteouts: there is a device, as in the tar, and the directory is not opaque."""
    with containers_storage("podman", driver) as podman:
        run(*podman, "load", "--input", archive)
        root = podman[1].partition("=")[2]
        image = open_image(f"containers-storage:[{root}]localhost/{NAME}")
        mount = Path(run(*podman, "image", "mount", NAME).strip())
        theirs = {f"/{path.relative_to(mount)}" for path in mount.rglob("*")}
        run(*podman, "image", "unmount", NAME)
        assert (theirs == LEFT) == (driver == "overlay")
        assert shown(image)[0] == theirs
