"""Write the manual page, docs/layertui.1, from the help of the program and its commands (man(7))."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from layertui import __version__
from layertui.commands import COMMANDS
from layertui.commands.parsers import EPILOG, command_named, command_parser, program_parser

PAGE = Path(__file__).with_name("layertui.1")
SEE_ALSO = ("docker(1)", "podman(1)", "skopeo(1)", "containers-transports(5)")


def manpage() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    parser = program_parser()
    yield f'.TH LAYERTUI 1 "" "layertui {__version__}" "User Commands"'
    yield ".SH NAME"
    yield r"layertui \- explore container images: layers, files, what is deleted but still shipped"
    yield ".SH SYNOPSIS"
    yield f'.B layertui\n{_synopsis(parser)}\n.br\n.B layertui\n.IR COMMAND " " ...'
    yield ".SH DESCRIPTION"
    yield _text(parser.description or "")
    for group in parser._action_groups:
        if options := [action for action in group._group_actions if action.option_strings]:
            yield f".SH {(group.title or '').upper()}"
            yield from map(_option, options)
    yield ".SH COMMANDS"
    for name, summary in COMMANDS.items():
        yield f".TP\n.B {name}\n{_text(summary)}"
    for title, block in re.findall(r"^(\w[\w ]*):\n((?:  .*\n)+)", EPILOG.replace("{commands}\n", ""), re.M):
        yield f".SH {title.upper()}"
        yield from _verbatim(block)
    for line in EPILOG.split("\n\n")[-2:]:
        yield f".PP\n{_text(line)}"
    for name in COMMANDS:
        own = command_parser(name)
        yield f".SH LAYERTUI {name.upper()}"
        yield f".B layertui {name}\n{_synopsis(own)}"
        yield f".PP\n{_text(own.description or '')}"
        yield from (_option(action) for action in own._actions if action.dest != "help")
        yield from _verbatim(command_named(name).EPILOG)
    yield ".SH SEE ALSO"
    yield ", ".join(f".BR {name[:-3]} {name[-3:]}" for name in SEE_ALSO).replace(", .BR", " ,\n.BR")


def _synopsis(parser: argparse.ArgumentParser) -> str:
    options = any(action.option_strings for action in parser._actions)
    words = [r"[\fIOPTION\fR]..." if options else ""]
    for action in parser._get_positional_actions():
        name = f"\\fI{_escaped(str(action.metavar or action.dest))}\\fR"
        words.append({"?": f"[{name}]", "*": f"[{name}]..."}.get(str(action.nargs), name))
    return " ".join(filter(None, words))


def _option(action: argparse.Action) -> str:
    value = f" \\fI{_escaped(str(action.metavar or '|'.join(map(str, action.choices or ()))))}\\fR"
    names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in action.option_strings)
    takes = action.nargs != 0
    label = names + (value if takes else "") if names else value.strip()
    return f".TP\n{label}\n{_text((action.help or '') % vars(action) if action.help else '')}"


def _verbatim(text: str) -> Iterator[str]:
    if text.strip():
        yield ".PP\n.nf"
        yield from (_escaped(line) or "." for line in text.strip("\n").split("\n"))
        yield ".fi"


def _text(text: str) -> str:
    return "\n".join(map(_escaped, text.strip().split("\n")))


def _escaped(text: str) -> str:
    """Return text for troff: backslashes, hyphens that are typed, and lines that begin like a request."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    PAGE.write_text(manpage())
