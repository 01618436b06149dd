"""Whole processes, timed in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LAYERTUI = str(Path(sys.executable).with_name("layertui"))
NOISY = 1.3
"""A median this many times the minimum tells that something else was running."""


@dataclass(frozen=True)
class Program:
    """A command to measure."""

    name: str
    command: Sequence[str | os.PathLike[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False
    """Whether it is too slow for more than one run."""


@dataclass
class Runs:
    """What the runs of a program took."""

    name: str
    seconds: list[float] = field(default_factory=list)
    """On the clock, from start to end of the process."""
    cpu: list[float] = field(default_factory=list)
    """Processor seconds, its children's too."""
    peak: int = 0
    """Bytes of memory at most, of the largest process."""

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def is_noisy(self) -> bool:
        return self.median > NOISY * self.best


def need_programs(*names: str) -> None:
    """Raise ``RuntimeError`` for programs that are not installed."""
    if missing := [name for name in names if shutil.which(name) is None]:
        raise RuntimeError(f"not installed: {', '.join(missing)}")


def one_after_the_other(command: Sequence[str], files: Sequence[os.PathLike[str]]) -> list[str]:
    """A command that runs another on each of the files in turn, until it fails on one."""
    return [
        "sh",
        "-c",
        "for file; do " + " ".join(command) + ' "$file" || exit; done',
        "sh",
        *map(str, files),
    ]


def take_turns(programs: Sequence[Program], rounds: int) -> list[Runs]:
    """Run each program once a round. Raises ``RuntimeError`` where one fails."""
    runs = [Runs(program.name) for program in programs]
    for number in range(rounds):
        for program, result in zip(programs, runs, strict=True):
            if number and program.once:
                continue
            run_program(program, result)
    return runs


def run_program(program: Program, result: Runs) -> None:
    """Run a program once. Raises ``RuntimeError`` where it fails."""
    environment = {**os.environ, **program.environment}
    started = time.perf_counter()
    process = subprocess.Popen(
        program.command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    result.seconds.append(time.perf_counter() - started)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{program.name} ended with status {process.returncode}")
    result.cpu.append(usage.ru_utime + usage.ru_stime)
    result.peak = max(result.peak, usage.ru_maxrss * 1024)
