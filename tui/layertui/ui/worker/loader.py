"""Reads an image by way of the worker process and tells a screen what has arrived."""

import threading
import time
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from textual.message import Message

from layertui.model.errors import LayertuiError
from layertui.ui.tree.background import computing
from layertui.ui.worker.process import WorkerProcess

if TYPE_CHECKING:
    from layertui.model.layer_index import LayerIndex
    from layertui.union.model import LayerUnion

_TICK = 0.05
"""Seconds between two reports of progress, at least."""


class LayerProgress(Message):
    """``done`` of ``total`` bytes of layer ``layer`` have been read (-1 where the total is unknown).

    Layer 0 is the stream that brings all layers of an engine's image.
    """

    def __init__(self, layer: int, done: int, total: int) -> None:
        super().__init__()
        self.layer = layer
        self.done = done
        self.total = total


class LayerIndexed(Message):
    """All entries of layer ``layer`` are known; layers come in any order."""

    def __init__(self, layer: int, index: "LayerIndex") -> None:
        super().__init__()
        self.layer = layer
        self.index = index


class UnionReady(Message):
    """Layers 1 to ``layers`` are merged; takes the place of every union before."""

    def __init__(self, layers: int, union: "LayerUnion") -> None:
        super().__init__()
        self.layers = layers
        self.union = union


class LoadFailed(Message):
    """The image could not be read (further); nothing else comes."""

    def __init__(self, error: LayertuiError) -> None:
        super().__init__()
        self.error = error


class LoadDone(Message):
    """Every layer has been read and merged; nothing else comes.

    ``paths`` are those of the merged tree, ``reclaimable`` the file bytes of layers that it does not show.
    """

    def __init__(self, paths: int, reclaimable: int) -> None:
        super().__init__()
        self.paths = paths
        self.reclaimable = reclaimable


class Loader(WorkerProcess):
    """Reads an image, layer by layer."""

    def _read(self, output: BufferedReader) -> bool:
        """Posts what the frames say; False when they end without an end."""
        self._wait_for_paint()
        import msgspec

        from layertui.layers.codec import unpack
        from layertui.union.model import LayerUnion

        indexes: dict[int, LayerIndex] = {}
        progress: dict[int, tuple[int, int]] = {}
        reported = 0.0
        for tag, payload in self._frames(output):
            # A view of a whole image's columns is not copied once more.
            form: Any = tuple[int, memoryview] if tag in (b"x", b"u") else list[Any]
            values = msgspec.msgpack.decode(payload, type=form)
            if tag == b"p":
                layer, *progress[layer] = values
            if tag != b"p" or time.monotonic() - reported >= _TICK:
                for layer, (done, total) in progress.items():
                    self._post(LayerProgress(layer, done, total))
                progress.clear()
                reported = time.monotonic()
            match tag:
                case b"x":
                    with computing:
                        indexes[values[0]] = unpack(values[1])
                    self._post(LayerIndexed(values[0], indexes[values[0]]))
                case b"u":
                    merged = [indexes[number] for number in range(1, values[0] + 1)]
                    with computing:
                        union = LayerUnion.decode(values[1], merged)
                    self._post(UnionReady(values[0], union))
                case b"d":
                    self._post(LoadDone(*values))
                    return True
        return False

    def _wait_for_paint(self) -> None:
        """Returns once the target's screen has been painted: to import and to decode would hold that up."""
        painted = threading.Event()
        if self._target.call_after_refresh(painted.set):
            while not painted.wait(_TICK) and not self._closed.is_set():
                pass

    def _failed(self, error: LayertuiError) -> None:
        self._post(LoadFailed(error))
