"""``python -m tests.bench [NAME…] [--peers "TOOL…"] [--quick] [--update]``: see docs/benchmark-howto.md."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.cases import CASES
from tests.bench.peers import PEERS, peers_named
from tests.bench.report import Report, as_markdown
from tests.bench.tables import Bench

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

Written by `python -m tests.bench --update`; `make bench` measures again and prints the same tables. How that is done,
and how to add another tool, is in [Running the benchmarks](benchmark-howto.md); every single run is in
[benchmarks.json](benchmarks.json). Every figure is of a whole process, from its start to its end. The programs of a
table run in turns, so that what disturbs one disturbs all; `×` compares the best runs, against the first line. A `~`
marks a program whose median is more than 1.3 times its best: something else was running.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure layertui.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what: {', '.join(CASES)} (default: all)")
    parser.add_argument(
        "--peers",
        metavar="TOOLS",
        default="",
        help=f"other tools to run: {' '.join(peer.name for peer in PEERS)} (default: all that are installed)",
    )
    parser.add_argument("--quick", action="store_true", help="images ten times smaller, fewer runs")
    parser.add_argument("--rounds", type=int, help="how often each program runs")
    parser.add_argument(
        "--update", action="store_true", help="write docs/benchmarks.md and docs/benchmarks.json"
    )
    options = parser.parse_args()
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):  # who uses it has it compiled, and buffered
        os.environ.pop(name, None)
    if unknown := set(options.names) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    if options.update and options.quick:
        parser.error("--update is for images of full size")
    try:
        peers = peers_named(options.peers.split())
    except ValueError as error:
        parser.error(str(error))
    bench = Bench(
        root=ROOT / "bench-data" / ("quick" if options.quick else "full"),
        rounds=options.rounds or (2 if options.quick else 5),
        smaller=10 if options.quick else 1,
        peers=peers,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    report = measure(bench, options.names or list(CASES), options.quick)
    bench.root.mkdir(parents=True, exist_ok=True)
    runs = json.dumps(report.to_json(), indent=1) + "\n"
    (bench.root / DOCUMENT.with_suffix(".json").name).write_text(runs)
    if report.failed:
        sys.exit(f"not measured: {', '.join(report.failed)}")
    if options.update:
        DOCUMENT.with_suffix(".json").write_text(runs)
        DOCUMENT.write_text(f"{INTRODUCTION}\n{report.markdown()}")


def measure(bench: Bench, names: list[str], is_quick: bool) -> Report:
    """Measure the cases of these names, and print each table once it is done."""
    report = Report(bench.peers, bench.rounds, is_quick)
    print(report.machine(), flush=True)
    for name in names:
        bench.say(f"measuring {name} …")
        try:
            report.tables[name] = CASES[name](bench)
        except (RuntimeError, TimeoutError, subprocess.CalledProcessError) as error:
            report.failed[name] = str(error)
            print(f"\n{name} could not be measured: {error}", flush=True)
            continue
        report.load = max(report.load, os.getloadavg()[0])
        print("\n" + as_markdown(report.tables[name]), flush=True)
    return report


if __name__ == "__main__":
    main()
