"""Processes that open one image at once with one cold cache: ``python -m tests.cache.processes``.

Reads a plan from standard input, JSON, and writes what came of it. The interpreter is started once and forks
the processes of every round, so that a round takes a fraction of a second.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

from layertui.cache.indexes import IndexCache
from layertui.layers.compression.stream import DecompressedStream
from layertui.model.blob import Blob
from layertui.sources import open_image
from layertui.union.codec import pack_union
from layertui.union.load import ImageReader

SLOW = 0.003
"""Seconds that each piece of a stream takes longer, so that the processes overlap."""


@dataclass
class Round:
    """What came of processes that began at once."""

    results: list[str]
    """What each printed; empty of the one that was killed, and of any that failed without an error message."""
    killed: int
    """Number of the process that was killed; -1: none, or it had ended before."""
    streams: list[str]
    """``PROCESS begin NAME`` and ``PROCESS end NAME`` of each decompression, in order."""
    hidden: list[str]
    """Hidden files in the cache after all had ended."""
    hidden_later: list[str]
    """The same after another process opened another image."""


def main() -> None:
    plan = json.load(sys.stdin)
    _import_everything(plan["other"], Path(plan["folder"]) / "first")
    seconds = 0.0
    rounds = []
    for number in range(plan["rounds"]):
        cache = Path(plan["folder"]) / f"{number}"
        begun = time.monotonic()
        random_ = random.Random(number)
        delay = random_.uniform(0, seconds) if plan["kill"] and seconds else -1
        result = run(plan["reference"], plan["processes"], cache, random_, delay)
        if delay < 0:
            seconds = time.monotonic() - begun
        result.hidden = hidden(cache)
        run(plan["other"], 1, cache, random_, -1)
        result.hidden_later = hidden(cache)
        rounds.append(asdict(result))
    json.dump(rounds, sys.stdout)


def run(reference: str, processes: int, cache: Path, random_: random.Random, delay: float) -> Round:
    """Open an image with some processes at once; kill one of them after a delay unless that is negative."""
    cache.mkdir(exist_ok=True)
    log = cache / "log"
    log.touch()
    gate_read, gate_write = os.pipe()
    children = []
    for number in range(processes):
        if (child := os.fork()) == 0:
            os.close(gate_write)
            os.read(gate_read, 1)  # until the parent closes it
            _child(reference, number, cache, log)
        children.append(child)
    os.close(gate_read)
    os.close(gate_write)
    killed = -1
    if delay >= 0:
        time.sleep(delay)
        killed = random_.randrange(processes)
        os.kill(children[killed], signal.SIGKILL)
    for number, child in enumerate(children):
        _, status = os.waitpid(child, 0)
        if number == killed and not os.WIFSIGNALED(status):
            killed = -1
    results = [_text(cache / f"result-{number}") for number in range(processes)]
    return Round(results, killed, log.read_text().splitlines(), [], [])


def hidden(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob(".*"))


def answer(reference: str) -> str:
    """Open an image and read all its layers, with the cache; return a digest of all that is known then."""
    image = open_image(reference)
    reader = ImageReader(image, IndexCache())
    for _ in reader.layers():
        pass
    union = reader.union()
    assert not image.damage and not any(index.damage for index in reader.indexes), reader.indexes
    assert not union.warnings, union.warnings
    return sha256(image.config_bytes + pack_union(union)).hexdigest()


def _child(reference: str, number: int, cache: Path, log: Path) -> None:
    try:
        os.environ["XDG_CACHE_HOME"] = str(cache)
        _log_streams(log, number)
        try:
            result = answer(reference)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        (cache / f"result-{number}").write_text(result)
    finally:
        os._exit(0)


def _log_streams(log: Path, number: int) -> None:
    """Log when a stream begins and ends, and slow it down."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    begin, read, close = DecompressedStream.__init__, DecompressedStream.read, DecompressedStream.close
    names: dict[DecompressedStream, str] = {}

    def logged_begin(stream: DecompressedStream, blob: Blob, *arguments: Any, **keywords: Any) -> None:
        begin(stream, blob, *arguments, **keywords)
        if stream.compression:
            names[stream] = blob.location
            os.write(descriptor, f"{number} begin {blob.location}\n".encode())

    def slow_read(stream: DecompressedStream, size: int) -> bytes:
        time.sleep(SLOW)
        return read(stream, size)

    def logged_close(stream: DecompressedStream) -> None:
        close(stream)
        if stream in names:
            os.write(descriptor, f"{number} end {names.pop(stream)}\n".encode())

    for name, function in (("__init__", logged_begin), ("read", slow_read), ("close", logged_close)):
        patch.object(DecompressedStream, name, function).start()


def _import_everything(reference: str, cache: Path) -> None:
    """Open an image once, so that no process of a round spends its time on imports."""
    os.environ["XDG_CACHE_HOME"] = str(cache)
    answer(reference)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main()
