"""What is optional is: without each of the libraries the answers are the same, or say which one is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from layertui import zstd
from tests.commands.samples import tar
from tests.layouts import OciLayout

LIBRARIES = {
    "isal": "isal",
    "zlib-ng": "zlib_ng",
    "zstandard": "zstandard",
    "ahocorasick-rs": "ahocorasick_rs",
    "charset-normalizer": "charset_normalizer",
}
"""Distributions and their modules."""
HIDING = """
import sys
for name in sys.argv[1].split():
    sys.modules[name] = None
from layertui.cli import main
for words in sys.argv[2:]:
    print(words, main(words.split()), flush=True)
"""
TOKEN = "AKIA" + "Q3EGRIUVNTO5ZKX7"
LAYER = tar(
    ("/etc/config", f"aws_access_key_id = {TOKEN}\n".encode()),
    ("/etc/latin", "Straße, Größe, Übung, naïve café\n".encode("latin-1") * 20),
    ("/etc/large", bytes(range(256)) * 4096),
)
WORDS = (
    "history --json {image}",
    "tree --json {image}",
    "cat {image} /etc/large",
    "diff {image} /etc/latin --from 0 --to 1",
    "insight --json {image}",
    "search {image} aws",
    "verify {image}",
)


def answers(image: str, cache: Path, *hidden: str, words: tuple[str, ...] = WORDS) -> str:
    """All that the commands print about an image while modules are hidden; the cache is cold for the first."""
    done = subprocess.run(
        [sys.executable, "-c", HIDING, " ".join(hidden), *(each.format(image=image) for each in words)],
        capture_output=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        check=True,
    )
    return (done.stdout + done.stderr).decode("utf-8", "surrogateescape")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two images with the same tree, one of gzip and one of zstd layers."""
    folder = tmp_path_factory.mktemp("layout")
    made = OciLayout(folder / "images")
    for compression in ("gzip", "zstd"):
        made.add(compression, [LAYER], compression)
    return f"oci:{folder}/images"


@pytest.fixture(scope="module")
def expected(layout: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cache = tmp_path_factory.mktemp("cache")
    return {name: answers(f"{layout}:{name}", cache) for name in ("gzip", "zstd")}


def test_all_is_found(expected: dict[str, str]) -> None:
    for text in expected.values():
        assert "AWS access key" in text and TOKEN in text and "Traceback" not in text
        assert [line.rpartition(" ")[2] for line in text.splitlines() if " --json oci:" in line] == ["0"] * 3


@pytest.mark.parametrize("library", LIBRARIES)
def test_gzip_layers_without(library: str, layout: str, expected: dict[str, str], tmp_path: Path) -> None:
    assert answers(f"{layout}:gzip", tmp_path, LIBRARIES[library]) == expected["gzip"]


def test_gzip_layers_without_any(layout: str, expected: dict[str, str], tmp_path: Path) -> None:
    for _ in ("cold", "cached"):
        assert answers(f"{layout}:gzip", tmp_path, *LIBRARIES.values()) == expected["gzip"]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python has zstd")
def test_zstd_layers_without_a_library(layout: str, expected: dict[str, str], tmp_path: Path) -> None:
    said = answers(f"{layout}:zstd", tmp_path, "zstandard", words=("tree {image}", "cat {image} /etc/large"))
    assert zstd.INSTALL in said and [line[-1] for line in said.splitlines() if " oci:" in line] == ["2", "2"]


def test_zstd_layers_by_pythons_own(layout: str, expected: dict[str, str], tmp_path: Path) -> None:
    if sys.version_info < (3, 14):
        pytest.skip("Python 3.14 has zstd")
    assert answers(f"{layout}:zstd", tmp_path, "zstandard") == expected["zstd"]
