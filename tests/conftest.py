"""What every run of the tests needs, whichever it picks."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import markers, textual_internals
from tests.engines import docker, docker29
from tests.native import MODES, native_mode
from tests.programs import need_root

__all__ = ["docker", "docker29", "native_mode"]

IN_BOTH_MODES = (
    "layers/tar/",
    "layers/test_load.py",
    "layers/test_visit.py",
    "layers/test_codec.py",
    "layers/test_column_bounds.py",
    "union/",
    "insight/",
    "verify/",
)
"""Tests that run with the native core and without, except those that drive programs."""
IN_ONE_MODE = "insight/test_secrets.py"  # texts, which Python searches either way


def pytest_configure(config: pytest.Config) -> None:
    os.environ["LAYERTUI_TRACEBACK"] = "1"  # bugs fail loudly
    os.environ.pop("CI", None)
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="layertui-state-")  # not the user's recent images
    # Hundreds of programs are started: their modules are compiled once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    textual_internals.configure_snapshots(config)
    textual_internals.hurry()


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    place = metafunc.definition.path.relative_to(Path(__file__).parent).as_posix()
    in_both = place.startswith(IN_BOTH_MODES) and place != IN_ONE_MODE
    if in_both and not markers.needs_programs(metafunc.definition):
        metafunc.parametrize("native_mode", MODES, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function):
            markers.mark(item)


def pytest_collection_finish() -> None:
    gc.freeze()  # modules and thousands of tests: pytest searches all objects for cycles five times when it ends


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A directory that everybody can reach and write to."""
    need_root()
    directory = Path(tempfile.mkdtemp(prefix="layertui-"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)
