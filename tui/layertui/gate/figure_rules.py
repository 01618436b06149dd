"""Rules about figures: dive's three, reclaimable bytes, size and growth."""

from __future__ import annotations

from collections.abc import Sequence

from layertui.gate.checked_image import CheckedImage
from layertui.gate.limits import Growth, Ratio, Size
from layertui.gate.rules import Outcome, Status, Violation
from layertui.insight.waste import undecided, waste
from layertui.model.numbers import ROOT
from layertui.text.format import exact_size, size_text
from layertui.union.merged_tree import MergedTree

CAUSES = 20
"""Violations listed of a figure, largest first; more would not help to fix it."""


def lowest_efficiency(subject: CheckedImage, limit: Ratio) -> Outcome:
    """Fail if dive's efficiency is below the limit (dive 0.13, ``ci/rules.go``)."""
    value = subject.dive.efficiency
    return _figure(value >= limit, _ratio(value, "at least", limit), value, _inefficient(subject))


def highest_wasted_bytes(subject: CheckedImage, limit: Size) -> Outcome:
    """Fail if dive's wasted bytes are above the limit (dive 0.13, ``ci/rules.go``)."""
    value = subject.dive.wasted_bytes
    return _figure(value <= limit, _at_most(value, limit), value, _inefficient(subject))


def highest_user_wasted_percent(subject: CheckedImage, limit: Ratio) -> Outcome:
    """Fail if dive's ratio of wasted bytes is above the limit (dive 0.13, ``ci/rules.go``).

    If the layers above the first have no bytes, dive divides by zero: no wasted bytes give NaN,
    which passes any limit, others infinity.
    """
    value = subject.dive.user_wasted_percent
    if value is None:
        passed = not subject.dive.wasted_bytes
        message = f"{exact_size(subject.dive.wasted_bytes)} wasted, the layers above the first have none"
    else:
        passed, message = value <= limit, _ratio(value, "at most", limit)
    return _figure(passed, message, value, _inefficient(subject))


def reclaimable(subject: CheckedImage, limit: Size) -> Outcome:
    """Fail if the layers store more than ``limit`` bytes of files that the final tree lacks."""
    union = subject.union
    value = union.stored_bytes() - MergedTree(union, union.layers).subtree_size(ROOT)
    causes: list[Violation] = []
    if value > limit:  # contents are read only to find the reasons
        subject.contents.prepare(undecided(union), subject.job)
        causes = [
            subject.violation(
                f"{exact_size(row.size)}, {row.reason.words} by layer {row.by}", row.path, row.layer
            )
            for row in waste(union, subject.contents).paths[:CAUSES]
        ]
    return _figure(value <= limit, _at_most(value, limit), value, causes)


def size(subject: CheckedImage, limit: Size) -> Outcome:
    """Fail if the files of all layers have more than ``limit`` bytes."""
    value = subject.union.stored_bytes()
    numbers = subject.union.layer_numbers
    return _figure(value <= limit, _at_most(value, limit), value, subject.layers(numbers, "")[:CAUSES])


def growth(subject: CheckedImage, limit: Growth) -> Outcome:
    """Fail if the files of all layers have grown more than ``limit`` since the baseline; skipped without one."""
    baseline = subject.baseline()
    if baseline is None:
        return Outcome(Status.SKIP, "no baseline yet")
    before, after = baseline.size_bytes, subject.union.stored_bytes()
    share = f" ({(after - before) / before:+.2%})" if before else ""
    message = f"{after - before:+,} bytes{share} on the {size_text(before)} of {baseline.image}, at most {limit.text}"
    known = {part.diff_id for part in baseline.layers}
    new = [layer.number for layer in subject.image.layers if layer.diff_id and layer.diff_id not in known]
    causes = subject.layers(new, ", not in the baseline")[:CAUSES]
    return _figure(limit.allows(before, after), message, after - before, causes)


def _at_most(value: int, limit: int) -> str:
    """Return ``32 kB, at most 20 kB``; exact bytes if the two would look the same."""
    one, other = size_text(value), size_text(limit)
    if one == other and value != limit:
        one, other = exact_size(value), exact_size(limit)
    return f"{one}, at most {other}"


def _ratio(value: float, bound: str, limit: float) -> str:
    """Return ``0.984421, at least 0.95``, likewise."""
    one, other = f"{value:.6g}", f"{limit:.6g}"
    if one == other and value != limit:
        one, other = str(value), str(float(limit))
    return f"{one}, {bound} {other}"


def _inefficient(subject: CheckedImage) -> list[Violation]:
    return [
        subject.violation(f"{exact_size(row.size)}, stored or deleted {row.times} times", row.path)
        for row in subject.dive.inefficient[:CAUSES]
        if row.size
    ]


def _figure(passed: bool, message: str, value: float | None, causes: Sequence[Violation]) -> Outcome:
    return Outcome(Status.PASS if passed else Status.FAIL, message, () if passed else causes, value)
