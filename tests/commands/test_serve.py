"""``layertui serve``: who is let in, what a link may open, and a session over a real websocket."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from layertui import demo
from layertui.cli import main
from tests.layouts import docker_archive
from tests.waiting import SECONDS, wait_for

HOSTILE = "/a'b;touch ran $(touch ran) `touch ran`\n& \udcff"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with two images, and the link to a server that runs there on one of them."""
    pytest.importorskip("textual_serve", exc_type=ImportError)
    folder = tmp_path_factory.mktemp("served")
    for name in ("app.tar", "my app; touch ran.tar"):
        docker_archive(folder / name, demo.image())
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    with (
        (folder / "log").open("w") as log,
        (folder / "errors").open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "layertui", "serve", "my app; touch ran.tar", "--port", "0"],
            stdout=log,
            stderr=errors,
            cwd=folder,
            env=environment,
        ) as server,
    ):
        wait_for(lambda: "\n" in (folder / "log").read_text())
        yield folder, (folder / "log").read_text().strip()
        server.terminate()
        assert server.wait(SECONDS) == 0
        assert (folder / "errors").read_text() == ""
    assert not list(folder.glob("ran*"))


@asynccontextmanager
async def browser(link: str) -> AsyncIterator[Any]:
    """A client that has followed a link with the token, and keeps cookies."""
    from aiohttp import ClientSession, CookieJar

    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:  # unsafe: of an address too
        async with client.get(link) as answer:
            assert answer.status == 200, await answer.text()
            assert "token" not in str(answer.url)
        yield client


def base_of(link: str) -> str:
    return link.partition("?")[0]


async def test_only_those_with_the_token_are_let_in(served: tuple[Path, str]) -> None:
    link = served[1]
    base = base_of(link)
    assert urlsplit(link).hostname == "127.0.0.1" and len(link.partition("token=")[2]) == 32
    from aiohttp import ClientSession, WSServerHandshakeError

    async with ClientSession() as client:
        for path in ("", "?token=", "?token=x", "?token=é", "static/js/textual.js", "session/-", "nothing"):
            async with client.get(base + path) as answer:
                assert answer.status == 403, path
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                assert not answer.cookies
    async with browser(link) as client:
        async with client.get(base + "static/js/textual.js") as answer:
            assert answer.status == 200
        async with client.get(base) as answer:
            page = await answer.text()
            assert 'data-session-websocket-url="session/-"' in page
            assert "http" not in page and answer.headers["Referrer-Policy"] == "no-referrer"
        async with client.get(base, headers={"Origin": "http://127.0.0.1:1"}) as answer:
            assert answer.status == 403
        with pytest.raises(WSServerHandshakeError, match="403"):
            await client.ws_connect(base + "session/-", origin="http://evil.example")
        async with client.get(base + "?token=wrong") as answer:
            assert answer.status == 403
        async with client.get(link, allow_redirects=False) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


async def test_a_link_opens_only_what_is_served_or_listed(served: tuple[Path, str]) -> None:
    from yarl import URL

    folder, link = served
    command = [sys.executable, "-m", "layertui", "images", "app.tar", "--json"]
    listed = json.loads(subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True).stdout)[
        "Reference"
    ]
    async with browser(link) as client:
        for image, status in (
            ("my app; touch ran.tar", 200),
            (listed, 200),
            ("demo:", 200),
            ("app.tar", 403),  # not as it is listed
            ("/etc", 403),
            ("docker://evil.example/x", 403),
            ("containers-storage:[overlay@/tmp]x", 403),
            ("-", 403),
            ("--help", 403),
            ("demo:\0", 403),
        ):
            query = f"image={quote(image)}"
            async with client.get(f"{base_of(link)}?{query}") as answer:
                assert answer.status == status, image
            async with client.get(
                URL(f"{base_of(link)}session/{quote(query, safe='')}", encoded=True)
            ) as answer:
                assert answer.status == (400 if status == 200 else status), image  # let in, but no websocket
        for layer in ("x", "-1", "1.5", "99999", "²"):
            async with client.get(base_of(link) + f"?layer={quote(layer)}") as answer:
                assert answer.status == 400


async def screen_of(client: Any, link: str, query: str, until: str, keys: str = "") -> str:
    """What is drawn in a session until a text is there; ``keys`` are sent once there is a tree."""
    from yarl import URL

    address = base_of(link) + f"session/{quote(query, safe='')}?width=120&height=40"
    drawn = ""
    async with asyncio.timeout(SECONDS), client.ws_connect(URL(address, encoded=True)) as session:
        await session.send_json(["resize", {"width": 120, "height": 40}])
        async for message in session:
            if isinstance(message.data, bytes):
                drawn += message.data.decode()
                if keys and "tree at layer" in drawn:
                    await session.send_json(["stdin", keys])
                    keys = ""
                if until in drawn:
                    return drawn
    raise AssertionError(f"{until} was not drawn: {drawn[-2000:]!r}")


async def test_a_session_begins_at_the_place_of_the_link(served: tuple[Path, str]) -> None:
    _, link = served
    async with browser(link) as client:
        await screen_of(client, link, "layer=5&path=/etc/passwd", "/etc/passwd at layer 5")
        await screen_of(client, link, "image=demo:&path=/etc/passwd", "/etc/passwd at layer 9")
        path = quote(os.fsencode(HOSTILE))
        await screen_of(client, link, f"image=demo:&layer=2&path={path}", "tree at layer 2")
        await screen_of(client, link, "-", "Dockerfile", keys="B")


async def test_a_page_whose_app_cannot_start_says_that_it_has_ended(served: tuple[Path, str]) -> None:
    folder, link = served
    settings = folder / "config" / "layertui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("theme = 'nosuch'")
    try:
        address = base_of(link) + "session/-?width=80&height=24"
        async with (
            browser(link) as client,
            asyncio.timeout(SECONDS),
            client.ws_connect(address) as session,
        ):
            assert [message async for message in session] == []
    finally:
        settings.unlink()
    wait_for(lambda: "layertui: " in (folder / "log").read_text())


def test_without_the_extra_one_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.delitem(sys.modules, "layertui.commands.web_server", raising=False)
    assert main(["serve", "demo:"]) == 2
    assert capsys.readouterr().err == (
        "layertui: cannot serve the app, textual-serve is not installed, pip install 'layertui[serve]'\n"
    )


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("textual_serve", exc_type=ImportError)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1 port {port}, " in (said := capsys.readouterr()).err
    assert said.err.count("\n") == 1 and said.out == ""
    assert main(["serve", "--port", "70000"]) == 2
