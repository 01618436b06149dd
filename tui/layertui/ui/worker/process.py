"""A thread that asks a worker process and posts its answers to a screen."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from layertui.model.errors import LayertuiError
from layertui.model.unforeseen import unforeseen
from layertui.worker.client import Worker, take_worker

if TYPE_CHECKING:
    from layertui.worker.protocol import Frame, Request


class WorkerThread(ABC):
    """One run of a worker process; what its frames report is posted to ``target``.

    All methods are for the thread of the screen; :meth:`_read`, :meth:`_failed` and :meth:`_post` run in its own.
    """

    def __init__(self, target: MessagePump, request: "Request | None" = None) -> None:
        """Without a ``request`` the process waits for :meth:`ask`."""
        self._target = target
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        self.worker: Worker | None = None
        self._closed = threading.Event()
        if request is not None:
            self.ask(request)

    def start(self) -> None:
        """Start the process and, in a thread, to read its frames."""
        threading.Thread(target=self._run, name="worker", daemon=True).start()

    def ask(self, request: "Request") -> None:
        """Send the one request; any thread may call this."""
        self._requests.put(request)

    def close(self) -> None:
        """End the process at once; no message is posted after this. May be called twice."""
        self._closed.set()
        self._requests.put(None)
        if self.worker is not None:
            self.worker.kill()

    def _run(self) -> None:
        try:
            with take_worker() as worker:
                self.worker = worker
                request = self._requests.get()
                if request is not None and not self._closed.is_set():
                    self._read(worker.ask(request))
        except Exception as error:
            self._failed(unforeseen(error))

    @abstractmethod
    def _read(self, frames: "Iterator[Frame]") -> None:
        """Post what the frames report; whatever it leaves unread is dropped."""

    @abstractmethod
    def _failed(self, error: LayertuiError) -> None:
        """Post that nothing more arrives."""

    def _post(self, message: Message) -> None:
        if not self._closed.is_set():
            self._target.post_message(message)
