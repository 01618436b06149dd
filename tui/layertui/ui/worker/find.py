"""Search many images in the worker process and post its frames as they arrive."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.message import Message

from layertui.model.errors import LayertuiError
from layertui.ui.worker.process import WorkerThread

if TYPE_CHECKING:
    from layertui.worker.protocol import Frame

MOST_ITEMS = 10_000
"""Most matches of a search in many images."""


class FindReported(Message):
    """A frame of the search; see :class:`~layertui.worker.protocol.FindRequest`."""

    def __init__(self, search: "ImagesSearch", frame: "Frame") -> None:
        super().__init__()
        self.search = search
        self.frame = frame


class FindEnded(Message):
    """The search ended: complete, limited, or failed; the last message."""

    def __init__(
        self, search: "ImagesSearch", is_cut: bool = False, error: LayertuiError | None = None
    ) -> None:
        super().__init__()
        self.search = search
        self.is_cut = is_cut
        """Whether there may be more than ``MOST_ITEMS`` matches."""
        self.error = error


class ImagesSearch(WorkerThread):
    """Finds what a :class:`~layertui.worker.protocol.FindRequest` asks for."""

    def _read(self, frames: "Iterator[Frame]") -> None:
        from layertui.worker.protocol import FindDone, ItemsFound

        found = 0
        for frame in frames:
            if isinstance(frame, FindDone):
                self._post(FindEnded(self))
                return
            if isinstance(frame, ItemsFound):
                frame.items = frame.items[: MOST_ITEMS - found]
                found += len(frame.items)
            self._post(FindReported(self, frame))
            if found == MOST_ITEMS:
                self._post(FindEnded(self, is_cut=True))
                return

    def _failed(self, error: LayertuiError) -> None:
        self._post(FindEnded(self, error=error))
