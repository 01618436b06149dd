"""Analyze one part of insight: sums, and the largest findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from layertui.content.read import Contents
from layertui.insight.duplicates import candidates, duplicates
from layertui.insight.efficiency import efficiency
from layertui.insight.packages import packages
from layertui.insight.permissions import Permission, Right, permissions
from layertui.insight.secrets import Secret, secrets
from layertui.insight.tally import INSTALLED, NOT_INSTALLED, Finding, Sum, Survey, Tally, added
from layertui.insight.waste import Hidden, undecided, waste
from layertui.model.image import Image
from layertui.model.job import Job
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import count_text, mode_text, owner, size_text
from layertui.union.model import LayerUnion

MOST_DIRECTORIES = 100

FINDING_CELLS: dict[str, Sequence[str]] = {
    "waste": ("reason", "by"),
    "secrets": ("rule", "secret"),
    "duplicates": ("copies",),
    "permissions": ("right", "mode", "owner"),
    "packages": ("change", "kind"),
}
"""The parts in order, and what the ``cells`` of their findings are."""


def survey(part: str, image: Image, union: LayerUnion, contents: Contents, job: Job = Job.NONE) -> Survey:
    """Analyze one part. Reports bytes. Raises :class:`Cancelled`."""
    found = _analyze(part, image, union, contents, job)
    return replace(found, notes=[*damaged_layers(union), *found.notes])


def damaged_layers(union: LayerUnion) -> list[str]:
    """Return a sentence for each layer that could not be read completely."""
    return [
        f"layer {number} could not be read completely: {index.damage}"
        for number, index in enumerate(union.indexes, 1)
        if index.damage
    ]


def _analyze(part: str, image: Image, union: LayerUnion, contents: Contents, job: Job) -> Survey:
    if part == "secrets":
        return _secrets(image, union, contents, job)
    if part == "duplicates":
        return _duplicates(union, contents, job)
    if part == "permissions":
        return _permissions(union, contents, job)
    if part == "packages":
        return _packages(union, contents, job)
    return _waste(union, contents, job)


def _step(layer: LayerNumber | None, size: int, count: int = 1) -> Sum:
    """Return what a layer's step adds to its sum; ``None`` stands for the config."""
    return Sum("step", str(layer or ""), size, count, layer or EMPTY)


def _waste(union: LayerUnion, contents: Contents, job: Job) -> Survey:
    contents.prepare(undecided(union), job)
    found = waste(union, contents, job)
    directories = set(list(found.by_directory())[:MOST_DIRECTORIES])
    tally = Tally("step", "reason", "directory")

    def sums(row: Hidden) -> list[Sum]:
        above, sums = row.path, [_step(row.by, row.size), Sum("reason", row.reason.words, row.size, 1)]
        while above := above.rpartition("/")[0]:
            if above in directories:  # opens the layer of the largest file that is hidden in it
                sums.append(Sum("directory", above, row.size, 1, row.layer, above))
        return sums

    for row in found.paths:
        where = row.path if row.moved_to is None else f"{row.path} → {row.moved_to}"
        cells = (row.reason.words, str(row.by))
        tally.add(Finding(row.layer, row.path, row.size, cells, where, (), True), *sums(row))
    figures = efficiency(union.indexes)
    return tally.survey(
        found.reclaimable_bytes,
        figures={
            "stored_bytes": union.stored_bytes(),
            "efficiency": figures.efficiency,
            "wasted_bytes": figures.wasted_bytes,
            "user_wasted_percent": figures.user_wasted_percent,
        },
    )


def _secrets(image: Image, union: LayerUnion, contents: Contents, job: Job) -> Survey:
    found = secrets(image, union, contents, job)
    tally = Tally("rule", "place", "step")
    for row in found.found:
        layer = row.layer or EMPTY
        is_file = row.event is not None
        place = "files that are shown" if row.is_visible else "files that are hidden"
        tally.add(
            Finding(
                layer,
                row.name if is_file else "/",
                -1,
                (row.rule, row.masked),
                _where(row),
                (),
                not row.is_visible,
                row.text,
                row.line or 0 if is_file else 0,
            ),
            Sum("rule", row.rule, 0, 1),
            Sum("place", place if is_file else row.where, 0, 1),
            _step(row.layer, 0),
        )
    return tally.survey(0, found.problems)


def _where(secret: Secret) -> str:
    return f"{secret.name}:{secret.line}" if secret.event is not None else f"{secret.where} {secret.name}"


def _duplicates(union: LayerUnion, contents: Contents, job: Job) -> Survey:
    contents.prepare(candidates(union), job)
    found = duplicates(union, contents, job)
    tally = Tally("saved", "step")
    for group in found.groups:
        seen: set[int] = set()
        sums: dict[tuple[str, str], Sum] = {}
        for copy in group.copies:
            again = group.size if seen else 0
            same = "in the same layer" if copy.layer in seen else "in another layer"
            seen.add(copy.layer)
            for part in (Sum("saved", same, again, 1), _step(copy.layer, again)) if again else ():
                key = (part.kind, part.name)
                sums[key] = added(sums[key], part) if key in sums else part
        for number, copy in enumerate(group.copies):
            size = group.surplus_bytes if number == 0 else -1
            cells = (f"{len(group.copies):,} × {size_text(group.size)}",) if number == 0 else ("",)
            finding = Finding(copy.layer, copy.path, size, cells, copy.path, (), not copy.is_visible)
            tally.add(
                finding, *(part if number == 0 else replace(part, size=0, count=0) for part in sums.values())
            )
    notes = [f"{count_text(found.unreadable, 'file')} could not be read"] if found.unreadable else []
    return tally.survey(sum(group.surplus_bytes for group in found.groups), notes)


def _permissions(union: LayerUnion, contents: Contents, job: Job) -> Survey:
    tally = Tally("right", "step")
    for row in permissions(union, contents, job):
        entry = row.entry
        tally.add(
            Finding(
                entry.layer,
                entry.path,
                -1,
                (_right(row), mode_text(entry), owner(entry)),
                entry.path,
                (),
            ),
            Sum("right", row.right, 0, 1),
            _step(entry.layer, 0),
        )
    return tally.survey(0)


def _right(row: Permission) -> str:
    if row.right == Right.CAPABILITIES:
        return row.capabilities
    return str(row.right) if row.paths == 1 else f"{row.right}, {count_text(row.paths, 'path')}"


def _packages(union: LayerUnion, contents: Contents, job: Job) -> Survey:
    found = packages(union, contents, job)
    lasting = found.lasting()
    tally = Tally("state", "change", "step", "kind")
    for number, row in sorted(enumerate(found.changes), key=lambda each: -each[1].package.size):
        package = row.package
        versions = " → ".join(state.version for state in (row.before, row.after) if state is not None)
        size = max(row.after.size, 0) if row.after else 0
        tally.add(
            Finding(
                row.layer,
                package.database,
                package.size,
                (row.change, package.kind),
                f"{package.name} {versions}",
                (),
                number not in lasting,
            ),
            Sum("state", INSTALLED if number in lasting else NOT_INSTALLED, size, 1),
            Sum("change", row.change, size, 1),
            _step(row.layer, size),
            Sum("kind", package.kind, size, 1),
        )
    size = sum(max(row.after.size, 0) for row in found.changes if row.after)
    return tally.survey(size, [str(error) for error in found.unread])
