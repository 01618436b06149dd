"""Markdown for a job's summary or a comment (GitHub's and GitLab's flavours)."""

from __future__ import annotations

import re

from layertui.gate.rules import Finding, Status, Verdict
from layertui.safe import visible

MOST = 10
"""Findings of a rule that are listed."""
_WORDS = {Status.PASS: "pass", Status.FAIL: "**fail**", Status.ERROR: "**error**", Status.SKIP: "skipped"}


def render(verdict: Verdict) -> str:
    """A table of the rules, and lists of what is against them."""
    lines = [
        f"### {_code(verdict.name)}: {verdict.summary()}",
        "",
        "| rule | result | found |",
        "|---|---|---|",
    ]
    for result in verdict.results:
        message = _plain(result.outcome.message)
        lines.append(f"| {result.rule} | {_WORDS[result.outcome.status]} | {message} |")
    for result in verdict.results:
        if result.outcome.findings:
            lines += ["", f"**{result.rule}**", ""]
            lines += [f"- {_finding(finding)}" for finding in result.outcome.findings[:MOST]]
            if rest := len(result.outcome.findings[MOST:]):
                lines.append(f"- … and {rest:,} more")
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> str:
    place = "" if finding.path is None else f"{_code(finding.place())} "
    layer = "" if finding.layer is None else f", layer {finding.layer}"
    step = f" {_code(finding.step)}" if finding.step else ""
    return f"{place}{_plain(finding.message)}{layer}{step}"


def _code(text: str) -> str:
    """A code span (CommonMark 6.1), in which nothing but its own fence means anything."""
    text = visible(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if text.strip() != text or "`" in text else f"{fence}{text}{fence}"


def _plain(text: str) -> str:
    """Text of which nothing is markup, a link or a mention: what could be as entities (CommonMark 2.5)."""
    return re.sub(r"[!#&*:<>@\[\\\]_`|~]|(?<=www)\.", lambda match: f"&#{ord(match[0])};", visible(text))
