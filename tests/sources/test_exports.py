"""Archives that are a docker-archive and an OCI layout at once, and the attestations in them."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from layertui.anatomy.chain import parts
from layertui.model.errors import LayertuiError
from layertui.model.numbers import ROOT, Node
from layertui.sources import list_images, open_image
from layertui.sources.attachments import attachments
from tests.engines import Docker, run
from tests.images import union_of
from tests.layers.tars import END, file
from tests.layouts import INDEX, LAYER, digest
from tests.other_projects import fixture
from tests.programs import need
from tests.sources.exports import ATTESTATION, Blobs, Json, docker25, docker_with_containerd, named

TARS = [file(b"base", b"1") + END, file(b"app", b"2") + END]
UNKNOWN = {"platform": {"architecture": "unknown", "os": "unknown"}}
FORMS: dict[str, Callable[[Blobs, Json], Json]] = {
    "image": Blobs.attestation,
    "artifact, told by its platform": lambda blobs, image: blobs.artifact(image, **UNKNOWN),
    "artifact, told by its type": lambda blobs, image: blobs.artifact(image, artifactType=ATTESTATION),
    "artifact, told by its manifest alone": Blobs.artifact,
}


@pytest.fixture(autouse=True)
def amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layertui.model.platforms.machine_name", lambda: "x86_64")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "saved.tar"


def test_docker_25(path: Path) -> None:
    blobs = Blobs()
    images = {"app:1": blobs.image(TARS), "app:2": blobs.image(TARS[:1])}
    docker25(path, blobs, images)
    assert [(row.name, row.tag) for row in list_images(str(path))] == [("app", "1"), ("app", "2")]
    for name, manifest in images.items():
        image = open_image(f"docker-archive:{path}:{name}")
        as_layout = open_image(f"oci-archive:{path}:{name}")
        assert image.manifest_digest == as_layout.manifest_digest == manifest["digest"]
        assert (image.id, image.config, image.history) == (as_layout.id, as_layout.config, as_layout.history)
        assert [layer.descriptor for layer in image.layers] == [
            layer.descriptor for layer in as_layout.layers
        ]
        assert not image.warnings and union_of(image.layers).nodes == len(image.layers) + 1
        assert (image.tags, as_layout.tags) == ((name,), (f"docker.io/library/{name}",))


def test_hello_world_of_docker_25() -> None:
    saved = fixture("google+go-containerregistry/pkg/v1/tarball/testdata/hello-world-v25.tar")
    image = open_image(str(saved))
    assert image.id == "sha256:ee301c921b8aadc002973b2e0c3da17d701dcd994b606769a7e6eaa100b81d44"
    assert (str(image.platform), image.tags, image.warnings) == ("linux/arm64", (), [])
    assert [step.layer for step in image.history] == [1, None]
    assert "/hello" in {union_of(image.layers).path(node) for node in (ROOT, Node(1))}


def test_kaniko_names_its_config_by_digest_and_compresses_layers() -> None:
    image = open_image(str(fixture("wagoodman+dive/.data/test-kaniko-image.tar")))
    assert image.id == image.manifest["Config"]
    union = union_of(image.layers)
    assert "/root/saved.txt" in {union.path(node) for node in union.subtree(ROOT)}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_containerd_store(path: Path, compression: str) -> None:
    """An index a name, of which only the host's platform is there, and of the other nothing."""
    blobs = Blobs()
    amd64 = blobs.image(TARS, "amd64", compression)
    arm64, s390x = blobs.image(TARS[1:], "arm64"), blobs.image(TARS[:1], "s390x")
    manifests = [s390x, amd64, arm64, *map(blobs.attestation, (s390x, amd64, arm64))]
    index = blobs.add(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    single = blobs.image(TARS[:1], "amd64", compression)
    for absent in (s390x, manifests[3]):
        blobs.drop(absent)
    top = [named(index, "app:1"), named(single, "tool:1")]
    docker_with_containerd(path, blobs, top, {"app:1": amd64, "tool:1": single})
    assert [(row.name, row.tag) for row in list_images(str(path))] == [("app", "1"), ("tool", "1")]
    for transport in ("docker-archive", "oci-archive"):
        image = open_image(f"{transport}:{path}:app:1")
        assert (image.manifest_digest, image.name.rpartition("/")[2]) == (amd64["digest"], "app:1")
        assert [each.digest for each in image.attestations] == [manifests[4]["digest"]]
        assert [layer.diff_id for layer in image.layers] == [digest(tar) for tar in TARS]
        assert union_of(image.layers).nodes == 3
        other = open_image(f"{transport}:{path}:app:1", "linux/arm64")
        assert [each.digest for each in other.attestations] == [manifests[5]["digest"]]
        with pytest.raises(LayertuiError, match="has no image for linux/s390x"):
            open_image(f"{transport}:{path}:app:1", "linux/s390x")
    (row,) = list_images(f"oci-archive:{path}:app:1")
    assert [str(each) for each in row.platforms] == ["linux/amd64", "linux/arm64"]
    image = open_image(f"docker-archive:{path}:app:1")
    assert {layer.descriptor.media_type for layer in image.layers} == {f"{LAYER}+{compression}"}
    _, *chain = parts(image)
    assert [part.title for part in chain[:5]] == [
        "manifest.json",
        "index.json",
        "index",
        "manifest",
        "config",
    ]
    assert dict(chain[1].facts)["or docker.io/library/tool:1"] == single["digest"]
    listed = dict(chain[2].facts)
    assert (listed["digest"], listed["refers to"]) == (index["digest"], amd64["digest"])
    assert listed["or linux/arm64"] == arm64["digest"]
    assert listed["attestation of linux/amd64"] == manifests[4]["digest"]
    assert listed["attestation of linux/arm64"] == manifests[5]["digest"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["in an index", "at the top", "beside a name"])
def test_attestations_are_attached_and_never_offered(path: Path, form: str, place: str) -> None:
    blobs = Blobs()
    images = [blobs.image(TARS, "amd64"), blobs.image(TARS[1:], "arm64")]
    about = [FORMS[form](blobs, image) for image in images]
    top = [*images, *about]
    if place == "in an index":
        top = [blobs.add(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": top})]
    elif place == "beside a name":
        note = {"org.opencontainers.image.ref.name": "app"}
        top = [*({**image, "annotations": note} for image in images), *about]
    docker_with_containerd(path, blobs, top, {"app:1": images[0]})
    (row,) = list_images(f"oci-archive:{path}")
    assert [str(each) for each in row.platforms] == ["linux/amd64", "linux/arm64"]
    for number, platform in enumerate(("linux/amd64", "linux/arm64")):
        for reference in (f"oci-archive:{path}", f"oci-archive:{path}@{images[number]['digest']}"):
            image = open_image(reference, platform)
            assert image.manifest_digest == images[number]["digest"]
            assert [each.digest for each in image.attestations] == [about[number]["digest"]]
            (attached,) = attachments(image)
            (statement,) = attached.documents
            assert statement.blob is not None
            data = json.loads(statement.blob.pread(statement.blob.size, 0))
            assert data["for"] == images[number]["digest"]
    saved = open_image(f"docker-archive:{path}")
    assert [each.descriptor.digest for each in attachments(saved)] == [about[0]["digest"]]
    with pytest.raises(LayertuiError, match="contains no image"):
        open_image(f"oci-archive:{path}@{about[0]['digest']}")


@pytest.mark.parametrize("form", FORMS)
def test_what_containerd_exports(docker: Docker, form: str, tmp_path: Path) -> None:
    """The daemon's containerd takes a layout and gives it back, as it does for Docker 29."""
    need("ctr")
    blobs = Blobs()
    images = [blobs.image(TARS, "amd64", "gzip"), blobs.image(TARS[1:], "arm64", "zstd")]
    about = FORMS[form](blobs, images[0])
    manifests = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*images, about]}
    name = f"app:{list(FORMS).index(form)}"
    docker_with_containerd(tmp_path / "in.tar", blobs, [named(blobs.add(INDEX, manifests), name)], {})
    ctr = ["ctr", "--address", str(docker.data_root.parent / "exec/containerd/containerd.sock"), "images"]
    saved = tmp_path / "out.tar"
    run(*ctr, "import", "--all-platforms", "--no-unpack", tmp_path / "in.tar")
    run(*ctr, "export", "--all-platforms", saved, f"docker.io/library/{name}")
    with tarfile.open(saved) as tar:
        assert {"manifest.json", "index.json", "oci-layout"} <= set(tar.getnames())
    for reference in (f"docker-archive:{saved}:{name}", f"oci-archive:{saved}:{name}", str(saved)):
        image = open_image(reference)
        assert image.manifest_digest == images[0]["digest"]
        assert [each.digest for each in image.attestations] == [about["digest"]]
        assert union_of(image.layers).nodes == 3
        assert open_image(reference, "linux/arm64").manifest_digest == images[1]["digest"]


@pytest.mark.parametrize("transport", ["oci", "oci-archive", "dir"])
def test_all_platforms_that_skopeo_copies(path: Path, transport: str, tmp_path: Path) -> None:
    need("skopeo")
    blobs = Blobs()
    images = [blobs.image(TARS, "amd64", "gzip"), blobs.image(TARS[1:], "arm64", "gzip")]
    about = blobs.attestation(images[0])
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*images, about]}
    docker_with_containerd(path, blobs, [named(blobs.add(INDEX, index), "app:1")], {"app:1": images[0]})
    copy = tmp_path / "copy"
    tag = "" if transport == "dir" else ":app:1"
    run("skopeo", "copy", "--all", f"oci-archive:{path}", f"{transport}:{copy}{tag}")
    (row,) = list_images(str(copy))
    assert [str(each) for each in row.platforms] == ["linux/amd64", "linux/arm64"]
    for reference in (str(copy), f"{transport}:{copy}{tag}"):
        image = open_image(reference)
        assert (image.transport, image.manifest_digest) == (transport, images[0]["digest"])
        assert [each.descriptor.digest for each in attachments(image)] == [about["digest"]]
        assert open_image(reference, "linux/arm64").manifest_digest == images[1]["digest"]
        assert union_of(image.layers).nodes == 3
