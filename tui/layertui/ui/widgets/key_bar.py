"""The line at the foot of a screen: keys that can be pressed now, as many as fit."""

from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

_GAP = "  "


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
        link-color: $footer-foreground;
        link-color-hover: $foreground;
        link-style: none;
        link-style-hover: none;
        link-background-hover: $block-hover-background;
    }
    """

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """The keys as far as the width goes, those that lead on (help, quit) kept to the last."""
        items: list[Content] = []
        seen: set[str] = set()
        last: list[Content] = []
        for _node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if not (binding.show and enabled) or binding.action in seen:
                continue
            seen.add(binding.action)
            item = Content.assemble(
                (self.app.get_key_display(binding), "$footer-key-foreground"), " ", binding.description
            ).stylize(Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"}))
            (last if binding.action in ("help", "quit") else items).append(item)
        last.reverse()
        room = self.content_size.width - sum(item.cell_length + len(_GAP) for item in last)
        shown: list[Content] = []
        for item in items:
            room -= item.cell_length + len(_GAP)
            if room + len(_GAP) < 0:
                break
            shown.append(item)
        return Content(_GAP).join(shown + last)
