"""The same work with the native core and with the Python that it stands in for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeVar, cast
from unittest import mock

import pytest

from layertui.layers import native
from layertui.model.errors import LayertuiError
from tests.programs import lacking

T = TypeVar("T")

MODES = ("native", "python")


@pytest.fixture(autouse=True)
def native_mode(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test in one of :data:`MODES`, and the programs that it starts; unless told, as the environment says."""
    wanted = getattr(request, "param", "")
    if not wanted:
        yield ""
        return
    if wanted == "native":
        need_core()
    with mock.patch.dict(os.environ, LAYERTUI_NATIVE="1" if wanted == "native" else "0"):
        native.core.cache_clear()
        yield wanted
        native.core.cache_clear()


def need_core() -> native.Core:
    """Return the native core; skip the test if it is not installed."""
    core = native.core()
    if core is None:
        lacking("the native core is not installed: make native")
    return core


def in_both_modes(work: Callable[[], T]) -> T:
    """Do some work with the native core, if it is installed, and without: it must have the same outcome."""
    outcomes = []
    for core in {native.core(), None}:
        with mock.patch.object(native, "core", lambda core=core: core):
            outcomes.append(_outcome(work))
    (value, error), (expected, expected_error) = outcomes[0], outcomes[-1]
    assert value == expected and str(error) == str(expected_error)
    if error is not None:
        raise error
    return cast(T, value)


def _outcome(work: Callable[[], T]) -> tuple[T | None, LayertuiError | None]:
    try:
        return work(), None
    except LayertuiError as error:
        return None, error
