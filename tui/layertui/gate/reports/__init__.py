"""Verdicts in machine-readable formats; each module has ``render(verdict) -> str``.

Names from images are sanitized (:func:`~layertui.text.sanitize.visible`) in all formats but JSON, since
their readers display them as they are.
"""

from __future__ import annotations

import importlib

from layertui.gate.rules import Verdict

FORMATS = ("json", "junit", "sarif", "github", "markdown")


def render(verdict: Verdict, form: str) -> str:
    """Return a verdict in one of the formats."""
    rendered: str = importlib.import_module(f"layertui.gate.reports.{form}").render(verdict)
    return rendered
