"""Merged trees equal what ``umoci raw unpack`` makes of the same layers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from layertui import demo
from tests.images import layers_of, reader, union_of
from tests.layouts import OciLayout, blob_bytes
from tests.programs import need, need_root
from tests.union.generator import Generator
from tests.union.trees import Facts, assert_same, merged, on_disk

SEEDS = int(os.environ.get("LAYERTUI_SEEDS", "100"))
"""Random images; more of them for a longer run."""
BATCH = 10
MAX_ERROR = 500
"""Characters of an error worth reading: umoci's can be a symlink loop spelled out."""


@pytest.fixture(autouse=True)
def _programs() -> None:
    need("umoci")
    need_root()  # umoci gives files their owners only as root


def unpack(layout: Path, tag: str, root: Path) -> dict[str, Facts]:
    """What umoci makes of an image, with a directory to do it in that is not there yet."""
    command = ["umoci", "raw", "unpack", "--image", f"{layout}:{tag}", str(root)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[:MAX_ERROR]
    tree = on_disk(root)
    shutil.rmtree(root)
    return tree


@pytest.mark.parametrize("batch", range(0, SEEDS, BATCH))
def test_random_images(batch: int, tmp_path: Path) -> None:
    failures = []
    for seed in range(batch, batch + BATCH):
        try:
            check(seed, tmp_path / str(seed))
        except AssertionError as error:
            failures.append(f"seed {seed}: {error}")
    assert not failures, "\n".join(failures)


def check(seed: int, directory: Path) -> None:
    """Compare the top of a random image, and one of the trees below it."""
    layers = layers_of(Generator(seed).layers())
    union = union_of(layers)
    layout = OciLayout(directory)
    tars = [blob_bytes(layer.blob) for layer in layers]
    read = reader(union, layers)
    for count in sorted({1 + seed % len(layers), len(layers)}):
        layout.add(str(count), tars[:count])
        theirs = unpack(directory, str(count), directory / "root")
        assert_same(merged(union, count, read), theirs)
    shutil.rmtree(directory)


def test_every_layer_of_the_sample(tmp_path: Path) -> None:
    image = demo.image()
    union = union_of(image.layers)
    assert not union.warnings
    layout = OciLayout(tmp_path / "layout")
    for layer in image.layers:
        tag = str(layer.number)
        layout.add_base(tag, image, layer.number)
        theirs = unpack(layout.directory, tag, tmp_path / "root")
        assert_same(merged(union, layer.number, reader(union, image.layers)), theirs)
