"""Markdown for a job's summary or a comment (GitHub and GitLab flavored)."""

from __future__ import annotations

from layertui.gate.rules import Status, Verdict, Violation
from layertui.text.markdown import code, escaped

MAX_LISTED = 10
"""Findings listed per rule."""
_STATUS_WORDS = {
    Status.PASS: "pass",
    Status.FAIL: "**fail**",
    Status.ERROR: "**error**",
    Status.SKIP: "skipped",
}


def render(verdict: Verdict) -> str:
    """Return a table of the rules and lists of their findings."""
    lines = [
        f"### {code(verdict.name)}: {verdict.summary()}",
        "",
        "| rule | result | found |",
        "|---|---|---|",
    ]
    for result in verdict.results:
        message = escaped(result.outcome.message)
        lines.append(f"| {result.rule} | {_STATUS_WORDS[result.outcome.status]} | {message} |")
    for result in verdict.results:
        if result.outcome.findings:
            lines += ["", f"**{result.rule}**", ""]
            lines += [f"- {_finding(finding)}" for finding in result.outcome.findings[:MAX_LISTED]]
            if rest := len(result.outcome.findings[MAX_LISTED:]):
                lines.append(f"- … and {rest:,} more")
    return "\n".join(lines) + "\n"


def _finding(finding: Violation) -> str:
    place = "" if finding.path is None else f"{code(finding.place())} "
    layer = "" if finding.layer is None else f", layer {finding.layer}"
    step = f" {code(finding.step)}" if finding.step else ""
    return f"{place}{escaped(finding.message)}{layer}{step}"
