"""The rules of a gate and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from layertui.gate.limits import Growth, Ratio, Size
from layertui.model.numbers import LayerNumber


class SecretsAllowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Known secrets that are allowed."""

    allow_paths: tuple[str, ...] = ()
    """Globs; a directory includes everything in it."""
    allow_rules: tuple[str, ...] = ()
    """Names of kinds of secrets, as in findings."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The limits of all rules, empty for those not set; a rule's name is the field's with hyphens."""

    lowest_efficiency: Ratio | None = None
    highest_wasted_bytes: Size | None = None
    highest_user_wasted_percent: Ratio | None = None
    reclaimable: Size | None = None
    size: Size | None = None
    growth: Growth | None = None
    forbidden_paths: tuple[str, ...] = ()
    forbidden_in_layers: tuple[str, ...] = ()
    required_paths: tuple[str, ...] = ()
    secrets: bool | SecretsAllowed = False
    setuid: tuple[str, ...] | None = None
    """Globs of allowed files."""
    forbidden_packages: tuple[str, ...] = ()

    def limits(self) -> Mapping[str, Any]:
        """Return name and limit of each rule that is set."""
        limits = {name: getattr(self, name.replace("-", "_")) for name in DESCRIPTIONS}
        return {
            name: limit
            for name, limit in limits.items()
            if not (limit is None or limit is False or (limit == () and name != "setuid"))
        }


DESCRIPTIONS = {
    "lowest-efficiency": "dive's efficiency is at least this",
    "highest-wasted-bytes": "dive's wasted bytes are at most this",
    "highest-user-wasted-percent": "dive's wasted bytes over those of the layers above the first are at most this",
    "reclaimable": "files that layers store and the final tree lacks take at most this",
    "size": "the files of all layers take at most this",
    "growth": "the files of all layers exceed the baseline's by at most this",
    "forbidden-paths": "no path of the final tree matches",
    "forbidden-in-layers": "no layer stores a path that matches, not even one that a later layer deletes",
    "required-paths": "each glob matches a path of the final tree",
    "secrets": "no layer, variable, label or build step contains a secret",
    "setuid": "no file of the final tree is setuid or setgid, except those allowed",
    "forbidden-packages": "no package of the final tree matches",
}
"""What each rule requires."""


class Status(StrEnum):
    """The status of a rule."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    """It could not be evaluated."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Violation:
    """A finding against a rule."""

    message: str
    path: str | None = None
    layer: LayerNumber | None = None
    """The layer that stores it, or that deleted a required path."""
    step: str = ""
    """The build step of that layer on one line, secrets masked."""
    line: int | None = None
    """Line in the file, from 1."""

    def place(self) -> str:
        """Return ``/etc/passwd:3``; empty without a path."""
        return f"{self.path or ''}{f':{self.line}' if self.line else ''}"

    def line_of_text(self, most: int | None = None) -> str:
        """Return the finding on one line, the step cut to ``most`` characters; not sanitized."""
        parts = [self.place(), self.message]
        if self.layer is not None:
            step = self.step if most is None or len(self.step) <= most else self.step[: most - 1] + "…"
            parts.append(f"(layer {self.layer}{f': {step}' if step else ''})")
        return "  ".join(filter(None, parts))

    def to_json(self) -> dict[str, Any]:
        """Return the finding as the command line prints it."""
        return {
            "message": self.message,
            "path": self.path,
            "layer": self.layer,
            "step": self.step or None,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of evaluating a rule."""

    status: Status
    message: str
    findings: Sequence[Violation] = ()
    """Violations of the rule; for a figure its largest causes."""
    value: float | None = None
    """The measured figure: bytes or a ratio."""


@dataclass(frozen=True, slots=True)
class Result:
    """A rule with its outcome."""

    rule: str
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """Return the result as the command line prints it."""
        return {
            "rule": self.rule,
            "status": str(self.outcome.status),
            "message": self.outcome.message,
            "value": self.outcome.value,
            "findings": [finding.to_json() for finding in self.outcome.findings],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The results of all rules for an image."""

    reference: str
    name: str
    """Human-readable name of the image."""
    rules_file: Path | None
    """The file with the rules; ``None`` for dive's defaults."""
    results: Sequence[Result]

    @property
    def status(self) -> Status:
        """``ERROR`` if a rule could not be evaluated, else ``FAIL`` if one failed."""
        return next((bad for bad in (Status.ERROR, Status.FAIL) if self.count(bad)), Status.PASS)

    def count(self, status: Status) -> int:
        """Return the number of rules with a status."""
        return sum(result.outcome.status == status for result in self.results)

    def summary(self) -> str:
        """Return ``FAIL: 2 rules passed, 1 failed``."""
        word = "PASS" if self.status == Status.PASS else "FAIL"
        passed = self.count(Status.PASS)
        counts = [f"{passed} rule{'' if passed == 1 else 's'} passed"]
        for status, text in (
            (Status.FAIL, "failed"),
            (Status.ERROR, "could not be evaluated"),
            (Status.SKIP, "skipped"),
        ):
            if count := self.count(status):
                counts.append(f"{count} {text}")
        return f"{word}: {', '.join(counts)}"

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as the command line prints it."""
        return {
            "reference": self.reference,
            "rules_file": None if self.rules_file is None else str(self.rules_file),
            "status": str(self.status),
            "passed": self.count(Status.PASS),
            "failed": self.count(Status.FAIL),
            "errors": self.count(Status.ERROR),
            "skipped": self.count(Status.SKIP),
            "rules": [result.to_json() for result in self.results],
        }
