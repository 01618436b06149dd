"""``layertui mcp``: commands as tools for agents (Model Context Protocol)."""

from __future__ import annotations

import argparse

from layertui import __version__
from layertui.model.errors import LayertuiError

DESCRIPTION = """\
Serve read-only tools to agents: the Model Context Protocol (MCP) on standard
input and output.
"""
EPILOG = """\
Tools: list_images, history, tree, changes, versions, read_file, search, find,
insight, compare. Each runs a command of layertui and returns its JSON, up to
the requested number of rows and characters, and says what was cut. Secrets that
insight finds are masked; read_file and search show what is in the files.

Needs the SDK of the protocol: pip install 'layertui[mcp]'

example, of an agent's configuration:
  {"mcpServers": {"layertui": {"command": "layertui", "args": ["mcp"]}}}
"""
AGENT_INSTRUCTIONS = """\
Explore container images: archives, OCI layouts, registries (docker://NAME), engines (docker-daemon:NAME, podman:NAME)
and their stores. Layers are numbered from 1 at the base. list_images names images; demo: is a built-in sample.
Answers are bounded: `cut` says what is missing and how to get it. `problems` says what could not be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No argument: the client starts it."""


def run(_options: argparse.Namespace) -> int:
    try:
        from mcp.server import MCPServer
        from mcp_types import ToolAnnotations
    except ImportError as error:
        raise LayertuiError(
            "cannot serve tools",
            "version 2 of the mcp package is not installed",
            "pip install 'layertui[mcp]'",
        ) from error
    from layertui.commands.mcp_tools import TOOLS

    server = MCPServer("layertui", version=__version__, instructions=AGENT_INSTRUCTIONS, log_level="WARNING")
    for name, tool in TOOLS.items():
        server.add_tool(
            tool,
            name,
            annotations=ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True),
            structured_output=False,
        )
    server.run()
    return 0
