"""Check that the tests notice deliberate faults (``make mutants``).

Each fault of ``faults.py`` is made in a copy of the package, and the tests named with it are run on that
copy: one of them must fail. Prints one line for each fault, and exits with status 1 if one survived, or if
one no longer fits the code.

    python -m tests.mutants            # all
    python -m tests.mutants cache 17   # those of a folder or module, or by number
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.faults import FAULTS, Fault

ROOT = Path(__file__).parent.parent.parent
SECONDS = 300
"""Time for the tests of one fault; tests that hang have noticed it."""


def run_tests(package: Path, tests: Iterable[str], seconds: float | None) -> tuple[int, str]:
    """Run tests on the package in a directory; return pytest's exit status and output, ``1`` after a time-out."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "-o", f"pythonpath={package} {ROOT}"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{ROOT}"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return 1, ""
    return done.returncode, done.stdout + done.stderr


def outcome(fault: Fault) -> str:
    """Return what the tests say to a fault: ``killed``, ``survived``, or why that cannot be known."""
    source = ROOT / "tui/layertui" / fault.path
    text = source.read_text() if source.exists() else ""
    if text.count(fault.old) != 1:
        return f"does not fit: {text.count(fault.old)} places in {fault.path} have {fault.old!r}"
    with tempfile.TemporaryDirectory(prefix="layertui-mutant-") as directory:
        package = Path(directory)
        shutil.copytree(
            ROOT / "tui/layertui", package / "layertui", ignore=shutil.ignore_patterns("__pycache__")
        )
        (package / "layertui" / fault.path).write_text(text.replace(fault.old, fault.new))
        status, output = run_tests(package, fault.tests.split(), SECONDS)
    return {0: "survived", 1: "killed"}.get(status, f"does not run: {output[-500:]}")


def main(wanted: list[str]) -> int:
    chosen = [
        (number, fault)
        for number, fault in enumerate(FAULTS, 1)
        if not wanted or any(word == str(number) or fault.path.startswith(word) for word in wanted)
    ]
    tests = sorted({test for _, fault in chosen for test in fault.tests.split()})
    status, output = run_tests(ROOT / "tui", tests, None)
    if status:
        print(f"the tests fail without any fault\n{output}")
        return 2
    started, remaining = time.monotonic(), 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(outcome, (fault for _, fault in chosen))
        for (number, fault), result in zip(chosen, results, strict=True):
            remaining += result != "killed"
            print(
                f"{number:3}  {result:9} {fault.path}: {fault.old.strip()} -> {fault.new.strip() or '(nothing)'}",
                flush=True,
            )
    print(f"{len(chosen) - remaining} of {len(chosen)} killed in {time.monotonic() - started:.0f} s")
    return 1 if remaining else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
