"""The command line: run a command or open the app; print errors as one line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from layertui.commands import COMMANDS, dive_options, docker_plugin
from layertui.commands.output import Output, OutputClosed, drop, note, open_standard_streams
from layertui.commands.pager import finish_pager
from layertui.commands.parsers import command_named, command_parser, program_parser, version_to_json
from layertui.model.errors import LayertuiError
from layertui.model.unforeseen import unforeseen
from layertui.ui.launch import explore, is_ci

DONE, DIFFERENT, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""
SEE_HELP = "see layertui --help"
OTHER_WORDS = {"help": "--help", "version": "--version", "ls": "images", "ps": "containers"}
"""What commands of docker and git are called here."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    Output.is_own_process = arguments is None
    if "_ARGCOMPLETE" in os.environ and arguments is None:
        from layertui.commands.completing import answer_shell

        answer_shell()
    open_standard_streams()
    # Where the process ends with the command, garbage is never collected.
    collecting = gc.isenabled() and arguments is not None
    gc.disable()  # indexes are millions of long-lived objects without cycles
    try:
        status, problem = _outcome(words)
    finally:
        if collecting:
            gc.enable()
    try:
        Output(status).flush()  # output before the error that ends it
    except OutputClosed:
        pass  # the reader has closed the pipe, which does not change the status
    except LayertuiError as error:
        status, problem = FAILED, problem or str(error)
    finish_pager()
    if problem:
        note(f"layertui: {problem}")
    if arguments is None:
        gc.freeze()  # the process ends: searching all objects for cycles once more would be wasted
    return status


def _outcome(words: list[str]) -> tuple[int, str]:
    """Run one command; return its exit status, and the error that ended it or an empty string.

    What is unforeseen is an error too: a traceback would end with 1, which means that a check failed.
    """
    try:
        return _run(words), ""
    except OutputClosed as closed:
        return closed.status, ""
    except KeyboardInterrupt:
        drop(sys.stdout)
        return INTERRUPTED, ""
    except SystemExit as ended:  # argparse, after --help and --version
        return int(ended.code or DONE), ""
    except Exception as error:
        return FAILED, str(unforeseen(error))


def _run(words: list[str]) -> int:
    if words == [docker_plugin.METADATA]:
        docker_plugin.print_metadata()
        return DONE
    words = list(docker_plugin.own_words(words))
    position = _command_at(words)
    if position < 0:
        return _open(words)
    return _command(words.pop(position), words)


def _command(name: str, words: Sequence[str]) -> int:
    parser = command_parser(name)
    if not parser.passes_on:
        options = parser.parse_as_getopt(words)
    elif words[:1] in (["-h"], ["--help"]):
        options = parser.parse_args(words)
    else:
        options = parser.parse_args(["--", *words])
    Output.color = getattr(options, "color", "auto")
    Output.is_paged = not is_ci() and not parser.passes_on  # a job may have a terminal, but no user
    return command_named(name).run(options)


def _command_at(words: Sequence[str]) -> int:
    """Return the position of the command: the first word that is not an option; -1 if it is none."""
    is_value = False
    for position, word in enumerate(words):
        if is_value:
            is_value = False
        elif word in ("--platform", "--color", *dive_options.WITH_VALUE):
            is_value = True
        elif word == "--":
            return -1
        elif not word.startswith("-"):
            return position if word in COMMANDS else -1
    return -1


def _open(words: list[str]) -> int:
    """Run the app, on an image or the list of images."""
    if sorted(words) == ["--json", "--version"]:  # without a version, --json takes dive's FILE
        Output(DONE).json(version_to_json())
        return DONE
    parser = program_parser()
    options, rest = parser.parse_known_args(words)
    if rest:
        raise _misplaced(options.reference, rest) or parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if options.reference and words[0] != "--":
        _check_no_command(options.reference)
    from layertui.commands import dive

    Output.color, Output.is_paged = options.color, False
    reference = dive_options.reference_of(options)
    status = dive.run(reference, options, is_ci())
    return explore(reference, options.platform, not options.no_cache) if status is None else status


def _misplaced(word: str | None, rest: Sequence[str]) -> LayertuiError | None:
    """Return the error for arguments behind a word that was meant to be a command; ``None`` if it was not."""
    if word and (command := next((each for each in rest if each in COMMANDS), "")):
        if word == "help":
            return LayertuiError("unknown command help", f"did you mean layertui {command} --help")
        return LayertuiError(f"the command must be the first word: layertui {command} {word}")
    meant = _meant(word) if word and _is_word(word) else ""
    if meant or (word and _is_word(word) and not all(each.startswith("-") for each in rest)):
        return LayertuiError(f"unknown command {word}", f"did you mean {meant}" if meant else SEE_HELP)
    return None


def _check_no_command(word: str) -> None:
    """Raise :class:`LayertuiError` if a word is like a command, and no image or path has that name."""
    meant = _meant(word) if _is_word(word) else ""
    if not meant:
        return
    from layertui.sources import UnknownName, open_image

    try:
        open_image(word)
    except UnknownName as error:
        raise LayertuiError(f"{word} is neither a command nor an image", f"did you mean {meant}") from error
    except LayertuiError:
        pass  # the app shows what is wrong with it


def _is_word(word: str) -> bool:
    """Return whether a word is like a command: no path, tag or transport."""
    return word.isalpha() and not os.path.lexists(word)


def _meant(word: str) -> str:
    """Return the commands that a word is similar to; empty if there is none."""
    import difflib

    found = [OTHER_WORDS[word]] if word in OTHER_WORDS else difflib.get_close_matches(word, COMMANDS, 2, 0.8)
    return " or ".join(f"layertui {name}" for name in found)
