"""A short run of each fuzz target, the same each time; ``make fuzz`` is for the long ones."""

import pytest

pytest.importorskip("atheris", reason="atheris is not installed: it is for Linux on x86-64")

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.xdist_group("fuzz")


@pytest.fixture(scope="module")
def fuzzed() -> dict[str, tuple[int, int, str]]:
    """Status, number of inputs and output of each target; to prepare takes longer than to fuzz."""
    return fuzz(list(TARGETS), "-runs=1000", "-seed=1", "-timeout=120", "-artifact_prefix=/dev/null")


@pytest.mark.parametrize("target", TARGETS)
def test_fuzz(target: str, fuzzed: dict[str, tuple[int, int, str]]) -> None:
    status, inputs, output = fuzzed[target]
    assert status == 0, output[output.find(" === Uncaught") :][:5000]
    assert inputs >= 1000
