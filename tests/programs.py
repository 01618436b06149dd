"""The real programs that tests hold layertui against."""

import os
import shutil

import pytest


def need(*programs: str) -> None:
    """Skip the test if a program is not installed; where all are required (CI), fail it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and os.environ.get("LAYERTUI_REQUIRE_PROGRAMS"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
