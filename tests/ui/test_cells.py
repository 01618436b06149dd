"""Texts shortened to the cells that there are."""

import pytest
from rich.cells import cell_len

from layertui.ui.cells import shorten_path

LIBRARY = "/usr/lib/x86_64-linux-gnu/libx265.so.199"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, LIBRARY),
        (39, "/usr/lib/…/libx265.so.199"),
        (25, "/usr/lib/…/libx265.so.199"),
        (24, "/usr/…/libx265.so.199"),
        (17, "/…/libx265.so.199"),
        (16, "…/libx265.so.199"),
        (15, "libx265.so.199"),
        (13, "libx26…so.199"),
        (1, "…"),
    ],
)
def test_directories_of_a_path_are_cut_before_its_name(width: int, shown: str) -> None:
    assert shorten_path(LIBRARY, width) == shown


def test_a_relative_path_stays_one() -> None:
    assert shorten_path("layouts/alpine/3.20", 18) == "layouts/…/3.20"
    assert shorten_path("layouts/alpine", 10) == "…/alpine"


@pytest.mark.parametrize("path", [LIBRARY, "a/名前/bcd", "/", "", "name", "/名前/日本語の名前", "/a/é́́b"])
@pytest.mark.parametrize("width", range(1, 30))
def test_a_path_fits(path: str, width: int) -> None:
    assert cell_len(shorten_path(path, width)) <= width
