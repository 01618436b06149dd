"""Iterators that run in threads look as if they ran one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from layertui.content.side_by_side import MAX_AHEAD, MAX_BATCH, side_by_side
from layertui.model.job import Cancelled, Job

THREAD = "contents"


def endless(start: int, job: Job) -> Iterator[int]:
    for number in count(start):
        job.check()
        yield number


def test_items_come_in_order() -> None:
    parts = [iter(range(start, start + 1000)) for start in range(0, 8000, 1000)]
    assert list(side_by_side(parts, Job())) == list(range(8000))


def test_more_than_may_wait_comes_in_order() -> None:
    """The second has to wait for the first one, which takes no items before it is asked to."""
    total = 2 * MAX_AHEAD * MAX_BATCH
    assert list(side_by_side([iter(range(total)), iter(range(total, 3 * total))], Job())) == list(
        range(3 * total)
    )


def test_two_run_at_once() -> None:
    meeting = threading.Barrier(2, timeout=30)

    def part(number: int) -> Iterator[int]:
        meeting.wait()
        yield number

    assert list(side_by_side([part(1), part(2)], Job())) == [1, 2]


def test_what_one_raises_comes_after_its_items() -> None:
    def broken() -> Iterator[int]:
        yield 2
        raise ValueError("broken")

    job = Job()
    items = side_by_side([iter([1]), broken(), endless(3, job)], job)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(items)
    assert not [thread for thread in threading.enumerate() if thread.name == THREAD]


def test_no_thread_goes_on_when_nobody_takes_items() -> None:
    job = Job()
    items = side_by_side([endless(0, job), endless(0, job), endless(0, job)], job)
    assert next(items) == 0
    items.close()
    assert not [thread for thread in threading.enumerate() if thread.name == THREAD]
    with pytest.raises(Cancelled):
        job.check()
