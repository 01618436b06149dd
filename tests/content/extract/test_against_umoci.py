"""What is extracted with its owners equals what ``umoci raw unpack`` makes of the same layers."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from layertui.content.extract.folder import Extraction
from layertui.content.extract.selection import Selection, changeset, tree
from layertui.content.extract.tar import write_selection
from layertui.content.read import Contents
from layertui.model.numbers import LayerNumber
from tests.content.archives import contents_of
from tests.layouts import OciLayout
from tests.programs import need, need_root
from tests.union.generator import Generator
from tests.union.test_against_umoci import unpack
from tests.union.trees import Facts, assert_same, on_disk

SEEDS = range(1000, 1020)
TAR = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf", "-", "-C"]


@pytest.fixture(autouse=True)
def _programs() -> None:
    need("umoci", "tar")
    need_root()


def extracted(selection: Selection, contents: Contents, root: Path, links: bool = True) -> dict[str, Facts]:
    extraction = Extraction(selection, contents, root, owner=True)
    extraction.run()
    assert not extraction.left_out
    found = on_disk(root)
    assert extraction.files == selection.files == sum(facts.type == "file" for facts in found.values())
    shutil.rmtree(root)
    return found if links else {path: replace(facts, links=()) for path, facts in found.items()}


def by_tar(selection: Selection, contents: Contents, root: Path) -> dict[str, Facts]:
    """What GNU tar unpacks from a tar of a selection."""
    out = io.BytesIO()
    assert not write_selection(selection, contents, out)
    root.mkdir()
    subprocess.run([*TAR, root], input=out.getvalue(), check=True)
    found = on_disk(root)
    shutil.rmtree(root)
    return found


def test_random_images(tmp_path: Path) -> None:
    for seed in SEEDS:
        tars = Generator(seed).layers()
        contents, union = contents_of(*tars)
        OciLayout(tmp_path / "image").add("1", tars)
        ours = extracted(tree(union, LayerNumber(len(tars))), contents, tmp_path / "ours")
        theirs = unpack(tmp_path / "image", "1", tmp_path / "theirs")
        assert_same(ours, theirs)
        assert_same(by_tar(tree(union, LayerNumber(len(tars))), contents, tmp_path / "tar"), theirs)
        shutil.rmtree(tmp_path / "image")


def test_what_each_layer_changed_makes_the_same_of_the_layers_below(tmp_path: Path) -> None:
    """Random images once more, with a layer put in the place of one that it was extracted from."""
    for seed in SEEDS:
        tars = Generator(seed).layers()
        contents, union = contents_of(*tars)
        number = 1 + seed % len(tars)
        out = io.BytesIO()
        assert not write_selection(changeset(union, LayerNumber(number)), contents, out)
        again, other = contents_of(*tars[: number - 1], out.getvalue())
        ours = extracted(tree(other, LayerNumber(number)), again, tmp_path / "ours", links=False)
        assert_same(
            ours, extracted(tree(union, LayerNumber(number)), contents, tmp_path / "theirs", links=False)
        )
