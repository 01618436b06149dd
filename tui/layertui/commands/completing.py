"""Answer a shell that completes the command line; the script is that of :mod:`layertui.commands.completion`."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from argcomplete.completers import DirectoriesCompleter, FilesCompleter, SuppressCompleter
from argcomplete.finders import CompletionFinder
from argcomplete.lexers import split_line

from layertui.commands import COMMANDS
from layertui.commands.parsers import command_parser, program_parser
from layertui.model.errors import LayertuiError
from layertui.model.reference import ENGINE_NAMES, FILE_TRANSPORTS, STORE_TRANSPORTS, TRANSPORTS, Reference
from layertui.text.sanitize import visible

REQUEST = "_ARGCOMPLETE"
"""The variable in the environment by which argcomplete's scripts ask."""
MOST_SECONDS = 5.0
"""How long a shell waits; without an answer by then, nothing is completed."""
WITH_HIDDEN = ("log", "diff")
"""Commands that take a path of any layer."""
Completions = Iterable[str] | Mapping[str, str]
"""With descriptions, which zsh and fish show."""


def answer_shell() -> None:
    """Write the completions of the command line in the environment where argcomplete expects them, and end."""
    timer = threading.Timer(MOST_SECONDS, os._exit, (1,))
    timer.daemon = True
    timer.start()
    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    before = split_line(line, point)[3]
    command = before[1] if len(before) > 1 and before[1] in COMMANDS else ""
    parser = command_parser(command) if command else program_parser()
    if command:
        os.environ[REQUEST] = "2"  # words before the arguments
    completers: dict[str, Callable[..., Completions]] = {
        **dict.fromkeys(("image", "sources", "source", "a", "b", "baseline"), _references),
        **dict.fromkeys(("path", "paths"), _paths if command not in WITH_HIDDEN else _paths_of_any_layer),
        **dict.fromkeys(("layer", "start", "stop"), _layers),
        **dict.fromkeys(("config", "export", "arguments"), FilesCompleter()),
        "reference": _commands_and_references,
        "destination": DirectoriesCompleter(),
    }
    for action in parser._actions:
        if action.dest in completers and not (action.dest == "source" and action.choices):
            vars(action)["completer"] = completers[action.dest]
    finder = CompletionFinder()
    finder(parser, always_complete_options=False, default_completer=SuppressCompleter(), validator=_is_shown)


def _is_shown(completion: str, prefix: str) -> bool:
    """Return whether a completion fits, and can be shown: names of images may contain anything."""
    return completion.startswith(prefix) and visible(completion) == completion


# Images


def _commands_and_references(prefix: str, **_: object) -> Completions:
    if not prefix:
        return COMMANDS
    return {**dict.fromkeys(_references(prefix), ""), **COMMANDS}


def _references(prefix: str, **_: object) -> list[str]:
    """Return the images that a text may become: recent ones, of engines, files, of archives and stores."""
    from layertui.cache.recent import recent_references
    from layertui.sources.completion import complete

    names = _names_of_engines(prefix)
    found = complete(prefix, names)
    if not prefix:
        found = [name for each in names.values() for name in each] + found
    return [*found, *_inside(prefix), *recent_references()]


def _names_of_engines(prefix: str) -> dict[str, Sequence[str]]:
    """Return the names of images and containers of the engines that a reference may be of, by transport."""
    from layertui.sources import LOCAL, list_containers
    from layertui.sources.engine import CONTAINERS, image_names

    transport, colon, _ = prefix.partition(":")
    names: dict[str, Sequence[str]] = {}
    for engine in LOCAL if transport not in TRANSPORTS or not colon else (transport,):
        with suppress(LayertuiError):  # the command says why
            if engine in CONTAINERS:
                names[engine] = [row.name for row in list_containers(f"{engine}:")]
            elif engine in ENGINE_NAMES:
                names[engine] = image_names(engine)
    return names


def _inside(prefix: str) -> list[str]:
    """Return the references of the images of an archive, layout or store, as far as it is named."""
    from layertui.sources import list_images

    transport, colon, rest = prefix.partition(":")
    if not colon or transport not in (*FILE_TRANSPORTS, *STORE_TRANSPORTS):
        return []
    if transport in STORE_TRANSPORTS:
        whole = f"{transport}:{rest[1:].partition(']')[0]}" if rest.startswith("[") else f"{transport}:"
    elif Path(path := rest.partition(":")[0].partition("@")[0]).exists():
        whole = str(Reference(transport, path))
    else:
        return []
    with suppress(LayertuiError):
        return [each.reference for each in list_images(whole)]
    return []


# Inside of an image


def _paths(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    return _paths_of(prefix, parsed_args, False)


def _paths_of_any_layer(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    return _paths_of(prefix, parsed_args, True)


def _paths_of(prefix: str, options: argparse.Namespace, has_hidden: bool) -> list[str]:
    """Return the paths in the directory that is typed, those of directories with a slash."""
    from layertui.commands.opening import image_of, read_layers
    from layertui.union.lookup import layer_number

    with suppress(LayertuiError):
        options.quiet = True
        image = image_of(options)
        number = layer_number(image, getattr(options, "layer", None))
        union = read_layers(options, image, number).union
        folder, _, _ = prefix.rpartition("/")
        top = union.find(folder) if has_hidden else union.resolve(folder or "/", number)
        found = []
        for node in union.children(top) if top >= 0 else ():
            event = union.versions(node)[-1] if has_hidden else union.at(node, number)
            if event >= 0:
                is_directory = union.end[node] > node + 1 or union.is_directory(event)
                found.append(f"{folder}/{union.name(node)}{'/' if is_directory else ''}")
        return found
    return []


def _layers(parsed_args: argparse.Namespace, **_: object) -> Completions:
    """Return the numbers of the layers, with their build steps."""
    from layertui.commands.opening import image_of
    from layertui.model.history_step import step_text

    with suppress(LayertuiError):
        parsed_args.quiet = True
        image = image_of(parsed_args, getattr(parsed_args, "image", None) or parsed_args.a)
        return {str(step.layer): visible(step_text(step)) for step in image.history if step.layer}
    return ()
