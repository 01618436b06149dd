"""JSON, the same as ``layertui check --json``."""

from __future__ import annotations

import json

from layertui.gate.rules import Verdict


def render(verdict: Verdict) -> str:
    """Return one line of ASCII."""
    return json.dumps(verdict.to_json()) + "\n"
