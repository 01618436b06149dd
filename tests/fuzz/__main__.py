"""Fuzz the targets, two at once (``make fuzz``).

Prints how many inputs each target took, and exits with status 1 if one of them failed: the input is then in
``tests/fuzz/failures``, and ``python -m tests.fuzz.run TARGET FILE`` runs it again.

    python -m tests.fuzz                   # each target for five minutes
    python -m tests.fuzz 60 tar registry   # these for a minute
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
CORPUS, FAILURES = HERE / "corpus", HERE / "failures"
LIMITS = ("-timeout=20", "-rss_limit_mb=1024", "-max_len=16384")
"""Seconds and memory for one input; its length in bytes."""


def fuzz(targets: Sequence[str], *options: str) -> dict[str, tuple[int, int, str]]:
    """Fuzz targets from their seeds; return exit status, number of inputs, and what was printed, of each."""
    with tempfile.TemporaryDirectory(prefix="layertui-fuzz-") as found:
        for target in targets:
            Path(found, target).mkdir()
        folders = (f"{found}/{{target}}", f"{CORPUS}/{{target}}")
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.run", ",".join(targets), *LIMITS, *options, *folders],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    outputs = re.split(r"^\w+: status (-?\d+)\n", done.stdout, flags=re.MULTILINE)
    return {
        target: (int(status), _inputs(output), output)
        for target, output, status in zip(targets, outputs[:-1:2], outputs[1::2], strict=True)
    }


def _inputs(output: str) -> int:
    executed = re.findall(r"^(?:Done |#)(\d+)", output, re.MULTILINE)
    return int(executed[-1]) if executed else 0


def main(arguments: list[str]) -> int:
    seconds, wanted = (arguments[0], arguments[1:] or list(TARGETS)) if arguments else ("300", list(TARGETS))
    FAILURES.mkdir(exist_ok=True)

    def run(target: str) -> tuple[int, int, str]:
        return fuzz([target], f"-max_total_time={seconds}", f"-artifact_prefix={FAILURES}/{target}-")[target]

    total, failed = 0, 0
    with ThreadPoolExecutor(2) as pool:
        for target, (status, inputs, output) in zip(wanted, pool.map(run, wanted), strict=True):
            total += inputs
            failed += status != 0
            print(f"{target:18} {inputs:>12,} inputs  {'failed' if status else 'passed'}", flush=True)
            if status:
                print(output[output.find(" === Uncaught") :][:5000])
    print(f"{total:,} inputs")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
