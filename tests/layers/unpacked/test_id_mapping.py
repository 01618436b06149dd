"""IDs of a container's users, from those on the host (subuid(5))."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layertui.layers.unpacked import id_mapping
from layertui.layers.unpacked.id_mapping import IdMapping, IdRange, id_mapping_of


def test_each_range_is_mapped_to_its_last_id_and_no_further() -> None:
    mapping = IdMapping((IdRange(1000, 0, 1), IdRange(100_000, 1, 65_536)), (IdRange(1000, 0, 1),))
    assert mapping.inside(1000, 1000) == (0, 0)
    assert mapping.inside(100_000, 1000) == (1, 0)
    assert mapping.inside(165_535, 1000) == (65_536, 0)
    for uid in (999, 1001, 99_999, 165_536):
        assert mapping.inside(uid, 1000) is None
    assert mapping.inside(1000, 1001) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="chown needs root")
def test_ranges_of_subuid_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name or number, in the file's order, as newuidmap(1) is called by rootless engines."""
    for name, lines in ("subuid", "4242:200000:10\nother:1:5\n4242:100000:5\n"), ("subgid", "4242:x:1\n"):
        (tmp_path / name).write_text(lines)
    monkeypatch.setattr(id_mapping, "SUBORDINATE", (tmp_path / "subuid", tmp_path / "subgid"))
    store = tmp_path / "store"
    store.mkdir()
    assert id_mapping_of(store) is None
    os.chown(store, 4242, 77)
    mapping = id_mapping_of(store)
    assert mapping is not None
    assert [mapping.inside(uid, 77) for uid in (4242, 200_009, 200_010, 100_000, 100_004, 100_005)] == [
        (0, 0), (10, 0), None, (11, 0), (15, 0), None
    ]  # fmt: skip
    assert mapping.inside(4242, 78) is None
