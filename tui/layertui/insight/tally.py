"""Findings of any part of insight, and sums over groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from layertui.model.numbers import EMPTY, LayerNumber

MAX_FINDINGS = 10_000
"""Findings that are listed; sums count all."""
INSTALLED, NOT_INSTALLED = "installed", "no longer installed"
"""The sums of the packages that the final tree has, and of those that a later layer upgraded or removed."""


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of a group of findings."""

    kind: str
    """What they have in common: ``step``, ``reason``, ``directory``, ``rule``, ``type``, ``right``, ``change`` …"""
    name: str
    size: int
    """Bytes; 0 for findings without a size."""
    count: int
    layer: LayerNumber = EMPTY
    """The layer to open; 0 for none."""
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: a finding and its place in the image."""

    layer: LayerNumber
    """0 if it belongs to no layer."""
    path: str
    """In the merged tree of ``layer``."""
    size: int
    """Bytes; -1 for findings without a size."""
    cells: Sequence[str]
    """Its facts, in the columns of its part (:data:`layertui.insight.survey.FINDING_CELLS`)."""
    where: str
    """The path, line or variable to show; not sanitized, like all texts here."""
    sums: Sequence[int]
    """Positions of the sums that include it."""
    is_hidden: bool = False
    """Whether the final tree lacks it."""
    secret: str = ""
    """The text that is masked in ``cells``."""
    line: int = 0
    """Of the file that it is in, from 1; 0 for none."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The result of one part."""

    count: int
    """Number of all findings."""
    size: int
    """Their bytes."""
    sums: Sequence[Sum] = ()
    """By kind, largest first."""
    findings: Sequence[Finding] = ()
    """Largest first, at most :data:`MAX_FINDINGS`."""
    notes: Sequence[str] = ()
    """What could not be analyzed, and why."""
    figures: dict[str, float | None] = field(default_factory=dict)
    """Figures of waste, dive's among them (see docs/insight.md)."""


class Tally:
    """Collects findings and adds them up by group."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds
        self._sums: dict[tuple[str, str], Sum] = {}
        self._findings: list[tuple[Finding, Sequence[tuple[str, str]]]] = []
        self._count = 0

    def add(self, finding: Finding, *sums: Sum) -> None:
        """Count a finding, and list it if it is among the first; ``sums`` have the size and count that it adds."""
        keys = []
        for part in sums:
            key = (part.kind, part.name)
            known = self._sums.get(key)
            self._sums[key] = part if known is None else added(known, part)
            keys.append(key)
        self._count += 1
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append((finding, keys))

    def survey(
        self, size: int, notes: Sequence[str] = (), figures: dict[str, float | None] | None = None
    ) -> Survey:
        """Return the result: the sums in the order of the kinds, and the findings with their positions."""
        sums = sorted(
            self._sums.values(), key=lambda group: (self._kinds.index(group.kind), -group.size, -group.count)
        )
        numbers = {(group.kind, group.name): number for number, group in enumerate(sums)}
        findings = [replace(row, sums=[numbers[key] for key in keys]) for row, keys in self._findings]
        return Survey(self._count, size, sums, findings, notes, figures or {})


def added(one: Sum, other: Sum) -> Sum:
    """Return the sum of two groups of findings, with the name and place of the first."""
    return replace(one, size=one.size + other.size, count=one.count + other.count)
