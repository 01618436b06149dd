"""Images of running engines, by whichever way their layers can be had."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from layertui import demo
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.reference import Reference
from layertui.sources import UnknownName, engine, open_image
from layertui.sources.engine import containers, image_list, images
from layertui.sources.engine.client import Engine
from layertui.sources.engine.endpoint import EngineEndpoint
from layertui.verify.image import verify_image
from layertui.worker.protocol import TreeDone, TreeRequest
from tests.engines import Docker, docker_daemon, podman_service, run
from tests.observable import Seen, Sizes, assert_sizes, seen
from tests.sources.engine.proxy import proxy
from tests.worker.runs import frames, pin, start

SAMPLE = demo.SAMPLE_NAME


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def loaded(docker: Docker, archive: Path) -> Docker:
    """An engine that has the sample under two names, and another image."""
    docker("load", "--input", archive)
    docker("tag", SAMPLE, "other/name:2")
    return docker


@pytest.fixture
def docker_host(loaded: Docker, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("DOCKER_HOST", loaded.host)
    return loaded


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing of the engine's directories could be read."""
    monkeypatch.setattr(images, "readable_directories", lambda *_: [])


def test_layers_out_of_the_engines_directories(docker_host: Docker, expected: Seen, measured: Sizes) -> None:
    image = open_image(f"docker-daemon:{SAMPLE}")
    assert [layer.unpacked.location for layer in image.layers if layer.unpacked] == [
        str(path) for path in docker_host.layers(SAMPLE)
    ]
    assert all(Path(dict(layer.places)["tar-split"]).is_file() for layer in image.layers)
    assert {check.status for check in verify_image(image)} == {"ok"}
    assert seen(image) == expected
    assert_sizes(image, measured.directories, "of files")
    assert image.config_bytes == demo.image().config_bytes


def test_layers_out_of_the_save_stream(
    docker_host: Docker, expected: Seen, measured: Sizes, streamed: None
) -> None:
    image = open_image(f"docker-daemon:{SAMPLE}")
    assert image.arrival is not None
    told: list[tuple[int, int]] = []
    image.arrival.watch(Job(lambda done, total: told.append((done, total))))
    assert seen(image) == expected
    assert_sizes(image, measured.directories, "of files")
    assert told and told[-1][0] > 100_000
    assert image.layers[0].blob is not None
    assert image.layers[0].blob.digest == image.layers[0].diff_id


def test_a_second_open_needs_no_stream(docker_host: Docker, streamed: None, tmp_path: Path) -> None:
    with proxy(tmp_path / "p.sock", Path(docker_host.host.removeprefix("unix://"))) as asked:
        engine = Engine(EngineEndpoint("Docker", asked.url, "test"))
        first = seen(images.open_image(engine, SAMPLE))
        assert sum("/get " in line for line in asked.requests) == 1
        assert seen(images.open_image(engine, SAMPLE)) == first
        assert sum("/get " in line for line in asked.requests) == 1


def test_two_processes_at_once_stream_once(docker_host: Docker, tmp_path: Path) -> None:
    with proxy(tmp_path / "p.sock", Path(docker_host.host.removeprefix("unix://"))) as asked:
        program = (
            "from layertui.sources.engine import images\n"
            "images.readable_directories = lambda *_: []\n"
            "from layertui.worker.main import main; main()"
        )
        environment = {**os.environ, "DOCKER_HOST": asked.url}
        request = TreeRequest(pin(f"docker-daemon:{SAMPLE}"), True)
        both = [start(request, "-c", program, env=environment) for _ in range(2)]
        for process in both:
            with process:
                assert isinstance([*frames(process.stdout)][-1], TreeDone)
        assert sum("/get " in line for line in asked.requests) == 1


def test_nothing_but_get_requests_leaves(docker_host: Docker, streamed: None, tmp_path: Path) -> None:
    docker_host("rm", "--force", "asked")
    docker_host("create", "--name=asked", SAMPLE, "sh")
    with proxy(tmp_path / "p.sock", Path(docker_host.host.removeprefix("unix://"))) as asked:
        engine = Engine(EngineEndpoint("Docker", asked.url, "test"))
        list(image_list.list_images(engine))
        image_list.shared_sizes(engine)
        seen(images.open_image(engine, SAMPLE))
        list(containers.list_containers(engine))
        seen(containers.open_container(engine, "asked"))
    docker_host("rm", "asked")
    assert len(asked.requests) > 8
    assert {line.split(" ")[0] for line in asked.requests} == {"GET"}


