"""The footer: the keys that can be pressed, as many as fit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

from textual import events
from textual.content import Content
from textual.keys import key_to_character
from textual.screen import Screen
from textual.widget import Widget

from layertui.ui.stack import on_top

_GAP = 2
_ENDS = ("help", "leave_screen", "end", "command_palette")
"""Actions at the end, in this order."""
_IF_ROOM = (
    "detail", "layer", "extract", "copy", "zoom", "ask('jump')", "tree('sort')", "tree('view')", "mark", "compare", "open", "reload"
)  # fmt: skip
"""Hidden actions, or groups of them, that are shown if there is room, in this order."""

Run = Callable[[], Awaitable[bool]]


@dataclass
class _Item:
    """An action with its keys."""

    description: str
    keys: list[tuple[Run, str]] = field(default_factory=list)
    """What the keys run, and how they are shown."""

    @cached_property
    def content(self) -> Content:
        shown = Content(" ").join(
            Content.styled(shown, "$footer-key-foreground") for _run, shown in self.keys
        )
        return Content.assemble(shown, " ", self.description)

    def run_at(self, x: int) -> Run:
        """Return what the key at a column of the item runs, else the first."""
        end = 0
        for run, shown in self.keys:
            end += Content(shown).cell_length + 1
            if x < end:
                return run
        return self.keys[0][0]


class KeyBar(Widget):
    """Keys of the focused widget first, then the screen's, then the app's.

    Always one line: what does not fit is left out, what leads to all others last (:data:`_ENDS`). Each key can
    be clicked. Bindings of a group share its description. Of the hidden ones :data:`_IF_ROOM` are shown where
    there is room.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        padding: 0 1;
        background: $footer-background;
        color: $footer-foreground;
        text-wrap: nowrap;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[_Item] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """Return the keys that fit; help and quit are dropped last."""
        items: dict[str, _Item] = {}
        others: dict[str, _Item] = {}
        seen: set[str] = set()
        for key, (node, binding, enabled, _tooltip) in self.screen.active_bindings.items():
            # Those of Textual's fields have no tooltip.
            description = binding.group.description if binding.group else binding.description
            name = description if binding.group else binding.action
            is_spare = not binding.show and name in _IF_ROOM and bool(binding.tooltip)
            if not (enabled and (binding.show or is_spare)) or binding.action in seen or self._is_typed(key):
                continue
            seen.add(binding.action)
            among = others if is_spare or binding.action in _ENDS else items
            item = among.setdefault(name, _Item(description))
            run = partial(self.app.run_action, binding.action, node)
            item.keys.append((run, self.app.get_key_display(binding)))
        kept = [others[action] for action in _ENDS if action in others]
        while (
            len(kept) > 1
            and sum(item.content.cell_length + _GAP for item in kept) - _GAP > self.content_size.width
        ):
            kept.pop()
        items |= {action: others[action] for action in _IF_ROOM if action in others}
        room = self.content_size.width - sum(item.content.cell_length + _GAP for item in kept)
        self._items = []
        for item in items.values():
            room -= item.content.cell_length + _GAP
            if room + _GAP < 0:
                break
            self._items.append(item)
        self._items += kept
        return Content(" " * _GAP).join(item.content for item in self._items)

    def _is_typed(self, key: str) -> bool:
        """Return whether a key is text for what has the focus."""
        focused = self.screen.focused
        return focused is not None and focused.check_consume_key(key, key_to_character(key))

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does that was clicked."""
        if not on_top(self):
            return
        x = 1  # the padding
        for item in self._items:
            width = item.content.cell_length
            if x <= event.x < x + width:
                await item.run_at(event.x - x)()
            x += width + _GAP
