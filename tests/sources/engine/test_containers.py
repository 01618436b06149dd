"""Containers: the read-write layer on top of the image's, however it can be had."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from layertui.compare.comparison import Comparison, Side
from layertui.content.read import Contents
from layertui.layers.load import index_layer
from layertui.model.errors import ChangedWhileRead, LayertuiError
from layertui.model.image import Image
from layertui.model.numbers import LayerNumber
from layertui.sources import list_containers, open_image
from layertui.sources.engine import own_layers
from layertui.union.builder import UnionBuilder
from layertui.union.changes import changes
from layertui.union.model import LayerUnion
from tests.engines import Docker, podman_service, run
from tests.programs import need
from tests.sources.engine.proxy import proxy
from tests.union.trees import Facts, merged

WORK = """
echo hello > /srv/new; chown 5:6 /srv/new; chmod 4711 /srv/new; ln -s new /srv/link
rm /srv/old; rm -r /srv/d; mkdir /srv/d; echo more >> /srv/kept
mkdir -p /srv/deep/er; head -c 3000000 /dev/zero | tr '\\0' 'x' > /srv/deep/er/large
mv /srv/wide 'srv/größe 中文'
"""
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "-p", "/srv/d", "/proc", "/sys", "/dev"]
RUN ["/bin/busybox", "touch", "/srv/old", "/srv/d/x", "/srv/kept", "/srv/wide"]
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def ran(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """An engine with a container that has done its work."""
    need("busybox")
    context = tmp_path_factory.mktemp("context")
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    docker.build("work:1", context, DOCKERFILE)
    docker("run", "--name=worked", "--network=host", "work:1", "/bin/busybox", "sh", "-c", WORK)
    return docker


@pytest.fixture(params=["directories", "asked"])
def host(ran: Docker, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    if request.param == "asked":
        monkeypatch.setattr(own_layers, "readable_directories", lambda *_: [])
    return ran


def union_of(image: Image) -> tuple[LayerUnion, Contents]:
    indexes = [index_layer(layer, None) for layer in image.layers]
    builder = UnionBuilder()
    for index in indexes:
        assert not index.damage, index.damage
        builder.add(index)
    union = builder.freeze()
    return union, Contents(image, indexes, union)


def told(docker: Docker, container: str) -> set[tuple[str, str]]:
    """What ``docker diff`` says."""
    kinds = {"A": "added", "C": "modified", "D": "deleted"}
    lines = docker("diff", container).splitlines()
    return {(kinds[line[0]], line[2:]) for line in lines}


def test_changes_are_those_of_docker_diff(host: Docker) -> None:
    image = open_image("docker-container:worked")
    union, contents = union_of(image)
    found = list(changes(union, union.layers, contents.same))
    # For Docker a directory changes with what it holds, for us with its own metadata: its time, in whole seconds.
    again = {("modified", change.path) for change in found if change.change == "repeated"}
    assert again <= {("modified", "/srv"), ("modified", "/srv/d")}
    ours = {(change.change, change.path) for change in found if change.change != "repeated"}
    assert ours == told(host, "worked") - again


def test_compared_with_its_image_it_differs_as_docker_diff_tells(host: Docker) -> None:
    sides = []
    for reference in ("docker-daemon:work:1", "docker-container:worked"):
        image = open_image(reference)
        sides.append(Side(image, union_of(image)[0], LayerNumber(len(image.layers))))
    a, b = sides
    comparison = Comparison(a, b)
    ours = {(change.change, change.path) for change in comparison.changes()}
    theirs = told(host, "worked")
    # Stubs of Docker's own, where their layer can be read; it is none of what the container did.
    stubs = {"/.dockerenv", "/dev", "/etc", "/proc", "/sys"}
    ours = {(change, path) for change, path in ours if not {path, f"/{path.split('/')[1]}"} & stubs}
    directories = {("modified", "/srv"), ("modified", "/srv/d")}  # see above
    assert ours - directories == theirs - directories
    assert not comparison.unread and not comparison.config
    assert len(comparison.layers.common) == len(sides[0].layers) and not comparison.layers.only_a


def test_contents_of_the_read_write_layer(host: Docker) -> None:
    union, contents = union_of(open_image("docker-container:worked"))

    def read(path: str) -> bytes:
        return contents.read(union.at(union.find(path), union.layers))

    assert read("/srv/new") == b"hello\n"
    assert read("/srv/kept") == b"more\n"
    assert read("/srv/deep/er/large") == b"x" * 3_000_000
    entry = union.entry(union.at(union.find("/srv/new"), union.layers))
    assert (entry.mode, entry.uid, entry.gid) == (0o4711, 5, 6)
    link = union.entry(union.at(union.find("/srv/link"), union.layers))
    assert (link.type, link.linkname) == ("symlink", "new")
    assert union.at(union.find("/srv/größe 中文"), union.layers) >= 0


MANY = """
mkdir -p /srv/many/sub; for n in $(seq 60); do echo $n > /srv/many/f$n; echo $n > /srv/d/f$n; done
ln /srv/many/f1 /srv/many/hard; ln -s f1 /srv/many/soft; chmod 4711 /srv/many/f2; touch -d @5 /srv/many/f3
head -c 30000000 /dev/zero > /srv/large; mkdir -p /srv/a/b; head -c 30000000 /dev/zero > /srv/a/large
for n in 1 2 3 4 5; do echo $n > /srv/a/z$n; done; rm /srv/d/x
"""


def test_many_changes_are_fetched_by_directory(
    ran: Docker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran("run", "--name=many", "--network=host", "work:1", "/bin/busybox", "sh", "-c", MANY)
    trees = []
    with proxy(tmp_path / "p.sock", Path(ran.host.removeprefix("unix://"))) as asked:
        monkeypatch.setenv("DOCKER_HOST", asked.url)
        for directories in (True, False):
            if not directories:
                monkeypatch.setattr(own_layers, "readable_directories", lambda *_: [])
            image = open_image("docker-container:many")
            union, contents = union_of(image)
            requests = [line for line in asked.requests if "/archive?" in line]
            trees.append(merged(union, union.layers, contents.read))
    ran("rm", "many")
    stubs = ("/.dockerenv", "/etc", "/dev", "/proc", "/sys")

    def in_seconds(tree: dict[str, Facts]) -> dict[str, Facts]:
        """As Docker's archives have times."""
        shown = {path: facts for path, facts in tree.items() if not path.startswith(stubs)}
        return {
            path: replace(facts, mtime=facts.mtime and (facts.mtime[0], 0)) for path, facts in shown.items()
        }

    expected, seen = map(in_seconds, trees)
    assert len(expected) > 130 and seen == expected
    assert 0 < len(requests) < 20, requests


