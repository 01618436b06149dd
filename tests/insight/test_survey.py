"""What a screen is told of each part: the same as the parts themselves say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from layertui.content.read import Contents
from layertui.insight import tally
from layertui.insight.duplicates import duplicates
from layertui.insight.packages import packages
from layertui.insight.permissions import permissions
from layertui.insight.secrets import secrets
from layertui.insight.survey import FINDING_CELLS, survey
from layertui.insight.tally import Survey
from layertui.insight.waste import waste
from layertui.model.job import Cancelled, Job
from layertui.sources import open_image
from tests.commands.samples import tar
from tests.images import union_of
from tests.insight.reading import opened
from tests.union.small import layer, union

IMAGE = open_image("demo:")
UNION = union_of(IMAGE.layers)


def contents() -> Contents:
    return Contents(IMAGE, UNION.indexes, UNION)


def of(part: str) -> Survey:
    found = survey(part, IMAGE, UNION, contents())
    for row in found.findings:
        assert len(row.cells) == len(FINDING_CELLS[part])
        assert not row.layer or UNION.at(UNION.find(row.path), row.layer) >= 0  # where it leads to is there
    return found


def sums(found: Survey, kind: str) -> dict[str, tuple[int, int]]:
    return {each.name: (each.size, each.count) for each in found.sums if each.kind == kind}


def test_waste() -> None:
    found, expected = of("waste"), waste(UNION, contents())
    assert (found.size, found.count) == (expected.reclaimable_bytes, len(expected.paths))
    assert {name: size for name, (size, _) in sums(found, "reason").items()} == {
        reason.words: size for reason, size in expected.by_reason().items()
    }
    by_layer = {int(name): size for name, (size, _) in sums(found, "step").items()}
    assert by_layer == expected.by_layer()
    by_directory = {name: size for name, (size, _) in sums(found, "directory").items()}
    assert by_directory == expected.by_directory()
    for number, each in enumerate(found.sums):
        rows = [row for row in found.findings if number in row.sums]
        assert (sum(row.size for row in rows), len(rows)) == (each.size, each.count)
        assert not each.layer or UNION.at(UNION.find(each.path), each.layer) >= 0


def test_secrets() -> None:
    found, expected = of("secrets"), secrets(IMAGE, UNION, contents()).found
    assert [(row.where, row.secret) for row in found.findings] == [
        (f"{row.name}:{row.line}", row.text) for row in expected
    ]
    assert all(row.secret not in row.cells for row in found.findings)
    assert sums(found, "place") == {"files that are hidden": (0, len(expected))}


def test_duplicates() -> None:
    found, expected = of("duplicates"), duplicates(UNION, contents()).groups
    assert found.size == sum(group.surplus_bytes for group in expected)
    assert found.count == sum(len(group.copies) for group in expected)
    saved = sums(found, "saved")
    assert saved.get("in the same layer", (0, 0))[0] == sum(group.hardlink_bytes for group in expected)
    assert sum(size for size, _ in saved.values()) == found.size
    assert sum(count for _, count in saved.values()) == found.count - len(expected)


def test_permissions_and_packages() -> None:
    found = of("permissions")
    assert [row.path for row in found.findings] == [row.entry.path for row in permissions(UNION, contents())]
    found, everything = of("packages"), packages(UNION, contents())
    expected, installed = everything.changes, everything.installed.total()
    assert found.count == len(expected) > installed
    state = {name: count for name, (_, count) in sums(found, "state").items()}
    assert state == {"installed": installed, "no longer installed": len(expected) - installed}
    assert sum(not row.is_hidden for row in found.findings) == installed
    counts = {name: count for name, (_, count) in sums(found, "change").items()}
    assert counts == {
        change: sum(row.change == change for row in expected) for change in {row.change for row in expected}
    }


def test_sums_count_what_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of("waste")
    monkeypatch.setattr(tally, "MAX_FINDINGS", 3)
    found = of("waste")
    assert len(found.findings) == 3 and found.findings[0].size == whole.findings[0].size
    assert (found.count, found.size) == (whole.count, whole.size)
    assert sums(found, "reason") == sums(whole, "reason")


def test_what_could_not_be_looked_into_is_said() -> None:
    merged, read = opened([tar(("/var/lib/rpm/Packages", b"\0"))])
    (note,) = survey("packages", IMAGE, merged, read).notes
    assert "it is not a database of rpm" in note


@pytest.mark.parametrize("part", FINDING_CELLS)
def test_damage_is_said_with_every_part(part: str) -> None:
    index = layer(("d", "/a"))
    index.damage = "it ends early"
    found = survey(part, IMAGE, union(index), Contents(IMAGE, [index], union(index)))
    assert found.notes == ["layer 1 could not be read completely: it ends early"]


@pytest.mark.parametrize("part", FINDING_CELLS)
def test_every_part_can_be_stopped(part: str) -> None:
    path = "/var/lib/dpkg/status"
    layers: Sequence[bytes] = [tar((path, b"a"), ("/b", b"a")), tar((path, b"c"))]
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        survey(part, IMAGE, *opened(layers), job=job)
