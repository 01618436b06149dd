"""The line at the foot of a screen: keys that can be pressed now, as many as fit."""

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

_GAP = 2


class KeyBar(Widget):
    """Keys of the focused widget first, then the screen's, then the app's.

    One line however narrow the terminal: what does not fit is left out, ``? help``
    last. Each key can be clicked.
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
        self._items: list[tuple[str, Content]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """The keys as far as the width goes; those that lead on (help, quit) are kept to the last."""
        items: list[tuple[str, Content]] = []
        last: list[tuple[str, Content]] = []
        seen: set[str] = set()
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if not (binding.show and enabled) or binding.action in seen:
                continue
            seen.add(binding.action)
            key = (self.app.get_key_display(binding), "$footer-key-foreground")
            item = (binding.key, Content.assemble(key, " ", binding.description))
            (last if binding.action in ("help", "quit") else items).append(item)
        last.reverse()
        room = self.content_size.width - sum(item.cell_length + _GAP for _key, item in last)
        for at, (_key, content) in enumerate(items):
            room -= content.cell_length + _GAP
            if room + _GAP < 0:
                del items[at:]
                break
        self._items = [*items, *last]
        return Content(" " * _GAP).join(item for _key, item in self._items)

    def on_click(self, event: events.Click) -> None:
        """Presses the key that was clicked."""
        x = 1  # the padding
        for key, item in self._items:
            if x <= event.x < x + item.cell_length:
                self.app.simulate_key(key)
            x += item.cell_length + _GAP
