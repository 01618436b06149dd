"""``layertui completion``: the script that has a shell complete the command line."""

from __future__ import annotations

import argparse

from layertui.commands.output import Output, raw

DESCRIPTION = """\
Print the script that has a shell complete commands, options, images, tags, and
paths inside of images.
"""
EPILOG = """\
in ~/.bashrc:                  eval "$(layertui completion bash)"
in ~/.zshrc, after compinit:   eval "$(layertui completion zsh)"
in ~/.config/fish/config.fish: layertui completion fish | source

What takes more than five seconds, as paths of an image that was never read,
is not completed.
"""
SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    Output(0).write(raw(shellcode(["layertui"], use_defaults=False, shell=options.shell)))
    return 0
