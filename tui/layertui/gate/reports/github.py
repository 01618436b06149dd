"""GitHub Actions annotations: workflow commands in a step's log."""

from __future__ import annotations

from layertui.gate.rules import Status, Verdict
from layertui.text.sanitize import visible

MAX_ANNOTATIONS = 10
"""Findings per annotation; GitHub shows ten annotations per step, so each rule is one."""


def render(verdict: Verdict) -> str:
    """Return a line for each rule that did not pass; empty if all did."""
    lines = []
    for result in verdict.results:
        outcome = result.outcome
        if outcome.status not in (Status.FAIL, Status.ERROR):
            continue
        what = "failed" if outcome.status == Status.FAIL else "could not be evaluated"
        message = [f"{verdict.name}: {result.rule} {what}: {outcome.message}"]
        message += [finding.line_of_text() for finding in outcome.findings[:MAX_ANNOTATIONS]]
        if rest := len(outcome.findings[MAX_ANNOTATIONS:]):
            message.append(f"… and {rest:,} more")
        where = "" if verdict.rules_file is None else f"file={_property(str(verdict.rules_file))},"
        lines.append(f"::error {where}title={_property(result.rule)}::{_data(message)}\n")
    return "".join(lines)


def _data(lines: list[str]) -> str:
    """Escape the message of a command (actions/toolkit, ``command.ts``, ``escapeData``)."""
    return "%0A".join(visible(line).replace("%", "%25") for line in lines)


def _property(text: str) -> str:
    """Escape a property of a command (actions/toolkit, ``command.ts``, ``escapeProperty``)."""
    return _data([text]).replace(":", "%3A").replace(",", "%2C")
