"""A containerd's store for the tests of this directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="package")
def live(containerd_live: tuple[list[str], Path]) -> tuple[list[str], Path]:
    return containerd_live


@pytest.fixture(scope="package")
def root(live: tuple[list[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, taken while containerd runs."""
    copied = tmp_path_factory.mktemp("copied") / "containerd"
    subprocess.run(["cp", "--archive", live[1], copied], check=True)
    return copied
