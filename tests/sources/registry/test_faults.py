"""What goes wrong on the way from a registry, and what the user reads then."""

from __future__ import annotations

import itertools
import random
import socket
import time
from pathlib import Path

import pytest

from layertui.cache.blobs import BlobCache
from layertui.layers.load import index_layer
from layertui.model.errors import LayertuiError
from layertui.model.image import Layer
from layertui.sources import list_images, open_image
from layertui.sources.registry import blob as blobs
from layertui.sources.registry import client, connection, endpoints
from layertui.sources.registry.client import Client
from layertui.sources.registry.name import parse_name
from tests.engines import run
from tests.programs import need_root
from tests.sources.registry.conftest import QUARRY
from tests.sources.registry.proxy import (
    Answer,
    FaultyProxy,
    Request,
    change,
    cut,
    cut_off,
    drip,
    raw,
    replace,
    status,
)
from tests.sources.registry.server import Registry
from tests.sources.registry.test_source import image_of, tar

BIG = "big"
"""A repository with one plain layer of a few MB."""
CONTENT = random.Random(7).randbytes(3_000_000)


@pytest.fixture(scope="module")
def big(registry: Registry) -> str:
    """The digest of the manifest of the big image."""
    return str(image_of(registry, BIG, [tar("data", CONTENT)], "amd64")["digest"])


def layer_of(proxy: FaultyProxy, digest: str) -> Layer:
    return open_image(f"docker://{proxy.host}/{BIG}@{digest}").layers[0]


def quarry(proxy: FaultyProxy) -> str:
    return f"docker://{proxy.host}/{QUARRY}:1.0"


def ranges(proxy: FaultyProxy, digest: str) -> list[str]:
    return [each.headers.get("Range", "") for each in proxy.requests if digest in each.path]


def kept(digest: str) -> bool:
    """Whether the blob is in the cache; nothing half written may lie beside."""
    cache = BlobCache()
    names = [path.name for path in cache.directory.iterdir()] if cache.directory.exists() else []
    assert not [name for name in names if name.startswith(".")]
    return cache.get(digest) is not None


# Cuts and silence


def test_goes_on_where_it_was_cut(proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)
    digest = layer.descriptor.digest
    proxy.fail(f"/blobs/{digest}", cut(1_000_000), times=2)
    index = index_layer(layer, None)
    assert not index.damage and index.blob_digest == digest and index.count == 1
    first, second, third = ranges(proxy, digest)
    size = layer.descriptor.size
    assert first == ""
    start = int(second.removeprefix("bytes=").partition("-")[0])
    assert 0 < start <= 1_000_000 and second.endswith(f"-{size - 1}")
    assert start < int(third.removeprefix("bytes=").partition("-")[0]) < size
    assert kept(digest)


