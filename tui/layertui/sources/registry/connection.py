"""HTTP to one host: certificates, deadlines, redirects and retries."""

from __future__ import annotations

import contextlib
import errno
import http.client
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
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, IncompleteRead

from layertui import __version__
from layertui.model.errors import LayertuiError
from layertui.sources.connection_errors import broken_answer, cause
from layertui.sources.registry.endpoints import RegistryEndpoint, certificates, is_loopback

CONNECT = 10
"""Seconds that a connection may take."""
SILENCE = 30
"""Seconds without a byte after which a connection counts as dead."""
HEAD_TIME = 60
"""Seconds until the status and headers of an answer are complete, however steadily they trickle."""
DOCUMENT_TIME = 120
"""Seconds that a document may take in all, with its redirects, retries and waits."""
TRIES = 4
"""How often the same thing is asked for, at most."""
BACK_OFF = 0.5
"""Seconds before the second try; doubled for each further one."""
MAX_WAIT = 30
"""Seconds that a registry may ask to wait; if it asks for more, that is the error."""
MAX_REDIRECTS = 10
TRY_AGAIN = (429, 500, 502, 503, 504)
BODY_CHUNK = 1 << 16
"""Bytes of a short body taken from the connection at once."""
MAX_HEADER_DIGITS = 18
"""Digits of a number in a header; more are no number."""

TRANSPORT_ERRORS = (requests.RequestException, HTTPError, OSError, ValueError)
"""What a connection that fails raises, in the libraries' many words.

``ValueError``: http.client's for malformed answers, such as a chunk of negative length."""


class Patience:
    """How often, and until when, the same thing is asked for."""

    def __init__(self, seconds: float = 0) -> None:
        """``seconds``: :data:`DOCUMENT_TIME` by default."""
        self._retries = 0
        self._deadline = time.monotonic() + (seconds or DOCUMENT_TIME)

    def check(self) -> None:
        """Raise :class:`TimeoutError` after the deadline."""
        if time.monotonic() > self._deadline:
            raise TimeoutError("it does not answer in time")

    def retry(self, asked: float = 0) -> bool:
        """Wait before another try, longer each time and at least the ``asked`` seconds; return False if that is one too many."""
        if self._retries == TRIES - 1 or asked > MAX_WAIT or time.monotonic() > self._deadline:
            return False
        time.sleep(max(asked, BACK_OFF * 2**self._retries))
        self._retries += 1
        return True


class Connection:
    """Asks the host of an endpoint, and whichever it points to. Safe to share between threads."""

    def __init__(self, endpoint: RegistryEndpoint) -> None:
        self.endpoint = endpoint
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"layertui/{__version__}"
        self._session.headers["Accept-Encoding"] = "identity"  # digests are of the bytes as stored
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(_context()))
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
        self,
        url: str,
        headers: Mapping[str, str],
        method: str = "GET",
        form: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> Iterator[requests.Response]:
        """Return an answer whose body has not been read, of whatever status.

        Failures that may be temporary are retried. Redirects are followed, without ``Authorization`` and
        ``form`` where they lead to another scheme or host. Raises :class:`LayertuiError` if there is no answer.
        """
        patience = patience or Patience()
        while True:
            try:
                response = self._follow(method, url, headers, form, patience)
            except TRANSPORT_ERRORS as error:
                if is_final(error) or not patience.retry():
                    raise self.unreachable(error, url) from error
                continue
            with response:
                if response.status_code in TRY_AGAIN and patience.retry(wait_asked(response)):
                    continue
                yield response
                return

    def unreachable(self, error: Exception, url: str) -> LayertuiError:
        """Return the line for an error of the connection."""
        host = host_of(url)
        what = f"cannot reach {host}"
        if isinstance(error, requests.exceptions.SSLError) or cause(error, ssl.SSLError):
            found = cause(error, ssl.SSLCertVerificationError)
            why = found.verify_message if found is not None else "TLS fails"
            remedy = f"put its authority into /etc/docker/certs.d/{host}/ca.crt"
            return LayertuiError(what, f"its certificate is not trusted: {why}" if found else why, remedy)
        if cause(error, IncompleteRead):
            return LayertuiError(f"{host} broke off its answer", reason(error), "try again")
        return LayertuiError(what, reason(error))

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        patience: Patience,
    ) -> requests.Response:
        url = normal_url(url)
        for _ in range(MAX_REDIRECTS):
            patience.check()
            response = self._session.request(
                method,
                url,
                headers=headers,
                data=form,
                stream=True,
                timeout=(CONNECT, SILENCE),
                allow_redirects=False,
                auth=_as_it_is,
                # As Go's ProxyFromEnvironment: what is on this machine is not asked for elsewhere.
                proxies={"no_proxy": "*"} if is_loopback(urlsplit(url).netloc) else None,
            )
            if not response.is_redirect:
                return response
            response.close()
            target = normal_url(urljoin(url, response.headers["location"]))
            is_elsewhere = origin(target) != origin(url)
            if is_elsewhere:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            if method == "POST" and response.status_code in (301, 302, 303):
                method, form = "GET", None  # RFC 9110, 15.4.2 to 15.4.4
            elif form is not None and is_elsewhere:
                raise requests.exceptions.InvalidURL(f"it redirects the login to {host_of(target)}")
            url = target
        raise requests.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects")

    def _probe(self) -> str:
        """Return the first scheme in which the host answers as a registry."""
        failed: Exception | None = None
        for scheme in self.endpoint.schemes:
            base = f"{scheme}://{self.endpoint.address}"
            try:
                with self._follow("GET", f"{base}/v2/", {}, None, Patience()) as response:
                    if response.status_code != 400:  # a TLS server's word for plain HTTP
                        return base
            except TRANSPORT_ERRORS as error:
                # That of the certificate says more than that HTTP was refused.
                failed = (
                    error if failed is None or not cause(failed, ssl.SSLCertVerificationError) else failed
                )
        if failed is None:
            raise LayertuiError(f"{self.endpoint.host} is not a registry", "it answers with status 400")
        raise self.unreachable(failed, f"//{self.endpoint.address}") from failed


