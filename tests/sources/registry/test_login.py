"""Registries that ask who is there: passwords, tokens, certificates."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from layertui.model.errors import LayertuiError
from layertui.sources import open_image
from layertui.sources.registry import connection
from layertui.sources.registry.client import MAX_TOKEN_ANSWER, challenges
from tests.engines import run
from tests.programs import need
from tests.sources.registry.conftest import QUARRY
from tests.sources.registry.proxy import Answer, FaultyProxy, Request, drip, replace, status
from tests.sources.registry.server import Registry, docker_registry
from tests.sources.registry.test_credentials import helper, write

HTPASSWD = "quarry:$2b$04$abcdefghijklmnopqrstuupq3UgSFm/Sf2R51R2/ze3/qhiAEzuKO\n"
PASSWORD = "secret-pw"


def auths(settings: Path, host: str, **item: str) -> Path:
    return write(settings / "HOME/.docker/config.json", auths={host: item})


def basic(name: str, password: str) -> str:
    return base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def guarded(layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants a name and a password."""
    directory = tmp_path_factory.mktemp("guarded")
    (directory / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}}
    with docker_registry(directory, auth=auth) as server:
        server.load(f"oci:{layout}:1.0", f"{QUARRY}:1.0", f"--dest-creds=quarry:{PASSWORD}")
        yield server


def test_password(guarded: Registry, settings: Path) -> None:
    auths(settings, guarded.host, auth=basic("quarry", PASSWORD))
    assert len(open_image(f"docker://{guarded.host}/{QUARRY}:1.0").layers) == 9


