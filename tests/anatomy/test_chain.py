"""The chain from an image's name to its bytes, from every kind of source."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from layertui import demo
from layertui.anatomy.chain import ChainPart, is_at_hand, origins, parts, pretty_name, system
from layertui.content.read import Contents
from layertui.layers.load import index_layer
from layertui.model.image import Image
from layertui.sources import open_image
from layertui.union.builder import UnionBuilder
from tests.commands.samples import image, tar
from tests.engines import Docker, docker_daemon
from tests.layouts import INDEX, OciLayout, digest, docker_archive
from tests.other_projects import docker_root


def facts(part: ChainPart) -> dict[str, str]:
    return dict(part.facts)


def layer_facts(image: Image) -> list[dict[str, str]]:
    return [facts(part) for part in parts(image) if part.kind == "layer"]


def test_each_part_names_the_next(tmp_path: Path) -> None:
    """A layout with an index of platforms inside its index."""
    layout = OciLayout(tmp_path / "image")
    layout.add_image("amd64", demo.image())
    layout.add("arm64", [b""])
    top = tmp_path / "image" / "index.json"
    manifests = json.loads(top.read_text())["manifests"]
    for each, architecture in zip(manifests, ("amd64", "arm64"), strict=True):
        each["platform"] = {"os": "linux", "architecture": architecture}
    nested = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    (tmp_path / "image/blobs/sha256" / digest(nested)[7:]).write_bytes(nested)
    descriptor = {"mediaType": INDEX, "digest": digest(nested), "size": len(nested)}
    top.write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    chain = list(parts(open_image(str(tmp_path / "image"), "linux/amd64")))
    assert [part.title for part in chain[:6]] == [
        "reference", "index.json", "index", "manifest", "config", "history"
    ]  # fmt: skip
    documents = chain[1:5]
    for part, following in pairwise(documents):
        assert (
            facts(part)["refers to"] == facts(following)["digest"] and facts(part)["refers to"] in part.refers
        )
    assert facts(chain[2])["or linux/arm64"] == manifests[1]["digest"]
    assert chain[3].document["layers"][0]["digest"] == facts(chain[6])["digest"] in chain[3].refers
    for part in chain[1:5]:
        lies = Path(facts(part)["stored at"])
        assert json.loads(lies.read_bytes()) == part.document
        assert lies.stat().st_size == int(facts(part)["size"])
    for part, layer in zip(chain[6:], demo.image().layers, strict=True):
        found = facts(part)
        assert (found["diff ID"], found["chain ID"]) == (layer.diff_id, layer.chain_id)
        assert Path(found["file"]).name == layer.descriptor.digest[7:] and found["offset"] == "0"
    steps = [value for name, value in chain[5].facts if name == "layer 9"]
    assert steps == [facts(chain[-1])["step"]]


def test_where_in_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    docker_archive(path, demo.image())
    opened = open_image(str(path))
    data = path.read_bytes()
    with tarfile.open(path) as archive:
        offsets = {member.name: member.offset_data for member in archive}
    for number, found in enumerate(layer_facts(opened), 1):
        assert found["file"] == str(path) and int(found["offset"]) == offsets[f"{number}/layer.tar"]
    config = next(part for part in parts(opened) if part.kind == "config")
    offset = int(facts(config)["stored at"].rpartition(" at ")[2])
    assert data[offset:].startswith(opened.config_bytes)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    docker_archive(folder / "sample.tar", demo.image())
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-"))) as docker:
        docker("load", "--input", folder / "sample.tar")
        os.system(f"cp --archive {docker.data_root} {folder / 'docker'}")
    return folder / "docker"


def test_where_in_dockers_store(root: Path) -> None:
    found = layer_facts(open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}"))
    for number, (here, layer) in enumerate(zip(found, demo.image().layers, strict=True)):
        assert here["layerdb"] == str(root / "image/overlay2/layerdb" / layer.chain_id.replace(":", "/"))
        assert here["unpacked"] == str(root / "overlay2" / here["cache-id"] / "diff")
        # The short names are links to the directories, and ``lower`` names those below.
        assert (root / "overlay2/l" / here["link"]).resolve() == Path(here["unpacked"])
        below = [f"l/{each['link']}" for each in found[:number]][::-1]
        assert here.get("lower", "") == ":".join(below)
        assert Path(here["tar-split"]).is_file()
    chain = list(parts(open_image(f"docker-root:[{root}]{demo.SAMPLE_NAME}")))
    assert [part.kind for part in chain[:5]] == [
        "reference",
        "repositories.json",
        "config",
        "inspect",
        "history",
    ]
    names = [name for name, _where, _value in origins(chain[3].fields)]
    assert names == list(chain[3].document) and "GraphDriver" in names
    assert facts(chain[1])["refers to"] == facts(chain[2])["digest"] == demo.image().id
    assert Path(facts(chain[2])["stored at"]).read_bytes() == demo.image().config_bytes


def test_what_it_was_pulled_as(root: Path, tmp_path: Path) -> None:
    copied = tmp_path / "docker"
    os.system(f"cp --archive {root} {copied}")
    diff_id = demo.image().layers[0].diff_id
    path = copied / "image/overlay2/distribution/v2metadata-by-diffid" / diff_id.replace(":", "/")
    path.parent.mkdir(parents=True)
    path.write_text('[{"Digest": "sha256:aa", "SourceRepository": "docker.io/library/x", "HMAC": ""}]')
    found = layer_facts(open_image(f"docker-root:[{copied}]{demo.SAMPLE_NAME}"))
    assert found[0]["pulled"] == "docker.io/library/x@sha256:aa" and "pulled" not in found[1]


def test_where_in_a_store_of_docker_1_9(tmp_path: Path) -> None:
    data_root = docker_root("aufs.v1", tmp_path)
    name = json.loads((data_root / "repositories-aufs").read_text())["Repositories"]
    identity = next(iter(next(iter(name.values())).values()))
    found = layer_facts(open_image(f"docker-root:[{data_root}]{identity}"))
    assert found[-1]["graph"] == str(data_root / "graph" / identity)
    assert found[-1]["unpacked"] == str(data_root / "aufs/diff" / identity)
    chain = list(parts(open_image(f"docker-root:[{data_root}]{identity}")))
    assert facts(chain[1])["stored at"] == str(data_root / "repositories-aufs")
    assert facts(chain[2])["stored at"] == str(data_root / "graph" / identity / "json")
    assert chain[2].data == (data_root / "graph" / identity / "json").read_bytes()
    told = {name: (where, value) for name, where, value in origins(chain[3].fields)}
    assert told["Created"] == (f"graph/{identity[:12]}/json: created", f'"{chain[2].document["created"]}"')
    assert told["Size"] == (f"graph/{identity[:12]}/layersize", "0")
    assert told["RepoTags"] == ("repositories-aufs: Repositories", '["busybox:latest"]')
    assert all(each["checksum"].startswith(("tarsum", "sha256:")) for each in found if "checksum" in each)


def test_an_engine_whose_layers_would_have_to_be_fetched(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_archive(tmp_path / "sample.tar", demo.image())
    docker("load", "--input", tmp_path / "sample.tar")
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    here = open_image(f"docker-daemon:{demo.SAMPLE_NAME}")
    assert is_at_hand(here) and Path(layer_facts(here)[0]["unpacked"]).is_dir()
    monkeypatch.setattr("layertui.sources.engine.images.readable_directories", lambda *_: [])
    there = open_image(f"docker-daemon:{demo.SAMPLE_NAME}")
    assert not is_at_hand(there)
    config = next(part for part in parts(there) if part.kind == "config")
    assert facts(config)["content"] == "not provided by the source"
    inspected = next(part for part in parts(there) if part.kind == "inspect")
    theirs = json.loads(docker("image", "inspect", demo.SAMPLE_NAME))[0]
    assert {name: inspected.document.get(name) for name in theirs} == theirs


def test_what_the_root_file_system_says(tmp_path: Path) -> None:
    opened = open_image(
        str(
            image(
                tmp_path,
                tar(
                    ("/usr/lib/os-release", b'NAME="Other"\nPRETTY_NAME="Quarry Linux 3 (\'slate\')"\n'),
                    ("/etc/os-release", "->../usr/lib/os-release"),
                    ("/boot/vmlinuz-6.1", b"x"),
                    ("/boot/config-6.1", b"x"),
                    ("/boot/vmlinuz-5.0", b"x"),
                    ("/lib", "->usr/lib"),
                    ("/usr/lib/modules/6.1/kernel/fs.ko", b"x"),
                ),
                tar(("/boot/.wh.vmlinuz-5.0", b"")),
            )
        )
    )
    indexes = [index_layer(layer, None) for layer in opened.layers]
    builder = UnionBuilder()
    for index in indexes:
        builder.add(index)
    union = builder.freeze()
    found = system(union, Contents(opened, indexes, union))
    assert (found.name, found.source) == ("Quarry Linux 3 ('slate')", "/etc/os-release")
    assert found.kernels == ["/boot/vmlinuz-6.1", "/usr/lib/modules/6.1"]


@pytest.mark.parametrize(
    "text, name",
    [
        ("PRETTY_NAME=Plain\n", "Plain"),
        ("NAME='A B'\nVERSION=\"1\"\n", "A B 1"),
        ('PRETTY_NAME="broken\n', '"broken'),
        ("# PRETTY_NAME=no\n\n", ""),
        ("PRETTY_NAME=\nNAME=Only", "Only"),
    ],
)
def test_names_of_distributions(text: str, name: str) -> None:
    assert pretty_name(text) == name
