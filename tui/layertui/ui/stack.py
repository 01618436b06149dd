"""The stack of screens: it is changed only from the screen on top.

What is pressed or clicked in quick succession may arrive in one read. Textual hands each event to the screen
on top at that moment, before the first of them has been acted on, and ``App.pop_screen`` and
``App.switch_screen`` act on whatever is on top by then: without the guards here, Enter pressed twice in a
dialog closes the screen below it too.
"""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple

from textual import events, on
from textual.actions import SkipAction
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.reactive import var
from textual.screen import Screen, ScreenResultType

from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text
from layertui.ui.clipboard import copy_text
from layertui.ui.settings import Settings
from layertui.ui.theme.layers import NO_ROLES, LayerRoles, roles_of

LOW = 20
"""Height in lines below which there is hardly any room; screens then have the class ``-low``."""


class StackScreen(Screen[ScreenResultType], Generic[ScreenResultType]):
    """Base of all screens; closed at most once, and never a screen above or below it in its place."""

    layer_roles: var[LayerRoles] = var(NO_ROLES, init=False)
    """The kinds of layers of its image, for their colors."""

    @on(events.Resize)
    def _note_height(self, event: events.Resize) -> None:
        self.set_class(event.size.height < LOW, "-low")

    def action_copy_text(self) -> None:
        """Copy what is selected with the mouse; without a selection, ctrl+c shows how to quit."""
        selected = self.get_selected_text()
        if not selected:
            raise SkipAction
        copy_text(self, selected, count_text(selected.count("\n") + 1, "selected line"))

    _is_above = False  # a screen about the same image

    def color_as(self, below: Screen[Any]) -> None:
        """Give layers the colors that they have on the screen below, also when that knows more of them."""
        self.set_reactive(StackScreen.layer_roles, roles_of(below))
        if not self._is_above and isinstance(below, StackScreen):
            self._is_above = True
            self.watch(below, "layer_roles", self._take_roles, init=False)

    def _take_roles(self, roles: LayerRoles) -> None:
        self.layer_roles = roles

    def watch_layer_roles(self) -> None:
        """Paint layers in their new colors."""
        for view in self.query("*"):
            view.refresh()

    @property
    def stays(self) -> bool:
        """Whether the screen is kept as it is when it leaves the stack, to be shown again."""
        return False

    @property
    def image_shown(self) -> str:
        """The reference of the image that the screen is of, if it is kept among the last ones that were open."""
        return ""

    def save_to(self, settings: Settings) -> None:
        """Put how the screen is arranged into the settings."""

    def put_away(self) -> None:
        """Stop work in progress: the screen was left, and is kept."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the screen with a result. Ignored unless it is on top."""
        return super().dismiss(result) if on_top(self) else AwaitComplete()

    def leave(self) -> None:
        """Close the screen, back to the previous one."""
        self.dismiss(None)


class Destination(NamedTuple):
    """Where a screen of an image leads."""

    path: str
    """In the merged tree of the layer; empty for the layer itself."""
    layer: LayerNumber
    line: int = 0
    """Of the file, from 1; 0 for none."""


class Origin(StackScreen[ScreenResultType | None], Generic[ScreenResultType]):
    """A screen whose result is a place of the image; it is kept, with its cursor, for the way back."""

    can_step = False
    """Whether :meth:`step` has more places."""
    _has_result = False  # it was closed with one

    @property
    def stays(self) -> bool:
        return self._has_result

    @property
    def crumb(self) -> str:
        """What the header calls the screen."""
        raise NotImplementedError

    def step(self, by: int) -> ScreenResultType | None:
        """Move the cursor to the next or previous place; None if there is none."""
        return None

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the screen; with a result it is kept for the way back."""
        self._has_result = result is not None
        return super().dismiss(result)


def on_top(node: DOMNode) -> bool:
    """Return whether ``node`` is in the screen that the user sees."""
    return node.app.screen is node.screen


def open_above(
    node: DOMNode,
    screen: Screen[ScreenResultType],
    done: Callable[[ScreenResultType | None], None] | None = None,
) -> None:
    """Show ``screen`` above the screen of ``node``; call ``done`` with its result. Ignored unless that is on top.

    It is about the same image, unless its :meth:`StackScreen.color_as` says otherwise.
    """
    if on_top(node):
        if isinstance(screen, StackScreen):
            screen.color_as(node.screen)
        node.app.push_screen(screen, done)


def open_instead(node: DOMNode, screen: Screen[None]) -> None:
    """Show ``screen`` in place of the screen of ``node``. Ignored unless that is on top."""
    if on_top(node):
        node.app.switch_screen(screen)
