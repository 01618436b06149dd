"""The commands, a module each: it says what it is for, takes arguments, asks the engine, prints.

A module ``layertui.commands.NAME`` has ``DESCRIPTION`` and ``EPILOG`` for its ``--help``,
``add_arguments(parser)`` and ``run(options) -> int``, which gives the exit status. It is
imported only when it is the one that is meant.
"""

COMMANDS = {
    "images": "the images here, or those that sources hold",
    "containers": "the containers of engines and stores",
    "history": "the build steps of an image, newest first",
    "dockerfile": "the Dockerfile that an image may come from",
    "inspect": "config and digests, as docker inspect",
    "tree": "the files of an image, or of its first layers",
    "changes": "what a layer changed, or how two layers' trees differ",
    "compare": "how two images differ: layers, config, packages, files",
    "log": "every version of one path",
    "diff": "the changed lines between two versions of a file",
    "cat": "the bytes of a file, of hidden ones too",
    "search": "lines in the files of all layers",
    "extract": "files of an image into a directory, or as a tar",
    "insight": "what an image stores in vain, twice or by mistake",
    "check": "an image against rules, as a gate for CI",
    "verify": "every digest of an image computed anew",
    "anatomy": "how an image is organised, from its name to its bytes",
    "store": "what a store on disk holds, and what depends on what",
    "build": "build with docker or podman, and open the image",
    "demo": "open the app on a built-in sample image",
}
"""What each does, for the list of them."""
