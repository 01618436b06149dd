"""What a case gives: runs of programs, and how they compare with what is aimed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import data
from tests.bench.data import Sample, Shape
from tests.bench.measure import Runs
from tests.bench.peers import Peer


@dataclass(frozen=True)
class Aim:
    """Something that is to be so."""

    text: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Table:
    """The outcome of a case."""

    title: str
    runs: list[Runs]
    """The first is what the others are compared with."""
    aims: list[Aim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Runs:
        return next(runs for runs in self.runs if runs.name == name)


@dataclass(frozen=True)
class Bench:
    """How to measure: where the images lie and how often to run each program."""

    root: Path
    rounds: int
    smaller: int
    """How many times smaller than in the docs the images are."""
    peers: tuple[Peer, ...]
    """Other tools to run on the same images."""
    say: Callable[[str], None]

    def sample(self, shape: Shape) -> Sample:
        return data.sample(self.root, shape if self.smaller == 1 else shape.smaller(self.smaller), self.say)
