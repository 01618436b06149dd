"""``layertui demo``: the app on the built-in sample image."""

import argparse

from layertui.commands.parsing import add_common

DESCRIPTION = """\
Open the app on the built-in sample image, which shows what layers can do to one
another.
"""
EPILOG = "To other commands the sample is the reference demo:, as in: layertui tree demo:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, has_json=False, has_quiet=False)


def run(options: argparse.Namespace) -> int:
    from layertui.ui.launch import explore

    return explore("demo:", options.platform, not options.no_cache)
