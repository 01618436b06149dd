"""Fuzz one target in this process: ``python -m tests.fuzz.run TARGET [libFuzzer's options and folders]``."""

from __future__ import annotations

import contextlib
import random
import sys

import atheris

with atheris.instrument_imports(include=["layertui"]):
    from tests.fuzz import targets

from layertui.model.errors import LayertuiError


def main() -> None:
    name, *options = sys.argv[1:]
    target, repair = targets.TARGETS[name], targets.REPAIRS.get(name)
    targets.prepare()

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
    main()
