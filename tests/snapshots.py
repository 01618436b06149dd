"""Where pictures of screens lie, and what their report may hold.

They are kept in ``snapshots/<test module>/<test>.svg``. This has to run in the process that
writes the report too (with pytest-xdist, one that runs no test), hence from the top
``conftest.py``.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_textual_snapshot
from syrupy.data import SnapshotCollections
from syrupy.location import PyTestLocation

DIRECTORY = Path(__file__).parent.parent / "snapshots"
_narrowed = False


class SVGImageExtension(pytest_textual_snapshot.SVGImageExtension):  # type: ignore[misc]  # the plugin is not typed
    """Pictures in a folder of their own beside the tests."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(DIRECTORY / Path(test_location.filepath).stem)

    def discover_snapshots(self, *, test_location: PyTestLocation) -> SnapshotCollections:
        """None in a run of some tests only: what it does not touch would count as unused and be deleted."""
        return SnapshotCollections() if _narrowed else super().discover_snapshots(test_location=test_location)


@dataclass
class SnapshotDifference(pytest_textual_snapshot.SvgSnapshotDiff):  # type: ignore[misc]  # the plugin is not typed
    """A difference for the report, without the variables of whoever ran the tests."""

    def __post_init__(self) -> None:
        self.environment: dict[str, str] = {}


def configure(config: pytest.Config) -> None:
    """Puts these classes in the place of the plugin's, which looks them up when it needs them."""
    global _narrowed
    narrowing = ("keyword", "markexpr", "lf", "ignore", "deselect")
    _narrowed = any(getattr(config.option, name, None) for name in narrowing) or any(
        not Path(argument).is_dir() for argument in config.args
    )
    pytest_textual_snapshot.SVGImageExtension = SVGImageExtension
    pytest_textual_snapshot.SvgSnapshotDiff = SnapshotDifference
