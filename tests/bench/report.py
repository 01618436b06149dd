"""What was measured, as Markdown and as JSON (docs/benchmark-howto.md says what the fields mean)."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from layertui import __version__
from layertui.layers import native
from tests.bench.cases import FLOORS
from tests.bench.peers import Peer
from tests.bench.tables import Aim, Table

FORMAT = 1
"""Of the JSON: incremented when a field is removed or changes its meaning."""
LIBRARIES = ("isal", "zlib-ng", "zstandard", "textual")


@dataclass
class Report:
    """The outcome of ``make bench``."""

    peers: Sequence[Peer]
    rounds: int
    is_quick: bool
    tables: dict[str, Table] = field(default_factory=dict)
    """By the names of their cases."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why cases could not be measured."""
    load: float = 0
    """Highest load average while it ran."""

    def machine(self) -> str:
        """Return what it runs on, in a line of Markdown."""
        tools = ", ".join(" ".join(filter(None, each)) for each in versions(self.peers).items())
        return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}; {tools}."

    def markdown(self) -> str:
        """Return all tables."""
        load = f"Load average up to {self.load:.1f} while it ran: far above the cores it tells of other work beside it."
        return "\n".join(
            [f"{self.machine()} {load}\n", *(f"{as_markdown(each)}\n" for each in self.tables.values())]
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything, each run by itself."""
        return {
            "format": FORMAT,
            "machine": {
                "cores": os.cpu_count(),
                "system": platform.system(),
                "architecture": platform.machine(),
                "load": self.load,
            },
            "versions": versions(self.peers),
            "quick": self.is_quick,
            "rounds": self.rounds,
            "tables": [{"case": case, **_table_to_json(table)} for case, table in self.tables.items()],
            "failed": self.failed,
        }


def versions(peers: Sequence[Peer]) -> dict[str, str]:
    """Return the versions of everything that takes part; empty where a program does not say."""
    core = native.core()
    programs = [*(program for program, _ in FLOORS.values()), *(peer.program or peer.name for peer in peers)]
    return {
        "layertui": __version__,
        "native core": core.__version__ if core is not None else "none",
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **{name: _version(name) for name in programs if "/" not in name and shutil.which(name)},
    }


def as_markdown(table: Table) -> str:
    """Return a table with its aims and notes."""
    return "\n".join(_lines(table))


def _lines(table: Table) -> Iterator[str]:
    yield f"## {table.title}"
    yield ""
    if table.runs:
        floor = table.runs[0].best
        yield "| program | best | median | × | processor | memory |"
        yield "|---|--:|--:|--:|--:|--:|"
        for runs in table.runs:
            yield (
                f"| {runs.name} | {_time(runs.best)} | {'~' * runs.is_noisy}{_time(runs.median)} "
                f"| {runs.best / floor:.2f} | {_time(min(runs.cpu)) if runs.cpu else ''} "
                f"| {f'{runs.peak / 1e6:,.0f} MB' if runs.peak else ''} |"
            )
        yield ""
    for aim in table.aims:
        yield f"- {aim.text}: **{_number(aim)}**, {'met' if aim.is_met else 'not met'}"
    for note in table.notes:
        yield f"- {note}"


def _table_to_json(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "runs": [
            {
                "name": runs.name,
                "seconds": runs.seconds,
                "cpu_seconds": runs.cpu,
                "peak_bytes": runs.peak or None,
            }
            for runs in table.runs
        ],
        "aims": [
            {
                "text": aim.text,
                "value": aim.value,
                "limit": aim.limit,
                "at_least": aim.at_least,
                "met": aim.is_met,
            }
            for aim in table.aims
        ],
        "notes": table.notes,
    }


def _number(aim: Aim) -> str:
    return f"{aim.value:.0f}" if aim.value >= 20 else f"{aim.value:.2f}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _version(program: str) -> str:
    out = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\d+\.\d+[.\d]*", out)
    return found[0] if found else ""
