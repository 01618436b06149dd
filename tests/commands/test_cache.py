"""``layertui cache``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from layertui import demo
from tests.commands.running import Run
from tests.layouts import docker_archive


@pytest.fixture
def indexes(run: Run, tmp_path: Path) -> Path:
    """The folder of indexes, in which are those of an archive."""
    docker_archive(tmp_path / "app.tar", demo.image())
    assert run("tree", tmp_path / "app.tar").status == 0
    return tmp_path / "cache/layertui/indexes"


def long_ago(folder: Path) -> None:
    """Have the entries of a folder not been used for an hour."""
    for path in folder.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)


def test_what_is_cached_is_listed(run: Run, indexes: Path) -> None:
    long_ago(indexes)
    files = list(indexes.iterdir())
    rows = run("cache", "--json").objects
    assert [row["name"] for row in rows] == ["indexes", "archives", "blobs"]
    assert rows[0]["path"] == str(indexes)
    assert (rows[0]["entries"], rows[0]["size"]) == (len(files), sum(file.stat().st_size for file in files))
    assert rows[0]["last_used"].endswith("Z") and rows[0]["limit"] == 512 << 20
    assert (rows[2]["entries"], rows[2]["size"], rows[2]["last_used"]) == (0, 0, None)
    lines = run("cache", "list").lines
    assert lines[0].split() == ["NAME", "ENTRIES", "SIZE", "LIMIT", "LAST", "USED", "PATH"]
    assert lines[1].split()[:2] == ["indexes", str(len(files))]


def test_prune_deletes_what_is_not_in_use(run: Run, indexes: Path) -> None:
    count = len(list(indexes.iterdir()))
    done = run("cache", "prune")
    assert done.lines == ["deleted 0 entries, 0 B", f"{count} entries left, used in the last minute"]
    long_ago(indexes)
    writing = indexes / ".new-1"
    size = sum(file.stat().st_size for file in indexes.iterdir())
    (deleted,) = run("cache", "prune", "--json").objects
    assert deleted == {"deleted_entries": count, "deleted_bytes": size, "left_entries": 0}
    assert list(indexes.iterdir()) == [] and not writing.exists()
    assert run("cache", "prune").lines == ["deleted 0 entries, 0 B"]


def test_an_empty_cache_and_an_unknown_action(run: Run) -> None:
    assert [row["entries"] for row in run("cache", "--json").objects] == [0, 0, 0]
    assert run("cache", "prune").status == 0
    done = run("cache", "clear")
    assert done.status == 2 and "invalid choice: 'clear'" in done.err
