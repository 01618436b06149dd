"""``python -m tests.bench [NAME…] [--quick] [--update]``."""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from layertui.layers import native
from tests.bench.cases import CASES
from tests.bench.tables import Aim, Bench, Table

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

Written by `python -m tests.bench --update`; `make bench` measures again and prints the same tables. The
images are made in code, the same bytes every time (`tests/bench/data.py`). Every figure is of
a whole process, from its start to its end. The programs of a table run in turns, so that what
disturbs one disturbs all; `×` compares the best runs, against the first line. A `~` marks a
program whose median is more than 1.3 times its best: something else was running.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure layertui.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what: {', '.join(CASES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="images ten times smaller, fewer runs")
    parser.add_argument("--rounds", type=int, help="how often each program runs")
    parser.add_argument("--update", action="store_true", help=f"write {DOCUMENT.relative_to(ROOT)}")
    options = parser.parse_args()
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):  # who uses it has it compiled, and buffered
        os.environ.pop(name, None)
    if unknown := set(options.names) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    if options.update and options.quick:
        parser.error("--update is for images of full size")
    bench = Bench(
        root=ROOT / "bench-data" / ("quick" if options.quick else "full"),
        rounds=options.rounds or (2 if options.quick else 5),
        smaller=10 if options.quick else 1,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    parts, failed, load = [_machine()], [], 0.0
    print(parts[0], flush=True)
    for name in options.names or CASES:
        bench.say(f"measuring {name} …")
        try:
            table = CASES[name](bench)
        except (RuntimeError, TimeoutError, subprocess.CalledProcessError) as error:
            failed.append(name)
            print(f"\n{name} could not be measured: {error}", flush=True)
            continue
        load = max(load, os.getloadavg()[0])
        parts.append("\n".join(_lines(table)))
        print("\n" + parts[-1], flush=True)
    parts[0] += (
        f" Load average up to {load:.1f} while it ran: far above the cores it tells of other work beside it."
    )
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")
    if options.update:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text("\n".join([INTRODUCTION, *(part + "\n" for part in parts)]))


def _lines(table: Table) -> Iterator[str]:
    """A table as Markdown."""
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


def _number(aim: Aim) -> str:
    return f"{aim.value:.0f}" if aim.value >= 20 else f"{aim.value:.2f}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _machine() -> str:
    """What it runs on, in a line."""
    core = native.core()
    tools = [
        f"native core {core.__version__}" if core is not None else "without native core",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("isal", "zlib-ng", "zstandard", "textual")),
        *filter(None, map(_version, ("igzip", "bsdtar", "tar", "zstd", "dive", "layerx"))),
    ]
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}; {', '.join(tools)}."


def _version(program: str) -> str:
    if shutil.which(program) is None:
        return ""
    out = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\d+\.\d+[.\d]*", out)
    return f"{program} {found[0]}" if found else program


if __name__ == "__main__":
    main()
