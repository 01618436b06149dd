"""``docker layertui``: the same program as a plugin of docker's CLI, by the name of ``docker-layertui``.

docker runs a plugin with its own command line, options before the plugin's name included (docker/cli,
``cli-plugins/manager``).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from layertui import __version__
from layertui.commands.output import Output
from layertui.commands.parsing import Parser

PLUGIN = "docker-layertui"
METADATA = "docker-cli-plugin-metadata"
"""The argument that docker asks every plugin with (docker/cli, ``cli-plugins/metadata``)."""


def is_plugin() -> bool:
    """Return whether docker runs this program, or could: what counts is the name of the file."""
    return Path(sys.argv[0]).stem == PLUGIN


def print_metadata() -> None:
    """Print what ``docker --help`` and ``docker info`` show of the plugin."""
    Output(0).json(
        {
            "SchemaVersion": "0.1.0",
            "Vendor": "layertui",
            "Version": f"v{__version__}",
            "ShortDescription": "Explore an image: layers, files, what is deleted but shipped",
            "URL": "https://github.com/layertui/layertui",
        }
    )


def own_words(words: Sequence[str]) -> list[str]:
    """Return layertui's arguments among docker's; docker's options apply to it by the environment.

    Raises :class:`LayertuiError` for options that cannot be passed on.
    """
    parser = Parser("docker", "", "")
    parser.add_argument("--config")
    parser.add_argument("-c", "--context")
    parser.add_argument("-H", "--host")
    parser.add_argument("-D", "--debug", action="store_true")
    parser.add_argument("-l", "--log-level")
    parser.add_argument("words", nargs=argparse.REMAINDER)
    given = parser.parse_args(words)
    if given.config is not None:
        os.environ["DOCKER_CONFIG"] = given.config
    if given.host is not None:
        os.environ["DOCKER_HOST"] = given.host
    elif given.context is not None:
        os.environ["DOCKER_CONTEXT"] = given.context
        os.environ.pop("DOCKER_HOST", None)  # which comes before the context otherwise
    name, *own = given.words or [""]
    return ["--help"] if name == "help" else own
