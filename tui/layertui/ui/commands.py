"""Every action of the screen at hand in the command palette, and the app's own commands."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from layertui.ui.keys import key_sections


class Commands(Provider):
    """Offers what keys do, with the keys, then the themes."""

    async def discover(self) -> Hits:
        for name, help_text, run in self._commands():
            yield DiscoveryHit(name, run, help=help_text)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help_text, run in self._commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=help_text)

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], Awaitable[object] | None]]]:
        """Name, explanation and callback of each command."""
        app = self.app
        for section, uses in key_sections(self.screen):
            for use in uses:
                if use.action in ("command_palette", "back"):
                    continue
                prefix = "" if section in ("This screen", "Every screen") else f"{section}: "
                name = f"{prefix}{use.description}  ({' '.join(use.keys)})"
                yield name, use.tooltip or use.description, partial(app.run_action, use.action, use.node)
        for theme in app.available_themes:
            yield f"theme {theme}", "Change the colours", partial(setattr, app, "theme", theme)
