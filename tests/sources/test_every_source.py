"""An image of all that a tar can hold is the same from every engine and store that takes it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from layertui.sources import open_image
from layertui.sources.engine import images
from layertui.verify.image import verify_image
from tests import every_entry_type
from tests.engines import Docker, containerd_daemon, containers_storage, podman_service, run, throw_away
from tests.layouts import docker_archive
from tests.observable import Json, Seen, seen
from tests.programs import need

BLOBS = "io.containerd.content.v1.content/blobs/sha256"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def odd_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "odd.tar"
    docker_archive(path, every_entry_type.image())
    return path


@pytest.fixture(scope="module")
def odd_expected(odd_archive: Path) -> Seen:
    found = seen(open_image(str(odd_archive)))
    assert found == seen(every_entry_type.image())
    return found


def stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "readable_directories", lambda *_: [])


@pytest.mark.parametrize(("form", "compression"), [("oci", "gzip"), ("oci", "zstd"), ("dir", "gzip")])
def test_layout(form: str, compression: str, odd_archive: Path, odd_expected: Seen, tmp_path: Path) -> None:
    need("skopeo")
    way = ["--dest-compress", f"--dest-compress-format={compression}"]
    run("skopeo", "copy", *way, f"docker-archive:{odd_archive}", f"{form}:{tmp_path / 'copy'}")
    found = seen(open_image(f"{form}:{tmp_path / 'copy'}"))
    assert found == replace(odd_expected, id=found.id)  # skopeo converts the config


def test_docker(
    docker: Docker, odd_archive: Path, odd_expected: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    docker("load", "--input", odd_archive)
    try:
        assert seen(open_image(f"docker-root:[{docker.data_root}]{every_entry_type.NAME}")) == odd_expected
        assert seen(open_image(f"docker-daemon:{every_entry_type.NAME}")) == odd_expected
        stream(monkeypatch)
        assert seen(open_image(f"docker-daemon:{every_entry_type.NAME}")) == odd_expected
    finally:
        docker("rmi", every_entry_type.NAME)


def test_podman(odd_archive: Path, odd_expected: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    with podman_service(Path(tempfile.mkdtemp(prefix="layertui-"))) as (url, podman):
        run(*podman, "load", "--input", odd_archive)
        monkeypatch.setenv("CONTAINER_HOST", url)
        root = podman[1].partition("=")[2]
        assert seen(open_image(f"containers-storage:[{root}]{every_entry_type.NAME}")) == odd_expected
        assert seen(open_image(f"podman:{every_entry_type.NAME}")) == odd_expected
        stream(monkeypatch)
        assert seen(open_image(f"podman:{every_entry_type.NAME}")) == odd_expected


@pytest.mark.parametrize("driver", ["vfs", "btrfs"])
def test_whole_trees(
    driver: str, odd_archive: Path, odd_expected: Seen, request: pytest.FixtureRequest
) -> None:
    parent = request.getfixturevalue("btrfs") if driver == "btrfs" else None
    with containers_storage("podman", driver, parent) as podman:
        run(*podman, "load", "--input", odd_archive)
        root = podman[1].partition("=")[2]
        assert seen(open_image(f"containers-storage:[{root}]{every_entry_type.NAME}")) == odd_expected


def test_containerd(odd_archive: Path, odd_expected: Seen) -> None:
    with containerd_daemon(Path(tempfile.mkdtemp(prefix="layertui-"))) as (ctr, root):
        run(*ctr, "--namespace=work", "images", "import", odd_archive)
        throw_away(ctr, "--namespace=work")
        reference = f"containerd:[{root}]work/{every_entry_type.NAME}"
        image = open_image(reference)
        assert seen(image) == odd_expected
        for layer in image.layers:
            (root / BLOBS / layer.descriptor.digest[7:]).unlink(missing_ok=True)
        assert without_implied(seen(open_image(reference))) == without_implied(odd_expected)


def test_sparse_files(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which a store's records have the size alone, and not how the tar had them."""
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    tars = []
    for version in ("0.0", "0.1", "1.0"):
        for name, place in ((f"{version}.a", 0), (f"{version}.b", 3 << 20), (f"{version}.c", 0)):
            with (tmp_path / name).open("wb") as file:
                file.seek(place)
                file.write(b"end")
                file.truncate(place + 10)
        way = ["--format=posix", f"--sparse-version={version}", "--owner=0", "--group=0"]
        names = [path.name for path in sorted(tmp_path.glob(f"{version}.?"))]
        run("tar", "-C", tmp_path, "--sparse", *way, "-cf", tmp_path / "tar", *names)
        tars.append((tmp_path / "tar").read_bytes())
    assert max(map(len, tars)) < 1 << 20
    docker_archive(tmp_path / "sparse.tar", every_entry_type.image_of("sparse:1", tars))
    docker("load", "--input", tmp_path / "sparse.tar")
    try:
        image = open_image("docker-daemon:sparse:1")
        assert seen(image) == seen(open_image(str(tmp_path / "sparse.tar")))
        checks = list(verify_image(image))
    finally:
        docker("rmi", "sparse:1")
    told = {(check.what, check.status) for check in checks if check.subject.startswith("layer")}
    assert told == {("size", "ok"), ("diff ID", "unchecked"), ("chain ID", "unchecked")}
    assert all("sparse file" in check.why for check in checks if check.what == "diff ID")


def without_implied(found: Seen) -> Seen:
    """Without what a directory does not keep of a layer: which of its directories the tar did not name.

    They have been made when it was unpacked, and have the time of that.
    """
    implied = {f"/{name}" for name in ("implied", "implied/by", "deep", "deep/as")}

    def facts(entry: Json) -> Json:
        return {**entry, "mtime": None, "implied": None} if entry["path"] in implied else entry

    def facts_of(change: Json) -> Json:
        return {**change, **{side: change[side] and facts(change[side]) for side in ("before", "after")}}

    return replace(
        found,
        entries=[list(map(facts, entries)) for entries in found.entries],
        changes=[list(map(facts_of, changes)) for changes in found.changes],
    )
