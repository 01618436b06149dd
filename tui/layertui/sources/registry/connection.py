"""HTTP to one place: certificates, timeouts, redirects, and trying again."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from layertui import __version__
from layertui.model.errors import LayertuiError
from layertui.sources.registry.endpoints import RegistryEndpoint, certificates

CONNECT = 10
"""Seconds that a connection may take."""
SILENCE = 30
"""Seconds without a byte after which a connection counts as dead."""
TRIES = 4
"""How often the same thing is asked for, at most."""
BACK_OFF = 0.5
"""Seconds before the second try; doubled for each further one."""
MAX_WAIT = 30
"""Seconds that a registry may ask to wait; beyond, the user is reported instead."""
MAX_REDIRECTS = 10
TRY_AGAIN = (429, 500, 502, 503, 504)

TRANSPORT_ERRORS = (requests.RequestException, HTTPError, OSError)
"""What a connection that fails raises, in the libraries' many words."""


class Connection:
    """Asks the host of an endpoint, and whichever it points to. Safe to share between threads."""

    def __init__(self, endpoint: RegistryEndpoint) -> None:
        self.endpoint = endpoint
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"layertui/{__version__}"
        self._session.headers["Accept-Encoding"] = "identity"  # digests are of the bytes as stored
        self._session.mount("https://", _Adapter(_context()))
        own = f"https://{endpoint.address}/"
        self._session.mount(own, _Adapter(_own_context(endpoint), check=not endpoint.insecure))
        self._base = f"{endpoint.schemes[0]}://{endpoint.address}" if len(endpoint.schemes) == 1 else ""
        self._lock = threading.Lock()

    @property
    def base(self) -> str:
        """Scheme and host that answer. Raises :class:`LayertuiError` if none does."""
        with self._lock:
            if not self._base:
                self._base = self._probe()
            return self._base

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], method: str = "GET", form: Mapping[str, str] | None = None
    ) -> Iterator[requests.Response]:
        """Return an answer whose body has not been read, of whatever status.

        What another try may mend is tried again. Redirects are followed; ``Authorization`` goes to
        the host it was meant for only. Raises :class:`LayertuiError` if there is no answer.
        """
        for attempt in range(1, TRIES + 1):
            try:
                response = self._follow(method, url, headers, form)
            except TRANSPORT_ERRORS as error:
                if attempt == TRIES or _is_final(error):
                    raise self.unreachable(error, url) from error
                wait_before(attempt)
                continue
            with response:
                wait = _wait_asked(response)
                if response.status_code in TRY_AGAIN and attempt < TRIES and wait <= MAX_WAIT:
                    wait_before(attempt, wait)
                    continue
                yield response
                return

    def unreachable(self, error: Exception, url: str) -> LayertuiError:
        """Return the line for an error of the connection."""
        host = urlsplit(url).netloc
        what = f"cannot reach {host}"
        if isinstance(error, requests.exceptions.SSLError) or _find(error, ssl.SSLError):
            found = _find(error, ssl.SSLCertVerificationError)
            why = found.verify_message if isinstance(found, ssl.SSLCertVerificationError) else "TLS fails"
            remedy = f"put its authority into /etc/docker/certs.d/{host}/ca.crt"
            return LayertuiError(what, f"its certificate is not trusted: {why}" if found else why, remedy)
        return LayertuiError(what, reason(error))

    def _follow(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> requests.Response:
        for _ in range(MAX_REDIRECTS):
            response = self._session.request(
                method,
                url,
                headers=headers,
                data=form,
                stream=True,
                timeout=(CONNECT, SILENCE),
                allow_redirects=False,
                auth=_as_it_is,
            )
            if not response.is_redirect:
                return response
            response.close()
            target = urljoin(url, response.headers["location"])
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = target
        raise requests.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects")

    def _probe(self) -> str:
        """Return the first scheme in which the host answers as a registry."""
        failed: Exception | None = None
        for scheme in self.endpoint.schemes:
            base = f"{scheme}://{self.endpoint.address}"
            try:
                with self._follow("GET", f"{base}/v2/", {}, None) as response:
                    if response.status_code != 400:  # a TLS server's word for plain HTTP
                        return base
            except TRANSPORT_ERRORS as error:
                # That of the certificate says more than that HTTP was refused.
                failed = (
                    error if failed is None or not _find(failed, ssl.SSLCertVerificationError) else failed
                )
        if failed is None:
            raise LayertuiError(f"{self.endpoint.host} is no registry", "it answers with status 400")
        raise self.unreachable(failed, f"//{self.endpoint.address}") from failed


class _Adapter(HTTPAdapter):
    """Uses its own idea of which certificates are right."""

    def __init__(self, context: ssl.SSLContext, check: bool = True) -> None:
        self._context = context
        self._check = check
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        return super().proxy_manager_for(*arguments, **options, ssl_context=self._context)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        if not self._check:
            options["verify"] = False
        return super().send(request, *arguments, **options)


@cache
def _context() -> ssl.SSLContext:
    """Trusts the system's authorities, to which requests adds those of certifi. Slow to make."""
    return ssl.create_default_context()


def _own_context(endpoint: RegistryEndpoint) -> ssl.SSLContext:
    """Return the same, with what is set up for the endpoint's host."""
    authorities, clients = certificates(endpoint.host)
    if not (authorities or clients or endpoint.insecure):
        return _context()
    context = ssl.create_default_context()
    try:
        for path in authorities:
            context.load_verify_locations(path)
        for path, key in clients:
            context.load_cert_chain(path, key)
    except (OSError, ssl.SSLError) as error:
        raise LayertuiError(
            f"cannot use the certificates for {endpoint.host}", f"{path}: {error.strerror or error}"
        ) from error
    if endpoint.insecure:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the image says so
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as ``auth`` so that requests takes no login from ``.netrc``."""
    return request


def wait_before(attempt: int, asked: float = 0) -> None:
    """Sleep after a failed attempt, longer each time, and as long as was asked for."""
    time.sleep(max(asked, BACK_OFF * 2 ** (attempt - 1)))


def _wait_asked(response: requests.Response) -> float:
    """Return seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3); 0 without it."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0)
    except (ValueError, TypeError, OverflowError):
        return 0


def _is_final(error: Exception) -> bool:
    """Return whether another try would end the same."""
    if isinstance(error, requests.TooManyRedirects | ValueError):
        return True  # requests' errors of addresses are ValueErrors
    if _find(error, ssl.SSLCertVerificationError) or _find(error, socket.gaierror):
        return True
    return _number(error) == errno.ECONNREFUSED


def reason(error: Exception) -> str:
    """Return the system's own words for an error of the connection, else the library's."""
    if isinstance(error, requests.Timeout) or _find(error, TimeoutError):
        return "it does not answer in time"
    if unknown := _find(error, socket.gaierror):
        return f"its address is not known: {getattr(unknown, 'strerror', None) or unknown}"
    if number := _number(error):
        return os.strerror(number)
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _number(error: Exception) -> int:
    found = _find(error, ConnectionError)
    return found.errno or 0 if isinstance(found, ConnectionError) else 0


def _find(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """Return the error of a kind that the libraries have wrapped."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        if isinstance(each, kind):
            return each
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return None
