"""A registry's answers (OCI distribution-spec), with a login where it asks for one.

Only GET and HEAD go to a registry. A token server is sent POST where the login is an
identity token, since that is the only way to use one (distribution: oauth.md).

Credentials are sent to the host that they are stored for, and to the token server that it names. Neither
follows a redirect to another host, and neither is sent unencrypted unless the registry itself is read over
plain HTTP, and then to that host or, on loopback, this machine alone.
"""

from __future__ import annotations

import base64
import json
import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from layertui.model import media_types
from layertui.model.errors import LayertuiError, NotFound
from layertui.sources.documents import MANIFEST_SCHEMA, decode
from layertui.sources.files import MAX_JSON
from layertui.sources.registry import credentials
from layertui.sources.registry.connection import (
    MAX_WAIT,
    TRANSPORT_ERRORS,
    Connection,
    Patience,
    body,
    host_of,
    is_final,
    normal_url,
    number,
    origin,
    reason,
    wait_asked,
)
from layertui.sources.registry.endpoints import RegistryEndpoint, is_loopback

if TYPE_CHECKING:
    from requests import Response

MANIFEST_TYPES = (*media_types.INDEXES, *media_types.MANIFESTS)
MAX_PAGES = 1000
"""Pages of a list that are asked for at most."""
TOKEN_LIFE = 60
"""Seconds that a token is good for where its server does not say (distribution: token.md)."""
MAX_TOKEN_ANSWER = 1 << 20
"""Largest answer of a token server, in bytes; tokens are a few KiB."""
MAX_ERROR = 1 << 16
"""Bytes that are read of an error's body."""


