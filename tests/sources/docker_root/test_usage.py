"""What a data root holds, compared with the daemon's own figures and du(1)."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest

from layertui import demo
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.reference import parse_reference
from layertui.sources import open_image
from layertui.sources.docker_root.usage import linkgraph
from layertui.sources.store_usage import Orphan, StoreUsage, usage_of
from tests.engines import docker_daemon, run
from tests.layouts import docker_archive
from tests.other_projects import docker_root
from tests.programs import need
from tests.sources.fingerprint import fingerprint


@pytest.fixture(scope="module", params=["overlay2", "vfs"])
def roots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data root of images that share layers, and what its daemon says of them.

    While it was copied a container ran, whose merged view was mounted in the root.
    """
    need("busybox", "cp")
    folder = tmp_path_factory.mktemp("overview")
    docker_archive(folder / "sample.tar", demo.image())
    context = folder / "context"
    context.mkdir()
    shutil.copy(str(shutil.which("busybox")), context / "busybox")
    (context / "own").write_bytes(os.urandom(30_000))
    with docker_daemon(Path(tempfile.mkdtemp(prefix="layertui-")), driver=request.param) as docker:
        docker("load", "--input", folder / "sample.tar")
        docker.build("base:1", context, "FROM scratch\nCOPY busybox /bin/sh\n")
        docker.build("left:1", context, "FROM base:1\nCOPY own /left\nENV A=1\n")
        docker.build("right:1", context, "FROM base:1\nCOPY own /right\nCOPY own /more\n")
        docker("tag", "right:1", "other/right:2")
        docker("run", "--detach", "--name=runs", "--network=none", "right:1", "/bin/sh", "-c", "sleep 600")
        live = usage_of(parse_reference(f"docker-root:{docker.data_root}"))
        du = run("du", "-xs", "--block-size=1", *sorted(docker.data_root.iterdir())).splitlines()
        (folder / "du.json").write_text(
            json.dumps({Path(line.split("\t")[1]).name: int(line.split("\t")[0]) for line in du})
        )
        (folder / "live.json").write_text(json.dumps({part.name: part.size for part in live.parts}))
        (folder / "df.json").write_text(docker("system", "df", "--verbose", "--format", "json"))
        docker("kill", "runs")
        os.system(f"cp --archive {docker.data_root} {folder / 'docker'}")
    return folder / "docker", folder


@pytest.fixture
def found(roots: tuple[Path, Path]) -> StoreUsage:
    return usage_of(parse_reference(f"docker-root:{roots[0]}"))


def test_sizes_are_those_of_du_while_a_container_runs(roots: tuple[Path, Path]) -> None:
    ours, theirs = (json.loads((roots[1] / name).read_text()) for name in ("live.json", "du.json"))
    assert set(ours) == set(theirs) and "volumes" in ours
    for name, size in ours.items():
        assert abs(size - theirs[name]) <= 65_536, name  # it is alive: logs and databases grow


def test_what_each_image_alone_frees_is_dockers_unique_size(
    roots: tuple[Path, Path], found: StoreUsage
) -> None:
    rows = {row["ID"]: row for row in json.loads((roots[1] / "df.json").read_text())["Images"]}
    assert {image.id for image in found.images} == set(rows)
    for image in found.images:
        row = rows[image.id]
        assert (
            _text(image.frees) == row["UniqueSize"] and _text(image.size - image.frees) == row["SharedSize"]
        )
        assert open_image(image.reference).id == image.id
    named = {name: image for image in found.images for name in image.names}
    assert named["left:1"].frees == 30_000 and named["right:1"].frees == 60_000
    assert named["base:1"].frees == 0 and named["quarry:1.1"].frees == named["quarry:1.1"].size
    assert named["right:1"] is named["other/right:2"]
    assert named["right:1"].containers == ["runs"] and named["left:1"].containers == []


def _text(size: int) -> str:
    """As docker writes it (units.HumanSize)."""
    value, unit = float(size), 0
    while value >= 1000:
        value, unit = value / 1000, unit + 1
    return f"{value:.4g}{('B', 'kB', 'MB')[unit]}"


def test_shared_layers(found: StoreUsage) -> None:
    named = {name: image.reference for image in found.images for name in image.names}
    (shared,) = [layer for layer in found.layers if len(layer.images) > 1]
    assert set(shared.images) == {named["base:1"], named["left:1"], named["right:1"]}
    assert all(layer.images for layer in found.layers) and not found.strays and not found.problems


def test_what_nothing_names(roots: tuple[Path, Path], tmp_path: Path) -> None:
    root = tmp_path / "docker"
    os.system(f"cp --archive {roots[0]} {root}")
    driver = next(path.name for path in (root / "image").iterdir())
    repositories = root / "image" / driver / "repositories.json"
    identity = demo.image().id
    value = json.loads(repositories.read_text())
    del value["Repositories"]["quarry"]
    repositories.write_text(json.dumps(value))
    (root / "image" / driver / "imagedb/content" / identity.replace(":", "/")).unlink()
    folder = root / ("vfs/dir" if driver == "vfs" else "overlay2")
    (folder / "left-behind").mkdir()
    found = usage_of(parse_reference(f"docker-root:{root}"))
    assert {layer.id for layer in found.layers if not layer.images} == {
        layer.chain_id for layer in demo.image().layers
    }
    reads = (
        f"docker-root:[{root}]//left-behind" if driver == "vfs" else ""
    )  # overlay2 would have a diff in it
    assert found.strays == [Orphan(folder / "left-behind", reads)]


