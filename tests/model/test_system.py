"""What not every system has."""

from __future__ import annotations

from pathlib import Path

import pytest

from layertui.model.system import plain_path

PATHS = (
    "",
    ".",
    "/",
    "//",
    "///",
    "a",
    "//a",
    "///a",
    "a//b",
    "a/./b",
    "./a",
    "a/",
    "/a/../b/",
    "..",
    "a/.",
    "/.",
)


@pytest.mark.parametrize("text", PATHS)
def test_a_plain_path_is_that_of_pathlib(text: str) -> None:
    assert plain_path(text) == str(Path(text))
