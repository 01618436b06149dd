"""A proxy in front of an engine's socket: it records what is asked, and cuts answers short if told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Proxy:
    """Passes bytes through in both directions; ``requests`` are the first lines of what clients ask."""

    def __init__(self, path: Path, engine: Path) -> None:
        self.url = f"unix://{path}"
        self.requests: list[str] = []
        self.cut: dict[str, int] = {}
        """How many bytes of the answer to a request with this in its line get through."""
        self._engine = engine
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(str(self._engine))
        threading.Thread(target=self._ask, args=(client, engine), daemon=True).start()
        passed = 0
        with client, engine, contextlib.suppress(OSError):
            while data := engine.recv(1 << 16):
                line = self.requests[-1] if self.requests else ""
                limit = next((size for part, size in self.cut.items() if part in line), None)
                if limit is not None and passed + len(data) > limit:
                    client.sendall(data[: limit - passed])
                    client.shutdown(socket.SHUT_RDWR)
                    return
                passed += len(data)
                client.sendall(data)

    def _ask(self, client: socket.socket, engine: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                # What is sent to an engine has no bodies, so every block is a request's head.
                self.requests += [head.decode().split("\r\n")[0] for head in data.split(b"\r\n\r\n") if head]
                engine.sendall(data)


@contextmanager
def proxy(path: Path, engine: Path) -> Iterator[Proxy]:
    running = Proxy(path, engine)
    try:
        yield running
    finally:
        running.close()
