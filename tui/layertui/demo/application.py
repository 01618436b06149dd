"""The application of the sample: quarry, an order book for cut stone."""

APP = '''\
"""Orders for cut stone: what is wanted, what it weighs, what it costs."""

import json
import logging
import os
import sqlite3
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "1.0.0"
DENSITY = {"granite": 2700, "limestone": 2300, "marble": 2650, "slate": 2800}
log = logging.getLogger("quarry")


@dataclass
class Order:
    """A block of stone: edges in metres, price in cents."""

    stone: str
    length: float
    width: float
    height: float

    @property
    def weight(self):
        return self.length * self.width * self.height * DENSITY[self.stone]

    @property
    def price(self):
        return int(self.weight * 45)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok", "version": VERSION})
        if self.path == "/orders":
            return self.answer(200, orders())
        return self.answer(404, {"error": "not found"})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def orders():
    with sqlite3.connect(os.environ["QUARRY_DATABASE"]) as database:
        rows = database.execute("SELECT * FROM orders")
        return [dict(zip(("id", "stone", "weight"), row)) for row in rows]


def main():
    logging.basicConfig(level=logging.DEBUG)
    config = json.loads(Path("config/quarry.json").read_text())
    log.info("quarry %s listens on port %d", VERSION, config["port"])
    ThreadingHTTPServer(("0.0.0.0", config["port"]), Handler).serve_forever()


if __name__ == "__main__":
    main()
'''


def app_1_1() -> str:
    """Return the application of the next release."""
    text = APP
    for old, new in (
        ('VERSION = "1.0.0"', 'VERSION = "1.1.0"'),
        (
            '"limestone": 2300, "marble": 2650, "slate": 2800}',
            '"limestone": 2350, "marble": 2650, "sandstone": 2200, "slate": 2800}',
        ),
        ("        return int(self.weight * 45)\n", "        return round(self.weight * 45)  # cents\n"),
        (
            '        if self.path == "/orders":\n            return self.answer(200, orders())\n',
            '        if self.path == "/orders":\n'
            "            try:\n"
            "                return self.answer(200, orders())\n"
            "            except sqlite3.OperationalError as error:\n"
            '                log.error("no orders: %s", error)\n'
            '                return self.answer(503, {"error": "database is not ready"})\n',
        ),
        ("basicConfig(level=logging.DEBUG)", 'basicConfig(level=os.environ.get("QUARRY_LOG_LEVEL", "INFO"))'),
        ('("0.0.0.0", config["port"])', '(config["address"], config["port"])'),
    ):
        text = text.replace(old, new)
    return text


CONFIG = """\
{
  "address": "127.0.0.1",
  "port": 8080,
  "currency": "EUR",
  "languages": ["de", "en", "fr", "ru", "zh", "ar"],
  "features": {"invoices": true, "delivery_map": false}
}
"""

INDEX_HTML = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>quarry: cut stone to order</title>
  <link rel="stylesheet" href="/static/quarry.css">
  <script src="/static/orders.js" defer></script>
</head>
<body>
  <h1>Cut stone to order</h1>
  <table id="orders"><!-- filled by orders.js --></table>
  <footer>Marl &amp; Daughters, stonemasons since 1887</footer>
