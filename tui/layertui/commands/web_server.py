"""The server of ``layertui serve``: pages with a terminal, each with a process of its own that runs the app.

textual-serve has the terminal for the browser and drives the process. Its own server is not used: it has no access
control, loads a font from another host, and takes no arguments from a link.
"""

from __future__ import annotations

import asyncio
import hmac
import io
import json
import logging
import secrets
import shlex
import socket
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import textual_serve.server
from aiohttp import web

from layertui.model.errors import LayertuiError
from layertui.sources import list_images, list_local
from layertui.ui.launch import Start

FOCUS = """
new MutationObserver((_changes, observer) => {
  if (document.body.classList.contains("-first-byte")) {
    observer.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }
}).observe(document.body, { attributes: true });
"""
"""Keys go to the terminal without a click. Earlier the session cannot be told of the focus."""
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>layertui</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/css/xterm.css">
<style>
@font-face {{ font-family: "Roboto Mono"; src: url("/static/fonts/RobotoMono-VariableFont_wght.ttf"); font-weight: 100 700; }}
html, body {{ height: 100%; margin: 0; background: #0c181f; color: #fff; font-family: "Roboto Mono", monospace; }}
#terminal {{ height: 100%; overflow: hidden; }}
#closed {{ display: none; padding: 2em; }}
body.-closed #closed {{ display: block; }}
body.-closed #terminal {{ display: none; }}
a {{ color: inherit; }}
</style>
<script src="/static/js/textual.js"></script>
<body>
<div id="closed">The app has ended. <a href="">Open it again</a></div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{session}" data-font-size="16"></div>
<script>{focus}</script>
"""
RESPONSE_HEADERS = {
    # Nothing from elsewhere, in no other page, and no token in a Referer.
    "Content-Security-Policy": "default-src 'self'; "
    f"script-src 'self' 'sha256-{b64encode(sha256(FOCUS.encode()).digest()).decode()}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
TOKEN_BYTES = 24
MAX_LAYER_DIGITS = 4

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises :class:`LayertuiError` if the address cannot be used."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise LayertuiError(f"cannot listen on {host} port {port}", why, "choose another --port") from error


class WebServer:
    """Serve the app, which begins with ``start``, to those who have the token."""

    def __init__(self, start: Start, listening: socket.socket) -> None:
        self._start = start
        self._listening = listening
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        host, self._port = listening.getsockname()[:2]
        self._cookie = f"layertui-{self._port}"  # browsers send cookies to all ports of a host
        self._address = f"http://{f'[{host}]' if ':' in host else host}:{self._port}/"

    @property
    def link(self) -> str:
        """The link that opens the app."""
        return f"{self._address}?token={self._token}"

    def serve(self) -> None:
        """Serve until SIGINT or SIGTERM; the processes of the pages end with it."""
        # That a process was reaped only after the end of the server's loop is a warning of no use.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # textual-serve writes there why an app failed
        web.run_app(self._application(), sock=self._listening, print=None, access_log=None)

    def _application(self) -> web.Application:
        guard = self._guard

        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await guard(request, handler)

        async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
            response.headers.update(RESPONSE_HEADERS)

        application = web.Application(middlewares=[web.middleware(guarded)])
        application.on_response_prepare.append(add_headers)
        application.router.add_get("/", self._page)
        application.router.add_get("/session/{start}", self._session)
        application.router.add_static("/static", Path(textual_serve.server.__file__).with_name("static"))
        return application

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 without the token, which comes with a link and is then kept in a cookie."""
        given = request.query.get("token")
        if not self._is_token(request.cookies.get(self._cookie, "") if given is None else given):
            raise web.HTTPForbidden(text="403: open the link that layertui serve has printed\n")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="403: the request is from another site\n")
        if given is None:
            return await handler(request)
        # The address of the page, which is copied and bookmarked, does not have it.
        rest = "&".join(
            each for each in request.rel_url.raw_query_string.split("&") if not each.startswith("token=")
        )
        answer = web.Response(status=302, headers={"Location": f"/?{rest}" if rest else "/"})
        # Lax: also sent when a link elsewhere is followed, but to no request that another site makes.
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="Lax", path="/")
        return answer

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token.encode())

    async def _page(self, request: web.Request) -> web.Response:
        query = request.rel_url.raw_query_string
        await self._start_of(query)
        # Relative, so that it leads through any tunnel or proxy.
        session = f"session/{quote(query or '-', safe='')}"
        return web.Response(text=PAGE.format(session=escape(session), focus=FOCUS), content_type="text/html")

    async def _session(self, request: web.Request) -> web.StreamResponse:
        start = await self._start_of(unquote(request.rel_url.raw_path.rpartition("/")[2]))
        if not web.WebSocketResponse().can_prepare(request):
            raise web.HTTPBadRequest(text="400: a session is a websocket\n")
        # textual-serve passes the command to a shell. -P: a file json.py in this directory must not be run.
        words = [sys.executable, "-P", "-m", "layertui.ui.web", json.dumps(start)]
        session = textual_serve.server.Server(f"exec {shlex.join(words)}")
        answer: web.StreamResponse = await session.handle_websocket(request)
        return answer

    async def _start_of(self, query: str) -> Start:
        """Return what the query of a link names. Answers 400 if it is malformed, 403 if it may not be opened.

        Another site can have a browser follow a link, so it opens no other image than the user's own.
        """
        values = parse_qs(query, errors="surrogateescape")
        image, layer, path = (values.get(name, [""])[-1] for name in ("image", "layer", "path"))
        image = image or self._start.reference or ""
        if layer and not (layer.isascii() and layer.isdecimal() and len(layer) <= MAX_LAYER_DIGITS):
            raise web.HTTPBadRequest(text="400: layer is a number from 1\n")
        if (layer or path) and not image:
            raise web.HTTPBadRequest(text="400: layer and path need an image\n")
        if image and image != self._start.reference and not await asyncio.to_thread(self._is_listed, image):
            raise web.HTTPForbidden(
                text="403: layertui images does not list this image; open it in the app\n"
            )
        return self._start._replace(reference=image or None, path=path, layer=int(layer or 0))

    def _is_listed(self, image: str) -> bool:
        """Return whether an image is among the local ones, or those of what is served."""
        return image == "demo:" or any(image == reference for reference in self._references())

    def _references(self) -> Iterator[str]:
        if self._start.reference:
            with suppress(LayertuiError):  # the app reports it
                yield from (row.reference for row in list_images(self._start.reference))
        with suppress(LayertuiError):
            yield from (row.reference for row in list_local() if not isinstance(row, LayertuiError))
