"""The app for a page in a browser: a process that :mod:`layertui.commands.web_server` starts.

It draws on standard output and reads keys from standard input in the protocol of Textual's ``WebDriver``, which
textual-serve selects by ``TEXTUAL_DRIVER``.
"""

from __future__ import annotations

import json
import sys

from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.ui.app import LayertuiApp
from layertui.ui.launch import Start
from layertui.ui.settings import load_settings, settings_file

_EXIT = b'{"type": "exit"}'
"""The message by which the page learns that the app has ended."""


def run_in_browser(argument: str) -> int:
    """Run the app from a :class:`Start` in JSON, and return its exit status."""
    start = Start(*json.loads(argument))
    try:
        app = LayertuiApp(
            start.reference,
            start.platform,
            start.cache,
            settings=load_settings(settings_file()),
            place=(start.path.encode("utf-8", "surrogateescape"), LayerNumber(start.layer)),
        )
    except LayertuiError as error:
        print(f"layertui: {error}", file=sys.stderr)  # the server prints it
        sys.stdout.buffer.write(b"__GANGLION__\nM" + len(_EXIT).to_bytes(4, "big") + _EXIT)
        return 2
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(run_in_browser(sys.argv[1]))
