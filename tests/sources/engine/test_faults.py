"""Answers that no engine gives, each of which ends in one line that says what is wrong with it."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from layertui.model.errors import LayertuiError, NotFound
from layertui.sources.engine import client
from layertui.sources.engine.client import Engine
from layertui.sources.engine.endpoint import EngineEndpoint, Tls

DEEP = b"[" * 100_000


def answer(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


VERSION = answer(b'{"ApiVersion": "1.41"}')


@contextmanager
def engine(version: bytes, other: bytes, ends: bool = False) -> Iterator[Engine]:
    """An engine with one answer about its version and another to all else, after which it may hang up."""
    with tempfile.TemporaryDirectory(prefix="layertui-") as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/sock")
        server.listen()

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError), connection.makefile("rb") as requests:
                while line := requests.readline():
                    while requests.readline() not in (b"\r\n", b""):
                        pass
                    is_version = b" /version " in line
                    connection.sendall(version if is_version else other)
                    if ends and not is_version:
                        return

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield Engine(EngineEndpoint("Docker", f"unix://{folder}/sock", "test"))
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (answer(b"<html>"), "Expecting value"),
        (answer(DEEP), "nested too deeply"),
        (answer(b"no space left", b"500 Oops"), "no space left"),
        (answer(b'{"message": "no space left"}', b"500 Oops"), "no space left"),
        (answer(b"", b"500 Oops"), "status 500"),
        (answer(b"x" * 10_000, b"500 Oops"), "x" * client.MAX_SAID),
        (answer(b"<html>", b"502 Bad Gateway", b"Content-Type: text/html\r\n"), "Bad Gateway"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "its answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "it closed the connection after 1 of 50 bytes"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "its answer is malformed or breaks off",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc", "must be non-negative"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n", "Invalid IPv6 URL"),
        (b"", "it closed the connection without an answer"),
    ],
)
def test_an_answer_that_is_none(other: bytes, why: str) -> None:
    with engine(VERSION, other, ends=True) as asked, pytest.raises(LayertuiError) as raised:
        asked.get("/images/json")
    assert why in raised.value.why and len(str(raised.value)) < 700


@pytest.mark.parametrize("version", [b"[1]", b'{"ApiVersion": {"a": 1}}', b'{"ApiVersion": "1.\\ud800"}'])
def test_an_engine_without_a_version_is_asked_in_the_oldest(version: bytes) -> None:
    with engine(answer(version), answer(b"[]")) as asked:
        assert asked.get("/images/json") == []
        assert asked.api_version == (1, 24)


def test_a_version_that_cannot_be_read() -> None:
    with engine(answer(DEEP), answer(b"[]")) as asked, pytest.raises(LayertuiError, match="gives no JSON"):
        asked.get("/images/json")


def test_what_is_not_there() -> None:
    missing = answer(b'{"message": "No such image: a"}', b"404 Not Found")
    with engine(VERSION, missing) as asked, pytest.raises(NotFound, match="Docker says, No such image: a"):
        asked.get("/images/{0}/json", "a")


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.1)
    with engine(VERSION, b"") as asked, pytest.raises(LayertuiError, match=r"no answer within 0\.1 seconds"):
        asked.get("/images/json")


def test_tls_with_what_does_not_speak_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answered() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        threading.Thread(target=answered, daemon=True).start()
        url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(LayertuiError, match="TLS fails: wrong version number"):
            Engine(EngineEndpoint("Docker", url, "test", Tls(True))).get("/info")
