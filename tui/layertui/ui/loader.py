"""Reads an image by way of the worker process and tells a screen what has arrived."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.errors import LayertuiError

if TYPE_CHECKING:
    from layertui.layers.index import LayerIndex
    from layertui.union import Union

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

    def __init__(self, layers: int, union: "Union") -> None:
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


class Loader:
    """One run of ``python -m layertui.worker``; posts its messages to ``target``.

    :meth:`close` ends the process at once, at whatever it is, and may be called twice.
    """

    def __init__(
        self, target: MessagePump, reference: str, platform: str | None = None, cache: bool = True
    ) -> None:
        self._target = target
        self._reference = reference
        self._platform = platform
        self._cache = cache
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def start(self) -> None:
        """Starts the process and, in a thread, reading what it sends."""
        threading.Thread(target=self._run, name="loader", daemon=True).start()

    def close(self) -> None:
        """Kills the process and collects it; no message is posted after this."""
        self._closed.set()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _run(self) -> None:
        import msgspec

        request = {
            "reference": os.fsencode(self._reference),
            "platform": self._platform,
            "cache": self._cache,
        }
        try:
            # -P: a file json.py in the current directory must not be run
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "layertui.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            self._fail(LayertuiError("cannot start the reader", error.strerror or str(error)))
            return
        self._process = process
        if self._closed.is_set():  # closed before the process was there to be killed
            process.kill()
        assert process.stdin and process.stdout
        with process, process.stdout as output:
            try:
                with process.stdin as requests:
                    requests.write(msgspec.msgpack.encode(request))
                complete = self._read(output)
            except BrokenPipeError:
                complete = False
            except LayertuiError as error:
                self._fail(error)
                complete = True
            process.kill()
        if not complete:
            why = f"its process ended with status {process.returncode}"
            self._fail(LayertuiError("reading stopped", why, "leave with escape and open it again"))

    def _read(self, output: IO[bytes]) -> bool:
        """Posts what the frames say; False when they end without an end."""
        import msgspec

        from layertui.layers.cache import unpack
        from layertui.union import Union

        indexes: dict[int, LayerIndex] = {}
        progress: dict[int, tuple[int, int]] = {}
        reported = 0.0
        for tag, payload in frames(output):
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
                    indexes[values[0]] = unpack(values[1])
                    self._post(LayerIndexed(values[0], indexes[values[0]]))
                case b"u":
                    merged = [indexes[number] for number in range(1, values[0] + 1)]
                    self._post(UnionReady(values[0], Union.decode(values[1], merged)))
                case b"e":
                    self._fail(LayertuiError(*(part.decode("utf-8", "surrogateescape") for part in values)))
                    return True
                case b"d":
                    self._post(LoadDone(*values))
                    return True
        return False

    def _fail(self, error: LayertuiError) -> None:
        self._post(LoadFailed(error))

    def _post(self, message: Message) -> None:
        if not self._closed.is_set():
            self._target.post_message(message)


def frames(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Tag and payload of each frame until the stream ends, also in the middle of one."""
    while len(head := stream.read(5)) == 5:
        length = int.from_bytes(head[:4], "little")
        payload = stream.read(length)
        if len(payload) < length:
            return
        yield head[4:], payload