def test_list(docker_host: Docker) -> None:
    rows = {row.reference: row for row in engine.list_images(Reference("docker-daemon", ""))}
    row = rows[f"docker-daemon:{SAMPLE}"]
    assert (row.name, row.tag, row.id) == ("quarry", "1.1", demo.image().id)
    assert row.layers == len(demo.image().layers)
    assert row.size == int(docker_host("image", "inspect", "--format={{.Size}}", SAMPLE))
    assert rows["docker-daemon:other/name:2"].id == row.id
    assert engine.shared_sizes("docker-daemon")[row.id] >= 0
    for reference in rows:
        assert open_image(reference).id == rows[reference].id


def test_an_image_without_a_name_is_found_by_its_id(docker_host: Docker, tmp_path: Path) -> None:
    for text in ("first", "second"):
        (tmp_path / "note").write_text(text)
        docker_host.build("once:1", tmp_path, "FROM scratch\nCOPY note /note\n")
    dangling = docker_host("images", "--no-trunc", "--quiet", "--filter=dangling=true").split()
    rows = engine.list_images(Reference("docker-daemon", ""))
    nameless = {row.id: row.reference for row in rows if not row.name}
    assert sorted(nameless) == sorted(dangling)
    assert seen(open_image(nameless[dangling[0]])).trees[-1]["/note"].content == b"first"
    docker_host("rmi", "once:1", *dangling)


def test_history_is_the_engines_own(docker_host: Docker) -> None:
    image = open_image(f"docker-daemon:{SAMPLE}")
    template = "{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}"
    theirs = docker_host(
        "history", "--no-trunc", "--human=false", f"--format={template}", SAMPLE
    ).splitlines()
    ours = [
        f"{entry.id}|{entry.created_by}|{entry.size}|{entry.comment}" for entry in reversed(image.history)
    ]
    assert ours == [line.replace("\t", " ") for line in theirs] or ours == theirs


def test_inspect_is_the_engines_own(docker_host: Docker) -> None:
    theirs = msgspec.json.decode(docker_host("image", "inspect", SAMPLE))[0]
    ours = dict(open_image(f"docker-daemon:{SAMPLE}").inspected)
    assert {name: ours.get(name) for name in theirs} == theirs


def test_a_bare_name_is_found_in_the_engine(docker_host: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_image("quarry:1.1").reference == "docker-daemon:quarry:1.1"
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere.sock")
    with pytest.raises(LayertuiError) as raised:
        open_image("nothing:1")
    assert str(raised.value) == (
        "no image nothing:1, no such path; no such image in Docker; cannot reach Podman at "
        "unix:///nowhere.sock (CONTAINER_HOST): there is no such socket, docker://nothing:1 searches its registry"
    )
    with pytest.raises(UnknownName, match=r"did you mean quarry:1.1\? docker://quary:1 searches"):
        open_image("quary:1")


def test_an_image_that_is_not_there(docker_host: Docker) -> None:
    with pytest.raises(LayertuiError) as raised:
        open_image("docker-daemon:nothing:1")
    assert str(raised.value) == (
        "Docker has no image nothing:1, docker pull fetches it, docker:// looks into its registry"
    )


@pytest.mark.parametrize("size", [0, 300, 60_000])
def test_a_stream_that_is_cut(docker_host: Docker, streamed: None, tmp_path: Path, size: int) -> None:
    with proxy(tmp_path / "p.sock", Path(docker_host.host.removeprefix("unix://"))) as asked:
        engine = Engine(EngineEndpoint("Docker", asked.url, "test"))
        asked.cut["/get "] = size
        image = images.open_image(engine, SAMPLE)
        damages = [index_layer(layer, None).damage for layer in image.layers]
        assert any(damages)
        assert all(
            "Docker" in damage and ("broke off" in damage or "cannot reach" in damage)
            for damage in damages
            if damage
        )
        kept = tmp_path / "cache/layertui/blobs"
        assert not [path for path in kept.glob(".*") if not path.name.startswith(".lock")]
        asked.cut.clear()
        assert not any(index_layer(layer, None).damage for layer in images.open_image(engine, SAMPLE).layers)


def test_an_engine_that_is_killed(archive: Path, streamed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), driver="vfs") as docker:
        docker("load", "--input", archive)
        monkeypatch.setenv("DOCKER_HOST", docker.host)
        image = open_image(f"docker-daemon:{SAMPLE}")
    assert "cannot reach Docker" in index_layer(image.layers[0], None).damage
    with pytest.raises(LayertuiError, match="there is no such socket, start it"):
        open_image(f"docker-daemon:{SAMPLE}")


