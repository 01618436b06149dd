"""JSON, as every command prints it."""

from __future__ import annotations

import json

from layertui.gate.rules import Verdict


def render(verdict: Verdict) -> str:
    """One line of ASCII."""
    return json.dumps(verdict.to_json()) + "\n"
