"""Run iterators in threads, and have their items in the order as if they ran one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from queue import Empty, Queue
from typing import TypeVar

from layertui.model.job import Job

THREADS = 2
"""Iterators that run at once."""
MAX_BATCH = 64
"""Items handed over together: each by itself would take longer than most take to find."""
MAX_PAUSE = 0.05
"""Seconds that an item waits for others."""
MAX_AHEAD = 64
"""Batches of an iterator that wait for those before it to end."""

Yielded = TypeVar("Yielded")


def side_by_side(parts: Sequence[Iterator[Yielded]], job: Job) -> Generator[Yielded]:
    """Yield the items of some iterators, those of the first one first. Raises what they raise.

    They have to check ``job``, which is cancelled when the caller takes no more items.
    """
    if len(parts) == 1:
        yield from parts[0]
        return
    queues: list[Queue[list[Yielded] | BaseException]] = [Queue(MAX_AHEAD) for _ in parts]
    numbers = iter(range(len(parts)))

    def work() -> None:
        for number in numbers:
            try:
                for batch in _batches(parts[number]):
                    queues[number].put(batch)
                queues[number].put([])
            except BaseException as problem:
                queues[number].put(problem)

    threads = [threading.Thread(target=work, name="contents", daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for queue in queues:
            while batch := queue.get():
                if isinstance(batch, BaseException):
                    raise batch
                yield from batch
    finally:
        job.cancel()
        for thread in threads:
            while thread.is_alive():  # perhaps it waits for room
                for queue in queues:
                    with suppress(Empty):
                        while True:
                            queue.get_nowait()
                thread.join(MAX_PAUSE)


def _batches(items: Iterator[Yielded]) -> Iterator[list[Yielded]]:
    batch: list[Yielded] = []
    handed_over = time.monotonic()
    try:
        for item in items:
            batch.append(item)
            if len(batch) == MAX_BATCH or time.monotonic() - handed_over > MAX_PAUSE:
                yield batch
                batch, handed_over = [], time.monotonic()
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
