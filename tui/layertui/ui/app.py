"""The app: screens, shared keys, themes."""

import asyncio
import gc
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.markup import escape
from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.message import Message
from textual.screen import ModalScreen, Screen

from layertui.model.errors import LayertuiError
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.model.reference import ENGINE_NAMES, is_store, parse_reference
from layertui.model.toml_file import check_names
from layertui.model.unforeseen import unforeseen
from layertui.text.sanitize import visible
from layertui.ui.kept import KeptScreens
from layertui.ui.key_queue import KeyQueue
from layertui.ui.keys import bind, key_that_sends, text_of
from layertui.ui.settings import Settings, load_settings, settings_file, write_settings
from layertui.ui.stack import StackScreen
from layertui.ui.terminal import ENDING, die_by, is_closed, wait_until_closed
from layertui.ui.terminal_background import LateAnswers, Question
from layertui.ui.theme.colors import (
    ANSI_THEME,
    DARK_THEME,
    LIGHT_THEME,
    has_256_colors,
    shades_of,
    themes,
    variables,
)
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.command import Provider

    from layertui.model.identity import Identity

# Rich's names for what a terminal can show: from 256 colors on hues and tints survive.
_RICH_PALETTES = {"256", "truecolor", None}

_SWITCH = 0.0005
"""Interval in seconds at which a thread yields the GIL to the event loop; Python's 5 ms are visible."""


def _commands() -> "type[Provider]":
    from layertui.ui.commands import Commands

    return Commands


def _is_repository(reference: str) -> bool:
    """Return whether a reference names a repository without a tag or digest."""
    if not reference.startswith("docker://"):
        return False
    from layertui.sources.registry.name import parse_name as parse_name

    try:
        name = parse_name(reference.removeprefix("docker:"))
    except LayertuiError:
        return False  # opening it reports why
    return not name.tag and not name.digest


def _engine_of(text: str) -> str:
    """Return the transport of an engine's images or containers if a reference has no name; else nothing."""
    transport = text.removesuffix(":")
    return transport if text != transport and transport in ENGINE_NAMES else ""


def _store_of(text: str) -> str:
    """Return the reference of the store that a reference or path names; empty if it is not a store."""
    from layertui.sources.detect import detect_reference

    try:
        reference = parse_reference(text)
        if not reference.transport and Path(reference.location).is_dir():
            reference = detect_reference(reference.location)
    except LayertuiError:
        return ""  # opening it reports why
    return str(reference) if is_store(reference) else ""


class _OneLine(Exception):
    """An error that Textual prints as its message."""

    def __rich__(self) -> str:
        return escape(f"layertui: {visible(str(self))}")


