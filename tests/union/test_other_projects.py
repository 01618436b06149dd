"""Images that other projects keep for their own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.model.numbers import LayerNumber
from layertui.sources import list_images, open_image
from layertui.union.changes import changes
from tests.images import reader, tars_of, union_of
from tests.layouts import OciLayout
from tests.other_projects import fixture
from tests.programs import need, need_root
from tests.union.test_against_umoci import unpack
from tests.union.trees import assert_same, merged

DIVE = "wagoodman+dive/.data/"
SYLABS = "sylabs+oci-tools/test/images/"
GGCR = "google+go-containerregistry/pkg/v1/"

IMAGES = [
    *(f"{DIVE}test-{name}-image.tar" for name in ("docker", "kaniko")),
    *(f"{DIVE}test-oci-{name}-image.tar" for name in ("gzip", "zstd", "estargz", "uncompressed")),
    *(f"{SYLABS}hard-link-{name}" for name in ("1", "delete-1", "delete-2", "delete-3", "delete-4")),
    *(f"{SYLABS}whiteout-{name}" for name in ("explicit-dir", "explicit-file", "opaque", "opaque-end")),
    *(
        f"{SYLABS}{name}"
        for name in ("hard-link-delete-xattr", "root-dir-entry", "hello-world-docker-v2-manifest")
    ),
    *(f"{GGCR}mutate/testdata/{name}.tar" for name in ("whiteout_image", "whiteout_dir", "overwritten_file")),
    *(f"{GGCR}tarball/testdata/{name}.tar" for name in ("test_link", "no_manifest", "hello-world-v25")),
    "aquasecurity+trivy/pkg/fanal/test/testdata/alpine-310.tar.gz",
]


@pytest.mark.parametrize("name", IMAGES)
def test_every_layer_against_umoci(name: str, tmp_path: Path) -> None:
    need("umoci")
    need_root()
    for number, row in enumerate(list_images(str(fixture(name)))):
        layers = open_image(row.reference).layers
        tars = tars_of(layers)
        union = union_of(layers)
        layout = OciLayout(tmp_path / str(number))
        for count in range(1, len(layers) + 1):
            layout.add(str(count), tars[:count])
            theirs = unpack(layout.directory, str(count), tmp_path / "root")
            assert_same(merged(union, count, reader(union, layers)), theirs)


BUILD = {
    2: ["added /somefile.txt"],
    3: ["added /root/example", "added /root/example/really", "added /root/example/really/nested"],
    4: ["added /root/example/somefile1.txt"],
    5: ["modified /root/example/somefile1.txt mode"],
    6: ["added /root/example/somefile2.txt"],
    7: ["added /root/example/somefile3.txt"],
    8: ["added /root/saved.txt", "deleted /root/example/somefile3.txt"],
    9: ["added /root/.saved.txt"],
    10: [
        "deleted /root/example",
        "deleted /root/example/really",
        "deleted /root/example/really/nested",
        "deleted /root/example/somefile1.txt",
        "deleted /root/example/somefile2.txt",
    ],
    12: ["added /tmp/saved.again1.txt"],
    13: ["added /root/.data/saved.again2.txt"],
    14: ["modified /root/saved.txt mode"],
}
"""What the steps of dive's test image did, apart from the times of directories."""


@pytest.mark.parametrize("builder", ["docker", "kaniko"])
def test_what_the_steps_of_dives_image_did(builder: str) -> None:
    layers = open_image(str(fixture(f"{DIVE}test-{builder}-image.tar"))).layers
    union = union_of(layers)
    assert len(layers) == 14 and not union.warnings
    read = reader(union, layers)
    for number, expected in BUILD.items():
        found = [
            " ".join((change.change, change.path, *change.what))
            for change in changes(union, LayerNumber(number), lambda a, b: read(a) == read(b))
            if change.change != "repeated" and list(change.what) != ["mtime"]
        ]
        assert sorted(found) == expected, f"layer {number}"


def test_deleted_directory_sums_what_it_hid() -> None:
    layers = open_image(str(fixture(f"{DIVE}test-docker-image.tar"))).layers
    union = union_of(layers)
    gone = next(
        change
        for change in changes(union, LayerNumber(10), lambda a, b: a == b)
        if change.path == "/root/example"
    )
    assert (gone.whiteout, gone.hidden_paths, gone.hidden_bytes) == ("file", 4, 2 * 6405)


def test_hardlink_outlives_the_name_it_was_stored_under() -> None:
    layers = open_image(str(fixture(f"{SYLABS}hard-link-delete-1"))).layers
    union = union_of(layers)
    assert union.at(union.find("/a/b/foo"), LayerNumber(2)) < 0
    event = union.at(union.find("/a/b/bar"), LayerNumber(2))
    entry = union.entry(event, LayerNumber(2))
    assert (entry.type, entry.mode, entry.size, entry.hardlink) == ("file", 0o555, 3, None)
    assert len(reader(union, layers)(event)) == 3
