"""Files of gzip layers that were listed before, and are no longer in the cache."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from layertui.cache.indexes import IndexCache
from layertui.content.read import Contents
from layertui.layers.compression import gzip_points
from layertui.layers.load import index_layers
from layertui.layers.visit import ContentBatch
from layertui.model.numbers import Event, LayerNumber
from layertui.sources import open_image
from layertui.union.builder import UnionBuilder
from layertui.union.model import LayerUnion
from tests.commands.samples import tar
from tests.layouts import OciLayout
from tests.native import need_core
from tests.sources.registry.proxy import FaultyProxy
from tests.sources.registry.server import Registry

RANDOM = random.Random(8)
FILES = {f"/file{number:02d}": RANDOM.randbytes(30_000) for number in range(60)}
SPACING = 200_000


@pytest.fixture(scope="module")
def files(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A repository with one gzip layer."""
    directory = tmp_path_factory.mktemp("points")
    OciLayout(directory).add("files", [tar(*FILES.items())], "gzip")
    registry.load(f"oci:{directory}:files", "points/files:1")
    return "points/files:1"


def read(name: str) -> tuple[LayerUnion, Contents]:
    image, builder = open_image(name), UnionBuilder()
    indexes = [index for _, index in index_layers(image, IndexCache())]
    for index in indexes:
        assert not index.damage
        builder.add(index)
    union = builder.freeze()
    return union, Contents(image, indexes, union)


def content(union: LayerUnion, contents: Contents, path: str) -> bytes:
    return contents.read(union.at(union.find(path), LayerNumber(1)))


@pytest.fixture
def again(
    files: str, proxy: FaultyProxy, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[LayerUnion, Contents]:
    """The image, opened again after its layer was evicted."""
    monkeypatch.setattr(gzip_points, "POINT_SPACING", SPACING)
    name = f"docker://{proxy.host}/{files}"
    read(name)
    shutil.rmtree(settings / "XDG_CACHE_HOME" / "layertui" / "blobs")
    found = read(name)
    proxy.requests.clear()
    return found


def fetched(proxy: FaultyProxy) -> int:
    """Bytes of the ranges that were asked for; all requests are for ranges."""
    ends = [each.headers["Range"].removeprefix("bytes=").split("-") for each in proxy.requests]
    return sum(int(end) - int(start) + 1 for start, end in ends)


def test_a_file_is_read_by_ranges_near_it(again: tuple[LayerUnion, Contents], proxy: FaultyProxy) -> None:
    need_core()
    for path in ("/file57", "/file31", "/file00"):
        proxy.requests.clear()
        assert content(*again, path) == FILES[path]
        # Up to the file from the point before it; the file, in blocks of the cache; and what is read ahead meanwhile.
        assert 0 < fetched(proxy) < 3 * SPACING
        assert len(proxy.requests) < 9


def test_all_files_are_read_at_once_by_one_download(
    again: tuple[LayerUnion, Contents], proxy: FaultyProxy
) -> None:
    union, contents = again
    paths = {union.at(union.find(path), LayerNumber(1)): data for path, data in FILES.items()}
    found = {event: data for batch in contents.batches(list(paths)) for event, data in _files(batch)}
    assert found == paths
    assert len(proxy.requests) == 1 and "Range" not in proxy.requests[0].headers


def test_damaged_points_are_not_used(
    again: tuple[LayerUnion, Contents], proxy: FaultyProxy, settings: Path
) -> None:
    need_core()
    [path] = (settings / "XDG_CACHE_HOME" / "layertui" / "indexes").glob("*-points")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert content(*again, "/file57") == FILES["/file57"]
    assert not path.exists()


def test_a_cached_layer_is_not_fetched(
    files: str, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gzip_points, "POINT_SPACING", SPACING)
    read(f"docker://{proxy.host}/{files}")
    union, contents = read(f"docker://{proxy.host}/{files}")
    proxy.requests.clear()
    assert content(union, contents, "/file40") == FILES["/file40"]
    assert proxy.requests == []


def _files(batch: ContentBatch[Event]) -> list[tuple[Event, bytes]]:
    return [(event, batch.data[start:end]) for event, start, end in batch.files]
