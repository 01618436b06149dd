"""Images with several manifests, or with layers that are known by their TOC, as go.podman.io/storage 1.65 stores them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layertui.anatomy.docker_inspect import fields
from layertui.model.errors import ImageChanged, LayertuiError
from layertui.model.identity import identity_of
from layertui.sources import list_images, open_image
from layertui.sources.attachments import attachments
from layertui.sources.pinned import open_pinned
from layertui.union.changes import changes
from layertui.verify.image import verify_image
from tests.other_projects import engine_fixture, fixture
from tests.sources.containers_storage.test_store import change
from tests.sources.engine.test_containers import union_of

CONFIG = "sha256:93beff73d282c035df36f13b5bf8a1619ad05c71580b5a1519e5b0ea73f92eea"
CHUNKED = "sha256:6cb89cda181556825db46fa03f88007890600e77bd8b5828efbf295489f551d3"
GZIP = "sha256:6b7bac0cc691c63861e99cdb7cff3f8e3b76d4e2cecdf67c21baf535249d71fe"
INDEX = "sha256:cd73da36fd7ed36249e18042a3d955ac34abfd55893649d79c48eb7683bbcbfd"


def answer(name: str) -> tuple[str, set[str]]:
    """The ID and digests of the one image that ``containers-storage images`` prints."""
    text = fixture(f"engines/answers/{name}-images.txt").read_text()
    return f"sha256:{text.split()[0]}", set(re.findall(r"digest: (\S+)", text))


@pytest.fixture(scope="module")
def known_by_toc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_fixture("storage165-4", tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="module")
def pulled_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_fixture("storage165-6", tmp_path_factory.mktemp("stores"))


def test_layers_known_by_their_toc(known_by_toc: Path) -> None:
    """The store's ID of such an image is not its config's digest (containers/image, ``computeID``)."""
    identity, digests = answer("storage165-4")
    (row,) = list_images(f"containers-storage:{known_by_toc}")
    assert (row.id, row.digest, row.layers) == (identity, *digests, 7)
    # What its layers take as tars.
    assert row.size == 3584 + 4608 + 9216 + 4608 + 5120 + 1024 + 2560
    for name in ("localhost/tiny:chunked", identity, identity[7:20]):
        image = open_image(f"containers-storage:[{known_by_toc}]{name}")
        assert (image.id, image.manifest_digest) == (CONFIG, CHUNKED)
        assert {check.status for check in verify_image(image)} == {"ok"}
        assert open_pinned(identity_of(image)).id == CONFIG
    union, _ = union_of(image)
    assert union.find("/srv/note.txt") > 0
    recorded = {
        field.name: (field.value, field.key) for field in fields(image) if field.file.endswith("images.json")
    }
    assert recorded == {
        "Id": (identity, "id"),
        "RepoTags": (["localhost/tiny:chunked"], "names"),
        "RepoDigests": ([f"localhost/tiny@{CHUNKED}"], "big-data-names"),
    }
    assert image.history[-1].id == identity


def test_a_container_of_it(known_by_toc: Path) -> None:
    image = open_image(f"containers-storage:[{known_by_toc}]/box4")
    assert (image.id, len(image.layers)) == (CONFIG, 8)
    union, contents = union_of(image)
    assert union.find("/srv/note.txt") > 0
    assert not list(changes(union, union.layers, contents.same))


def test_an_image_pulled_by_several_manifests(pulled_twice: Path) -> None:
    """Skopeo 1.9.3 reads these manifests for these names, and Podman 4.3.1 lists these digests."""
    identity, digests = answer("storage165-6")
    assert digests == {CHUNKED, GZIP, INDEX}
    for name, manifest, documents in (
        ("localhost/tiny:zstd", GZIP, ["manifest", "config"]),
        ("localhost/tiny:gzip", GZIP, ["manifest", "config"]),
        (identity, GZIP, ["manifest", "config"]),
        (f"localhost/tiny@{CHUNKED}", CHUNKED, ["manifest", "config"]),
        (f"localhost/tiny@{GZIP}", GZIP, ["manifest", "config"]),
        (f"localhost/tiny@{INDEX}", GZIP, ["index", "manifest", "config"]),
    ):
        image = open_image(f"containers-storage:[{pulled_twice}]{name}")
        assert (image.id, image.manifest_digest) == (identity, manifest), name
        assert [link.name for link in image.chain] == documents
        assert set(image.repo_digests) == {f"localhost/tiny@{digest}" for digest in digests}
        of_image = [check for check in verify_image(image) if not check.subject.startswith("attached")]
        assert {check.status for check in of_image} == {"ok"}
        assert open_pinned(identity_of(image)).manifest_digest == manifest


def test_a_manifest_that_was_changed(pulled_twice: Path, tmp_path: Path) -> None:
    (folder,) = (path for path in (pulled_twice / "overlay-images").iterdir() if path.is_dir())
    whole = (folder / "manifest").read_bytes()
    (folder / "manifest").write_bytes(whole + b"\n")
    try:
        image = open_image(f"containers-storage:[{pulled_twice}]localhost/tiny:zstd")
        wrong = [check for check in verify_image(image) if check.status == "wrong"]
        assert [(check.subject, check.expected) for check in wrong] == [("manifest", GZIP)]
    finally:
        (folder / "manifest").write_bytes(whole)


def test_a_manifest_that_was_removed(tmp_path: Path) -> None:
    root = engine_fixture("storage165-6", tmp_path)
    image = open_image(f"containers-storage:[{root}]localhost/tiny@{CHUNKED}")

    def edit(images: list[dict[str, object]]) -> None:
        images[0].update({"digest": GZIP, "big-data-names": [CONFIG, "manifest"]})

    change(root / "overlay-images/images.json", edit)
    with pytest.raises(LayertuiError, match="has no image localhost/tiny@"):
        open_image(f"containers-storage:[{root}]localhost/tiny@{CHUNKED}")
    with pytest.raises(ImageChanged):
        open_pinned(identity_of(image))


def test_attestations_are_not_pulled(pulled_twice: Path) -> None:
    """The index that the store has names one of the image that was pulled by it."""
    (found,) = attachments(open_image(f"containers-storage:[{pulled_twice}]localhost/tiny@{GZIP}"))
    ((kind, blob),) = ((document.kind.title, document.blob) for document in found.documents)
    assert (kind, blob, found.subject) == ("attestation (BuildKit)", None, GZIP)
    assert not list(attachments(open_image(f"containers-storage:[{pulled_twice}]localhost/tiny@{CHUNKED}")))