def test_goes_on_after_silence(proxy: FaultyProxy, big: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENCE", 0.3)
    layer = layer_of(proxy, big)
    with cut_off(500_000) as stall:
        proxy.fail("/blobs/", stall, times=1)
        index = index_layer(layer, None)
    assert not index.damage and kept(layer.descriptor.digest)


def test_a_registry_that_ignores_ranges(proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)

    def everything(request: Request, answer: Answer) -> None:
        if "Range" in request.headers:
            del request.headers["Range"]
            whole = proxy._pass_on(request)
            answer.status, answer.headers, answer.body = whole.status, whole.headers, whole.body

    proxy.fail("/blobs/", cut(1_000_000), times=1)
    proxy.fail("/blobs/", everything)
    assert not index_layer(layer, None).damage
    assert kept(layer.descriptor.digest)


def test_gives_up_when_nothing_more_comes(proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)
    proxy.fail("/blobs/", cut(1000))
    damage = index_layer(layer, None).damage
    assert "does not arrive" in damage and f"of {layer.descriptor.size:,} bytes" in damage
    assert "it closed the connection after 1,000 of " in damage
    assert len(ranges(proxy, layer.descriptor.digest)) == connection.TRIES
    assert BlobCache().get(layer.descriptor.digest) is None
    # What has arrived is not lost, and nothing is to be undone when the registry is well again.
    proxy.heal()
    index = index_layer(layer, None)
    assert not index.damage and kept(layer.descriptor.digest)
    assert ranges(proxy, layer.descriptor.digest)[-1].startswith("bytes=")


def test_a_manifest_that_is_cut_is_asked_for_again(proxy: FaultyProxy) -> None:
    proxy.fail("/manifests/", cut(10), times=2)
    assert len(open_image(quarry(proxy)).layers) == 9
    assert len(proxy.paths("/manifests/")) == 3


# Wrong bytes


def test_wrong_bytes_of_a_layer(proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)
    digest = layer.descriptor.digest
    proxy.fail("/blobs/", change(2_000_000))
    index = index_layer(layer, None)
    assert f"expected {digest}" in index.damage and index.blob_digest in index.damage
    assert index.blob_digest != digest
    assert index.count == 1  # what could be read is shown
    assert not kept(digest) and not kept(index.blob_digest)
    assert layer.blob is not None
    with pytest.raises(LayertuiError, match=f"expected {digest}, got {index.blob_digest}"):
        layer.blob.pread(100, 0)


def test_a_layer_of_another_size(proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)
    proxy.fail("/blobs/", replace(b"short"))
    damage = index_layer(layer, None).damage
    assert f"the manifest says {layer.descriptor.size:,} bytes, the registry 5" in damage


def test_wrong_bytes_of_the_config(proxy: FaultyProxy) -> None:
    proxy.fail("/blobs/", change(5))
    with pytest.raises(LayertuiError, match=r"a blob of .*: wrong digest, expected sha256:") as raised:
        open_image(quarry(proxy))
    assert "got sha256:" in raised.value.why


def test_wrong_bytes_of_a_manifest(proxy: FaultyProxy, big: str) -> None:
    proxy.fail("/manifests/", change(5))
    with pytest.raises(LayertuiError, match=": wrong digest, expected sha256:"):
        open_image(quarry(proxy))  # against the registry's own word
    with pytest.raises(LayertuiError, match=f"expected {big}"):
        open_image(f"docker://{proxy.host}/{BIG}@{big}")


def test_no_json(proxy: FaultyProxy) -> None:
    def page(_request: Request, answer: Answer) -> None:
        answer.headers, answer.body = {"Content-Type": "text/html"}, b"<html>Sign in to the hotel's net"

    proxy.fail("/manifests/", page)
    with pytest.raises(LayertuiError, match="is not valid JSON"):
        open_image(quarry(proxy))


# Refusals


def test_not_found(registry: Registry) -> None:
    with pytest.raises(LayertuiError) as raised:
        open_image(f"docker://{registry.host}/{QUARRY}:none")
    assert raised.value.what == f"{registry.host}/{QUARRY} has no none"
    assert raised.value.why == "manifest unknown (status 404 Not Found)"
    with pytest.raises(LayertuiError, match=r"repository name not known|manifest unknown"):
        open_image(f"docker://{registry.host}/nowhere")


def test_a_blob_that_is_not_there(proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)
    proxy.fail("/blobs/", status(404))
    assert f"has no blob {layer.descriptor.digest}" in index_layer(layer, None).damage


def test_waits_as_long_as_it_is_asked_to(proxy: FaultyProxy) -> None:
    proxy.fail("/manifests/", status(429, Retry_After="1"), times=1)
    started = time.monotonic()
    assert len(open_image(quarry(proxy)).layers) == 9
    assert time.monotonic() - started >= 1


def test_does_not_wait_for_long(proxy: FaultyProxy) -> None:
    proxy.fail("/manifests/", status(429, Retry_After="3600"))
    with pytest.raises(LayertuiError) as raised:
        open_image(quarry(proxy))
    assert raised.value.what == f"{proxy.host} limits how often it is asked"
    assert raised.value.why == "status 429 Too Many Requests"
    assert raised.value.remedy == "try again in 3600 seconds"
    assert len(proxy.paths("/manifests/")) == 1


def test_errors_of_the_registry(proxy: FaultyProxy) -> None:
    proxy.fail("/manifests/", status(500), times=2)
    assert len(open_image(quarry(proxy)).layers) == 9
    proxy.fail("/manifests/", status(500))
    with pytest.raises(LayertuiError) as raised:
        open_image(quarry(proxy))
    assert raised.value.what == f"{proxy.host} does not give manifests/1.0 of {proxy.host}/{QUARRY}"
    assert raised.value.why == "status 500 Internal Server Error"
    assert len(proxy.paths("/manifests/")) == 3 + connection.TRIES


def test_retries_are_counted_once_for_an_answer_and_its_body(proxy: FaultyProxy) -> None:
    proxy.fail("/manifests/", cut(10))
    proxy.fail("/manifests/", status(503), times=2)
    cut_short = (
        f"^{proxy.host} broke off its answer, it closed the connection after 10 of .* bytes, try again$"
    )
    with pytest.raises(LayertuiError, match=cut_short):
        open_image(quarry(proxy))
    assert len(proxy.paths("/manifests/")) == connection.TRIES


MANIFEST_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n"


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (MANIFEST_HEAD + b"Content-Length: 10000\r\n\r\n", b" "),
        (MANIFEST_HEAD + b"\r\n", b" "),
        (MANIFEST_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 10000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "body-to-the-end", "chunks", "error", "headers", "header", "continue"],
)
def test_answers_that_trickle_without_an_end(
    proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch, head: bytes, drop: bytes
) -> None:
    """Every byte ends the silence, so only a deadline for the whole ends the waiting."""
    for name in ("DOCUMENT_TIME", "HEAD_TIME"):  # enough for what answers on a busy machine
        monkeypatch.setattr(connection, name, 1.0)
    proxy.fail("/manifests/", drip(head, drop))
    with pytest.raises(LayertuiError, match=r"it does not answer in time|status 404 Not Found"):
        open_image(quarry(proxy))


