"""What every run of the tests needs, whichever it picks."""

import pytest

from tests import pace, snapshots
from tests.engines import docker

__all__ = ["docker"]


def pytest_configure(config: pytest.Config) -> None:
    snapshots.configure(config)
    pace.configure()