def test_an_engine_that_is_killed_in_the_middle_of_a_save(
    streamed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large").write_bytes(os.urandom(48 << 20))
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), driver="vfs") as docker:
        docker.build("large:1", tmp_path, "FROM scratch\nCOPY large /large\n")
        monkeypatch.setenv("DOCKER_HOST", docker.host)
        image = open_image("docker-daemon:large:1")
        assert image.arrival is not None
        home = docker.data_root.parent
        pids = [int(path.read_text()) for path in (home / "pid", *home.rglob("containerd.pid"))]

        def kill(done: int, _total: int) -> None:
            while pids:
                os.kill(pids.pop(0), signal.SIGKILL)

        image.arrival.watch(Job(kill))
        damage = index_layer(image.layers[0], None).damage
    assert "Docker" in damage and ("broke off" in damage or "cannot reach" in damage)
    assert not [
        path for path in (tmp_path / "cache/layertui/blobs").iterdir() if not path.name.startswith(".lock")
    ]


def test_a_store_without_readable_layers(
    archive: Path, expected: Seen, measured: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vfs keeps whole trees: only the stream has the layers."""
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), driver="vfs") as docker:
        docker("load", "--input", archive)
        monkeypatch.setenv("DOCKER_HOST", docker.host)
        image = open_image(f"docker-daemon:{SAMPLE}")
        assert image.arrival is not None
        assert seen(image) == expected
        assert_sizes(image, measured.files, "of files")


def test_no_permission_on_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(LayertuiError) as raised:
        Engine(EngineEndpoint("Docker", "unix:///run/docker.sock", "default socket")).get("/info")
    assert str(raised.value) == (
        "cannot reach Docker at unix:///run/docker.sock (default socket), no permission on the socket, "
        "run as root or join the group docker"
    )


def test_a_full_disk_is_said(
    docker_host: Docker, streamed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small)
    try:
        monkeypatch.setenv("XDG_CACHE_HOME", str(small))
        damage = index_layer(open_image(f"docker-daemon:{SAMPLE}").layers[0], None).damage
        assert "No space left on device, make room there, or set XDG_CACHE_HOME" in damage
        assert not list((small / "layertui/blobs").glob(".tmp*"))
    finally:
        run("umount", small)


@pytest.fixture(scope="module")
def podman(archive: Path) -> Iterator[str]:
    """Podman's API, with the sample loaded."""
    with podman_service(Path(tempfile.mkdtemp(prefix="layertui-"))) as (url, command):
        run(*command, "load", "--input", archive)
        yield url


@pytest.mark.parametrize("stream", [False, True], ids=["directories", "stream"])
def test_podman(
    podman: str, expected: Seen, measured: Sizes, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman)
    if stream:
        monkeypatch.setattr(images, "readable_directories", lambda *_: [])
    image = open_image(f"podman:{SAMPLE}")
    assert (image.arrival is not None) == stream
    if not stream:
        assert {check.status for check in verify_image(image)} == {"ok"}
    found = seen(image)
    if stream:  # its API leaves this out
        found.settings["Healthcheck"] = expected.settings["Healthcheck"]
    assert found == expected
    (noted,) = json.loads(
        Path(podman.removeprefix("unix://"))
        .with_name("root")
        .joinpath("overlay-images/images.json")
        .read_text()
    )
    assert_sizes(image, measured.tars, "as a tar", sum(noted["big-data-sizes"].values()))
    rows = list(engine.list_images(Reference("podman", "")))
    assert [row.id for row in rows] == [expected.id]
    assert open_image(rows[0].reference).id == expected.id


def test_events_tell_of_a_new_image(docker_host: Docker) -> None:
    told = engine.events("docker-daemon")
    threading.Timer(0.3, lambda: docker_host("tag", SAMPLE, "new/name:1")).start()
    assert next(told) == "image"
    assert isinstance(told, Generator)
    told.close()
    docker_host("rmi", "new/name:1")
