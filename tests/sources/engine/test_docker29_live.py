"""A real Docker 29 with its default store, and the stand-in of other tests compared with it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from layertui.content.read import Contents
from layertui.layers.load import index_layer
from layertui.model.numbers import ROOT
from layertui.sources import open_image
from layertui.sources.attachments import attachments
from layertui.sources.engine.client import Engine
from layertui.sources.engine.endpoint import EngineEndpoint
from tests.content.archives import tar_of
from tests.engines import Docker
from tests.images import union_of
from tests.layouts import digest
from tests.sources.engine.docker29 import Docker29, Variant

COMMON = tar_of({"etc/a": b"one\n"})
STATEMENT = b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1"}'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def variant(name: str, architecture: str, is_stored: bool = True) -> Variant:
    files = tar_of({"arch": f"{architecture}\n".encode(), "name": name.encode()})
    config = {"config": {"Env": ["A=1"], "Labels": {"arch": architecture}}}
    return Variant(architecture, [COMMON, files], config, is_stored, [STATEMENT] if is_stored else [])


@pytest.fixture(scope="module")
def standin() -> Docker29:
    engine = Docker29()
    engine.add("both:1", variant("both", "amd64"), variant("both", "arm64"))
    engine.add("other:1", variant("other", "amd64", False), variant("other", "arm64"))
    engine.add("foreign:1", variant("foreign", "s390x"), variant("foreign", "arm64"))
    engine.add("single:1", variant("single", "amd64"))
    return engine


NAMES = ("both:1", "other:1", "foreign:1", "single:1")


@pytest.fixture
def loaded(docker29: Docker, standin: Docker29, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """The real engine with the same images."""
    for name in NAMES:
        (tmp_path / "saved.tar").write_bytes(standin.saved(name))
        docker29("load", "--input", tmp_path / "saved.tar")
    monkeypatch.setenv("DOCKER_HOST", docker29.host)
    return docker29


REQUESTS = [
    ("json", {}),
    ("json", {"manifests": "1"}),
    ("json", {"platform": '{"architecture":"arm64","os":"linux"}'}),
    ("json", {"platform": '{"architecture":"mips","os":"linux"}'}),
    ("history", {}),
    ("attestations", {"statement": "1", "platform": '{"architecture":"arm64","os":"linux"}'}),
    ("history", {"platform": '{"architecture":"arm64","os":"linux"}'}),
]
FIELDS = (
    "PredicateType",
    "Statement",
    "Id",
    "RepoTags",
    "RepoDigests",
    "Architecture",
    "Os",
    "Created",
    "RootFS",
    "CreatedBy",
    "Tags",
)


def facts(answer: object) -> object:
    """What does not depend on the time of loading, nor on the file system's blocks."""
    if isinstance(answer, list):
        return [facts(each) for each in answer]
    assert isinstance(answer, dict)
    found = {name: answer[name] for name in FIELDS if answer.get(name)}
    config = answer.get("Config") or {}
    return {
        **found,
        "Descriptor": (answer.get("Descriptor") or {}).get("digest"),
        "Config": {name: config[name] for name in ("Env", "Labels") if config.get(name)},
        "Manifests": [
            (each["Descriptor"]["digest"], each["Kind"], each["Available"], each.get("AttestationData"))
            for each in answer.get("Manifests", [])
        ],
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: f"{request[0]} {request[1]}")
def test_the_stand_in_answers_as_docker_does(
    loaded: Docker, standin: Docker29, name: str, request_: tuple[str, Mapping[str, str]]
) -> None:
    what, parameters = request_
    engine = Engine(EngineEndpoint("Docker", loaded.host, "test"))
    theirs: Any = None
    try:
        theirs = engine.get(f"/images/{{0}}/{what}", name, **dict(parameters))
    except Exception as error:
        assert standin(f"/images/{name}/{what}", parameters) is None, error
        return
    assert facts(standin(f"/images/{name}/{what}", parameters)) == facts(theirs)


