"""A job is cancelled and watched from outside, and so are its parts."""

from __future__ import annotations

import pytest

from layertui.model.job import Cancelled, Job
from layertui.model.numbers import LayerNumber


def test_parts_are_cancelled_with_the_whole_and_alone() -> None:
    whole = Job()
    one, other = whole.part(), whole.layer(LayerNumber(1)).part()
    one.cancel()
    assert one.is_cancelled and not whole.is_cancelled and not other.is_cancelled
    with pytest.raises(Cancelled):
        one.check()
    other.check()
    whole.cancel()
    for job in (whole, other):
        assert job.is_cancelled
        with pytest.raises(Cancelled):
            job.check()


def test_layers_are_reported_by_number_and_parts_to_whom_they_name() -> None:
    seen: list[tuple[int, ...]] = []
    job = Job(lambda *all_of_it: seen.append(all_of_it), layers=lambda *layer: seen.append(layer))
    job.report(1)
    job.layer(LayerNumber(3)).report(2, 4)
    job.part().report(5, 6)
    job.part(lambda done, total: job.report(10 * done, 10 * total)).report(7, 8)
    assert seen == [(1, -1), (3, 2, 4), (70, 80)]


def test_nobody_watches_a_job_by_default() -> None:
    Job.NONE.layer(LayerNumber(1)).report(1, 2)
    Job.NONE.check()
