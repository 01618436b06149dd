"""Digests of contents, which decide whether files are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from layertui.layers.visit import ContentBatch
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import EntryNumber


def content_hash(pieces: Iterable[bytes | memoryview]) -> bytes:
    """Return the SHA-256 of a content."""
    state = hashlib.sha256()
    for piece in pieces:
        state.update(piece)
    return state.digest()


class HashVisit:
    """A visit that leaves the digest of every file in the index.

    Which files have to be compared is known once all layers are: hashing all is faster than decompressing twice.
    """

    def __init__(self) -> None:
        self._digests: dict[int, bytes] = {}

    def among(self, keys: object) -> None:
        """See :class:`~layertui.layers.visit.LayerVisit`."""

    def batch(self, batch: ContentBatch[EntryNumber]) -> None:
        data, digests, sha256 = memoryview(batch.data), self._digests, hashlib.sha256
        for entry, start, end in batch.files:
            digests[entry] = sha256(data[start:end]).digest()

    def large(self, entry: EntryNumber, size: int) -> _LargeHash:
        return _LargeHash(self._digests, entry)

    def end(self, index: LayerIndex) -> None:
        index.digests = self._digests


class _LargeHash:
    def __init__(self, digests: dict[int, bytes], entry: EntryNumber) -> None:
        self._digests = digests
        self._entry = entry
        self._state = hashlib.sha256()
        self.add = self._state.update

    def end(self) -> None:
        self._digests[self._entry] = self._state.digest()
