"""What screens ask of the app, so that none of them imports it: it imports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from textual.dom import DOMNode

from layertui.model.identity import Identity


class Navigator(Protocol):
    """Leads from one screen to another; :class:`~layertui.ui.app.LayertuiApp` does."""

    platform: str | None
    """Chooses from multi-platform images, ``os/arch[/variant]``; None: the usual platform."""
    cache: bool
    """False: layers are read again in place of taken from the cache."""

    def explore(self, reference: str, layer: str = "") -> None:
        """Show the image or store that ``reference`` names; begin at the layer that a store calls ``layer``."""

    def explore_path(
        self, reference: str, platform: str | None, path: bytes, layer: int, identity: Identity
    ) -> None:
        """Show a path, absolute as layers spell it, of an image that ``reference`` named, at a layer."""

    def ask(self, title: str, use: Callable[[str], object]) -> None:
        """Ask for a reference or path, of a repository for its tag too, and call ``use`` with it."""

    async def action_back(self) -> None:
        """Leave the screen for the one before, or if there is none for the list of images."""


def navigator(node: DOMNode) -> Navigator:
    """Return the navigator of the app that shows a screen or widget."""
    return cast(Navigator, node.app)