class LayertuiApp(App[None]):
    """Explore one image, or list the images of a store, or all local images.

    ``reference`` is from the command line; ``platform`` selects from
    multi-platform images (``os/arch[/variant]``); ``cache`` False reads every layer again.
    """

    TITLE = "layertui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS: ClassVar[set["type[Provider] | Callable[[], type[Provider]]"]] = {_commands}
    NOTIFICATION_TIMEOUT = 6
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("q", "leave_screen", "back", tooltip="Back to the screen before"),
        bind("q", "end", "quit", tooltip="Quit, on the first screen"),
        bind("question_mark", "help", "help"),
        bind("ctrl+p", "command_palette", "all", tooltip="All actions"),
        bind(
            "o,ctrl+k", "open", "find", show=False, tooltip="Find anything: images, paths, packages, commands"
        ),
        bind("T", "toggle_theme", "light/dark", show=False, tooltip="Toggle dark and light colors"),
        bind("tab", "app.focus_next", "next pane", show=False),
        bind("shift+tab", "app.focus_previous", "previous pane", show=False),
        bind("escape", "back", "back", show=False, tooltip="Back"),
        bind("ctrl+q", "quit", "quit", show=False, priority=True, tooltip="Quit"),
        bind(
            "ctrl+z", "suspend_process", "suspend", show=False, priority=True, tooltip="Suspend; fg resumes"
        ),
    ]

    def __init__(
        self,
        reference: str | None = None,
        platform: str | None = None,
        cache: bool = True,
        question: Question | None = None,
        settings: Settings | None = None,
        place: tuple[bytes, LayerNumber] = (b"", EMPTY),
    ) -> None:
        """``question``: the pending question about the terminal's background; ``place``: a path and layer to begin at.

        Raises :class:`LayertuiError` if the settings name an unknown theme.
        """
        super().__init__()
        self.settings = settings or Settings()
        self.keymap = self._normalize_keymap(self.settings.keymap())
        """The keys that the settings give to actions, by the names of these."""
        self._question = question
        self._late: LateAnswers[events.Key] | None = LateAnswers() if question and question.is_open else None
        self._place = place
        self.reference = reference
        self.platform = platform
        self.cache = cache
        self.ended_by: signal.Signals | None = None
        """The signal that ended the app."""
        self._closed_at = 0.0  # when a screen was last closed, in the time of messages
        self._keys = KeyQueue(self, self._take_key)
        self._kept = KeptScreens(self)
        self._theme_before = ""  # the one that was toggled last
        for theme in themes(has_256_colors(self)):
            self.register_theme(theme)
        self._has_hues = self.console.color_system in _RICH_PALETTES
        if self._has_hues:
            # No widget is mounted yet that needs a notification, and parsing all styles again is slow.
            is_light = question is not None and question.is_light
            self.set_reactive(App.theme, LIGHT_THEME if is_light else DARK_THEME)
            self.stylesheet.set_variables(self.get_css_variables())
        else:
            self.theme = ANSI_THEME
        if wanted := self.settings.theme:
            check_names(settings_file(), "theme ", [wanted], sorted(self.available_themes))
            self.theme = wanted

    def on_mount(self) -> None:
        """Show the given image, else the list of images."""
        sys.setswitchinterval(_SWITCH)
        if self.keymap:
            self.set_keymap(self.keymap)
        if not self.is_headless:
            background(self, wait_until_closed, name="terminal")
        self.call_later(self._begin)  # layout during mount is wasted

    def _begin(self) -> None:
        from layertui.ui.explorer.image_screen import ImageScreen

        screen = self._images() if self.reference is None else self._screen(self.reference)
        if not self.is_headless:
            gc.freeze()  # modules and styles stay; collecting them again and again would delay frames
        gc.enable()  # off since the start of the program, which creates little garbage
        self.push_screen(screen)
        if any(self._place) and isinstance(screen, ImageScreen):
            self.call_after_refresh(screen.show_path, *self._place)
        screen.call_later(self.call_later, self._keys.go_on)
        for character in self._question.typed if self._question is not None else "":
            self.post_message(key_that_sends(character))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the CSS variables for themes that do not define them."""
        return variables(shades_of(self))

    def explore(self, reference: str, layer: str = "") -> None:
        """Show the image or store that ``reference`` names on top of this screen.

        ``layer`` is the one to begin at, by its ID in a store. An image that was open shortly before is shown
        as it was left; one that is open below this screen, by closing the screens above it.
        """
        from layertui.ui.explorer.screen import ExplorerScreen

        kept = None
        if not layer:
            kept = self._return_to(reference) or self._kept.take(reference)
        if kept is None or kept is not self.screen:
            self.push_screen(kept or self._screen(reference, layer))
        if isinstance(kept, ExplorerScreen) and kept.stays:
            kept.come_back()

    def _return_to(self, image: str) -> StackScreen[None] | None:
        """Close the screens above the explorer of an image and return it; None if it is not open."""
        for above, screen in enumerate(reversed(self.screen_stack)):
            if isinstance(screen, StackScreen) and screen.image_shown == image:
                for _ in range(above):
                    self.pop_screen()
                return screen
        return None

    def explore_path(
        self,
        reference: str,
        platform: str | None,
        path: bytes,
        layer: int,
        identity: "Identity",
        line: int = 0,
    ) -> None:
        """Show a path, absolute as layers spell it, of an image that ``reference`` named, at a layer.

        ``layer`` 0 is the top; ``line`` is one of the file, unless it is 0.
        """
        from layertui.ui.explorer.screen import ExplorerScreen

        screen = ExplorerScreen(reference, platform, identity=identity)
        self.push_screen(screen)
        self.call_after_refresh(screen.show_path, path, layer, line)

    def on_load(self) -> None:
        """Take the signals that end the program, before the terminal is changed."""
        if self._question is not None:
            self._question.release()
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in ENDING:
                loop.add_signal_handler(number, self._end_by, number)

    def _end_by(self, number: signal.Signals) -> None:
        """Leave the terminal as it was found and end; a second signal ends the program at once."""
        for each in ENDING:
            asyncio.get_running_loop().remove_signal_handler(each)
        if is_closed():
            die_by(number)  # there is nothing to restore
        self.ended_by = number
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """End with one line; Textual 8.2 prints a traceback, with the values of variables, which images supply."""
        if not self.is_headless:
            with suppress(Exception):  # as raised for a traceback
                error = _OneLine(unforeseen(error))
        super()._handle_exception(error)

    async def on_event(self, event: events.Event) -> None:
        """Drop keys and clicks made before the screen above was closed: they were meant for that screen.

        Answers of the terminal that come late are no keys.
        """
        if self._late is not None and isinstance(event, events.Key) and not event.is_forwarded:
            keys = self._late.take(event, text_of(event))
            if self._late.is_done:
                self._late = None
                assert self._question is not None
                self._question.is_open = False
            for key in keys:
                await self._keys.put(key)
        elif isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._keys.put(event)
        elif not isinstance(event, events.InputEvent | events.Paste) or event.time >= self._closed_at:
            await super().on_event(event)

    async def _take_key(self, event: events.Event) -> None:
        if event.time >= self._closed_at:
            await super().on_event(event)

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top."""
        self._closed_at = Message().time
        screen = self.screen
        closing = super().pop_screen()
        self._kept.let_go(screen)
        return closing

    def switch_screen(self, screen: Screen[Any] | str) -> AwaitComplete:
        """Show a screen in place of the one on top."""
        self._closed_at = Message().time
        before = self.screen
        switching = super().switch_screen(screen)
        if before is not self.screen:
            self._kept.let_go(before)
        return switching

    def drop(self, screen: Screen[Any]) -> None:
        """Remove a screen that was kept, unless it is on the stack."""
        self._kept.drop(screen)

    async def action_back(self) -> None:
        """Return to the previous screen, or to the list of images."""
        from layertui.ui.images.screen import ImagesScreen

        above = len(self.screen_stack) - 1  # the lowest is Textual's own, which is blank
        if above > 1:
            await self.pop_screen()
        elif type(self.screen) is not ImagesScreen:
            await self.switch_screen(self._images())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let q quit on the first screen, and elsewhere close the screen."""
        if action in ("leave_screen", "end"):
            return (action == "end") == (len(self.screen_stack) <= 2)
        return True

    def action_leave_screen(self) -> None:
        """Close the screen, whatever is open in it."""
        if isinstance(self.screen, StackScreen):
            self.screen.leave()

    def action_end(self) -> None:
        """Quit."""
        self.exit()

    def action_help(self) -> None:
        """Explain the keys and colors of the current screen."""
        from layertui.ui.dialogs.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_help_quit(self) -> None:
        """Say how to quit; ctrl+c copies where text is selected."""
        self.notify("ctrl+q quits", markup=False)

    def action_command_palette(self) -> None:
        """Show the command palette."""
        from layertui.ui.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_open(self) -> None:
        """Find anything and open it: images, and what is in the one that is open."""
        from layertui.ui.commands import commands_of
        from layertui.ui.explorer.screen import ExplorerScreen
        from layertui.ui.finder.dialog import FinderDialog
        from layertui.ui.finder.items import Findable

        screen = self.screen
        if isinstance(screen, ModalScreen):
            return
        inside = screen.inside() if isinstance(screen, ExplorerScreen) else None
        commands = [
            Findable("command", meaning, keys, run=run)
            for keys, meaning, run in commands_of(screen)
            if not meaning.startswith("Find anything")
        ]

        def found(item: "Findable | None") -> None:
            if item is not None and item.run is not None:
                self.call_later(item.run)
            elif item is not None:
                self._use(item.reference, self.explore)

        opened = screen.reference if isinstance(screen, ExplorerScreen) else ""
        self.push_screen(FinderDialog("Find" if inside else "Open an image", inside, commands, opened), found)

    def ask(self, title: str, use: "Callable[[str], object]", without: str = "") -> None:
        """Ask for an image other than ``without``; call ``use`` with its reference. A repository needs a tag too."""
        from layertui.ui.finder.dialog import FinderDialog

        self.push_screen(
            FinderDialog(title, without=without),
            lambda item: self._use(item.reference, use) if item is not None else None,
        )

    def _use(self, reference: str, use: "Callable[[str], object]") -> None:
        """Pass a reference on; of a repository without a tag ask for one first."""

        def named(reference: str | None) -> None:
            if reference and _is_repository(reference):
                from layertui.ui.dialogs.tags import TagsDialog

                self.push_screen(TagsDialog(reference), named)
            elif reference:
                use(reference)

        named(reference)

    def action_toggle_theme(self) -> None:
        """Toggle between the dark and the light colors; sixteen colors stay the terminal's own."""
        if not self._has_hues:
            self.notify("The terminal has 16 colors: its own are used. ctrl+p has all themes.", markup=False)
            return
        before, was_dark = self._theme_before, self.current_theme.dark
        self._theme_before = self.theme
        other = self.get_theme(before)
        self.theme = before if other and other.dark != was_dark else LIGHT_THEME if was_dark else DARK_THEME

    def action_save_settings(self) -> None:
        """Write theme, layout and order of the open screens to the file of the settings."""
        file = settings_file()
        try:
            settings = load_settings(file)
            settings.theme = self.theme
            for screen in self.screen_stack:
                if isinstance(screen, StackScreen):
                    screen.save_to(settings)
            write_settings(file, settings)
        except LayertuiError as error:
            self.notify(visible(str(error)), severity="error", markup=False)
        else:
            self.notify(f"Saved to {visible(str(file))}", markup=False)

    def _images(self) -> Screen[None]:
        from layertui.ui.images.screen import ImagesScreen

        given = self.reference
        return ImagesScreen(() if given is None or _engine_of(given) else (given,))

    def _screen(self, reference: str, layer: str = "") -> Screen[None]:
        """Return the screen for an image, an engine or a store."""
        if engine := _engine_of(reference):
            from layertui.ui.images.screen import EngineScreen

            return EngineScreen(engine)
        if store := _store_of(reference):
            from layertui.ui.store.screen import StoreScreen

            return StoreScreen(store)
        from layertui.ui.explorer.screen import ExplorerScreen

        return ExplorerScreen(reference, layer=layer)
