"""``layertui insight``."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful, image, tar


def test_waste(run: Run, tmp_path: Path) -> None:
    # The first /etc/conf is not among them: its hardlink /hard still shows it.
    lines = run("insight", eventful(tmp_path)).lines
    assert lines[0] == "Waste: 36 B of 143 B stored are not in the final tree (25.2%)"
    assert lines[1].startswith("as dive counts: efficiency ")
    assert (
        "\n".join(lines[2:])
        == """
SIZE  FILES  REASON
16 B      3  deleted
12 B      1  repeated unchanged
 5 B      1  replaced
 3 B      1  rewritten

SIZE  LAYER  HID THEM WITH
19 B      2  layer 2
17 B      3  layer 3

SIZE  DIRECTORY
15 B  /etc
 5 B  /dir/below
 5 B  /usr/lib
 4 B  /opaque

SIZE  IN  BY  REASON              PATH
12 B   2   3  repeated unchanged  /etc/conf
 7 B   1   2  deleted             /gone
 5 B   1   2  replaced            /dir/below/file
 5 B   1   3  deleted             /usr/lib/so
 4 B   1   2  deleted             /opaque/old
 3 B   1   2  rewritten           /etc/bin"""
    )


def test_waste_for_machines(run: Run, tmp_path: Path) -> None:
    done = run("insight", eventful(tmp_path), "--json")
    assert (done.status, done.err) == (0, "")
    (found,) = done.objects
    assert found["waste"]["reclaimable_bytes"] == sum(row["size"] for row in found["waste"]["paths"])


def test_all_rows_where_they_are_asked_for(run: Run, tmp_path: Path) -> None:
    names = [f"/{number}" for number in range(12)]
    path = image(
        tmp_path, tar(*((name, b"x") for name in names)), tar(*((f"/.wh.{name[1:]}", b"") for name in names))
    )
    assert run("insight", path).lines[-1] == "… and 2 more, see --all"
    assert len(run("insight", path, "--all").lines) == len(run("insight", path).lines) + 1


def test_nothing_wasted(run: Run, tmp_path: Path) -> None:
    assert run("insight", image(tmp_path, tar(("/a", b"1")))).lines == [
        "Waste: 0 B of 1 B stored are not in the final tree (0.0%)",
        "as dive counts: efficiency 100.00%, wasted 0 B",
    ]
