"""Verdicts in the formats that other programs read; each module has ``render(verdict) -> str``.

Names from images are made :func:`~layertui.text.sanitize.visible` in all of them but JSON: whoever reads
them shows them to people, and would act on what they hold.
"""

from __future__ import annotations

import importlib

from layertui.gate.rules import Verdict

FORMATS = ("json", "junit", "sarif", "github", "markdown")


def render(verdict: Verdict, form: str) -> str:
    """A verdict in one of the formats."""
    rendered: str = importlib.import_module(f"layertui.gate.reports.{form}").render(verdict)
    return rendered
