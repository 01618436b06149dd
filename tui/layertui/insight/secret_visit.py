"""Search the files of a layer for secrets while it is scanned."""

from __future__ import annotations

from collections import defaultdict

from layertui.insight.secret_search import FileSearch, LargeSearch, Match
from layertui.layers.visit import ContentBatch
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import EntryNumber


class SecretVisit:
    """A visit that finds the tokens in all files; whether rules apply to a file by name is known when all layers are."""

    def __init__(self) -> None:
        self.found: defaultdict[int, list[tuple[int, Match]]] = defaultdict(list)
        """Line and match of every secret, by entry."""
        self._search = FileSearch()

    def among(self, keys: object) -> None:
        """See :class:`~layertui.layers.visit.LayerVisit`."""

    def batch(self, batch: ContentBatch[EntryNumber]) -> None:
        for entry, line, match in self._search.find(batch):
            self.found[entry].append((line, match))

    def large(self, entry: EntryNumber, size: int) -> LargeSearch:
        large = LargeSearch(self._search, entry)
        self.found[entry] = large.found
        return large

    def end(self, index: LayerIndex) -> None:
        index.visits.append(self)