def test_the_layer_is_named(host: Docker) -> None:
    image = open_image("docker-container:worked")
    assert image.name == "worked (work:1)"
    assert image.history[-1].created_by == "read-write layer of container worked (exited)"
    assert image.history[-1].layer == len(image.layers)
    assert image.layers[-1].unpacked is not None


def test_the_size_is_that_of_docker_ps(host: Docker) -> None:
    size = int(host("inspect", "--size", "--format={{.SizeRw}}", "worked"))
    image = open_image("docker-container:worked")
    assert (image.history[-1].size, image.layers[-1].descriptor.size) == (size, size)
    assert size > 3_000_000 and image.layers[-1].measured == "on the disk"


def test_dockers_init_layer_is_distinguished(ran: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    image = open_image("docker-container:worked")
    assert image.history[-2].created_by.startswith("init layer")
    union, contents = union_of(image)
    stubs = {change.path for change in changes(union, LayerNumber(union.layers - 1), contents.same)}
    assert "/.dockerenv" in stubs
    assert not stubs & {path for _kind, path in told(ran, "worked")}


def test_a_running_container_is_read_again(host: Docker) -> None:
    host("run", "--detach", "--name=running", "--network=host", "work:1", "/bin/busybox", "sleep", "60")
    try:
        image = open_image("docker-container:running")
        assert image.history[-1].created_by == "read-write layer of container running (running)"
        union, _ = union_of(image)
        assert union.find("/srv/later") < 0
        host("exec", "running", "/bin/busybox", "touch", "/srv/later")

        def write(text: str, time: int) -> None:
            command = f"echo {text} > /srv/later; touch -d @{time} /srv/later"
            host("exec", "running", "/bin/busybox", "sh", "-c", command)

        write("one", 1)
        union, contents = union_of(open_image("docker-container:running"))
        later = union.at(union.find("/srv/later"), union.layers)
        write("two", 2)  # of the same size
        with pytest.raises(ChangedWhileRead, match="changed since the image was read, read the image again"):
            contents.read(later)
        union, contents = union_of(open_image("docker-container:running"))
        assert contents.read(union.at(union.find("/srv/later"), union.layers)) == b"two\n"
    finally:
        host("rm", "--force", "running")


def test_list(ran: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    rows = {row.name: row for row in list_containers("docker-daemon:")}
    row = rows["worked"]
    assert (row.reference, row.image, row.state) == ("docker-container:worked", "work:1", "exited")
    assert row.id == ran("inspect", "--format={{.Id}}", "worked").strip()
    assert row.status.startswith("Exited (0)")


def test_a_container_that_is_not_there(ran: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", ran.host)
    with pytest.raises(LayertuiError) as raised:
        open_image("docker-container:nobody")
    assert str(raised.value) == "Docker has no container nobody, docker ps --all lists them"


@pytest.fixture(scope="module")
def podman(ran: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    saved = ran.save("work:1", tmp_path_factory.mktemp("saved") / "work.tar")
    with podman_service(Path(tempfile.mkdtemp(prefix="layertui-"))) as (url, command):
        run(*command, "load", "--input", saved)
        # Its own runtime does not run everywhere, so the work is done in the mount that it would run in.
        run(*command, "create", "--name=worked", "work:1", "/bin/busybox", "true")
        mount = run(*command, "mount", "worked").strip()
        run("chroot", mount, "/bin/busybox", "sh", "-c", WORK)
        run(*command, "umount", "worked")
        yield url


@pytest.mark.parametrize("asked", [False, True], ids=["directories", "asked"])
def test_podmans_container(podman: str, asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", podman)
    if asked:
        monkeypatch.setattr(own_layers, "readable_directories", lambda *_: [])
    assert [row.name for row in list_containers("podman:")] == ["worked"]
    union, contents = union_of(open_image("podman-container:worked"))
    assert contents.read(union.at(union.find("/srv/new"), union.layers)) == b"hello\n"
    found = {change.path: change.change for change in changes(union, union.layers, contents.same)}
    assert (found["/srv/old"], found["/srv/kept"], found["/srv/d/x"]) == ("deleted", "modified", "deleted")
