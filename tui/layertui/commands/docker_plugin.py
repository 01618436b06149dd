"""``docker layertui``: the same program as a plugin of docker's CLI, by a link named ``docker-layertui``.

docker runs a plugin with its own command line, options before the plugin's name included (docker/cli,
``cli-plugins/manager``).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from layertui import __version__
from layertui.commands.output import Output
from layertui.commands.parsing import Parser

NAME_TO_DOCKER = "layertui"
RUN_BY_DOCKER = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND"
"""The variable in the environment of every plugin that docker runs (``cli-plugins/metadata``)."""
METADATA = "docker-cli-plugin-metadata"
"""The argument that docker asks every plugin with (docker/cli, ``cli-plugins/metadata``)."""


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


def own_words(words: Sequence[str]) -> Sequence[str]:
    """Return layertui's arguments among docker's, if docker runs it; docker's options apply by the environment.

    Raises :class:`LayertuiError` for options that cannot be passed on.
    """
    if RUN_BY_DOCKER not in os.environ or NAME_TO_DOCKER not in words:  # a program that another plugin runs
        return words
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
    name, *own = given.words
    return ["--help"] if name == "help" else own
