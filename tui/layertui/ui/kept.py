"""Screens that have left the stack and are kept with their cursors, to be shown again."""

from typing import Any

from textual.app import App
from textual.screen import Screen

from layertui.ui.stack import StackScreen

KEPT_IMAGES = 3
"""Explorers of images that were left and stay open."""


class KeptScreens:
    """Installs the screens to keep: Textual removes all others when they leave the stack."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._images: dict[str, StackScreen[None]] = {}  # explorers, by image, the last one last

    def let_go(self, screen: Screen[Any]) -> None:
        """Keep a screen that has just left the stack if it wants to stay; else it is removed."""
        app = self._app
        if not isinstance(screen, StackScreen) or not screen.stays:
            app.uninstall_screen(screen)
            return
        if not app.is_screen_installed(screen):
            app.install_screen(screen, f"kept-{id(screen)}")
        if screen.image_shown:
            screen.put_away()
            before, self._images[screen.image_shown] = self.take(screen.image_shown), screen
            if before is not None:
                self.drop(before)
            if len(self._images) > KEPT_IMAGES:
                self.drop(self._images.pop(next(iter(self._images))))

    def take(self, image: str) -> StackScreen[None] | None:
        """Return the explorer of an image, to be shown again; None if it is not kept."""
        return self._images.pop(image, None)

    def drop(self, screen: Screen[Any]) -> None:
        """Remove a kept screen, unless it is on the stack."""
        if screen not in self._app.screen_stack:
            self._app.uninstall_screen(screen)
            if screen.is_running:
                screen.remove()