</body>
</html>
"""

STYLE = """\
:root { --stone: #8a8578; --chalk: #f4f1ea; }
body { background: var(--chalk); font: 16px/1.5 Georgia, serif; margin: 4rem auto; max-width: 42rem; }
h1 { border-bottom: 3px solid var(--stone); }
"""

SCRIPT = """\
// Fills the table of orders.
const table = document.querySelector("#orders");
const orders = await (await fetch("/orders")).json();
for (const { id, stone, weight } of orders) {
  table.insertRow().innerHTML = `<td>${id}</td><td>${stone}</td><td>${weight} kg</td>`;
}
"""

LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <path fill="#8a8578" d="M4 26 10 10l6 4 4-8 8 20z"/>
</svg>
"""

README = """\
# quarry

Takes orders for cut stone and tells the saw what to do next.

    QUARRY_DATABASE=/var/lib/quarry/orders.db python3 app.py

`/health` says whether it is up, `/orders` lists what is wanted.
"""

ENTRYPOINT = """\
#!/bin/sh
# Prepares the database, then becomes the server.
set -eu

: "${QUARRY_DATABASE:=/var/lib/quarry/orders.db}"
export QUARRY_DATABASE

if [ ! -s "$QUARRY_DATABASE" ]; then
    python3 -m quarry.schema "$QUARRY_DATABASE"
fi
exec "$@"
"""

DOTENV_FILE = """\
# Left here by the build; deleted from the image a step later, and still in it.
QUARRY_API_TOKEN=sample-token-THIS-IS-A-SAMPLE-0123456789
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
"""

DEPLOY_KEY = """\
-----BEGIN OPENSSH PRIVATE KEY-----
VEhJUyBJUyBBIFNBTVBMRSwgTk9UIEEgS0VZLiBUSElTIElTIEEgU0FNUExFLCBO
T1QgQSBLRVkuIFRISVMgSVMgQSBTQU1QTEUsIE5PVCBBIEtFWS4gVEhJUyBJUyBB
IFNBTVBMRS4=
-----END OPENSSH PRIVATE KEY-----
THIS IS A SAMPLE: no lock anywhere opens with it.
"""

SERVER_CONFIG = """\
# Settings of the web server in front of quarry.

user  nobody;
worker_processes  auto;
error_log  /var/log/quarry/error.log debug;
pid  /run/quarry.pid;

events {
    worker_connections  512;
}

http {
    include       mime.types;
    default_type  application/octet-stream;
    sendfile      on;
    tcp_nopush    on;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer"';
    access_log  /var/log/quarry/access.log  main;

    keepalive_timeout  65;
    gzip  off;
    gzip_types  text/css application/javascript image/svg+xml;

    server {
        listen       80;
        server_name  localhost;

        location /static/ {
            root     /srv/quarry;
            expires  1h;
        }

        location / {
            proxy_pass  http://127.0.0.1:8080;
            proxy_set_header  Host $host;
        }

        error_page  500 502 503 504  /50x.html;
        location = /50x.html {
            root  /srv/quarry/static;
        }
    }
}
"""


def server_config_for_production() -> str:
    """Return the settings after the ``sed`` of a later step: changes in four places."""
    text = SERVER_CONFIG
    for old, new in (
        ("user  nobody;", "user  quarry;"),
        ("error.log debug;", "error.log warn;"),
        ("worker_connections  512;", "worker_connections  4096;\n    multi_accept  on;"),
        ("    gzip  off;\n", "    gzip  on;\n    gzip_min_length  1024;\n"),
        ("server_name  localhost;", "server_name  quarry.example www.quarry.example;"),
        ("expires  1h;", "expires  30d;"),
    ):
        text = text.replace(old, new)
    return text


GREETINGS = {
    "العربية": "مرحبا بكم في المحجر",
    "Franc\u0327ais": "Bienvenue à la carrière",
    "русский": "Добро пожаловать в каменоломню",
    "中文": "欢迎来到采石场",
    "日本語": "採石場へようこそ",
}
"""Texts of the page by language. The cedilla is a combining one (U+0327)."""


def access_log(lines: int) -> str:
    """Return the log that the web server wrote during a trial run."""
    paths = ("/", "/orders", "/static/quarry.css", "/health", "/static/orders.js", "/favicon.ico")
    return "".join(
        f"10.0.{number % 3}.{number * 7 % 250 + 1} - - "
        f"[09/Mar/2026:10:{number // 60 % 60:02}:{number % 60:02} +0000] "
        f'"GET {paths[number * number % 6]} HTTP/1.1" '
        f"{404 if number * number % 6 == 5 else 200} {number * 311 % 4096}\n"
        for number in range(lines)
    )
