"""Several processes open one image at once with one cold cache, and one of them is killed."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from layertui.layers.load import index_layer
from layertui.sources import open_image
from layertui.verify.layer import verify_layer
from tests.cache.processes import Round
from tests.images import layers_of
from tests.layers.tars import END, file
from tests.layouts import MANIFEST, OciLayout, digest, docker_archive

ROOT = Path(__file__).parents[2]
ROUNDS = 2
"""Rounds without a kill."""
KILLS = {2: 8, 10: 4}
"""Rounds in which one of some processes is killed, each at another moment."""
LAYERS = 3


def tars(seed: int, size: int = 3 << 20) -> list[bytes]:
    """Layers whose decompression takes some time."""
    random_ = random.Random(seed)
    noise = random_.randbytes(1 << 16)
    return [
        b"".join(file(b"layer%d/%d" % (layer, number), noise * (size >> 18)) for number in range(4)) + END
        for layer in range(LAYERS)
    ]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout of gzip layers: a large image and a small one."""
    directory = tmp_path_factory.mktemp("layout")
    made = OciLayout(directory)
    made.add("large", tars(1), "gzip")
    made.add("small", [file(b"a", b"1") + END], "gzip")
    return directory


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as docker-archives of plain layers, each compressed as a whole."""
    directory = tmp_path_factory.mktemp("archives")
    for name, layers in (("large", tars(1)), ("small", [file(b"a", b"1") + END])):
        image = open_image("demo:")
        diff_ids = [layer.diff_id for layer in layers_of(layers)]
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        image = image._replace(layers=layers_of(layers), config_bytes=json.dumps(config).encode())
        docker_archive(directory / "plain.tar", image)
        (directory / f"{name}.tar.gz").write_bytes(gzip.compress((directory / "plain.tar").read_bytes(), 1))
    return directory


@contextmanager
def registry(layout: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a layout as a registry; gives the start of its references and the paths that were asked for."""
    manifests = json.loads((layout / "index.json").read_bytes())["manifests"]
    tags = {each["annotations"]["org.opencontainers.image.ref.name"]: each["digest"] for each in manifests}
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            name = self.path.rpartition("/")[2]
            path = layout / "blobs" / tags.get(name, name).replace(":", "/")
            data = path.read_bytes() if path.is_file() else b"{}"
            self.send_response(200)
            self.send_header(
                "Content-Type", MANIFEST if "/manifests/" in self.path else "application/octet-stream"
            )
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"docker://127.0.0.1:{server.server_port}/app", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rounds(
    folder: Path, reference: str, other: str, processes: int, number: int, kill: bool = False
) -> list[Round]:
    """Have processes open an image; the first round is without a kill."""
    plan = {
        "folder": str(folder), "reference": reference, "other": other,
        "processes": processes, "rounds": number, "kill": kill,
    }  # fmt: skip
    settings = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cache.processes"],
        input=json.dumps(plan),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **settings},
    )
    return [Round(**values) for values in json.loads(done.stdout)]


def check(found: list[Round]) -> None:
    """Right answers, nothing decompressed twice at once or again without need, nothing left."""
    expected = found[0].results[0]
    assert len(expected) == 64, expected
    for each in found:
        for number, result in enumerate(each.results):
            assert result == expected or (number == each.killed and not result), result
        assert decompressions(each) <= 1 + (each.killed >= 0), each.streams
        assert not each.hidden or each.killed >= 0, each.hidden
        assert not each.hidden_later, each.hidden_later


def decompressions(found: Round) -> int:
    """How often what was decompressed most often was; checks that it never was twice at once."""
    begun: Counter[str] = Counter()
    running: dict[str, str] = {}
    for line in found.streams:
        process, what, name = line.split(" ", 2)
        if what == "begin":
            assert running.get(name, str(found.killed)) == str(found.killed), found.streams
            running[name] = process
            begun[name] += 1
        else:
            assert running.pop(name) == process, found.streams
    assert begun
    return max(begun.values())


PLACES = ("archive", "layout", "registry")


@contextmanager
def place(kind: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, str, list[str]]]:
    """References of the large and the small image, and what a registry was asked for."""
    if kind == "archive":
        directory: Path = request.getfixturevalue("archives")
        yield f"{directory}/large.tar.gz", f"{directory}/small.tar.gz", []
        return
    layout: Path = request.getfixturevalue("layout")
    if kind == "layout":
        yield f"oci:{layout}:large", f"oci:{layout}:small", []
        return
    with registry(layout) as (name, asked):
        yield f"{name}:large", f"{name}:small", asked


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("processes", [2, 10])
def test_processes_at_once(kind: str, processes: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with place(kind, request) as (large, small, asked):
        check(rounds(tmp_path, large, small, processes, ROUNDS))
    downloads = Counter(path.rpartition("/")[2] for path in asked)
    if kind == "registry":
        layers = {digest(gzip.compress(tar, mtime=0)) for tar in tars(1)}
        assert {name: downloads[name] for name in layers} == dict.fromkeys(layers, ROUNDS)


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("processes", [2, 10])
def test_one_of_them_is_killed(
    kind: str, processes: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with place(kind, request) as (large, small, _):
        found = rounds(tmp_path, large, small, processes, 1 + KILLS[processes], kill=True)
    check(found)
    assert any(each.killed >= 0 for each in found)


def test_two_questions_about_a_layer_fetch_it_once(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a cache of indexes: blobs are fetched into their own cache."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    with registry(layout) as (name, asked):
        first, second = (open_image(f"{name}:large").layers[0] for _ in range(2))
        asked.clear()
        found: list[object] = []
        threads = [
            threading.Thread(target=lambda: found.append(index_layer(first, None).blob_digest)),
            threading.Thread(target=lambda: found.append(verify_layer(second))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(map(str, found)) == ["", first.descriptor.digest]
    assert len(asked) == 1