MALFORMED_ANSWERS = {
    "negative-chunk": b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    "chunk-of-letters": b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\nabc",
    "huge-chunk": b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nabc",
    "negative-length": b"200 OK\r\nContent-Length: -5\r\n\r\nabc",
    "huge-length": b"200 OK\r\nContent-Length: %b\r\n\r\nabc" % (b"9" * 5000),
    "many-headers": b"200 OK\r\n%b\r\n" % (b"X: y\r\n" * 5000),
    "huge-wait": b"429 Busy\r\nRetry-After: %b\r\nContent-Length: 0\r\n\r\n" % (b"9" * 5000),
    "error-in-negative-chunk": b"404 No\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    "deep-error": b"404 No\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000,
    "no-http": b"\1\x1b]0;x\7garbage\r\n\r\n",
    "to-a-bracket": b"302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    "to-a-file": b"302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "to-control-bytes": b"302 Found\r\nLocation: http://\x1b[31m\x9b/\r\nContent-Length: 0\r\n\r\n",
    "to-no-port": b"302 Found\r\nLocation: http://127.0.0.1:x/\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED_ANSWERS)
def test_malformed_answers_end_in_a_line(proxy: FaultyProxy, big: str, kind: str) -> None:
    layer = layer_of(proxy, big)
    proxy.requests.clear()
    answer = b"HTTP/1.1 " + MALFORMED_ANSWERS[kind]
    proxy.fail("/manifests/", raw(answer))
    proxy.fail("/blobs/", raw(answer))
    with pytest.raises(LayertuiError) as raised:
        open_image(quarry(proxy))
    damage = index_layer(layer, None).damage
    assert damage and "Connection" not in f"{raised.value} {damage}"  # the library's words
    assert len(proxy.paths("/manifests/")) <= connection.TRIES
    assert len(proxy.paths("/blobs/")) <= connection.TRIES


def test_a_layer_of_unknown_size(proxy: FaultyProxy) -> None:
    size = Client(endpoints.endpoints(parse_name(f"{proxy.host}/{QUARRY}"))[0]).size
    proxy.fail("/blobs/", raw(b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % (b"9" * 5000)))
    with pytest.raises(LayertuiError, match=r"the size of blobs/x of .* is not known"):
        size("blobs/x")


# Lists in pages


def tags(proxy: FaultyProxy, link: str) -> None:
    proxy.fail("/tags/list", status(200, Link=link))
    proxy.fail("/tags/list", lambda _, answer: setattr(answer, "body", b'{"tags": ["a"]}'))


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ('<http://[>; rel="next"', "malformed link"),
        (f'</v2/{QUARRY}/tags/list>; rel="next"', "followed by itself"),
        ('<?page=2>; rel="next"', "followed by itself"),
    ],
)
def test_lists_that_do_not_go_on(proxy: FaultyProxy, link: str, why: str) -> None:
    tags(proxy, link)
    with pytest.raises(LayertuiError, match=why):
        list(list_images(f"docker://{proxy.host}/{QUARRY}"))
    assert len(proxy.paths("/tags/list")) <= 3


