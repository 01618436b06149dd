"""An engine's answers."""

from __future__ import annotations

import errno
import io
import os
import ssl
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from layertui.model.errors import LayertuiError, NoEngine, NotFound
from layertui.sources.engine.endpoint import DEFAULT, EngineEndpoint

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

TIMEOUT = 30
"""Seconds in which an engine has to begin an answer."""
PATIENCE = 900
"""Seconds between two pieces of a stream at most: before Docker 25 an image is written out before it is sent."""
ENGINE_CHUNK = 1 << 20
OLDEST = "1.24"
"""The API version that is understood at least; what is spoken is the engine's own."""


class Engine:
    """Asks one engine; GET requests only. Safe to use from several threads.

    Every method raises :class:`LayertuiError` that says why there is no answer, and
    :class:`NotFound`.
    """

    def __init__(self, endpoint: EngineEndpoint) -> None:
        self.endpoint = endpoint
        self._client: APIClient | None = None
        self._version = OLDEST

    def get(self, path: str, /, *names: str, **parameters: Any) -> Any:
        """Return the JSON at a path of the API; ``{0}`` and so on in it stand for ``names``."""
        with self._request(path, names, parameters) as response:
            try:
                return response.json()
            except ValueError as error:
                raise LayertuiError(f"{self.endpoint.engine} gives no JSON", str(error)) from error

    def stream(
        self,
        path: str,
        /,
        *names: str,
        begun: Callable[[Callable[[], None]], None] | None = None,
        **parameters: Any,
    ) -> Generator[bytes, None, None]:
        """Yield the bytes at a path as they come; closing the iterator hangs up.

        ``begun`` is given what ends it from another thread, while it waits for bytes.
        """
        with self._request(path, names, parameters, stream=True) as response, self._told():
            if begun is not None:
                begun(response.raw.shutdown)
            yield from response.iter_content(ENGINE_CHUNK)

    @property
    def api_version(self) -> tuple[int, ...]:
        """The version that was agreed on, ``(1, 41)``."""
        with self._told():
            self._connected()
            return tuple(int(part) for part in self._version.split("."))

    def header(self, path: str, name: str, /, *names: str, **parameters: Any) -> str:
        """Return one header of what is at a path, whose body is not read."""
        with self._request(path, names, parameters, stream=True) as response:
            return str(response.headers.get(name, ""))

    @contextmanager
    def _request(
        self, path: str, names: tuple[str, ...], parameters: dict[str, Any], stream: bool = False
    ) -> Iterator[Response]:
        with self._told():
            client = self._connected()
            quoted = [quote(name, safe="/:@") for name in names]
            url = f"{client.base_url}/v{self._version}{path.format(*quoted)}"
            timeout = (TIMEOUT, PATIENCE if stream else TIMEOUT)
            response = client.get(url, params=parameters, stream=stream, timeout=timeout)
        with response:
            if response.status_code >= 400:
                raise self._refused(response)
            yield response

    def _connected(self) -> APIClient:
        if self._client is None:
            from docker import APIClient

            client = APIClient(
                self.endpoint.url,
                version=OLDEST,
                timeout=TIMEOUT,
                tls=self.endpoint.tls or False,
                use_ssh_client=True,
            )
            # Else REQUESTS_CA_BUNDLE would stand in for the authority that the connection names.
            client.trust_env = False
            self._version = str(client.version(api_version=False).get("ApiVersion") or OLDEST)
            self._client = client
        return self._client

    def _refused(self, response: Response) -> LayertuiError:
        try:
            said = str(response.json()["message"])
        except (ValueError, KeyError, TypeError):
            said = response.reason or f"status {response.status_code}"
        kind = NotFound if response.status_code == 404 else LayertuiError
        return kind(f"{self.endpoint.engine} says", said.strip())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the libraries raise into one line with a remedy."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (RequestException, DockerException, OSError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> LayertuiError:
        if "paramiko" in str(error):
            return LayertuiError(
                f"cannot reach {self.endpoint.engine} by ssh", "", "pip install 'layertui[ssh]' adds it"
            )
        engine, url, origin = self.endpoint.engine, self.endpoint.url, self.endpoint.origin
        what = f"cannot reach {engine} at {url} ({origin})"
        number = _errno(error)
        service = "docker" if engine == "Docker" else "podman.socket"
        if number == errno.EACCES:
            group = " or join the group docker" if engine == "Docker" else ""
            return LayertuiError(what, "no permission on the socket", f"run as root{group}")
        if number in (errno.ENOENT, errno.ECONNREFUSED) and self.endpoint.socket is not None:
            why = "it is not running" if number == errno.ECONNREFUSED else "there is no such socket"
            absent = number == errno.ENOENT and self.endpoint.origin == DEFAULT
            return (NoEngine if absent else LayertuiError)(
                what, why, f"start it (systemctl start {service}) or set {_variable(engine)}"
            )
        return LayertuiError(what, _reason(error), f"look at {origin}")


class ByteStream(io.RawIOBase):
    """Chunks as a file object to be read front to back."""

    def __init__(self, chunks: Iterator[bytes], tell: Callable[[int], None] | None = None) -> None:
        """``tell`` is reported the bytes that came so far."""
        super().__init__()
        self._chunks = chunks
        self._tell = tell
        self._rest = b""
        self._done = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, missing = [], size
        while missing > 0:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
                self._done += len(self._rest)
                if self._tell is not None:
                    self._tell(self._done)
            part, self._rest = self._rest[:missing], self._rest[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def _variable(engine: str) -> str:
    return "DOCKER_HOST" if engine == "Docker" else "CONTAINER_HOST"


def _errno(error: BaseException | None) -> int:
    """Return the system's own reason, however deep the libraries have wrapped it."""
    seen = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        # The numbers of TLS errors are OpenSSL's, not the system's.
        if isinstance(each, OSError) and each.errno and not isinstance(each, ssl.SSLError):
            return each.errno
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return 0


def _reason(error: Exception) -> str:
    number = _errno(error)
    if number:
        return os.strerror(number)
    return str(error).splitlines()[0] if str(error) else type(error).__name__
