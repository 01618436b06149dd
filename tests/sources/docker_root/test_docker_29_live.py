"""The data root of a running Docker 29, compared with what the engine says of it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from layertui.anatomy.docker_inspect import described
from layertui.model.reference import parse_reference
from layertui.sources import docker_root, list_images, open_image
from layertui.sources.store_usage import StoreUsage, unnamed, usage_of
from tests.engines import Docker, run
from tests.waiting import wait_for

DOCKERFILE = "FROM scratch AS base\nCOPY one /one\nFROM base\nCOPY two /two\nLABEL a=b\n"
API = "/v1.51"
"""The last version whose answers have every field."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, docker: Docker) -> None:
        super().__init__("docker", timeout=60)
        self._path = docker.host.removeprefix("unix://")

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask(docker: Docker, path: str, method: str = "GET") -> bytes:
    connection = UnixConnection(docker)
    connection.request(method, f"{API}{path}")
    response = connection.getresponse()
    answer = response.read()
    assert response.status == 200, answer
    return answer


def answer(docker: Docker, path: str) -> Any:
    return json.loads(ask(docker, path))


@pytest.fixture(scope="module")
def built(docker29: Docker, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """With an image of BuildKit under two names, its cache and its record, one of the classic builder, and a container.

    BuildKit takes its context from an address here, since it would ask the command line for it.
    """
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text(DOCKERFILE)
    for name in ("one", "two"):
        (context / name).write_bytes(os.urandom(20_000))
    with tarfile.open(
        tmp_path_factory.mktemp("served") / "context.tar", "w", format=tarfile.GNU_FORMAT
    ) as archive:
        archive.add(context, ".")
    folder = Path(str(archive.name)).parent
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        remote = f"http://127.0.0.1:{server.server_port}/context.tar"
        said = ask(docker29, f"/build?version=2&remote={remote}&t=built:1", "POST")
        server.shutdown()
    assert b"moby.image.id" in said, said
    (context / "two").write_bytes(os.urandom(20_000))
    run(
        "docker",
        f"--host={docker29.host}",
        "build",
        "--tag=classic:1",
        context,
        environment={"DOCKER_BUILDKIT": "0"},
    )
    docker29("tag", "built:1", "example.org/other/name:2")
    docker29("create", "--name=made", "built:1", "/one")
    return docker29


def usage(docker: Docker) -> StoreUsage:
    return usage_of(parse_reference(f"docker-root:{docker.data_root}"))


def test_images_and_inspect(built: Docker) -> None:
    theirs = {row["Id"]: row for row in answer(built, "/images/json")}
    rows = list(list_images(f"docker-root:{built.data_root}"))
    assert {row.id: row.size for row in rows} == {identity: row["Size"] for identity, row in theirs.items()}
    assert sorted(f"{row.name}:{row.tag}" for row in rows) == sorted(
        name for row in theirs.values() for name in row["RepoTags"]
    )
    for row in answer(built, "/images/json?all=1"):
        mine = described(open_image(f"docker-root:[{built.data_root}]{row['Id']}"))
        inspected = answer(built, f"/images/{row['Id']}/json")
        assert {name: inspected[name] for name in mine} == mine
        assert inspected.keys() - mine.keys() <= {"Identity"}


def test_containers(built: Docker) -> None:
    (row,) = docker_root.list_containers(parse_reference(f"docker-root:{built.data_root}"))
    (theirs,) = answer(built, "/containers/json?all=1")
    assert (row.id, row.image_id, row.state, row.status) == (
        theirs["Id"], theirs["ImageID"], theirs["State"], theirs["Status"]
    )  # fmt: skip


def test_the_build_cache_is_what_docker_system_df_counts(built: Docker) -> None:
    wait_for(lambda: not unnamed(usage(built)))  # what the classic builder leaves is collected soon
    found = usage(built)
    theirs = {each["ID"]: each for each in answer(built, "/system/df")["BuildCache"]}
    cache = {each.id: each for each in found.held if each.kind == "build cache"}
    assert {each.id: each.size for each in cache.values()} == {
        key: each["Size"] for key, each in theirs.items()
    }
    assert {each.id: each.about for each in cache.values()} == {
        key: each["Description"] for key, each in theirs.items()
    }
    assert len([each for each in found.held if each.kind == "build record"]) == 1
    assert {each.kind for each in found.held} == {"build cache", "build record"}
    assert not found.strays and not found.problems


def test_removing_an_image_frees_what_was_said(built: Docker) -> None:
    before = usage(built)
    image = next(image for image in before.images if image.names[0] == "classic:1")
    built("rmi", "classic:1")
    after = usage(built)
    left = {layer.id for layer in after.layers}
    assert sum(layer.size for layer in before.layers if layer.id not in left) == image.frees > 0
    assert not unnamed(after) and not after.strays
