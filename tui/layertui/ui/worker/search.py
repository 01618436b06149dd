"""Search an image in the worker process and post matches as they arrive."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.ui.worker.process import WorkerThread

if TYPE_CHECKING:
    from layertui.content.query import LineMatch, Query
    from layertui.model.identity import Identity
    from layertui.worker.protocol import Frame

MOST = 10_000
"""Most matches of a search."""


@dataclass(slots=True)
class Found:
    """A search and its results, kept for later."""

    query: "Query"
    matches: "list[LineMatch]" = field(default_factory=list)
    cursor: int = 0
    """The selected match."""
    said: str = ""
    """How it ended; empty before it did."""
    failed: bool = False


class SearchProgress(Message):
    """``done`` of ``total`` bytes have been searched; while a layer is still being read, of that layer."""

    def __init__(self, searcher: "Searcher", layer: LayerNumber, done: int, total: int) -> None:
        super().__init__()
        self.searcher = searcher
        self.layer = layer
        self.done = done
        self.total = total


class MatchesFound(Message):
    """More matches, in the order of the layers."""

    def __init__(self, searcher: "Searcher", matches: "list[LineMatch]") -> None:
        super().__init__()
        self.searcher = searcher
        self.matches = matches


class SearchEnded(Message):
    """The search ended: complete, limited, or failed; the last message."""

    def __init__(
        self,
        searcher: "Searcher",
        left_out: str = "",
        is_cut: bool = False,
        error: LayertuiError | None = None,
    ) -> None:
        super().__init__()
        self.searcher = searcher
        self.left_out = left_out
        """What was not searched; empty if all was."""
        self.is_cut = is_cut
        """Whether there may be more than ``MOST`` matches."""
        self.error = error


class Searcher(WorkerThread):
    """Searches for ``query``."""

    def __init__(self, target: MessagePump, image: "Identity", cache: bool, query: "Query") -> None:
        from layertui.worker.protocol import SearchRequest

        super().__init__(target, SearchRequest(image, cache, query))

    def _read(self, frames: "Iterator[Frame]") -> None:
        from layertui.worker.protocol import FilesRead, LayerRead, LinesFound, SearchDone

        found = 0
        for frame in frames:
            match frame:
                case LayerRead():
                    self._post(SearchProgress(self, frame.layer, frame.done, frame.total))
                case FilesRead():
                    self._post(SearchProgress(self, EMPTY, frame.done, frame.total))
                case LinesFound():
                    matches = frame.matches[: MOST - found]
                    found += len(matches)
                    self._post(MatchesFound(self, matches))
                    if found == MOST:
                        self._post(SearchEnded(self, is_cut=True))
                        return
                case SearchDone():
                    self._post(SearchEnded(self, frame.left_out))

    def _failed(self, error: LayertuiError) -> None:
        self._post(SearchEnded(self, error=error))
