"""What is optional is: without each of the libraries the answers are the same, or say which one is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from layertui import demo, zstd
from tests.commands.samples import tar
from tests.layouts import OciLayout, docker_archive
from tests.sources.registry.server import docker_registry

LIBRARIES = {
    "isal": "isal",
    "zlib-ng": "zlib_ng",
    "zstandard": "zstandard",
    "ahocorasick-rs": "ahocorasick_rs",
    "charset-normalizer": "charset_normalizer",
}
"""Distributions and their modules."""
HIDING = """
import os, platformdirs.unix, select, signal, socket, sys  # its module for Windows needs none
for name in sys.argv[1].split():
    module, _, attribute = name.partition(".")
    if attribute:
        delattr(sys.modules[module], attribute)
    else:
        sys.modules[name] = None
if "fcntl" in sys.argv[1]:
    os.supports_dir_fd.clear()
from layertui.cli import main
for words in sys.argv[2:]:
    print(words, main(words.split()), flush=True)
"""
POSIX = (
    *("fcntl", "pwd", "grp", "termios", "resource"),
    *(
        "select.poll",
        "socket.AF_UNIX",
        "signal.SIGHUP",
        "signal.SIGQUIT",
        "os.nice",
        "os.pread",
        "os.statvfs",
    ),
    *(
        "os.geteuid",
        "os.getuid",
        "os.O_CLOEXEC",
        "os.O_DIRECTORY",
        "os.O_NOCTTY",
        "os.O_NOFOLLOW",
        "os.O_NONBLOCK",
    ),
    *("os.O_PATH", "os.getxattr", "os.listxattr", "os.setxattr", "os.mkfifo", "os.mknod", "os.setpriority"),
)
"""Modules and names that systems without POSIX lack, of those in the way or used."""
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


def test_archives_layouts_and_registries_without_posix(
    layout: str, expected: dict[str, str], tmp_path: Path
) -> None:
    """Windows itself is tried in the workflow."""
    image = f"{layout}:gzip"
    for _ in ("cold", "cached"):
        assert answers(image, tmp_path, *POSIX) == expected["gzip"]
    archive = tmp_path / "app.tar"
    docker_archive(archive, demo.image())
    words = ("tree {image}", "log {image} /etc/passwd", "extract {image} / -")
    without, ordinary = (
        answers(f"docker-archive:{archive}", tmp_path, *hidden, words=words) for hidden in (POSIX, ())
    )
    assert without == ordinary
    (tmp_path / "registry").mkdir()
    with docker_registry(tmp_path / "registry") as registry:
        registry.load(image, "app:1")
        name = f"docker://{registry.host}/app:1"
        without, ordinary = (answers(name, tmp_path, *hidden) for hidden in (POSIX, ()))
    assert without == ordinary and "AWS access key" in without


def test_what_needs_posix_says_so(layout: str, tmp_path: Path) -> None:
    said = answers(
        f"{layout}:gzip",
        tmp_path,
        *POSIX,
        words=("history docker-daemon:app", f"extract {{image}} / {tmp_path}/out"),
    )
    assert "this system has no Unix sockets" in said and "Traceback" not in said


def test_the_app_starts_without_posix(layout: str) -> None:
    """All that it imports, as far as the terminal."""
    code = HIDING.replace("from layertui.cli import main", "import layertui.ui.launch, layertui.ui.app")
    hidden = [name for name in POSIX if name != "termios"]  # Textual's driver for POSIX needs that itself
    subprocess.run([sys.executable, "-c", code, " ".join(hidden)], check=True)
