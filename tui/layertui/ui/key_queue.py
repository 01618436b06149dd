"""Take keys one after another, as they were typed.

Textual hands a key to the widget that has the focus at that moment. Keys that arrive in one read, over a slow
line or on a busy machine, would all go to the widget that had the focus before the first of them moved it, or
to a screen that is not there yet: the letters typed into a field would run as commands.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from textual import events
from textual.app import App
from textual.dom import DOMNode

_PATIENCE = 5.0
"""Seconds after which a key is taken although the last one is not known to have been handled."""
_ROUNDS = 2
"""Passes from the focus to the app: the first for the key, the second for the messages that it causes."""


class KeyQueue:
    """Keys and pastes that wait until the previous one has been handled and a screen can take them."""

    def __init__(self, app: App[None], take: Callable[[events.Event], Awaitable[None]]) -> None:
        """``take`` hands an event on, as Textual does."""
        self._app = app
        self._take = take
        self._waiting: deque[events.Event] = deque()
        self._number = 0
        self._handling = 0  # the number of the event that is being handled; 0: none

    async def put(self, event: events.Event) -> None:
        """Take an event as soon as it is its turn."""
        self._waiting.append(event)
        if self._handling and len(self._waiting) == 1:
            self._app.set_timer(_PATIENCE, partial(self._give_up, self._handling))
        await self.go_on()

    async def _give_up(self, number: int) -> None:
        """Go on if an event is still being handled."""
        if number == self._handling:
            self._handling = 0
            await self.go_on()

    async def go_on(self) -> None:
        """Take the next events, if they can be handled now."""
        app = self._app
        while self._waiting and not self._handling:
            if len(app.screen_stack) < 2:  # the lowest is Textual's own, which is blank
                return
            if not app.screen.is_mounted:
                app.screen.call_later(app.call_later, self.go_on)
                return
            target = app.focused or app.screen
            self._number += 1
            self._handling = self._number
            await self._take(self._waiting.popleft())
            self._climb(target, _ROUNDS, self._number)

    def _climb(self, node: DOMNode | None, rounds: int, number: int) -> None:
        """Follow an event on its way from the focused widget up to the app."""
        if isinstance(node, App) or node is None:
            self._app.call_later(self._arrive, rounds - 1, number)
        elif not node.call_later(self._climb, node.parent, rounds, number):
            self._climb(None, rounds, number)  # it is closed

    async def _arrive(self, rounds: int, number: int) -> None:
        if number != self._handling:
            return
        if rounds:
            self._climb(self._app.focused or self._app.screen, rounds, number)
        else:
            self._handling = 0
            await self.go_on()
