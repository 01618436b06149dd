"""``layertui demo``: open the app on the built-in sample image."""

import argparse

from layertui.commands.parsing import add_common

DESCRIPTION = """\
Open the app on the built-in sample image, whose layers modify, delete and
repeat each other's files.
"""
EPILOG = "Other commands take the sample as demo:, for example: layertui tree demo:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, has_json=False, has_quiet=False)


def run(options: argparse.Namespace) -> int:
    from layertui.ui.launch import explore

    return explore("demo:", options.platform, not options.no_cache)
