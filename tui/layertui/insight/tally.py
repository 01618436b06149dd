"""Findings of any part of the insight, and their sums by what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from layertui.model.numbers import EMPTY, LayerNumber

MAX_FINDINGS = 10_000
"""Findings that are told; sums count all of them."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Findings that have something in common."""

    kind: str
    """What that is: ``step``, ``reason``, ``directory``, ``rule``, ``right``, ``change`` …"""
    name: str
    size: int
    """Bytes; 0 for what is not measured in bytes."""
    count: int
    layer: LayerNumber = EMPTY
    """Where it leads to; 0: nowhere."""
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was found and where it is to be seen."""

    layer: LayerNumber
    """0 for what no layer has."""
    path: str
    """In the merged tree of ``layer``."""
    size: int
    """Bytes; -1 for what is not measured in bytes."""
    cells: Sequence[str]
    """What is told of it, in the columns of its part (:data:`layertui.insight.survey.FINDING_CELLS`)."""
    where: str
    """The path, line or variable to show. May be hostile, as all texts here."""
    sums: Sequence[int]
    """Numbers of the sums that count it."""
    is_hidden: bool = False
    """Whether the final tree does not show it."""
    secret: str = ""
    """What stands masked in ``cells``."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to tell of one part."""

    count: int
    """Findings in all."""
    size: int
    """Their bytes."""
    sums: Sequence[Sum] = ()
    """By kind, the greatest first."""
    findings: Sequence[Finding] = ()
    """The greatest first, :data:`MAX_FINDINGS` at most."""
    notes: Sequence[str] = ()
    """What could not be looked into, and why."""
    figures: dict[str, float | None] = field(default_factory=dict)
    """Of waste, dive's and those beside them (see docs/insight.md)."""


class Tally:
    """Adds up findings by what they have in common."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds
        self._sums: dict[tuple[str, str], Sum] = {}
        self._findings: list[tuple[Finding, Sequence[tuple[str, str]]]] = []
        self._count = 0

    def add(self, finding: Finding, *sums: Sum) -> None:
        """Count a finding, and keep it if it is one of the first; the size and count of ``sums`` are what it adds."""
        keys = []
        for each in sums:
            key = (each.kind, each.name)
            known = self._sums.get(key)
            self._sums[key] = each if known is None else added(known, each)
            keys.append(key)
        self._count += 1
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append((finding, keys))

    def survey(
        self, size: int, notes: Sequence[str] = (), figures: dict[str, float | None] | None = None
    ) -> Survey:
        sums = sorted(
            self._sums.values(), key=lambda each: (self._kinds.index(each.kind), -each.size, -each.count)
        )
        numbers = {(each.kind, each.name): number for number, each in enumerate(sums)}
        findings = [replace(row, sums=[numbers[key] for key in keys]) for row, keys in self._findings]
        return Survey(self._count, size, sums, findings, notes, figures or {})


def added(one: Sum, other: Sum) -> Sum:
    return replace(one, size=one.size + other.size, count=one.count + other.count)
