"""``layertui serve``: the app in a browser."""

from __future__ import annotations

import argparse

from layertui.commands.output import Output, warn
from layertui.commands.parsing import add_common
from layertui.model.errors import LayertuiError

DESCRIPTION = """\
Serve the app to a browser on this machine, and print the link that opens it.
Ctrl+C ends it.
"""
EPILOG = """\
The link has a token that is valid until the server ends. Anyone who has it can
do in the app what you can: read every image, archive and registry that you can
read, and extract files on this machine.

A link may name an image that layertui images lists, a layer and a path:
  http://127.0.0.1:8000/?token=TOKEN&image=demo:&layer=3&path=/etc/passwd
Without image= it opens IMAGE. Write %26 for &, %2B for +, %25 for %.

Needs textual-serve: pip install 'layertui[serve]'

examples:
  layertui serve
  layertui serve app.tar --port 0
  ssh -L 8000:127.0.0.1:8000 build-host layertui serve docker-daemon:app
"""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image", metavar="IMAGE", nargs="?", help="image or store to open (default: the list of images)"
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port", metavar="N", type=int, default=8000, help="TCP port (default: 8000; 0: any free port)"
    )
    add_common(parser, has_json=False, has_quiet=False)


def run(options: argparse.Namespace) -> int:
    try:
        from layertui.commands.web_server import WebServer, listen
    except ModuleNotFoundError as error:
        raise LayertuiError(
            "cannot serve the app", "textual-serve is not installed", "pip install 'layertui[serve]'"
        ) from error
    from layertui.sources.piped import copy_of
    from layertui.ui.launch import Start

    image = copy_of(options.image) if options.image else None  # each page opens it again
    with listen(options.host, options.port) as listening:
        server = WebServer(Start(image, options.platform, not options.no_cache), listening)
        if options.host not in LOOPBACK:
            warn(f"{options.host} may be reachable from other machines, and the connection is not encrypted")
        out = Output(0)
        out.line(server.link)
        out.flush()
        server.serve()
    return 0
