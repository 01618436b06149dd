"""The tests of a store, against a running containerd 2, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import current_programs, run
from tests.sources.containerd.test_store import (
    damaged,
    test_a_container_whose_image_went,
    test_a_directory_that_a_container_moved,
    test_a_running_store,
    test_containers,
    test_list_is_containerds,
    test_the_same_image_as_from_its_archive,
    test_unpacked_where_blobs_were_discarded,
    test_ways_to_name_an_image,
)
from tests.sources.containerd.test_usage import (
    test_blobs_and_snapshots_are_all_accounted_for,
    test_what_an_image_frees,
)
from tests.sources.stores import worked_containerd

__all__ = [
    "damaged",
    "test_a_container_whose_image_went",
    "test_a_directory_that_a_container_moved",
    "test_a_running_store",
    "test_blobs_and_snapshots_are_all_accounted_for",
    "test_containers",
    "test_list_is_containerds",
    "test_the_same_image_as_from_its_archive",
    "test_unpacked_where_blobs_were_discarded",
    "test_ways_to_name_an_image",
    "test_what_an_image_frees",
]


@pytest.fixture(scope="module")
def live(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], Path]]:
    path = current_programs("containerd", "ctr")
    with worked_containerd(archive, tmp_path_factory.mktemp("layout"), path) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def root(live: tuple[list[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, taken before a test has the store changed: containerd removes what is deleted some time later."""
    copied = tmp_path_factory.mktemp("copied") / "containerd"
    run("cp", "--archive", live[1], copied)
    return copied
