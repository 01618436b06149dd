"""The Dockerfiles of the fixture built by the BuildKit of a running Docker 29: from its archives, its API and its root."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui.dockerfile.buildkit import provenance_of
from layertui.dockerfile.document import Dockerfile, dockerfile_of
from layertui.model.image import Image
from layertui.sources import open_image
from tests.dockerfile.builds import CASES, ONLINE, BuildKit
from tests.dockerfile.test_buildkit import NOT_USED, check_layers
from tests.engines import Docker, buildkit_of, current_programs
from tests.programs import need


@pytest.fixture(scope="module")
def buildkit(docker29: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuildKit]:
    path = current_programs("runc", "buildctl")
    need("busybox")
    directory = tmp_path_factory.mktemp("builds")
    with buildkit_of(docker29, Path(docker29.data_root.parent, "buildkit.sock")) as address:
        buildctl = shutil.which("buildctl", path=path)
        assert buildctl
        yield BuildKit(buildctl, address, directory)


def opened(reference: str, platform: str | None = None) -> tuple[Image, Dockerfile]:
    image = open_image(reference, platform)
    return image, dockerfile_of(image, (), provenance_of(image))


@pytest.mark.parametrize("name", [name for name in CASES if name not in (*ONLINE, *NOT_USED, "config-alone")])
def test_the_text_and_the_line_of_each_layer(buildkit: BuildKit, name: str) -> None:
    image, found = opened(f"oci-archive:{buildkit.build(name, CASES[name])}", "linux/amd64")
    assert found.source == "provenance", found.provenance
    assert found.text.encode("utf-8", "surrogateescape") == CASES[name].data
    check_layers(image, found)


@pytest.mark.parametrize("name", ["stages", "links", "zstd"])
def test_the_engine_and_its_root_tell_the_same(
    buildkit: BuildKit, docker29: Docker, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker29.host)
    buildkit.store(name, CASES[name])
    _, archived = opened(f"oci-archive:{buildkit.build(name, CASES[name])}")
    lines = [(each.line, each.layer, each.step, each.is_used) for each in archived.found]
    for reference in (f"docker-daemon:test/{name}:1", f"docker-root:[{docker29.data_root}]test/{name}:1"):
        _, found = opened(reference)
        assert (found.source, found.text) == ("provenance", archived.text), found.provenance
        assert [(each.line, each.layer, each.step, each.is_used) for each in found.found] == lines
