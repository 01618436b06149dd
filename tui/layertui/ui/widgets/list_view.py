"""Lines of which one is under a cursor: what the lists of this program that paint themselves share."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.scroll_view import ScrollView


class CursorView(ScrollView, can_focus=True):
    """Keeps a cursor on one of :attr:`count` lines, and that line in view."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
    ]

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._cursor = 0

    @property
    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def go_to_row(self, row: int) -> None:
        """Puts the cursor on a line, or the nearest there is."""
        before, self._cursor = self._cursor, max(min(row, self.count - 1), 0)
        for line in {before, self._cursor}:
            self._refresh_row(line)
        self._reveal()

    def _refresh_row(self, row: int) -> None:
        self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))

    def _reveal(self) -> None:
        """Scrolls so that the cursor's line shows, also before the scroll bar has been laid out."""
        top, height = self.scroll_offset.y, self.content_size.height
        if not height:
            return  # once it has a size, that is a resize
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True, force=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True, force=True)

    def _over(self, row: int) -> str:
        """What the palette calls the ground of a line."""
        if row != self._cursor:
            return ""
        return "on-cursor" if self.has_focus else "on-cursor_blurred"

    def action_move(self, by: int) -> None:
        self.go_to_row(self._cursor + by)

    def action_page(self, pages: int) -> None:
        self.go_to_row(self._cursor + pages * max(self.content_size.height - 1, 1))

    def action_first(self) -> None:
        self.go_to_row(0)

    def action_last(self) -> None:
        self.go_to_row(self.count - 1)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
