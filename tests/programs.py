"""The real programs that tests hold layertui against."""

import os
import shutil
from typing import NoReturn

import pytest


def need(*programs: str) -> None:
    """Skip the test if a program is not installed; where all are required (CI), fail it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        lacking(f"not installed: {', '.join(missing)}")


def need_root() -> None:
    """Skip the test unless it may mount and give files away; in CI, fail it."""
    if os.geteuid() != 0:
        lacking("needs root")


def lacking(what: str) -> NoReturn:
    """Skip the test for want of ``what``; where nothing may be skipped (CI), fail it."""
    if os.environ.get("LAYERTUI_REQUIRE_PROGRAMS"):
        pytest.fail(what)
    pytest.skip(what)
