"""Fuzz targets: ``python -m tests.fuzz.run TARGET[,TARGET…] [libFuzzer's options and folders]``.

Each is fuzzed in a process of its own, which does not end otherwise, one after the other. ``{target}`` in an
option is its name. Exits with the status of the last that failed.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys

import atheris

with atheris.instrument_imports(include=["layertui"]):  # takes seconds
    from tests.fuzz import targets

from layertui.model.errors import LayertuiError


def main() -> int:
    names, *options = sys.argv[1:]
    targets.prepare()
    failed = 0
    for name in names.split(","):
        if (process := os.fork()) == 0:
            fuzz(name, [option.replace("{target}", name) for option in options])
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(f"{name}: status {status}", flush=True)
        failed = status or failed
    return failed


def fuzz(name: str, options: list[str]) -> None:
    """Fuzz a target, and end the process."""
    target, repair = targets.TARGETS[name], targets.REPAIRS.get(name)

    def check(data: bytes) -> None:
        with contextlib.suppress(LayertuiError):
            target(data)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        changed: bytes = atheris.Mutate(data, max_size)
        # Now and then a checksum stays wrong.
        return repair(changed) if repair and random.Random(seed).randrange(8) else changed

    atheris.Setup([sys.argv[0], *options], check, **({"custom_mutator": mutate} if repair else {}))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