def test_password_from_a_helper(guarded: Registry, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.dumps({"ServerURL": guarded.host, "Username": "quarry", "Secret": PASSWORD})
    helper(settings, "vault", f"[ $server = {guarded.host} ] && echo '{answer}'", monkeypatch)
    write(settings / "HOME/.docker/config.json", credHelpers={guarded.host: "vault"})
    assert len(open_image(f"docker://{guarded.host}/{QUARRY}:1.0").layers) == 9


def test_login_written_by_skopeo(guarded: Registry, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings / "auth.json"
    command = ["skopeo", "login", "--tls-verify=false", "--authfile", str(path), "--username", "quarry"]
    run(*command, "--password", PASSWORD, guarded.host)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    assert len(open_image(f"docker://{guarded.host}/{QUARRY}:1.0").layers) == 9


def test_no_password(guarded: Registry) -> None:
    with pytest.raises(LayertuiError) as raised:
        open_image(f"docker://{guarded.host}/{QUARRY}:1.0")
    assert raised.value.what == f"{guarded.host}/{QUARRY} needs a login"
    assert raised.value.remedy == f"docker login {guarded.host}"


def test_wrong_password(guarded: Registry, settings: Path) -> None:
    path = auths(settings, guarded.host, auth=basic("quarry", "letmein"))
    with pytest.raises(LayertuiError) as raised:
        open_image(f"docker://{guarded.host}/{QUARRY}:1.0")
    assert raised.value.what == f"{guarded.host} refuses the login from {path}"
    assert "letmein" not in str(raised.value)


def test_a_login_in_netrc_is_not_used(guarded: Registry, settings: Path) -> None:
    (settings / "HOME/.netrc").write_text(f"machine 127.0.0.1 login quarry password {PASSWORD}\n")
    (settings / "HOME/.netrc").chmod(0o600)
    with pytest.raises(LayertuiError, match="needs a login"):
        open_image(f"docker://{guarded.host}/{QUARRY}:1.0")


class TokenServer:
    """Gives tokens, and guards a proxy that takes none but those."""

    def __init__(self, proxy: FaultyProxy, server: FaultyProxy) -> None:
        self.server = server
        self.given = 0
        self.accepts = ""
        self.life = 300
        self.realm = f"http://{server.host}/token"
        server.fail("/token", self._give)
        proxy.fail("/v2/", self._guard)

    def _give(self, request: Request, answer: Answer) -> None:
        sent = request.headers.get("Authorization", "") or parse_qs(request.body.decode()).get(
            "refresh_token", [""]
        )
        if self.accepts and self.accepts not in sent:
            answer.status, answer.body = 401, b'{"details": "incorrect username or password"}'
            return
        self.given += 1
        answer.body = json.dumps({"token": f"t{self.given}", "expires_in": self.life}).encode()

    def _guard(self, request: Request, answer: Answer) -> None:
        if self.given and request.headers.get("Authorization") == f"Bearer t{self.given}":
            return
        answer.status, answer.body = 401, b""
        answer.headers = {
            "WWW-Authenticate": f'Bearer realm="{self.realm}",service="reg, one",scope="repository:{QUARRY}:pull"'
        }


@pytest.fixture
def tokens(proxy: FaultyProxy) -> Iterator[TokenServer]:
    with FaultyProxy() as server:
        yield TokenServer(proxy, server)


def test_token_for_anyone(proxy: FaultyProxy, tokens: TokenServer) -> None:
    image = open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    assert image.layers[0].blob and image.layers[0].blob.pread(2, 0) == b"\x1f\x8b"
    (asked,) = tokens.server.requests  # once for all that is read
    assert asked.method == "GET" and "Authorization" not in asked.headers
    query = {"service": ["reg, one"], "scope": [f"repository:{QUARRY}:pull"]}
    assert parse_qs(urlsplit(asked.path).query) == query


def test_token_for_a_password(proxy: FaultyProxy, tokens: TokenServer, settings: Path) -> None:
    auths(settings, proxy.host, auth=basic("quarry", PASSWORD))
    tokens.accepts = f"Basic {basic('quarry', PASSWORD)}"
    open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    # The password is for the token server alone.
    assert not [each for each in proxy.requests if "Basic" in each.headers.get("Authorization", "")]


def test_token_for_an_identity_token(proxy: FaultyProxy, tokens: TokenServer, settings: Path) -> None:
    auths(settings, proxy.host, auth=basic("00000000-0000-0000-0000-000000000000", ""), identitytoken="long")
    tokens.accepts = "long"
    open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    (asked,) = tokens.server.requests
    assert asked.method == "POST"
    form = parse_qs(asked.body.decode())
    assert form["grant_type"] == ["refresh_token"] and form["service"] == ["reg, one"]
    assert {each.method for each in proxy.requests} == {"GET"}


def test_a_registry_token_is_sent_as_it_is(proxy: FaultyProxy, tokens: TokenServer, settings: Path) -> None:
    auths(settings, proxy.host, registrytoken="t7")
    tokens.given = 7
    open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    assert not tokens.server.requests


def test_an_expired_token_is_renewed(proxy: FaultyProxy, tokens: TokenServer) -> None:
    image = open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    tokens.given += 1  # the registry forgets the one it gave
    assert image.layers[0].blob and image.layers[0].blob.pread(2, 0) == b"\x1f\x8b"
    assert len(tokens.server.requests) == 2


def test_a_wrong_password_for_a_token(proxy: FaultyProxy, tokens: TokenServer, settings: Path) -> None:
    path = auths(settings, proxy.host, auth=basic("quarry", "wrong"))
    tokens.accepts = "something else"
    with pytest.raises(LayertuiError) as raised:
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    assert raised.value.what == f"{proxy.host} refuses the login from {path}"
    assert raised.value.why == "incorrect username or password (status 401 Unauthorized)"


def test_no_token_for_nobody(proxy: FaultyProxy, tokens: TokenServer) -> None:
    tokens.accepts = "something else"
    with pytest.raises(LayertuiError, match=f"{QUARRY} needs a login"):
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


def test_a_token_that_is_not_taken(proxy: FaultyProxy, tokens: TokenServer, settings: Path) -> None:
    path = auths(settings, proxy.host, registrytoken="stale")
    with pytest.raises(LayertuiError, match=f"refuses the login from {path}"):
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


def redirect_to(place: str, code: int) -> Callable[[Request, Answer], None]:
    def fault(_request: Request, answer: Answer) -> None:
        answer.status, answer.headers, answer.body = code, {"Location": place}, b""

    return fault


@pytest.mark.parametrize("code", [301, 302, 303])
def test_a_redirected_identity_token_stays_behind(
    proxy: FaultyProxy, tokens: TokenServer, settings: Path, code: int
) -> None:
    """RFC 9110, 15.4: as Go and curl, a POST becomes a GET without body."""
    auths(settings, proxy.host, identitytoken="REFRESH-SECRET")
    tokens.server.heal()
    with FaultyProxy() as other:
        tokens.server.fail("/token", redirect_to(f"http://{other.host}/token", code))
        other.fail("/token", replace(b'{"token": "of-nobody"}'))
        with pytest.raises(LayertuiError, match="refuses the login"):
            open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
        assert {(each.method, each.body) for each in other.requests} == {("GET", b"")}
        assert "SECRET" not in repr(other.requests)


@pytest.mark.parametrize("code", [307, 308])
def test_an_identity_token_goes_to_no_other_host(
    proxy: FaultyProxy, tokens: TokenServer, settings: Path, code: int
) -> None:
    auths(settings, proxy.host, identitytoken="REFRESH-SECRET")
    tokens.server.heal()
    with FaultyProxy() as other:
        tokens.server.fail("/token", redirect_to(f"http://{other.host}/token", code))
        with pytest.raises(LayertuiError, match=f"it redirects the login to {other.host}"):
            open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
        assert not other.requests


def test_an_identity_token_follows_its_own_host(
    proxy: FaultyProxy, tokens: TokenServer, settings: Path
) -> None:
    auths(settings, proxy.host, identitytoken="long")
    tokens.accepts = "long"
    tokens.server.fail("/token?moved", redirect_to("/token", 307))
    tokens.realm += "?moved"
    open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
    assert [each.method for each in tokens.server.requests] == ["POST", "POST"]


UNENCRYPTED = ["http://", "HTTP://", "hTTp://", " http://", "HTTP:\\\\\\\\", "http:/"]
"""Ways to write an address without TLS; the last two are none, and go nowhere."""


@pytest.mark.parametrize("scheme", UNENCRYPTED)
@pytest.mark.parametrize("item", [{"auth": "cXVhcnJ5OnNlY3JldA=="}, {"identitytoken": "secret"}])
def test_a_login_for_an_encrypted_registry_stays_encrypted(
    authority: Path, settings: Path, scheme: str, item: dict[str, str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.cert", authority / "server.key")
    with FaultyProxy() as listener, FaultyProxy(tls=context) as proxy:
        trust(settings, proxy.host, authority, "ca.crt")
        auths(settings, proxy.host, **item)
        challenge = f'Bearer realm="{scheme}{listener.host}/token"'
        proxy.fail("/manifests/", status(401, WWW_Authenticate=challenge))
        with pytest.raises(LayertuiError, match=r"takes logins unencrypted|its token server is"):
            open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
        assert not listener.requests


@pytest.mark.parametrize("server", ["tokens.invalid", "127.0.0.1.invalid", "localhost:x@tokens.invalid"])
def test_a_login_for_a_registry_on_loopback_stays_there(
    proxy: FaultyProxy, tokens: TokenServer, settings: Path, server: str
) -> None:
    auths(settings, proxy.host, auth=basic("quarry", PASSWORD))
    tokens.realm = f"http://{server}/token"
    with pytest.raises(LayertuiError, match="takes logins unencrypted"):
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


def test_loopback_is_not_asked_through_a_proxy(
    guarded: Registry, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Go's ProxyFromEnvironment: else a login for a local registry would go to the proxy unencrypted."""
    auths(settings, guarded.host, auth=basic("quarry", PASSWORD))
    with FaultyProxy() as through:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{through.host}")
        assert len(open_image(f"docker://{guarded.host}/{QUARRY}:1.0").layers) == 9
        assert not through.requests


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"token": "a", "expires_in": %b}' % (b"9" * 5000),
        b'{"token": "a", "expires_in": %b}' % (b"9" * 400),
        b'{"token": "a", "expires_in": [1]}',
        b'{"token": "a\\r\\nX-Evil: 1"}',
        b'{"token": "\\ud800"}',
        b'{"token": "\xc3\xa9"}',
        b'{"token": "\xe6\xbc\xa2"}',
        b'{"token": "a\\u0000"}',
        b'{"token": {"a": 1}}',
        b"[]",
        b'"x"',
        b"null",
        b"",
        b"\xff",
        b" " * (MAX_TOKEN_ANSWER + 1),
    ],
)
def test_malformed_tokens(proxy: FaultyProxy, tokens: TokenServer, data: bytes) -> None:
    tokens.server.fail("/token", replace(data))
    with pytest.raises(LayertuiError, match=f"{tokens.server.host} gives no token: its "):
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


@pytest.mark.parametrize("life", ["NaN", "Infinity", "1e999", "-5", '"300"'])
def test_the_life_of_a_token_may_be_any_number(proxy: FaultyProxy, tokens: TokenServer, life: str) -> None:
    tokens.server.fail("/token", replace(f'{{"token": "t1", "expires_in": {life}}}'.encode()))
    open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


def test_a_token_server_that_never_ends(
    proxy: FaultyProxy, tokens: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DOCUMENT_TIME", 0.3)
    tokens.server.fail("/token", drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "))
    with pytest.raises(LayertuiError, match="gives no token: it does not answer in time"):
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


@pytest.mark.parametrize(
    "realm", ["http://[", "file:///etc/passwd", "", "http://", "http://127.0.0.1:99999/"]
)
def test_token_servers_that_are_nowhere(proxy: FaultyProxy, tokens: TokenServer, realm: str) -> None:
    tokens.realm = realm
    with pytest.raises(LayertuiError, match=r"its token server is|cannot reach 127\.0\.0\.1:99999"):
        open_image(f"docker://{proxy.host}/{QUARRY}:1.0")


def test_challenges() -> None:
    header = 'Basic realm="a \\"b\\", c", Bearer realm="https://x/y?z=1",scope="a:b:c,d",error=e'
    assert challenges(header) == {
        "basic": {"realm": 'a "b", c'},
        "bearer": {"realm": "https://x/y?z=1", "scope": "a:b:c,d", "error": "e"},
    }
    assert challenges("Negotiate, Basic") == {"negotiate": {}, "basic": {}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca), and certificates it signed for the server and for a client."""
    need("openssl")
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test")
    openssl(*new, "-x509", "-keyout", "ca.pem", "-out", "ca.crt", "-days", "2")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.pem", "-days", "2")
        openssl(*signed, "-CAcreateserial", "-extfile", "names", "-out", f"{name}.cert")
    return folder


@pytest.fixture(scope="module")
def encrypted(authority: Path, layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a certificate of its own authority, for clients with one."""
    tls: dict[str, Any] = {
        "certificate": str(authority / "server.cert"),
        "key": str(authority / "server.key"),
        "clientcas": [str(authority / "ca.crt")],
    }
    with docker_registry(tmp_path_factory.mktemp("encrypted"), http={"tls": tls}) as server:
        server.load(f"oci:{layout}:1.0", f"{QUARRY}:1.0", f"--dest-cert-dir={authority}")
        yield server


def trust(settings: Path, host: str, authority: Path, *names: str) -> None:
    folder = settings / "etc/docker/certs.d" / host
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes((authority / name).read_bytes())


def test_own_authority_and_client_certificate(encrypted: Registry, authority: Path, settings: Path) -> None:
    trust(settings, encrypted.host, authority, "ca.crt", "client.cert", "client.key")
    image = open_image(f"docker://{encrypted.host}/{QUARRY}:1.0")
    assert image.layers[0].blob and image.layers[0].blob.pread(2, 0) == b"\x1f\x8b"
    assert not image.warnings


def test_a_certificate_that_is_not_trusted(encrypted: Registry) -> None:
    with pytest.raises(LayertuiError) as raised:
        open_image(f"docker://{encrypted.host}/{QUARRY}:1.0")
    assert "its certificate is not trusted" in raised.value.why
    assert f"certs.d/{encrypted.host}/ca.crt" in raised.value.remedy


def test_marked_insecure(encrypted: Registry, authority: Path, settings: Path) -> None:
    trust(settings, encrypted.host, authority, "client.cert", "client.key")
    conf = settings / "etc/containers/registries.conf"
    conf.parent.mkdir()
    conf.write_text(f'[[registry]]\nlocation = "{encrypted.host}"\ninsecure = true\n')
    image = open_image(f"docker://{encrypted.host}/{QUARRY}:1.0")
    (warning,) = image.warnings
    assert "marked insecure" in warning


def test_a_mirror_goes_first_and_the_registry_after_it(
    registry: Registry, proxy: FaultyProxy, settings: Path
) -> None:
    conf = settings / "etc/containers/registries.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(
        f'[[registry]]\nprefix = "reg.example.com"\nlocation = "{registry.host}"\n'
        f'[[registry.mirror]]\nlocation = "{proxy.host}"\n'
    )
    image = open_image(f"docker://reg.example.com/{QUARRY}:1.0")
    assert image.name == f"reg.example.com/{QUARRY}:1.0"
    assert len(proxy.paths("/manifests/")) == 1 and len(proxy.paths("/blobs/")) == 1
    proxy.fail("/manifests/", lambda _, answer: setattr(answer, "status", 404))
    assert open_image(f"docker://reg.example.com/{QUARRY}:1.0").id == image.id
    with pytest.raises(LayertuiError, match="its mirrors failed too"):
        open_image(f"docker://reg.example.com/{QUARRY}:none")


def test_dates_in_retry_after(proxy: FaultyProxy) -> None:
    def busy(_request: Request, answer: Answer) -> None:
        answer.status, answer.headers = 503, {"Retry-After": formatdate(usegmt=True)}

    proxy.fail("/manifests/", busy, times=1)
    open_image(f"docker://{proxy.host}/{QUARRY}:1.0")
