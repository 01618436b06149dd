"""HTTP over connections that something else makes: sockets of this machine, ssh."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

DIAL_SECONDS = 30
"""How long a socket of this machine may take to accept a connection."""
Dial = Callable[[], socket.socket]
"""Returns a new connection. Raises :class:`OSError`."""


class DialAdapter(HTTPAdapter):
    """Sends every request over connections of one kind, and keeps these."""

    def __init__(self, dial: Dial) -> None:
        class DialedConnection(HTTPConnection):
            def connect(self) -> None:
                self.sock = dial()

        class DialedPool(HTTPConnectionPool):
            ConnectionCls = DialedConnection

        self._pool = DialedPool("localhost", maxsize=10)
        super().__init__()

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()


def socket_dial(path: Path) -> Dial:
    """Return what connects to a socket of this machine."""

    def dial() -> socket.socket:
        if not hasattr(socket, "AF_UNIX"):
            raise OSError(errno.ENOTSUP, "this system has no Unix sockets")
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(DIAL_SECONDS)
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return connection

    return dial
