"""Read an image in the worker process and post its frames."""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.message import Message

from layertui.model.errors import LayertuiError
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.ui.worker.background import computing
from layertui.ui.worker.process import WorkerThread
from layertui.ui.worker.speed import Speed

if TYPE_CHECKING:
    from layertui.model.layer_index import LayerIndex
    from layertui.model.sizes import Bytes
    from layertui.union.model import LayerUnion
    from layertui.worker.protocol import Frame, LayerRead

_TICK = 0.05
"""Seconds between two reports of progress, at least."""


class LayerProgress(Message):
    """``done`` of ``total`` bytes of layer ``layer`` have been read (-1 where the total is unknown).

    Layer 0 is the stream with all layers of an engine's image.
    """

    def __init__(self, layer: LayerNumber, done: int, total: int, rate: float = 0.0) -> None:
        """``rate``: bytes a second; 0: not known."""
        super().__init__()
        self.layer = layer
        self.done = done
        self.total = total
        self.rate = rate


class LoadProgress(Message):
    """All layers together arrive at ``rate`` bytes a second; 0: not known."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate


class LayerIndexed(Message):
    """The index of layer ``layer``; layers arrive in any order."""

    def __init__(self, layer: LayerNumber, index: "LayerIndex") -> None:
        super().__init__()
        self.layer = layer
        self.index = index


class UnionReady(Message):
    """Layers 1 to ``layers`` are merged; replaces earlier unions."""

    def __init__(self, layers: LayerNumber, union: "LayerUnion") -> None:
        super().__init__()
        self.layers = layers
        self.union = union


class LoadFailed(Message):
    """Reading failed; the last message."""

    def __init__(self, error: LayertuiError) -> None:
        super().__init__()
        self.error = error


class LoadDone(Message):
    """Every layer has been read and merged; the last message.

    ``paths`` are those of the merged tree, ``sizes`` the bytes of each layer's files, base first.
    """

    def __init__(self, paths: int, sizes: "list[Bytes]") -> None:
        super().__init__()
        self.paths = paths
        self.sizes = sizes


class _Progress:
    """Reports the progress in the frames, in few messages."""

    def __init__(self) -> None:
        self._waiting: dict[LayerNumber, LayerRead] = {}
        self._speeds: defaultdict[LayerNumber, Speed] = defaultdict(Speed)
        self._speed = Speed()
        self._done: dict[LayerNumber, int] = {}
        self._reported = 0.0

    def take(self, frame: "Frame", now: float) -> "Iterator[LayerProgress | LoadProgress]":
        """Yield what to post before the frame is handled."""
        from layertui.worker.protocol import LayerRead

        if isinstance(frame, LayerRead):
            self._waiting[frame.layer] = frame
            if now - self._reported < _TICK:
                return
        if not self._waiting:
            return
        self._reported = now
        for each in self._waiting.values():
            self._done[each.layer] = each.done
            speed = self._speeds[each.layer]
            speed.note(now, each.done)
            yield LayerProgress(each.layer, each.done, each.total, speed.rate)
        self._waiting.clear()
        # Of an image that comes in one stream, layers are read out of what has been counted.
        self._speed.note(now, self._done.get(EMPTY) or sum(self._done.values()))
        yield LoadProgress(self._speed.rate)


class Loader(WorkerThread):
    """Reads an image, layer by layer."""

    def _read(self, frames: "Iterator[Frame]") -> None:
        from layertui.layers.codec import unpack_index
        from layertui.union.codec import union_of_pieces
        from layertui.worker.protocol import LayerDone, LayersMerged, TreeDone

        indexes: dict[LayerNumber, LayerIndex] = {}
        progress = _Progress()
        for frame in frames:
            for message in progress.take(frame, time.monotonic()):
                self._post(message)
            match frame:
                case LayerDone():
                    with computing:
                        indexes[frame.layer] = unpack_index(frame.index)
                    self._post(LayerIndexed(frame.layer, indexes[frame.layer]))
                case LayersMerged():
                    merged = [indexes[LayerNumber(number)] for number in range(1, frame.layers + 1)]
                    with computing:
                        union = union_of_pieces(frame.pieces, merged)
                    self._post(UnionReady(frame.layers, union))
                case TreeDone():
                    self._post(LoadDone(frame.paths, frame.layers))

    def _failed(self, error: LayertuiError) -> None:
        self._post(LoadFailed(error))
