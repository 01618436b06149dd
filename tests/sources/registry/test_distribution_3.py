"""The tests of a registry, against distribution 3, where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import current_programs
from tests.sources.registry.conftest import QUARRY, TAGS
from tests.sources.registry.server import Registry, docker_registry
from tests.sources.registry.test_referrers import (
    attested,
    test_by_the_referrers_api,
    test_of_an_image_in_a_registry,
)
from tests.sources.registry.test_source import (
    test_is_the_image_that_was_loaded,
    test_lists_tags,
    test_no_layer_is_fetched_before_it_is_read,
    test_nothing_is_fetched_twice,
    test_several_platforms_and_attestations,
    test_shows_what_its_archive_shows,
    test_summary_of_a_tag,
)

__all__ = [
    "attested",
    "test_by_the_referrers_api",
    "test_is_the_image_that_was_loaded",
    "test_lists_tags",
    "test_no_layer_is_fetched_before_it_is_read",
    "test_nothing_is_fetched_twice",
    "test_of_an_image_in_a_registry",
    "test_several_platforms_and_attestations",
    "test_shows_what_its_archive_shows",
    "test_summary_of_a_tag",
]


@pytest.fixture(scope="module")
def registry(layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of today, filled as the packaged one."""
    program = shutil.which("registry", path=current_programs("registry")) or "registry"
    with docker_registry(tmp_path_factory.mktemp("registry"), program=program) as server:
        for tag in TAGS:
            server.load(f"oci:{layout}:{tag}", f"{QUARRY}:{tag}")
        yield server