class Client:
    """Reads one repository. Safe to share between threads.

    Every method raises :class:`LayertuiError` that says why there is no answer, and
    :class:`NotFound`.
    """

    def __init__(self, endpoint: RegistryEndpoint) -> None:
        self.endpoint = endpoint
        self._connection = Connection(endpoint)
        self._authorization = ""
        self._expires = 0.0
        self._challenge: dict[str, str] = {}
        self._lock = threading.Lock()
        self.gives_ranges = True
        """Until it is seen that the registry answers a range with everything."""

    @property
    def place(self) -> str:
        """Host and repository."""
        return f"{self.endpoint.host}/{self.endpoint.repository}"

    def document(self, path: str, accept: tuple[str, ...] = ()) -> tuple[bytes, Mapping[str, str]]:
        """Return a short body (64 MiB at most) with its headers; ``path`` is below the repository."""
        headers = {"Accept": ", ".join(accept)} if accept else {}
        patience = Patience()
        while True:
            with self.open(path, headers, patience=patience) as response:
                try:
                    data = body(response, MAX_JSON + 1, patience)
                except TRANSPORT_ERRORS as error:
                    if is_final(error) or not patience.retry():
                        raise self._connection.unreachable(error, response.url) from error
                    continue
                if len(data) > MAX_JSON:
                    raise LayertuiError(f"{path} of {self.place} is too large", f"over {MAX_JSON:,} bytes")
                return data, response.headers

    def manifest(self, wanted: str) -> tuple[bytes, str, str]:
        """Return a manifest or index by tag or digest: its bytes, media type, and digest as the registry says."""
        data, headers = self.document(f"manifests/{wanted}", MANIFEST_TYPES)
        media_type = headers.get("Content-Type", "").partition(";")[0].strip()
        return data, media_type, headers.get("Docker-Content-Digest", "")

    def tags(self) -> Iterator[str]:
        """Yield the repository's tags, in the registry's order, page by page."""
        for page in self._pages("tags/list"):
            tags = page.get("tags")
            yield from (tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()

    def referrers(self, digest: str) -> Iterator[dict[str, Any]]:
        """Yield descriptors of what refers to a manifest; raises :class:`NotFound` if that cannot be asked."""
        for page in self._pages(f"referrers/{digest}"):
            found = page.get("manifests")
            yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()

    def size(self, path: str) -> int:
        """Return bytes of what is at a path, which is not read."""
        with self.open(path, {"Accept": ", ".join(MANIFEST_TYPES)}, "HEAD") as response:
            size = number(response.headers.get("Content-Length", ""))
            if size is None:
                raise LayertuiError(f"the size of {path} of {self.place} is not known")
            return size

    @contextmanager
    def open(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        patience: Patience | None = None,
    ) -> Iterator[Response]:
        """Return a good answer, whose body has not been read."""
        base = f"{self._connection.base}/v2/{self.endpoint.repository}/"
        url = urljoin(base, path) if path.startswith("/") else base + path
        if origin(url) != origin(base):
            raise LayertuiError(f"{self.place} points elsewhere", f"to {url}")
        for is_last in (False, True):
            sent = dict(headers or {})
            if authorization := self._current():
                sent["Authorization"] = authorization
            with self._connection.get(url, sent, method, patience=patience) as response:
                is_own = origin(response.url) == origin(url)
                if response.status_code == 401 and is_own and not is_last:
                    self._log_in(response.headers.get("WWW-Authenticate", ""), authorization)
                    continue
                if response.status_code >= 400:
                    raise self._refused(response, path)
                yield response
                return

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        what, seen, left = f"{path} of {self.place}", set[str](), MAX_JSON
        while path not in seen:
            seen.add(path)
            data, headers = self.document(path)
            left -= len(data)
            if len(seen) > MAX_PAGES or left < 0:
                raise LayertuiError(f"{what} is too long", f"over {MAX_PAGES:,} pages or {MAX_JSON:,} bytes")
            try:
                page = decode(data, MANIFEST_SCHEMA)
            except ValueError as error:
                raise LayertuiError(f"{what} is not valid JSON", str(error)) from error
            if isinstance(page, dict):
                yield page
            following = re.search(r'<([^>]+)>\s*;[^,]*rel="?next"?', headers.get("Link", ""))
            if following is None:
                return
            # Relative to the page it stands on (RFC 8288, 3.2).
            here = f"/v2/{self.endpoint.repository}/{path}" if not path.startswith("/") else path
            try:
                target = urlsplit(urljoin(here, following[1]))
            except ValueError as error:
                raise LayertuiError(f"{what} has a malformed link to its next page", str(error)) from error
            path = target.path + (f"?{target.query}" if target.query else "")
        raise LayertuiError(f"{what} has no end", f"its page {path} is followed by itself")

    # Logging in

    def _current(self) -> str:
        """Return the ``Authorization`` to send; a token is renewed before it expires."""
        with self._lock:
            if self._challenge and time.monotonic() > self._expires:
                self._authorization = self._token(self._challenge)
            return self._authorization

    def _log_in(self, challenge: str, refused: str) -> None:
        """Have an answer to a challenge (RFC 9110, 11.6.1) that came in spite of ``refused``."""
        with self._lock:
            if self._authorization != refused:
                return  # another thread has logged in meanwhile
            schemes = challenges(challenge)
            if "bearer" in schemes:
                parameters = schemes["bearer"]
                parameters.setdefault("scope", f"repository:{self.endpoint.repository}:pull")
                self._authorization = self._token(parameters)
                self._challenge = parameters
                return
            login = self._login()
            if "basic" not in schemes:
                ways = ", ".join(schemes) or "none it names"
                raise LayertuiError(f"cannot log in to {self.endpoint.host}", f"its ways are {ways}")
            if login is None or not login.username:
                raise self._needs_login("")
            self._authorization = _basic(login)

    def _token(self, parameters: Mapping[str, str]) -> str:
        """Return a token from the server that a challenge names (distribution: token.md, oauth.md)."""
        login = self._login()
        if login is not None and login.registry_token:
            self._expires = float("inf")
            return f"Bearer {login.registry_token}"
        realm = self._realm(parameters.get("realm", ""), login)
        query = {name: parameters[name] for name in ("service", "scope") if name in parameters}
        headers, form, method = {}, None, "GET"
        if login is not None and login.identity_token:
            form = {
                "grant_type": "refresh_token", "client_id": "layertui", "refresh_token": login.identity_token,
                **query,
            }  # fmt: skip
            method = "POST"
        else:
            realm += ("&" if urlsplit(realm).query else "?") + urlencode(query)
            if login is not None:
                headers["Authorization"] = _basic(login)
        asked, patience = time.monotonic(), Patience()
        with self._connection.get(realm, headers, method, form, patience) as response:
            if response.status_code >= 400:
                said = _message(response)
                if response.status_code not in (400, 401, 403):
                    raise LayertuiError(f"{host_of(realm)} gives no token for {self.place}", said)
                raise self._rejected(login, said) if login is not None else self._needs_login(said)
            try:
                token, life = _parse_token(body(response, MAX_TOKEN_ANSWER, patience))
            except TRANSPORT_ERRORS as error:
                raise LayertuiError(
                    f"cannot log in to {self.endpoint.host}",
                    f"{host_of(realm)} gives no token: {reason(error)}",
                ) from error
        # A clock of its own: only how long counts, less what the way takes.
        self._expires = asked + max(life * 0.9, 1)
        return f"Bearer {token}"

    def _realm(self, text: str, login: credentials.Credentials | None) -> str:
        """Return the address of the token server; raises :class:`LayertuiError` where the login must not go."""
        what = f"cannot log in to {self.endpoint.host}"
        try:
            realm = normal_url(text)
        except ValueError as error:
            raise LayertuiError(what, f"its token server is {text or '?'}") from error
        base, server = urlsplit(self._connection.base), urlsplit(realm)
        is_near = server.hostname == base.hostname or (
            is_loopback(base.netloc) and is_loopback(server.netloc)
        )
        if login is not None and server.scheme == "http" and not (base.scheme == "http" and is_near):
            raise LayertuiError(what, f"its token server {realm} takes logins unencrypted")
        return realm

    def _login(self) -> credentials.Credentials | None:
        return credentials.find_login(self.endpoint.host, self.endpoint.repository)

    # What to say

    def _needs_login(self, said: str) -> LayertuiError:
        host = self.endpoint.host
        why = f"the registry says: {said}" if said else "it is not there, or not for everyone"
        return LayertuiError(f"{self.place} needs a login", why, f"docker login {host}")

    def _rejected(self, login: credentials.Credentials, said: str) -> LayertuiError:
        host = self.endpoint.host
        return LayertuiError(
            f"{host} refuses the login from {login.origin}", said or "wrong name or password",
            f"docker login {host}",
        )  # fmt: skip

    def _refused(self, response: Response, path: str) -> LayertuiError:
        status, said = response.status_code, _message(response)
        kind, _, name = path.partition("/")
        # Registries without the referrers API refuse it in different ways.
        if status == 404 or (kind == "referrers" and status in (400, 405, 501)):
            thing = {"manifests": f"no {name}", "blobs": f"no blob {name}"}.get(kind, f"no {path}")
            return NotFound(f"{self.place} has {thing}", said)
        if status in (401, 403):
            login = self._login()
            if login is None:
                return self._needs_login(said)
            if status == 401:
                return self._rejected(login, said)
            return LayertuiError(
                f"{self.place} may not be read with the login from {login.origin}", said,
                f"docker login {self.endpoint.host}",
            )  # fmt: skip
        host = host_of(response.url)
        if status == 429:
            after = wait_asked(response)
            remedy = f"try again in {after:.0f} seconds" if MAX_WAIT < after < float("inf") else ""
            return LayertuiError(f"{host} limits how often it is asked", said, remedy or "log in or wait")
        return LayertuiError(f"{host} does not give {path} of {self.place}", said)


def challenges(header: str) -> dict[str, dict[str, str]]:
    """Scheme, in lower case, and parameters of each challenge (RFC 9110, 11.6.1)."""
    found: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    token = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
    for match in re.finditer(rf'({token})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({token}))|({token})', header):
        if match[4]:
            parameters = found.setdefault(match[4].lower(), {})
        else:
            value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            parameters[match[1].lower()] = value
    return found


def _parse_token(data: bytes) -> tuple[str, float]:
    """Return the token in an answer, and the seconds that it is good for. Raises ``ValueError``."""
    try:
        answer = json.loads(data)
        token = answer.get("token") or answer["access_token"]
        life = float(answer.get("expires_in") or TOKEN_LIFE)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("its answer is not that of a token server") from error
    # Printable ASCII, which is more than RFC 6750 (2.1) allows and all that a header can contain.
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise ValueError("its token is malformed")
    return token, life if math.isfinite(life) else TOKEN_LIFE


def _basic(login: credentials.Credentials) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _message(response: Response) -> str:
    """Return what the registry says is wrong (distribution-spec, "Error Codes"), else the status."""
    status = f"status {response.status_code} {response.reason or ''}".strip()
    try:
        answer = json.loads(body(response, MAX_ERROR, Patience()))
        if "errors" in answer:
            first = answer["errors"][0]
            return f"{first.get('message') or first['code']} ({status})"
        return f"{answer.get('details') or answer['message']} ({status})"
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError, *TRANSPORT_ERRORS):
        return status
