"""The commands, a module each: it says what it is for, takes arguments, asks the engine, prints.

A module ``layertui.commands.NAME`` has ``DESCRIPTION`` and ``EPILOG`` for its ``--help``,
``add_arguments(parser)`` and ``run(options) -> int``, which gives the exit status. It is
imported only when it is the one that is meant.
"""

COMMANDS = {
    "tree": "the files of an image, or of its first layers",
    "changes": "what a layer changed, or how two layers' trees differ",
    "demo": "open the app on a built-in sample image",
}
"""What each does, for the list of them."""
