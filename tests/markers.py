"""Markers that follow from what a test asks for, so that nobody has to keep them.

A test is marked ``engine`` or ``root`` if it, one of its fixtures, or a function of ``tests`` that these
use calls :func:`tests.programs.need` or :func:`tests.programs.need_root`. Add it by hand where the call
cannot be seen, as behind ``getfixturevalue``.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType

import pytest

from tests.programs import need, need_root

MARKERS: dict[object, str] = {need: "engine", need_root: "root"}


def mark(item: pytest.Function) -> None:
    """Add the markers that follow from what the test uses."""
    fixtures = [
        definition
        for name in item.fixturenames
        for definition in item._fixtureinfo.name2fixturedefs.get(name, ())
    ]
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    uses = [item.function, *(fixture.func for fixture in fixtures), *parameters]
    for marker in sorted({marker for use in uses for marker in _markers(use)}):
        item.add_marker(marker)


def _markers(used: object) -> set[str]:
    """Return the markers for all that something uses, directly and by way of others."""
    seen: set[object] = set()
    waiting = list(_functions(used))
    while waiting:
        function = waiting.pop()
        if function not in seen:
            seen.add(function)
            waiting += _used(function)
    return {marker for function, marker in MARKERS.items() if function in seen}


@cache
def _used(function: FunctionType) -> tuple[FunctionType, ...]:
    """Return the functions of ``tests`` that a function names."""
    names = set(_names(function.__code__))
    values = [function.__globals__[name] for name in names if name in function.__globals__]
    values += [
        vars(module)[name] for module in values if _is_ours(module) for name in names if name in vars(module)
    ]
    return tuple(each for value in values for each in _functions(value))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _functions(value: object) -> Iterator[FunctionType]:
    """Return the functions of ``tests`` that a value is, has as methods, or contains."""
    if isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _functions(each)
    elif isinstance(value, type):
        if value.__module__.startswith("tests."):
            for each in vars(value).values():
                yield from _functions(each)
    elif callable(value) and not isinstance(value, ModuleType):
        function = inspect.unwrap(value)
        if isinstance(function, FunctionType) and function.__module__.startswith("tests."):
            yield function


def _is_ours(value: object) -> bool:
    return isinstance(value, ModuleType) and value.__name__.startswith("tests.")
