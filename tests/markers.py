"""Markers that follow from what a test asks for, so that nobody has to keep them.

A test is marked ``engine`` or ``root`` if it, one of its fixtures, or a function of ``tests`` that these
use calls :func:`tests.programs.need` or :func:`tests.programs.need_root`. Where one of them calls
``getfixturevalue``, all fixtures count that its strings or the test's parameters name. Folders in
:data:`SLOW` are marked ``slow``.
"""

import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from tests.programs import need, need_root

MARKERS: dict[object, str] = {need: "engine", need_root: "root"}
SLOW = (
    "ui/",
    "matrix/",
    "cache/test_processes.py",
    "test_bench.py",
    "test_hostile.py",
    "worker/",
    "commands/test_progress.py",
    "commands/test_output.py",
    "commands/test_mcp.py",
    "commands/test_pager.py",
    "commands/test_serve.py",
    "fuzz/",
    "find/test_export.py",
    "layers/test_visit.py",
    "insight/test_visiting.py",
)
"""Folders and modules of ``tests`` that are marked ``slow``: they run the app, many processes, or all
commands, or read large files in every way there is."""
TESTS = Path(__file__).parent


def needs_programs(item: pytest.Function) -> bool:
    """Return whether a test, or a fixture that it names, calls for a program or for root."""
    return not MARKERS.keys().isdisjoint(_all_used([item.function, *_fixtures(item, item.fixturenames)]))


def mark(item: pytest.Function) -> None:
    """Add the markers that follow from what the test uses."""
    parameters = list(item.callspec.params.values()) if hasattr(item, "callspec") else []
    uses = [item.function, *parameters, *_fixtures(item, item.fixturenames)]
    used = _all_used(uses)
    if any("getfixturevalue" in _names(function) for function in used):
        strings = {text for function in used for text in _strings(function)} | set(_strings(parameters))
        used |= _all_used(_fixtures(item, strings))
    for function, marker in MARKERS.items():
        if function in used:
            item.add_marker(marker)
    if item.path.relative_to(TESTS).as_posix().startswith(SLOW):
        item.add_marker("slow")


def _fixtures(item: pytest.Function, names: Iterable[str]) -> Iterator[object]:
    """Yield the functions of fixtures, and of those that they request."""
    manager, seen, waiting = item.session._fixturemanager, {"request"}, list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            for definition in manager.getfixturedefs(name, item) or ():
                waiting += definition.argnames
                yield definition.func


def _all_used(uses: Iterable[object]) -> set[FunctionType]:
    """Return the functions of ``tests`` that some use, directly and by way of others."""
    seen: set[FunctionType] = set()
    waiting = [function for use in uses for function in _functions(use)]
    while waiting:
        function = waiting.pop()
        if function not in seen:
            seen.add(function)
            waiting += _used(function)
    return seen


@cache
def _used(function: FunctionType) -> tuple[FunctionType, ...]:
    """Return the functions of ``tests`` that a function names."""
    names = _names(function)
    values = [function.__globals__[name] for name in names if name in function.__globals__]
    values += [
        vars(module)[name] for module in values if _is_ours(module) for name in names if name in vars(module)
    ]
    return tuple(each for value in values for each in _functions(value))


@cache
def _names(function: FunctionType) -> frozenset[str]:
    """Return all names in the code of a function, also those of attributes."""
    return frozenset(name for code in _code(function.__code__) for name in code.co_names)


def _strings(value: object) -> Iterator[str]:
    """Yield the strings of a function, or of a parameter."""
    if isinstance(value, FunctionType):
        for code in _code(value.__code__):
            yield from _strings(code.co_consts)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value


def _code(code: CodeType) -> Iterator[CodeType]:
    """Yield code, and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)


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
