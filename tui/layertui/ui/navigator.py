"""What screens need from the app. The app imports the screens, so they cannot import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from textual.dom import DOMNode
from textual.screen import Screen

from layertui.model.identity import Identity
from layertui.ui.settings import Settings


class Navigator(Protocol):
    """Opens screens; implemented by :class:`~layertui.ui.app.LayertuiApp`."""

    platform: str | None
    """Platform of multi-platform images, ``os/arch[/variant]``; None: the default."""
    cache: bool
    """False: layers are reread in place of taken from the cache."""
    settings: Settings
    """How screens are arranged at first."""

    def explore(self, reference: str, layer: str = "") -> None:
        """Show the image or store that ``reference`` names; begin at the layer that a store calls ``layer``."""

    def explore_path(
        self,
        reference: str,
        platform: str | None,
        path: bytes,
        layer: int,
        identity: Identity,
        line: int = 0,
    ) -> None:
        """Show a path, absolute as layers spell it, of an image that ``reference`` named, at a layer.

        ``layer`` 0 is the top; ``line`` is one of the file, unless it is 0.
        """

    def ask(self, title: str, use: Callable[[str], object], without: str = "") -> None:
        """Ask for an image other than ``without``; call ``use`` with its reference. A repository needs a tag too."""

    def drop(self, screen: Screen[Any]) -> None:
        """Remove a screen that was kept, unless it is on the stack."""

    async def action_back(self) -> None:
        """Return to the previous screen, or to the list of images."""


def navigator(node: DOMNode) -> Navigator:
    """Return the navigator of the app that shows a screen or widget."""
    return cast(Navigator, node.app)
