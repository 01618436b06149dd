"""Waiting for what programs, threads and files do: nothing else in the tests sleeps to let time go by."""

import time
from collections.abc import Callable

SECONDS = 60
"""How long something that should happen at once may take where the cores are busy."""


def wait_for(
    condition: Callable[[], object], failure: Callable[[], str] = str, seconds: float = SECONDS
) -> None:
    """Return once ``condition`` holds; fail with what ``failure`` says if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failure() or "never came true"
        time.sleep(0.005)
