"""The client of an engine's API."""

from __future__ import annotations

import errno
import io
import re
import ssl
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from layertui.model.errors import LayertuiError, NoEngine, NotFound
from layertui.sources.documents import json_problem
from layertui.sources.engine.endpoint import DEFAULT, EngineEndpoint
from layertui.sources.engine.ssh import Ssh, SshFailure
from layertui.sources.engine.values import objects

if TYPE_CHECKING:
    from requests import Response, Session

TIMEOUT = 30
"""Seconds until an engine has to begin its answer."""
PATIENCE = 900
"""Longest pause in a stream, in seconds: before Docker 25, an image is written to disk before it is sent."""
ENGINE_CHUNK = 1 << 20
MAX_SAID = 500
"""Letters of an engine's own error message that are shown."""
OLDEST = "1.24"
"""The oldest API version that is understood; an engine is asked in its own version."""


class Engine:
    """Sends GET requests to one engine. Safe to use from several threads.

    Every method raises :class:`LayertuiError` that says why there is no answer, and
    :class:`NotFound`.
    """

    def __init__(self, endpoint: EngineEndpoint) -> None:
        self.endpoint = endpoint
        url = endpoint.url
        self._ssh = Ssh(endpoint.engine, url, endpoint.ssh_options) if url.startswith("ssh://") else None
        self._base = "http://localhost" if self._ssh is not None or endpoint.socket is not None else url
        if url.startswith("tcp://"):
            self._base = ("http" if endpoint.tls is None else "https") + url.removeprefix("tcp")
        self._session: Session | None = None
        self._version = OLDEST

    def get(self, path: str, /, *names: str, **parameters: Any) -> Any:
        """Return the JSON at a path of the API; ``{0}`` and so on in it stand for ``names``."""
        with self._request(path, names, parameters) as response:
            return _json(response, self.endpoint.engine)

    def get_object(self, path: str, /, *names: str, **parameters: Any) -> dict[str, Any]:
        """Return the JSON object at a path, as :meth:`get`. Raises :class:`LayertuiError` for anything else."""
        answer = self.get(path, *names, **parameters)
        if not isinstance(answer, dict):
            asked = path.format(*names)
            raise LayertuiError(
                f"{self.endpoint.engine} does not describe {asked}", "its answer is not an object"
            )
        return answer

    def get_list(self, path: str, /, *names: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the objects of the JSON list at a path, as :meth:`get`; ``null`` is an empty list, as Go writes one.

        Raises :class:`LayertuiError` for anything else: that is not an answer without rows.
        """
        answer = self.get(path, *names, **parameters)
        if not isinstance(answer, list | None):
            asked = path.format(*names)
            raise LayertuiError(f"{self.endpoint.engine} does not list {asked}", "its answer is not a list")
        found = objects(answer)
        if len(found) < len(answer or ()):
            asked = path.format(*names)
            raise LayertuiError(
                f"{self.endpoint.engine} does not list {asked}", "not all items of its answer are objects"
            )
        return found

    def stream(
        self,
        path: str,
        /,
        *names: str,
        begun: Callable[[Callable[[], None]], None] | None = None,
        **parameters: Any,
    ) -> Generator[bytes, None, None]:
        """Yield the bytes at a path as they arrive; closing the iterator closes the connection.

        ``begun`` is called with a function that ends it from another thread while it waits for bytes.
        """
        with self._request(path, names, parameters, stream=True) as response, self._errors():
            if begun is not None:
                begun(response.raw.shutdown)
            yield from response.iter_content(ENGINE_CHUNK)

    @property
    def api_version(self) -> tuple[int, ...]:
        """The version of the API that is used, ``(1, 41)``."""
        with self._errors():
            self._connected()
            return tuple(int(part) for part in self._version.split("."))

    def header(self, path: str, name: str, /, *names: str, **parameters: Any) -> str:
        """Return a header of the answer at a path; its body is not read."""
        with self._request(path, names, parameters, stream=True) as response:
            return str(response.headers.get(name, ""))

    @contextmanager
    def _request(
        self, path: str, names: tuple[str, ...], parameters: dict[str, Any], stream: bool = False
    ) -> Iterator[Response]:
        with self._errors():
            session = self._connected()
            quoted = [quote(name, safe="/:@") for name in names]
            url = f"{self._base}/v{self._version}{path.format(*quoted)}"
            timeout = (TIMEOUT, PATIENCE if stream else TIMEOUT)
            response = session.get(url, params=parameters, stream=stream, timeout=timeout)
        with response:
            if response.status_code >= 400:
                raise self._refused(response)
            yield response

    def _connected(self) -> Session:
        """Return the session, after the engine has reported its version."""
        if self._session is None:
            session = self._new_session()
            response = session.get(f"{self._base}/version", timeout=TIMEOUT)
            if response.status_code >= 400:
                raise self._refused(response)
            answer = _json(response, self.endpoint.engine)
            version = str(answer.get("ApiVersion") if isinstance(answer, dict) else "")
            self._version = version if re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", version) else OLDEST
            self._session = session
        return self._session

    def _new_session(self) -> Session:
        from requests import Session
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        from layertui.sources.engine.connection import DialAdapter, socket_dial

        session = Session()
        # REQUESTS_CA_BUNDLE would replace the authority that the connection names.
        session.trust_env = False
        if self._ssh is not None:
            session.mount("http://", DialAdapter(self._ssh.connect))
        elif self.endpoint.socket is not None:
            session.mount("http://", DialAdapter(socket_dial(self.endpoint.socket)))
        if (tls := self.endpoint.tls) is not None:
            session.verify, session.cert = tls.verify, tls.certificate
            if not tls.verify:
                disable_warnings(InsecureRequestWarning)  # the user's settings say so
        return session

    def _refused(self, response: Response) -> LayertuiError:
        try:
            said = str(response.json()["message"])
        except (ValueError, KeyError, TypeError, RecursionError):
            is_text = response.headers.get("Content-Type", "text/plain").startswith("text/plain")
            said = (response.text if is_text else response.reason) or f"status {response.status_code}"
        kind = NotFound if response.status_code == 404 else LayertuiError
        return kind(f"{self.endpoint.engine} says", said.strip()[:MAX_SAID])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise what the libraries raise as a :class:`LayertuiError` with cause and next step."""
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (RequestException, HTTPError, OSError, ValueError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> LayertuiError:
        engine, origin = self.endpoint.engine, self.endpoint.origin
        what = f"cannot reach {engine} at {self.endpoint.url} ({origin})"
        cause = _system_error(error)
        if self._ssh is not None and not isinstance(cause, SshFailure):
            try:
                self._ssh.check()  # ssh itself says why a connection broke off
            except OSError as failure:
                cause = failure
        if isinstance(cause, SshFailure):
            return LayertuiError(what, str(cause), cause.remedy)
        if cause is None:
            return LayertuiError(what, _reason(error), f"look at {origin}")
        service = "docker" if engine == "Docker" else "podman.socket"
        if cause.errno == errno.EACCES:
            group = " or join the group docker" if engine == "Docker" else ""
            return LayertuiError(what, "no permission on the socket", f"run as root{group}")
        if cause.errno in (errno.ENOENT, errno.ECONNREFUSED) and self.endpoint.socket is not None:
            why = "it is not running" if cause.errno == errno.ECONNREFUSED else "there is no such socket"
            absent = cause.errno == errno.ENOENT and origin == DEFAULT
            return (NoEngine if absent else LayertuiError)(
                what, why, f"start it (systemctl start {service}) or set {self.endpoint.variable}"
            )
        return LayertuiError(what, cause.strerror or str(cause), f"look at {origin}")


class ByteStream(io.RawIOBase):
    """A file object that reads chunks front to back."""

    def __init__(self, chunks: Iterator[bytes], tell: Callable[[int], None] | None = None) -> None:
        """``tell`` is called with the number of bytes received."""
        super().__init__()
        self._chunks = chunks
        self._tell = tell
        self._rest = b""
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

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


def _json(response: Response, engine: str) -> Any:
    """Return the JSON of an answer. Raises :class:`LayertuiError` if it is none."""
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise LayertuiError(f"{engine} gives no JSON", json_problem(error)) from error


def _reason(error: Exception) -> str:
    """Return why there is no answer, where the system does not say it."""
    from requests.exceptions import ReadTimeout

    from layertui.sources.connection_errors import broken_answer, cause

    if (refused := cause(error, ssl.SSLError)) is not None:
        why = getattr(refused, "verify_message", "") or refused.reason.replace("_", " ").lower()
        return f"TLS fails: {why}"
    if isinstance(error, ReadTimeout) or "timed out" in str(error):
        return f"no answer within {TIMEOUT} seconds"
    return broken_answer(error)


def _system_error(error: BaseException) -> OSError | None:
    """Return the system's own error, however deep the libraries have wrapped it."""
    from layertui.sources.connection_errors import causes

    for each in causes(error):
        if isinstance(each, SshFailure):
            return each
        # The numbers of TLS errors are OpenSSL's, not the system's.
        if isinstance(each, OSError) and each.errno and not isinstance(each, ssl.SSLError):
            return each
    return None
