"""A hex dump that reads only what is shown."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from layertui.model.job import Job
from layertui.model.numbers import Event
from layertui.ui.widgets.lines import Document, Line, Read, Span

if TYPE_CHECKING:
    from layertui.content.read import Contents

ROW = 16
"""Bytes per line."""
_PAGE = 1 << 16
_KEPT = 64
"""Pages of it that are kept in memory."""
_GROUP = 8


class HexDocument(Document):
    """16 bytes per line with their ASCII; pages are read when scrolled to."""

    hex = True

    def __init__(self, contents: "Contents", event: Event, size: int, head: bytes) -> None:
        """``head`` is the file's first bytes, ``size`` how many it has."""
        super().__init__(gutter=max(len(f"{size:x}"), 6) + 2)
        self._contents, self._event, self._size = contents, event, size
        self._pages: dict[int, bytes] = {}
        if len(head) >= min(size, _PAGE):
            self._pages[0] = head[:_PAGE]

    def __len__(self) -> int:
        return -(-self._size // ROW)

    def width(self, start: int) -> int:
        return 3 * ROW + 2 + ROW

    def line(self, number: int) -> Line:
        offset = number * ROW
        page = self._pages.get(offset // _PAGE)
        gutter = [(f"{offset:0{self.gutter - 2}x}", "quiet")]
        if page is None:
            return Line([("…", "quiet")], gutter)
        return Line(hex_spans(page[offset % _PAGE :][:ROW]), gutter)

    def missing(self, first: int, last: int) -> Read | None:
        for page in range(first * ROW // _PAGE, min(last * ROW, self._size - 1) // _PAGE + 1):
            if page not in self._pages:
                break
        else:
            return None

        def read(job: Job) -> Callable[[], None]:
            data = self._contents.read(self._event, page * _PAGE, _PAGE, job)

            def show() -> None:
                while len(self._pages) >= _KEPT:
                    self._pages.pop(next(iter(self._pages)))
                self._pages[page] = data

            return show

        return read


def hex_spans(data: bytes, marked: frozenset[int] = frozenset(), style: str = "") -> list[Span]:
    """Return one line of a hex dump; NULs are dimmed, the bytes at ``marked`` are in ``style``."""
    spans: list[Span] = []
    for at in range(ROW):
        if at == _GROUP:
            spans.append((" ", ""))
        if at >= len(data):
            spans.append(("   ", ""))
            continue
        spans.append((f"{data[at]:02x}", style if at in marked else "quiet" if not data[at] else ""))
        spans.append((" ", ""))
    spans.append((" ", ""))
    for at, byte in enumerate(data):
        printable = 0x20 <= byte < 0x7F
        ink = style if at in marked else "" if printable else "quiet"
        spans.append((chr(byte) if printable else "·", ink))
    return spans
