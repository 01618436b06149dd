"""One module per command: arguments, question, output.

A module ``layertui.commands.NAME`` has ``DESCRIPTION`` and ``EPILOG`` for its ``--help``,
``add_arguments(parser)`` and ``run(options) -> int``, which returns the exit status. Only the
module of the command that runs is imported.
"""

COMMANDS = {
    "images": "list images of local or given sources",
    "containers": "list containers of engines and stores",
    "history": "list build steps, newest first",
    "dockerfile": "print the Dockerfile, recorded or reconstructed",
    "inspect": "print config and digests, as docker inspect",
    "tree": "list the files of an image, or of its first layers",
    "changes": "list the changes of a layer, or between two layers",
    "compare": "compare two images: layers, config, packages, files",
    "log": "list every version of a path",
    "diff": "print the diff of two versions of a file",
    "cat": "print the content of a file, hidden versions too",
    "search": "search the files of all layers",
    "find": "find paths, contents, packages or digests in all images",
    "extract": "extract files to a directory, or as a tar",
    "size": "show where the bytes are: layers, directories, packages",
    "insight": "report waste, duplicates, secrets, permissions",
    "report": "write an HTML report: sizes, waste, secrets, packages",
    "check": "check an image against rules, as a CI gate",
    "verify": "recompute every digest of an image",
    "attachments": "list signatures, SBOMs and attestations of an image",
    "anatomy": "show manifest, config, layers and where they are stored",
    "store": "show disk usage and contents of a store",
    "build": "build with docker or podman, then open the image",
    "cache": "show or prune the cache",
    "serve": "serve the app to a browser",
    "mcp": "serve read-only tools to agents (MCP)",
    "completion": "print the completion script of a shell",
    "demo": "open the app on the built-in sample image",
}
"""The commands, with a line for ``layertui --help``."""
