"""Evaluate the rules of a gate for an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from layertui.gate import figure_rules, finding_rules
from layertui.gate.checked_image import CheckedImage
from layertui.gate.config import Config
from layertui.gate.rules import DESCRIPTIONS, Outcome, Result, Status, Verdict
from layertui.insight.visiting import visitors_of
from layertui.layers.visit import Visitor
from layertui.model.errors import LayertuiError

CHECKS: Mapping[str, Callable[[CheckedImage, Any], Outcome]] = {
    "lowest-efficiency": figure_rules.lowest_efficiency,
    "highest-wasted-bytes": figure_rules.highest_wasted_bytes,
    "highest-user-wasted-percent": figure_rules.highest_user_wasted_percent,
    "reclaimable": figure_rules.reclaimable,
    "size": figure_rules.size,
    "growth": figure_rules.growth,
    "forbidden-paths": finding_rules.forbidden_paths,
    "forbidden-in-layers": finding_rules.forbidden_in_layers,
    "required-paths": finding_rules.required_paths,
    "secrets": finding_rules.no_secrets,
    "setuid": finding_rules.setuid,
    "forbidden-packages": finding_rules.forbidden_packages,
}
"""Return the outcome of a rule for an image and a limit; raise :class:`LayertuiError` if it cannot be evaluated."""


PARTS_READ = {"forbidden-packages": "packages", "secrets": "secrets"}
"""The part of the insight that reads contents for a rule."""


def visitors_for(config: Config) -> list[Visitor]:
    """Return what has to see the contents of layers for the rules that are set."""
    limits = config.rules.limits()
    return visitors_of(
        [part for rule, part in PARTS_READ.items() if rule in limits and rule not in config.disabled]
    )


def evaluate(config: Config, subject: CheckedImage) -> Verdict:
    """Evaluate each rule that is set; computes only what these need."""
    limits, missing = config.rules.limits(), subject.incompleteness()
    results = []
    for rule in DESCRIPTIONS:
        if rule in config.disabled:
            results.append(Result(rule, Outcome(Status.SKIP, "disabled")))
        elif rule in limits:
            outcome = _outcome(rule, limits[rule], subject)
            if missing:  # the findings are valid, but may be incomplete
                outcome = replace(outcome, status=Status.ERROR, message=missing)
            results.append(Result(rule, outcome))
    return Verdict(subject.image.reference, subject.image.name, config.file, results)


def _outcome(rule: str, limit: Any, subject: CheckedImage) -> Outcome:
    try:
        return CHECKS[rule](subject, limit)
    except LayertuiError as error:
        return Outcome(Status.ERROR, str(error))