@pytest.mark.parametrize(
    ("name", "platform", "architecture"),
    [
        ("both:1", None, "amd64"),
        ("both:1", "linux/arm64", "arm64"),
        ("other:1", None, "arm64"),
        ("foreign:1", "linux/arm64", "arm64"),
        ("foreign:1", "linux/s390x", "s390x"),
        ("single:1", None, "amd64"),
    ],
)
def test_each_platform_that_is_stored(
    loaded: Docker, name: str, platform: str | None, architecture: str
) -> None:
    image = open_image(f"docker-daemon:{name}", platform)
    assert str(image.platform) == f"linux/{architecture}"
    indexes = [index_layer(layer, None) for layer in image.layers]
    assert [index.damage for index in indexes] == ["", ""]
    shown = f"--platform=linux/{architecture}"
    theirs = json.loads(loaded("image", "inspect", shown, name))[0] if platform else None
    if theirs is not None:
        assert [layer.diff_id for layer in image.layers] == theirs["RootFS"]["Layers"]
    steps = loaded("history", "--no-trunc", "--format={{.CreatedBy}}", shown, name).splitlines()
    assert [entry.created_by for entry in reversed(image.history)] == steps


@pytest.mark.parametrize(
    ("name", "platform"), [("both:1", "linux/arm64"), ("other:1", None), ("single:1", None)]
)
def test_attestations_that_are_stored(loaded: Docker, name: str, platform: str | None) -> None:
    (found,) = attachments(open_image(f"docker-daemon:{name}", platform))
    (document,) = found.documents
    assert document.descriptor.digest == digest(STATEMENT)
    assert document.verified().pread(1000, 0) == STATEMENT


def test_inspect_by_default_is_the_engines_own(loaded: Docker) -> None:
    engine = Engine(EngineEndpoint("Docker", loaded.host, "test"))
    for name in ("both:1", "foreign:1", "single:1"):
        assert open_image(f"docker-daemon:{name}").inspected == engine.get("/images/{0}/json", name)


@pytest.mark.parametrize(
    ("name", "architecture"), [("both:1", "amd64"), ("both:1", "arm64"), ("other:1", "arm64")]
)
def test_a_container_shows_what_docker_exports(
    loaded: Docker, tmp_path: Path, name: str, architecture: str
) -> None:
    """Of the platform that it runs, with many files of its own, which ``docker cp`` puts there."""
    folder = tmp_path / "many"
    (folder / "deep").mkdir(parents=True)
    for number in range(60):
        (folder / f"f{number}").write_text(f"{number}\n")
        (folder / "deep" / f"f{number}").write_text(f"{number}\n")
    (folder / "link").symlink_to("f1")
    (tmp_path / "a").write_text("changed\n")
    loaded("create", f"--platform=linux/{architecture}", "--name=copied", name, "/x")
    try:
        loaded("cp", "--quiet", folder, "copied:/srv")
        loaded("cp", "--quiet", f"{folder}/.", "copied:/etc")
        loaded("cp", "--quiet", tmp_path / "a", "copied:/etc/a")
        image = open_image("docker-container:copied")
        assert str(image.platform) == f"linux/{architecture}"
        union = union_of(image.layers)
        contents = Contents(image, union.indexes, union)
        loaded("export", "--output", tmp_path / "exported.tar", "copied")
        with tarfile.open(tmp_path / "exported.tar") as exported:
            files = {member.name: member for member in exported if not member.isdir()}
            # Stubs of what Docker mounts into every container.
            stubs = {".dockerenv", "dev/console", "etc/hosts", "etc/hostname", "etc/mtab", "etc/resolv.conf"}
            wanted = sorted(f"/{path}" for path in files.keys() - stubs)
            shown = [
                event
                for event in map(partial(union.at, layer=union.layers), union.descendants(ROOT))
                if event >= 0
            ]
            ours = {
                union.path(union.ev_node[event]): event for event in shown if not union.is_directory(event)
            }
            # The data root has them too, in the layer below the container's own.
            assert sorted(ours.keys() - {f"/{stub}" for stub in stubs}) == wanted
            for path in ("/arch", "/etc/a", "/srv/deep/f59", "/etc/f7"):
                member = exported.extractfile(files[path[1:]])
                assert member is not None and contents.read(ours[path]) == member.read()
    finally:
        loaded("rm", "--force", "copied")
