"""The actions of the current screen and the themes in the command palette."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import ClassVar

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from layertui.text.format import sentence
from layertui.ui.keys import SHARED, key_sections
from layertui.ui.stack import StackScreen, on_top

_KEYS = 10
"""Cells for the keys of a command."""


Command = tuple[str, str, Callable[[], Awaitable[object] | None]]
"""Keys, meaning and callback."""


def commands_of(screen: Screen[object]) -> Iterator[Command]:
    """Yield what the keys of a screen do, then the themes."""
    app = screen.app
    for section, uses in key_sections(screen):
        for use in uses:
            if use.action in ("command_palette", "back"):
                continue
            meaning = sentence(use.tooltip or use.description)
            if section not in SHARED:
                meaning = f"{section}: {meaning}"
            yield " ".join(use.keys), meaning, partial(app.run_action, use.action, use.node)
    yield "", "Save theme, layout and order as settings", partial(app.run_action, "app.save_settings")
    for theme in app.available_themes:
        yield "", f"Theme: {theme}", partial(setattr, app, "theme", theme)


class Commands(Provider):
    """Offer the actions, each after its keys as in the help; then the themes."""

    async def discover(self) -> Hits:
        for keys, meaning, run in self._commands():
            yield DiscoveryHit(_line(keys, Content(meaning)), run, text=meaning)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for keys, meaning, run in self._commands():
            score = matcher.match(meaning)
            if score > 0:
                yield Hit(score, _line(keys, matcher.highlight(meaning)), run, text=meaning)

    def _commands(self) -> Iterator[Command]:
        return commands_of(self.screen)


def _line(keys: str, meaning: Content) -> Content:
    return Content.assemble((keys.ljust(_KEYS), "$accent"), " ", meaning)


class Palette(CommandPalette, StackScreen[None]):
    """The command palette in the style of the app."""

    DEFAULT_CSS: ClassVar[str] = """
    Palette {
        &, &:ansi {
            background: $background 70%;
        }

        #--container {
            margin-top: 2;
            width: 76;
            max-width: 96%;
            background: $surface;
        }

        #--input, #--input.--list-visible {
            border: round $accent;
            background: $surface;
        }

        #--input SearchIcon {
            display: none;
        }

        CommandInput, CommandInput:focus {
            border: none;
            padding: 0 1;
            height: 1;
        }

        CommandList {
            border: round $line;
            background: $surface;
            scrollbar-size-vertical: 1;
        }

        CommandList > .option-list--option {
            text-style: none;
            padding: 0 1;
        }

        CommandList > .option-list--option-highlighted {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }

        LoadingIndicator {
            border: none;
        }

        &.-low #--container {
            margin-top: 0;
        }
    }
    """

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the selected command once, however often enter was pressed."""
        if not on_top(self):
            event.stop()
            event.prevent_default()