class _PunctualConnection(HTTPConnection):
    """A connection on which the head of an answer must be complete in time.

    The timeout of a socket is that of one read, which a byte now and then satisfies for ever.
    """

    def getresponse(self) -> Any:
        late = threading.Event()

        def interrupt() -> None:
            late.set()
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

        timer = threading.Timer(HEAD_TIME, interrupt)
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
            if late.is_set():  # http.client takes headers that break off for all of them
                raise TimeoutError("it does not answer in time")
            return response
        except (OSError, http.client.HTTPException, HTTPError) as error:
            if late.is_set():
                raise TimeoutError("it does not answer in time") from error
            raise
        finally:
            timer.cancel()


class _PunctualTlsConnection(_PunctualConnection, HTTPSConnection):
    """The same, encrypted."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _PunctualConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _PunctualTlsConnection


class _Adapter(HTTPAdapter):
    """Trusts the certificates of its own context."""

    def __init__(self, context: ssl.SSLContext, check: bool = True) -> None:
        self._context = context
        self._check = check
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options, ssl_context=self._context)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

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


def normal_url(url: str) -> str:
    """Return a URL as it is sent, so that what is checked of it is what counts.

    Raises :class:`requests.exceptions.InvalidURL`, or another ``ValueError``.
    """
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    if urlsplit(request.url or "").scheme not in ("http", "https"):
        raise requests.exceptions.InvalidURL(f"{url} is not an address of HTTP")
    return str(request.url)


def origin(url: str) -> tuple[str, str]:
    """Return the scheme and host, with port, of a URL; credentials are for one origin alone."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def host_of(url: str) -> str:
    """Return the host, with port, of a URL; the URL itself if it is malformed."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:
        return url


def body(response: requests.Response, limit: int, patience: Patience) -> bytes:
    """Return up to ``limit`` bytes of a body as it is sent, in time.

    Raises one of :data:`TRANSPORT_ERRORS`, also for a connection that was cut.
    """
    data = bytearray()
    while len(data) < limit:
        patience.check()
        more = response.raw.read1(min(limit - len(data), BODY_CHUNK), decode_content=False)
        if not more:
            break
        data += more
    return bytes(data)


def number(text: str) -> int | None:
    """Return a number in a header, ``None`` for anything else."""
    return int(text) if text.isdecimal() and len(text) <= MAX_HEADER_DIGITS else None


def wait_asked(response: requests.Response) -> float:
    """Return seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3); 0 without it."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0)
    except (ValueError, TypeError, OverflowError):
        return 0


def is_final(error: Exception) -> bool:
    """Return whether another try would end the same."""
    if isinstance(error, requests.TooManyRedirects | ValueError):
        return True  # requests' errors of addresses are ValueErrors
    if cause(error, ssl.SSLCertVerificationError) or cause(error, socket.gaierror):
        return True
    return _number(error) == errno.ECONNREFUSED


def reason(error: Exception) -> str:
    """Return the system's own words for an error of the connection, else the library's."""
    if isinstance(error, requests.Timeout) or cause(error, TimeoutError):
        return "it does not answer in time"
    if unknown := cause(error, socket.gaierror):
        return f"its address is not known: {unknown.strerror or unknown}"
    if number := _number(error):
        return os.strerror(number)
    return broken_answer(error)


def _number(error: Exception) -> int:
    found = cause(error, ConnectionError)
    return found.errno or 0 if found is not None else 0
