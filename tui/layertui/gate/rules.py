"""The rules of a gate, and what evaluating them gives."""

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
    """Secrets that are known and no reason to fail."""

    allow_paths: tuple[str, ...] = ()
    """Globs; a directory stands for all that is in it."""
    allow_rules: tuple[str, ...] = ()
    """Names of kinds of secrets, as findings tell them."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Those that are set; a field's name with hyphens is the rule's."""

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
    """Globs of those that are allowed."""
    forbidden_packages: tuple[str, ...] = ()

    def limits(self) -> Mapping[str, Any]:
        """Name and limit of each rule that is set."""
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
    "reclaimable": "files that layers store and the final tree does not show take at most this",
    "size": "the files of all layers take at most this",
    "growth": "the files of all layers take at most this much more than the baseline's",
    "forbidden-paths": "no path of the final tree matches",
    "forbidden-in-layers": "no layer stores a path that matches, not even one that a later layer deletes",
    "required-paths": "each glob matches a path of the final tree",
    "secrets": "no layer, variable, label or build step gives a secret away",
    "setuid": "no file of the final tree has setuid or setgid, but those that are allowed",
    "forbidden-packages": "no package of the final tree matches",
}
"""What each rule demands."""


class Status(StrEnum):
    """How a rule turned out."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    """It could not be evaluated."""
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that speaks against an image."""

    message: str
    path: str | None = None
    layer: LayerNumber | None = None
    """Where it is stored, or what removed what is required."""
    step: str = ""
    """The build step of that layer on one line, secrets masked."""
    line: int | None = None
    """Of a file, from 1."""

    def place(self) -> str:
        """``/etc/passwd:3``; empty if it is nowhere in particular."""
        return f"{self.path or ''}{f':{self.line}' if self.line else ''}"

    def line_of_text(self, most: int | None = None) -> str:
        """The whole finding, with so many characters of the step; may hold what a terminal acts on."""
        parts = [self.place(), self.message]
        if self.layer is not None:
            step = self.step if most is None or len(self.step) <= most else self.step[: most - 1] + "…"
            parts.append(f"(layer {self.layer}{f': {step}' if step else ''})")
        return "  ".join(filter(None, parts))

    def to_json(self) -> dict[str, Any]:
        """The finding as the command line prints it."""
        return {
            "message": self.message,
            "path": self.path,
            "layer": self.layer,
            "step": self.step or None,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What evaluating a rule gives."""

    status: Status
    message: str
    findings: Sequence[Violation] = ()
    """What is against the rule; for a figure what it comes from, largest first, as far as that helps."""
    value: float | None = None
    """A figure that was measured: bytes or a ratio."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one rule turned out."""

    rule: str
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """The result as the command line prints it."""
        return {
            "rule": self.rule,
            "status": str(self.outcome.status),
            "message": self.outcome.message,
            "value": self.outcome.value,
            "findings": [finding.to_json() for finding in self.outcome.findings],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How all rules turned out for an image."""

    reference: str
    name: str
    """What people call the image."""
    rules_file: Path | None
    """Where the rules stand; ``None`` for dive's defaults."""
    results: Sequence[Result]

    @property
    def status(self) -> Status:
        """An error if a rule could not be evaluated, else a failure if one failed."""
        return next((bad for bad in (Status.ERROR, Status.FAIL) if self.count(bad)), Status.PASS)

    def count(self, status: Status) -> int:
        """How many rules turned out so."""
        return sum(result.outcome.status == status for result in self.results)

    def summary(self) -> str:
        """``FAIL: 2 rules passed, 1 failed``."""
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
        """The verdict as the command line prints it."""
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
