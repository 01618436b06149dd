"""Images and data roots of other projects, where a folder of them is at hand."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("LAYERTUI_FIXTURES", Path(__file__).resolve().parents[2] / "shared" / "fixtures"))


def fixture(name: str) -> Path:
    """The path of one; skips the test where it is absent."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no fixture {name}")
    return path