def test_a_list_of_too_many_pages(proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 5)
    count = itertools.count()

    def page(_request: Request, answer: Answer) -> None:
        answer.status, answer.body = 200, b'{"tags": ["a"]}'
        answer.headers = {"Link": f'<?n={next(count)}>; rel="next"'}

    proxy.fail("/tags/list", page)
    with pytest.raises(LayertuiError, match="is too long, over 5 pages"):
        list(list_images(f"docker://{proxy.host}/{QUARRY}"))


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused connections are not tried again."""
    monkeypatch.setattr(connection.Patience, "retry", lambda *_: pytest.fail("tried again"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(LayertuiError, match=f"cannot reach {host}, Connection refused"):
            open_image(f"docker://{host}/app")


def test_nobody_of_that_name() -> None:
    with pytest.raises(LayertuiError, match=r"cannot reach registry\.invalid, its address is not known"):
        open_image("docker://registry.invalid/app")


# Other hosts


def test_a_login_does_not_follow_to_another_host(registry: Registry, proxy: FaultyProxy, big: str) -> None:
    layer = layer_of(proxy, big)
    with FaultyProxy(registry.host) as storage:

        def move(request: Request, answer: Answer) -> None:
            if request.headers.get("Authorization") != "Bearer t":
                answer.status, answer.body = 401, b""
                answer.headers = {"WWW-Authenticate": f'Bearer realm="http://{proxy.host}/token"'}
            else:
                answer.status, answer.body = 307, b""
                answer.headers = {"Location": f"http://{storage.host}{request.path}"}

        def token(_request: Request, answer: Answer) -> None:
            answer.status, answer.headers, answer.body = 200, {}, b'{"token": "t"}'

        proxy.fail("/blobs/", move)
        proxy.fail("/token", token)
        index = index_layer(layer, None)
        assert not index.damage
        (asked,) = storage.requests
        assert "Authorization" not in asked.headers


def test_redirects_without_an_end(proxy: FaultyProxy) -> None:
    proxy.fail("/manifests/", status(307, Location="/v2/x/manifests/y"))
    with pytest.raises(LayertuiError, match="more than 10 redirects"):
        open_image(quarry(proxy))
    assert len(proxy.paths("/manifests/")) == connection.MAX_REDIRECTS


# Reading here and there


def test_what_lies_far_off_is_a_range(proxy: FaultyProxy, big: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "NEAR", 1 << 16)
    layer = layer_of(proxy, big)
    assert layer.blob is not None
    offset = 512 + 2_000_000
    assert layer.blob.pread(100, offset) == CONTENT[2_000_000:2_000_100]
    assert ranges(proxy, layer.descriptor.digest) == [f"bytes={offset}-{offset + 99}"]
    assert layer.blob.pread(10, 512) == CONTENT[:10]
    assert layer.blob.pread(1 << 20, layer.blob.size - 5) == b"\0" * 5
    assert layer.blob.pread(1, layer.blob.size) == b""
    assert not kept_or_begun(layer)


def kept_or_begun(layer: Layer) -> bool:
    return BlobCache().get(layer.descriptor.digest) is not None


# Nowhere to keep it


def test_a_full_disk(proxy: FaultyProxy, big: str, settings: Path) -> None:
    need_root()
    folder = settings / "XDG_CACHE_HOME"
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
    try:
        layer = layer_of(proxy, big)
        index = index_layer(layer, None)
        assert not index.damage and index.blob_digest == layer.descriptor.digest
        (warning,) = index.warnings
        assert warning.text == "not kept in the cache: No space left on device"
        assert ranges(proxy, layer.descriptor.digest) == [""]
        # What is behind can still be read.
        assert layer.blob and layer.blob.pread(100, 512) == CONTENT[:100]
        del layer
        assert not kept(index.blob_digest)
    finally:
        run("umount", "--lazy", folder)


def test_no_place_for_the_cache(
    proxy: FaultyProxy, big: str, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(settings / "file"))
    layer = layer_of(proxy, big)
    index = index_layer(layer, None)
    assert not index.damage
    (warning,) = index.warnings
    assert "Not a directory" in warning.text
