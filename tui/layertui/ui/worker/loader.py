"""Read an image in the worker process and post its frames."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.message import Message

from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.ui.worker.background import computing
from layertui.ui.worker.process import WorkerThread

if TYPE_CHECKING:
    from layertui.model.layer_index import LayerIndex
    from layertui.model.sizes import Bytes
    from layertui.union.model import LayerUnion
    from layertui.worker.protocol import Frame

_TICK = 0.05
"""Seconds between two reports of progress, at least."""


class LayerProgress(Message):
    """``done`` of ``total`` bytes of layer ``layer`` have been read (-1 where the total is unknown).

    Layer 0 is the stream with all layers of an engine's image.
    """

    def __init__(self, layer: LayerNumber, done: int, total: int) -> None:
        super().__init__()
        self.layer = layer
        self.done = done
        self.total = total


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


class Loader(WorkerThread):
    """Reads an image, layer by layer."""

    def _read(self, frames: "Iterator[Frame]") -> None:
        self._wait_for_paint()
        from layertui.layers.codec import unpack_index
        from layertui.union.codec import unpack_union
        from layertui.worker.protocol import LayerDone, LayerRead, LayersMerged, TreeDone

        indexes: dict[LayerNumber, LayerIndex] = {}
        progress: dict[LayerNumber, LayerRead] = {}
        reported = 0.0
        for frame in frames:
            if isinstance(frame, LayerRead):
                progress[frame.layer] = frame
            if not isinstance(frame, LayerRead) or time.monotonic() - reported >= _TICK:
                for each in progress.values():
                    self._post(LayerProgress(each.layer, each.done, each.total))
                progress.clear()
                reported = time.monotonic()
            match frame:
                case LayerDone():
                    with computing:
                        indexes[frame.layer] = unpack_index(frame.index)
                    self._post(LayerIndexed(frame.layer, indexes[frame.layer]))
                case LayersMerged():
                    merged = [indexes[LayerNumber(number)] for number in range(1, frame.layers + 1)]
                    with computing:
                        union = unpack_union(frame.union, merged)
                    self._post(UnionReady(frame.layers, union))
                case TreeDone():
                    self._post(LoadDone(frame.paths, frame.layers))

    def _wait_for_paint(self) -> None:
        """Return once the target's screen has been painted: to import and to decode would hold that up."""
        painted = threading.Event()
        if self._target.call_after_refresh(painted.set):
            while not painted.wait(_TICK) and not self._closed.is_set():
                pass

    def _failed(self, error: LayertuiError) -> None:
        self._post(LoadFailed(error))
