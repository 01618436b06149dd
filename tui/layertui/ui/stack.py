"""The stack of screens: it is changed only from the screen on top.

What is pressed or clicked in quick succession may arrive in one read. Textual hands each event to the screen
on top at that moment, before the first of them has been acted on, and ``App.pop_screen`` and
``App.switch_screen`` act on whatever is on top by then: without the guards here, Enter pressed twice in a
dialog closes the screen below it too.
"""

from collections.abc import Callable
from typing import Generic

from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import Screen, ScreenResultType


class StackScreen(Screen[ScreenResultType], Generic[ScreenResultType]):
    """Base of all screens; closed at most once, and never a screen above or below it in its place."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the screen with a result. Ignored unless it is on top."""
        return super().dismiss(result) if on_top(self) else AwaitComplete()


def on_top(node: DOMNode) -> bool:
    """Return whether ``node`` is in the screen that the user sees."""
    return node.app.screen is node.screen


def open_above(
    node: DOMNode,
    screen: Screen[ScreenResultType],
    done: Callable[[ScreenResultType | None], None] | None = None,
) -> None:
    """Show ``screen`` above the screen of ``node``; call ``done`` with its result. Ignored unless that is on top."""
    if on_top(node):
        node.app.push_screen(screen, done)


def open_instead(node: DOMNode, screen: Screen[None]) -> None:
    """Show ``screen`` in place of the screen of ``node``. Ignored unless that is on top."""
    if on_top(node):
        node.app.switch_screen(screen)
