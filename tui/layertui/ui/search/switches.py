"""The switches of a search: check boxes in one row."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from layertui.content.query import Query
from layertui.ui.keys import bind

SWITCHES = {
    "is_regex": ("regex", "ctrl+r"),
    "ignores_case": ("ignore case", "ctrl+t"),
    "with_hidden": ("hidden", ""),
    "with_config": ("config", ""),
    "with_binary": ("binary", ""),
}
"""Name of each switch of a query, and its key in the fields, if it has one."""


class Switches(Widget, can_focus=True):
    """Shows what is on in a query."""

    HELP_NAME: ClassVar[str] = "Switches"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("space,enter", "press", "toggle", tooltip="Toggle the selected switch"),
        bind("right,l", "move(1)", "next", tooltip="Next switch"),
        bind("left,h", "move(-1)", "previous", show=False, tooltip="Previous switch"),
        bind("down,j", "screen.to_list", "matches", show=False, tooltip="Go to the matches"),
        bind("up,k", "screen.to_field", "pattern", show=False, tooltip="Edit the pattern"),
    ]
    DEFAULT_CSS = """
    Switches {
        height: 1;
        color: $quiet;
        text-wrap: nowrap;
    }
    """

    @dataclass
    class Toggled(Message):
        """A switch was toggled by key or mouse."""

        field: str

    def __init__(self, query: Query) -> None:
        super().__init__()
        self._query = query
        self._cursor = 0
        self.auto_links = False  # clickable switches keep the color of their state

    def show(self, query: Query) -> None:
        """Show the switches of another query."""
        self._query = query
        self.refresh()

    def action_move(self, by: int) -> None:
        """Select another switch."""
        self._cursor = (self._cursor + by) % len(SWITCHES)
        self.refresh()

    def action_press(self) -> None:
        """Toggle the selected switch."""
        self.post_message(self.Toggled(list(SWITCHES)[self._cursor]))

    def action_switch(self, field: str) -> None:
        """Toggle a switch that was clicked."""
        self.post_message(self.Toggled(field))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def render(self) -> Content:
        parts = []
        for number, (field, (name, key)) in enumerate(SWITCHES.items()):
            is_on = getattr(self._query, field)
            mark = ("[✓]", "bold $foreground") if is_on else ("[ ]", "")
            part = Content.assemble(mark, " ", (name, "$foreground" if is_on else ""))
            if number == self._cursor and self.has_focus:
                part = part.stylize("reverse")
            if key:
                part = Content.assemble(part, (f" {key.replace('ctrl+', '^')}", "$accent"))
            parts.append(part.stylize(Style.from_meta({"@click": f"switch('{field}')"})))
        return Content("  ").join(parts)
