"""A run of the worker process, whose answers go to a screen."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import BufferedReader
from typing import IO

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError


class WorkerProcess:
    """One run of ``python -m layertui.worker.main``; what it sends is posted to ``target``.

    :meth:`close` ends the process at once, at whatever it is, and may be called twice.
    """

    def __init__(
        self, target: MessagePump, reference: str, platform: str | None, cache: bool, **asked: object
    ) -> None:
        """``asked`` are more fields of :class:`layertui.worker.main.Request`."""
        self._target = target
        self._request = {
            "reference": reference,
            "platform": platform,
            "cache": cache,
            **asked,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def start(self) -> None:
        """Starts the process and, in a thread, reading what it sends."""
        threading.Thread(target=self._run, name="worker", daemon=True).start()

    def close(self) -> None:
        """Kills the process, which its thread collects; no message is posted after this."""
        self._closed.set()
        if self._process is not None:
            self._process.kill()

    def _run(self) -> None:
        try:
            # -P: a file json.py in the current directory must not be run
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "layertui.worker.main"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            self._failed(LayertuiError("cannot start the reader", error.strerror or str(error)))
            return
        self._process = process
        if self._closed.is_set():  # closed before the process was there to be killed
            process.kill()
        assert process.stdin and isinstance(process.stdout, BufferedReader)
        with process, process.stdout as output:
            try:
                with process.stdin as requests:
                    requests.write(json.dumps(self._request).encode())
                complete = self._read(output)
            except BrokenPipeError:
                complete = False
            except LayertuiError as error:
                self._failed(error)
                complete = True
            process.kill()
        if not complete:
            why = f"its process ended with status {process.returncode}"
            self._failed(LayertuiError("reading stopped", why, "leave with escape and open it again"))

    def _read(self, output: BufferedReader) -> bool:
        """Posts what the frames say; False when they end without an end."""
        raise NotImplementedError

    def _frames(self, output: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """The frames; raises the :class:`LayertuiError` that one says."""
        for tag, payload in frames(output):
            if tag == b"e":
                raise _error_of(payload)
            yield tag, payload

    def _failed(self, error: LayertuiError) -> None:
        """Posts that nothing more comes."""
        raise NotImplementedError

    def _post(self, message: Message) -> None:
        if not self._closed.is_set():
            self._target.post_message(message)


def _error_of(payload: bytes) -> LayertuiError:
    """What a frame ``e`` says."""
    import msgspec

    return LayertuiError(
        *(part.decode("utf-8", "surrogateescape") for part in msgspec.msgpack.decode(payload))
    )


def frames(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Tag and payload of each frame until the stream ends, also in the middle of one."""
    while len(head := stream.read(5)) == 5:
        length = int.from_bytes(head[:4], "little")
        payload = stream.read(length)
        if len(payload) < length:
            return
        yield head[4:], payload