def test_an_image_that_is_damaged_leaves_the_rest(roots: tuple[Path, Path], tmp_path: Path) -> None:
    root = tmp_path / "docker"
    os.system(f"cp --archive {roots[0]} {root}")
    driver = next(path.name for path in (root / "image").iterdir())
    (root / "image" / driver / "imagedb/content" / demo.image().id.replace(":", "/")).write_text("{}")
    found = usage_of(parse_reference(f"docker-root:{root}"))
    assert len(found.problems) == 1 and "wrong digest" in found.problems[0]
    names = {name for image in found.images for name in image.names}
    assert {"base:1", "left:1"} <= names and "quarry:1.1" not in names


def test_a_root_of_docker_1_9(tmp_path: Path) -> None:
    root = docker_root("aufs.v1", tmp_path)
    before = fingerprint(root)
    found = usage_of(parse_reference(f"docker-root:{root}"))
    assert fingerprint(root) == before
    (image,) = found.images
    assert image.names[0] == "busybox:latest" and len(image.containers) == 3
    assert {path: identity[:12] for path, identity in found.links} == {
        "/angry_rosalind": "de44dd97cfd1",
        "/insane_rosalind": "3b03d0958390",
        "/kickass_mestorf": "fbb6711cefc7",
    }
    parts = {part.name: part for part in found.parts}
    assert {"graph", "trust", "tmp", "volumes", "repositories-aufs", "linkgraph.db"} <= set(parts)
    assert all(part.about for part in found.parts)


def test_parts_of_all_versions(tmp_path: Path) -> None:
    """Directories of moby v1.9.1 (daemon/daemon.go) and of Docker 29 that others in between do not have."""
    root = docker_root("aufs.v1", tmp_path)
    for name in ("execdriver/native", "init", "rootfs/overlayfs", "unheard-of"):
        (root / name).mkdir(parents=True)
    (root / "engine-id").write_text("f1f3a2b6-5c5c-4c5b-8a64-0c8a2c9d8f0e")
    found = usage_of(parse_reference(f"docker-root:{root}"))
    assert [part.name for part in found.parts if not part.about] == ["unheard-of"]


def test_links_of_containers(tmp_path: Path) -> None:
    """A container that another is linked to, and the other way round."""
    path = tmp_path / "linkgraph.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE edge (entity_id text, parent_id text, name text)")
    rows = [("0", None, "/"), ("web", "0", "web"), ("db", "0", "db"), ("db", "web", "db"), ("web", "db", "w")]
    connection.executemany("INSERT INTO edge VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    assert linkgraph(path) == [("/db", "db"), ("/db/w", "web"), ("/web", "web"), ("/web/db", "db")]
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LayertuiError, match=r"cannot read .*linkgraph.db, file is not a database"):
        linkgraph(path)
    assert [each.name for each in tmp_path.iterdir()] == ["linkgraph.db"]


def test_links_are_stored_in_a_table(tmp_path: Path) -> None:
    """Those of a view could have no end."""
    path = tmp_path / "linkgraph.db"
    connection = sqlite3.connect(path)
    rows = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    connection.execute(
        f"CREATE VIEW edge AS {rows} SELECT x AS entity_id, '0' AS parent_id, x AS name FROM n"
    )
    connection.close()
    with pytest.raises(LayertuiError, match=r"cannot read .*linkgraph.db, it has no table edge"):
        linkgraph(path)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_links_while_a_daemon_had_not_done_writing(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal beside it tells what it was before, the log what is not in it yet: neither is used up."""
    root, copied = tmp_path / "root", tmp_path / "copied"
    root.mkdir()
    copied.mkdir()
    connection = sqlite3.connect(root / "linkgraph.db", isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("CREATE TABLE edge (entity_id text, parent_id text, name text)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO edge VALUES (?, '0', ?)", [(f"id{n}", f"n{n}") for n in range(5000)])
    connection.execute("COMMIT")
    committed = [(f"/n{n}", f"id{n}") for n in range(5000)]
    connection.execute("PRAGMA cache_size=1")  # so that what is not committed goes to the disk early
    connection.execute("BEGIN")
    connection.execute("UPDATE edge SET name = 'half-done'")
    for path in root.iterdir():
        if not path.name.endswith("-shm"):
            shutil.copy(path, copied)
    connection.close()
    end = {"DELETE": "-journal", "WAL": "-wal"}[mode]
    assert {path.name for path in copied.iterdir()} == {"linkgraph.db", f"linkgraph.db{end}"}
    assert b"half-done" in (copied / f"linkgraph.db{end if mode == 'WAL' else ''}").read_bytes()
    before = fingerprint(copied)
    assert linkgraph(copied / "linkgraph.db") == sorted(committed)
    assert fingerprint(copied) == before
    monkeypatch.setattr("layertui.sources.docker_root.usage.MAX_COPY", 100)
    with pytest.raises(LayertuiError, match=rf"linkgraph.db, it and linkgraph.db{end} have over 100 bytes"):
        linkgraph(copied / "linkgraph.db")


def test_it_stops_when_told_to_and_tells_how_far_it_is(roots: tuple[Path, Path]) -> None:
    told: list[int] = []
    found = usage_of(parse_reference(f"docker-root:{roots[0]}"), Job(lambda done, total: told.append(done)))
    assert told == sorted(told) and told[-1] == sum(part.size for part in found.parts)
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        usage_of(parse_reference(f"docker-root:{roots[0]}"), job=job)


def test_what_is_no_data_root(tmp_path: Path) -> None:
    with pytest.raises(LayertuiError, match="is not a data root"):
        usage_of(parse_reference(f"docker-root:{tmp_path}"))
