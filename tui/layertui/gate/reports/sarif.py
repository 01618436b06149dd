"""SARIF 2.1.0 (OASIS), as accepted by GitHub code scanning."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from layertui import __version__
from layertui.gate.rules import DESCRIPTIONS, Result, Status, Verdict, Violation
from layertui.text.sanitize import visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_SARIF_RESULTS = 5000
"""Results of a run; GitHub shows no more, and rejects runs with many more."""
_ROOT = "IMAGE"
"""Base of the image's paths."""


def render(verdict: Verdict) -> str:
    """Return a log of one run: a result for each finding, or for a failed rule without any."""
    rules = [result.rule for result in verdict.results]
    results = []
    for number, result in enumerate(verdict.results):
        if result.outcome.status == Status.FAIL:
            found: Sequence[Violation | None] = result.outcome.findings or [None]
            results += [_result(verdict, number, result, finding) for finding in found]
    notes: list[dict[str, Any]] = [
        {
            "level": "error",
            "message": {"text": f"{result.rule}: {visible(result.outcome.message)}"},
            "associatedRule": {"id": result.rule},
        }
        for result in verdict.results
        if result.outcome.status == Status.ERROR
    ]
    if rest := len(results[MAX_SARIF_RESULTS:]):
        notes.append({"level": "note", "message": {"text": f"{rest:,} more results omitted"}})
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "layertui",
                "version": __version__,
                "rules": [{"id": rule, "shortDescription": {"text": DESCRIPTIONS[rule]}} for rule in rules],
            }
        },
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": f"The root directory of {visible(verdict.name)}"}}
        },
        "invocations": [
            {
                "executionSuccessful": not verdict.count(Status.ERROR),
                "toolExecutionNotifications": notes,
            }
        ],
        "results": results[:MAX_SARIF_RESULTS],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _result(verdict: Verdict, number: int, result: Result, finding: Violation | None) -> dict[str, Any]:
    text = result.outcome.message
    if finding is not None:
        text = f"{finding.line_of_text()} ({text})"
    identity = (result.rule, finding and finding.path, finding and finding.message)
    return {
        "ruleId": result.rule,
        "ruleIndex": number,
        "level": "error",
        "message": {"text": visible(f"{verdict.name}: {text}")},
        "locations": [{"physicalLocation": _location(verdict, finding)}],
        "partialFingerprints": {
            "primaryLocationLineHash": hashlib.sha256(repr(identity).encode()).hexdigest()
        },
    }


def _location(verdict: Verdict, finding: Violation | None) -> dict[str, Any]:
    """Return the place of a finding: in the image, else the file with the rules. GitHub requires a line."""
    if finding is not None and finding.path is not None:
        path = quote(finding.path[1:].encode("utf-8", "surrogateescape"))
        place = {"uri": path, "uriBaseId": _ROOT}
        return {"artifactLocation": place, "region": {"startLine": finding.line or 1}}
    file = verdict.name if verdict.rules_file is None else verdict.rules_file.as_posix()
    place = {"uri": quote(visible(file))}
    return {"artifactLocation": place, "region": {"startLine": 1}}
