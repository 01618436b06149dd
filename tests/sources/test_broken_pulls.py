"""Layers that are left of pulls that were broken off: no image names them, and no config tells of them."""

from __future__ import annotations

import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from layertui import demo
from layertui.model.image import Image
from layertui.model.reference import parse_reference
from layertui.sources import open_image
from layertui.sources.store_usage import unnamed, usage_of
from layertui.verify.image import verify_image
from tests.engines import Docker, containers_storage, run
from tests.images import tars_of
from tests.layouts import OciLayout
from tests.observable import alone, seen
from tests.programs import need
from tests.sources.registry.proxy import Answer, FaultyProxy, Request
from tests.sources.registry.server import docker_registry
from tests.waiting import SECONDS, wait_for

COMPLETE = 6
"""Layers of the image that come before the one that does not."""
OWN = tarfile.TarInfo("own").tobuf() + bytes(1024)
"""Its base, below the sample's layers: no other image of a daemon has its chain IDs."""
TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("image")
    OciLayout(folder).add("1", [OWN, *tars_of(demo.image().layers)], "gzip")
    return open_image(f"oci:{folder}:1")


@pytest.fixture(scope="module")
def proxy(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyProxy]:
    """A registry with the image that never sends all of one of its layers."""
    folder = tmp_path_factory.mktemp("registry")
    over = threading.Event()

    def stall(_: Request, answer: Answer) -> None:
        answer.cut, answer.stall = 10, over

    with docker_registry(folder) as registry, FaultyProxy(registry.host) as proxy:
        registry.load(image.reference, "pulled:1", "--format=v2s2", same=False)
        url = f"http://{registry.host}/v2/pulled/manifests/1"
        manifest = requests.get(url, headers={"Accept": TYPE}, timeout=SECONDS).json()
        proxy.fail(manifest["layers"][COMPLETE]["digest"], stall)
        try:
            yield proxy
        finally:
            over.set()


@contextmanager
def pull(*command: str) -> Iterator[None]:
    """A program that pulls meanwhile; killed at the end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            yield
        finally:
            program.kill()


def test_docker(docker: Docker, image: Image, proxy: FaultyProxy, tmp_path: Path) -> None:
    """What a daemon leaves that ends meanwhile: as its data root is then."""
    chain = [layer.chain_id for layer in image.layers[:COMPLETE]]
    with pull("docker", "--host", docker.host, "pull", f"{proxy.name}/pulled:1"):
        wait_for((docker.data_root / "image/overlay2/layerdb" / chain[-1].replace(":", "/")).is_dir)
        run("cp", "--archive", docker.data_root, tmp_path / "docker")
    rows = [
        row for row in unnamed(usage_of(parse_reference(f"docker-root:{tmp_path}/docker"))) if row.id in chain
    ]
    assert [row.id for row in rows] == chain and [row.parent for row in rows] == ["", *chain[:-1]]
    found = open_image(rows[-1].reference)
    assert seen(found) == alone(image, COMPLETE)
    assert {check.status for check in verify_image(found)} == {"ok"}
    assert "pulled@sha256:" in dict(found.layers[0].places)["pulled"]


@pytest.mark.parametrize("driver", ["overlay", "vfs"])
def test_podman(driver: str, image: Image, proxy: FaultyProxy) -> None:
    """Of a program that was killed, maybe before the last layer was done."""
    need("podman", "crun")
    with containers_storage("podman", driver) as podman:
        root = Path(podman[1].partition("=")[2])
        path = root / f"{driver}-layers/layers.json"

        def layers() -> list[dict[str, Any]]:
            try:
                return list(json.loads(path.read_text()))
            except (FileNotFoundError, ValueError):
                return []  # it is still to be made

        with pull(*podman, "pull", "--tls-verify=false", f"{proxy.name}/pulled:1"):
            wait_for(lambda: len(layers()) == COMPLETE)
        found = usage_of(parse_reference(f"containers-storage:{root}"))
        rows = unnamed(found)
        assert [row.id for row in rows] == [each["id"] for each in layers()]
        assert [row.parent for row in rows] == ["", *[row.id for row in rows[:-1]]]
        assert not found.images and not found.problems
        whole = open_image(rows[-2].reference)
        assert seen(whole) == alone(image, COMPLETE - 1)
        assert {check.status for check in verify_image(whole)} == {"ok"}
        last = open_image(rows[-1].reference)
        assert len(last.layers) == COMPLETE
        assert bool(last.damage) == any(each.get("flags", {}).get("incomplete") for each in layers())
