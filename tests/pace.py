"""Tests of screens that take no longer than they must; what an app does and draws stays the same.

Half their time went by in sleep or on what one app after the other does anew.
"""

import asyncio
import gc
import time
from typing import Any

from textual import app, pilot
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_FRAME = 1 / 50
"""Seconds within which an app draws what has changed (Textual draws sixty frames a second)."""
_LOOK = 1 / 200
"""Seconds of processor time being watched before a process counts as idle."""
_OBJECTS = 100_000

_parse_rules = Stylesheet._parse_rules
_rules: dict[tuple[object, ...], list[RuleSet]] = {}


async def wait_for_idle(min_sleep: float = _FRAME, max_sleep: float = 1) -> None:
    """Waits for what is due within a frame, and until the process rests.

    Textual's own, which pilots call after every key, tells that from how little the processor did
    in a whole frame, twice a key. Here the event loop tells whether anything is due in that frame,
    and only what threads may be doing is told from the processor.
    """
    loop: Any = asyncio.get_running_loop()
    start = loop.time()
    while loop.time() < start + max_sleep:
        used = time.process_time()
        await asyncio.sleep(_LOOK)
        rests = time.process_time() - used < _LOOK / 10 and not loop._ready
        timers = loop._scheduled
        if rests and not any(timer.when() < start + _FRAME and not timer.cancelled() for timer in timers):
            return


def _parse_once(
    sheet: Stylesheet,
    css: str,
    read_from: tuple[str, str],
    is_default_rules: bool = False,
    tie_breaker: int = 0,
    scope: str = "",
) -> list[RuleSet]:
    """The rules of a style sheet, which a stylesheet keeps for itself, kept for all apps."""
    key = (css, read_from, is_default_rules, tie_breaker, scope, frozenset(sheet._variables.items()))
    rules = _rules.get(key)
    if rules is None:
        rules = _rules[key] = _parse_rules(sheet, css, read_from, is_default_rules, tie_breaker, scope)
    return rules


def configure() -> None:
    """Puts these in the place of Textual's, and looks for garbage less often."""
    replace: Any
    for replace in (app, pilot):
        replace.wait_for_idle = wait_for_idle
    replace = Stylesheet
    replace._parse_rules = _parse_once
    gc.set_threshold(_OBJECTS)
