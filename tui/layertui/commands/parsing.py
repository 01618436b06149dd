"""Arguments that commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from layertui import TYPE_CHECKING
from layertui.model.errors import LayertuiError

if TYPE_CHECKING:
    from typing import NoReturn


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        # Created for every argument. argparse would import shutil for the terminal's width, and
        # with it the compression modules.
        super().__init__(prog, max_help_position=32, width=_columns() - 2)


def _columns() -> int:
    """Return the width for help, as ``shutil.get_terminal_size`` does."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors are."""

    passes_on = False
    """Whether all arguments are passed to another program, unless the first is ``--help``."""

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        raise LayertuiError(message, "", self._meant(message) or f"see {self.prog} --help")

    def parse_as_getopt(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse as getopt(3) does: options also between arguments, and none after ``--``.

        argparse does only one of both: where options may be anywhere, it forgets about ``--``.
        """
        if "--" not in words:
            return self.parse_intermixed_args(words)
        end = words.index("--")
        hidden = {f"\0{number}": word for number, word in enumerate(words[end + 1 :]) if word.startswith("-")}
        marks = {word: mark for mark, word in hidden.items()}  # no argument has a NUL
        options = self.parse_intermixed_args(
            [*words[:end], *(marks.get(word, word) for word in words[end + 1 :])]
        )
        for name, value in vars(options).items():
            if isinstance(value, list):
                setattr(options, name, [hidden.get(each, each) for each in value])
            elif isinstance(value, str):
                setattr(options, name, hidden.get(value, value))
        return options

    def _meant(self, message: str) -> str:
        """Return a question for the option that was meant, if an error is about an unknown one."""
        _, unknown, words = message.partition("unrecognized arguments: ")
        word = words.partition(" ")[0].partition("=")[0]
        if not unknown or not word.startswith("--"):
            return ""
        from difflib import get_close_matches

        meant = get_close_matches(word, self._option_string_actions, 2, 0.75)
        return f"did you mean {' or '.join(meant)}" if meant else ""


def add_common(
    parser: argparse.ArgumentParser, has_json: bool = True, has_quiet: bool = True, has_layers: bool = True
) -> None:
    """Add the options that commands share; those about layers all or none."""
    if has_layers:
        parser.add_argument(
            "--platform",
            metavar="OS/ARCH[/VARIANT]",
            help="platform of a multi-platform image (default: this machine's); of Windows also OS(VERSION)/ARCH",
        )
    if has_json:
        parser.add_argument("--json", action="store_true", help="print JSON")
        add_color(parser)
    if has_layers:
        parser.add_argument("--no-cache", action="store_true", help="do not use cached layer indexes")
    if has_quiet:
        parser.add_argument("--quiet", action="store_true", help="no warnings, no progress bar")


def add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        metavar="WHEN",
        help="auto (on a terminal), always or never",
    )


def add_image(parser: argparse.ArgumentParser) -> None:
    """Add the IMAGE argument."""
    parser.add_argument("image", metavar="IMAGE", help="reference or path, see layertui --help")


def add_layer(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument("--layer", metavar="N", type=int, help=help)


def add_range(
    parser: argparse.ArgumentParser, start: str, stop: str, metavars: tuple[str, str] = ("A", "B")
) -> None:
    """Add ``--from`` and ``--to``, which take the number of a layer."""
    parser.add_argument("--from", dest="start", metavar=metavars[0], type=int, help=start)
    parser.add_argument("--to", dest="stop", metavar=metavars[1], type=int, help=stop)
