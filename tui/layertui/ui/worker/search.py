"""Searches an image by way of the worker process, and tells a screen what is found as it comes."""

import json
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.ui.worker.process import WorkerProcess

if TYPE_CHECKING:
    from layertui.content.search import LineMatch, Query

MOST = 10_000
"""Matches after which a search ends."""


@dataclass(slots=True)
class Found:
    """A search and what has come of it, to come back to."""

    query: "Query"
    matches: "list[LineMatch]" = field(default_factory=list)
    cursor: int = 0
    """The match at hand."""
    said: str = ""
    """How it ended; empty before it did."""
    failed: bool = False


class SearchProgress(Message):
    """``done`` of ``total`` bytes have been searched; while a layer is still being read, of that layer."""

    def __init__(self, searcher: "Searcher", layer: int, done: int, total: int) -> None:
        super().__init__()
        self.searcher = searcher
        self.layer = layer
        self.done = done
        self.total = total


class MatchesFound(Message):
    """Some more matches, in the order of the layers."""

    def __init__(self, searcher: "Searcher", matches: "list[LineMatch]") -> None:
        super().__init__()
        self.searcher = searcher
        self.matches = matches


class SearchEnded(Message):
    """Nothing more comes: all has been searched, or there are too many matches, or it failed."""

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


class Searcher(WorkerProcess):
    """Searches for ``query``."""

    def __init__(
        self, target: MessagePump, reference: str, platform: str | None, cache: bool, query: "Query"
    ) -> None:
        super().__init__(target, reference, platform, cache, query=asdict(query))

    def _read(self, output: IO[bytes]) -> bool:
        """Posts what the frames say; False when they end without an end."""
        import msgspec

        from layertui.content.search import LineMatch

        found = 0
        for tag, payload in self._frames(output):
            match tag:
                case b"p":
                    self._post(SearchProgress(self, *msgspec.msgpack.decode(payload)))
                case b"l":
                    self._post(SearchProgress(self, 0, *msgspec.msgpack.decode(payload)))
                case b"m":
                    matches = msgspec.convert(json.loads(payload), list[LineMatch])[: MOST - found]
                    found += len(matches)
                    self._post(MatchesFound(self, matches))
                    if found == MOST:
                        self._post(SearchEnded(self, is_cut=True))
                        return True
                case b"n":
                    self._post(SearchEnded(self, *msgspec.msgpack.decode(payload)))
                    return True
        return False

    def _failed(self, error: LayertuiError) -> None:
        self._post(SearchEnded(self, error=error))
