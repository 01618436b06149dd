"""The result of ``layertui check`` as text, for a terminal or the log of a CI job."""

from __future__ import annotations

from collections.abc import Sequence

from layertui.commands.output import Output, cut
from layertui.gate.rules import Status, Verdict, Violation
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible

TOP = 10
"""Findings shown per rule."""
STEP = 60
"""Columns for a build step if the output is not a terminal."""
MARKS = {Status.PASS: "ok", Status.FAIL: "FAIL", Status.ERROR: "ERROR", Status.SKIP: "skip"}
COLOURS = {Status.PASS: "green", Status.FAIL: "red", Status.ERROR: "yellow", Status.SKIP: "dim"}


def print_text(out: Output, verdict: Verdict, stored: int, layers: int, notes: list[str]) -> None:
    """Print all lines but the last; ``stored`` is the file bytes of all layers.

    Control characters are escaped in a pipe too: CI runners interpret commands in their logs.
    """
    rules = "dive's default rules" if verdict.rules_file is None else f"rules of {verdict.rules_file}"
    out.line(visible(f"{verdict.name}: {size_text(stored)} in {count_text(layers, 'layer')}, {rules}"))
    out.line("")
    width = max(len(result.rule) for result in verdict.results)
    printed: list[Sequence[Violation]] = []
    for result in verdict.results:
        outcome = result.outcome
        mark = out.colour(f"{MARKS[outcome.status]:5}", COLOURS[outcome.status])
        out.line(f"{mark}  {result.rule:{width}}  {visible(outcome.message)}")
        if outcome.findings in printed:  # dive's rules fail for the same files
            out.line("       same findings as above")
        elif outcome.findings:
            _findings(out, outcome.findings)
            printed.append(outcome.findings)
    out.line("")
    for note in notes:
        out.line(visible(note))


def print_summary(out: Output, verdict: Verdict) -> None:
    """Print the last line."""
    word, colon, counts = verdict.summary().partition(":")
    out.line(out.colour(word, "green" if verdict.status == Status.PASS else "red") + colon + counts)


def _findings(out: Output, findings: Sequence[Violation]) -> None:
    for finding in findings[:TOP]:
        text = "       " + visible(finding.line_of_text(None if out.width else STEP))
        out.line(cut(text, out.width) if out.width else text)
    if rest := len(findings[TOP:]):
        out.line(f"       … and {rest:,} more, see --json")
