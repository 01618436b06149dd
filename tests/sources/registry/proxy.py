"""A server before a real registry that cuts, stalls, lies and refuses as it is told."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.waiting import SECONDS


@dataclass
class Answer:
    """What goes back to the client."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int = -1
    """Bytes of the body after which the connection ends; -1 for none."""
    stall: threading.Event | None = None
    """Waited for where the connection would be cut."""
    raw: Iterable[bytes] | None = None
    """Written as it is, in place of everything else, until the client hangs up."""


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


Fault = Callable[[Request, Answer], None]
"""Changes the answer to a request."""


class FaultyProxy:
    """Listens on loopback, remembers every request, and passes it on to a registry if there is one."""

    def __init__(self, upstream: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._upstream = upstream
        self._faults: list[list[Any]] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.name = f"localhost:{self._server.server_port}"
        """Another name for the same place."""

    def fail(self, part: str, fault: Fault, times: int = 1 << 30) -> None:
        """Have a fault change the answers to requests whose path has a part, so many times."""
        self._faults.append([part, fault, times])

    def heal(self) -> None:
        """Do no wrong any more."""
        self._faults.clear()

    def paths(self, part: str = "") -> list[str]:
        """The paths that were asked for."""
        return [request.path for request in self.requests if part in request.path]

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self._pass_on(request) if self._upstream else Answer()
        for entry in self._faults:
            part, fault, times = entry
            if part in request.path and times:
                entry[2] -= 1
                fault(request, answer)
        return answer

    def _pass_on(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self._upstream, timeout=SECONDS)
        connection.request(request.method, request.path, headers=request.headers)
        response = connection.getresponse()
        body = response.read()
        headers = {name: value for name, value in response.getheaders() if name != "Transfer-Encoding"}
        connection.close()
        return Answer(response.status, headers, body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = proxy.answer(Request(self.command, self.path, dict(self.headers), body))
                if answer.raw is not None:
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        for piece in answer.raw:
                            self.wfile.write(piece)
                            self.wfile.flush()
                    return
                self.send_response(answer.status)
                if self.command != "HEAD":
                    answer.headers.setdefault("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                self.wfile.write(answer.body if answer.cut < 0 else answer.body[: answer.cut])
                if answer.cut >= 0:
                    self.wfile.flush()
                    if answer.stall is not None:
                        answer.stall.wait(SECONDS)
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_one

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_arguments: object) -> None:
        pass  # clients that hang up


@contextmanager
def cut_off(after: int) -> Iterator[Fault]:
    """Send so many bytes and then nothing, without an end."""
    event = threading.Event()

    def fault(_request: Request, answer: Answer) -> None:
        answer.cut, answer.stall = after, event

    yield fault
    event.set()


def cut(after: int) -> Fault:
    """Ends the connection after so many bytes."""

    def fault(_request: Request, answer: Answer) -> None:
        answer.cut = after

    return fault


def status(code: int, **headers: str) -> Fault:
    """Answers with a status; headers' underscores stand for dashes."""

    def fault(_request: Request, answer: Answer) -> None:
        answer.status, answer.body = code, b""
        answer.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    return fault


def replace(data: bytes) -> Fault:
    """Answers with other bytes."""

    def fault(_request: Request, answer: Answer) -> None:
        answer.body = data
        answer.headers["Content-Length"] = str(len(data))

    return fault


def change(position: int) -> Fault:
    """Changes one byte."""

    def fault(_request: Request, answer: Answer) -> None:
        body = bytearray(answer.body)
        body[position] ^= 1
        answer.body = bytes(body)

    return fault


def raw(*pieces: bytes) -> Fault:
    """Answers with bytes that need not be HTTP."""

    def fault(_request: Request, answer: Answer) -> None:
        answer.raw = pieces

    return fault


def drip(head: bytes, drop: bytes) -> Fault:
    """Answers with a beginning, and then with a drop at a time without an end."""

    def drops() -> Iterator[bytes]:
        yield head
        pause = threading.Event()
        while not pause.wait(0.02):
            yield drop

    def fault(_request: Request, answer: Answer) -> None:
        answer.raw = drops()

    return fault
