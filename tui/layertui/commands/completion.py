"""``layertui completion``: the completion script of a shell."""

from __future__ import annotations

import argparse

from layertui.commands.output import Output, raw

DESCRIPTION = """\
Print the completion script of a shell: for commands, options, images, tags,
layers, and paths in images.
"""
EPILOG = """\
in ~/.bashrc:                  eval "$(layertui completion bash)"
in ~/.zshrc, after compinit:   eval "$(layertui completion zsh)"
in ~/.config/fish/config.fish: layertui completion fish | source

Completion gives up after five seconds, as for paths of a large image that has
not been read before.
"""
SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def run(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    Output(0).write(raw(shellcode(["layertui"], use_defaults=False, shell=options.shell)))
    return 0
