"""``layertui changes``."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.commands.samples import eventful


def test_what_a_layer_did(run: Run, tmp_path: Path) -> None:
    done = run("changes", eventful(tmp_path), "--layer", 2, "--json")
    assert (done.status, done.err) == (0, "")
    found = {change["path"]: change for change in done.objects}
    assert list(found) == sorted(found)
    facts = ("change", "what", "whiteout", "hidden_paths", "hidden_bytes")
    assert {path: tuple(change[name] for name in facts) for path, change in found.items()} == {
        "/dir": ("modified", ["type", "mode"], None, 2, 5),
        "/dir/below": ("deleted", [], "replaced", 1, 5),
        "/dir/below/file": ("deleted", [], "replaced", 0, 0),
        "/etc/bin": ("modified", ["content"], None, 0, 0),
        "/etc/conf": ("modified", ["content"], None, 0, 0),
        "/gone": ("deleted", [], "file", 0, 0),
        "/opaque/new": ("added", [], None, 0, 0),
        "/opaque/old": ("deleted", [], "opaque", 0, 0),
    }
    assert found["/gone"]["before"]["size"] == 7 and found["/gone"]["after"] is None
    assert found["/opaque/new"]["before"] is None and found["/opaque/new"]["after"]["layer"] == 2
    assert all(change["layer"] == 2 for change in found.values())


def test_the_top_layer_by_default_and_what_is_stored_again(run: Run, tmp_path: Path) -> None:
    assert run("changes", eventful(tmp_path)).lines == [
        "   LAYER  SIZE  PATH",
        "=      3  12 B  /etc/conf",
        "+      3   5 B  /gone",
        "-      3   5 B  /usr/lib/so  (by a whiteout)",
    ]


def test_what_is_below_a_deleted_directory_is_counted(run: Run, tmp_path: Path) -> None:
    told = run("changes", eventful(tmp_path), "--layer", 2).text
    assert ", 2 paths below it with 5 B)" in told and ", 1 path below it with 5 B)" in told


def test_two_trees(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)

    def told(*words: object) -> dict[str, str]:
        return {change["path"]: change["change"] for change in run("changes", path, *words, "--json").objects}

    assert told("--from", 1, "--to", 3) == {
        "/dir": "modified", "/dir/below": "deleted", "/dir/below/file": "deleted", "/etc/bin": "modified",
        "/etc/conf": "modified", "/gone": "modified", "/opaque/new": "added", "/opaque/old": "deleted",
        "/usr/lib/so": "deleted",
    }  # fmt: skip
    assert told("--from", 1, "--to", 1) == {}
    assert told("--from", 2) == {"/gone": "added", "/usr/lib/so": "deleted"}
    assert set(told("--from", 0, "--to", 1).values()) == {"added"}
    assert told("--from", 3, "--to", 2) == {"/gone": "deleted", "/usr/lib/so": "added"}


def test_changes_of_attributes_have_a_sign_of_their_own(run: Run) -> None:
    rows = {row["path"]: row for row in run("changes", "demo:", "--layer", "8", "--json").objects}
    lines = run("changes", "demo:", "--layer", "8").lines[1:]
    attributes = {"mode", "owner", "mtime", "xattrs"}
    signs = {"added": "+", "deleted": "-", "repeated": "="}
    assert len(lines) == len(rows)
    for line in lines:
        row = rows["/" + line.partition("/")[2].split()[0]]
        modified = "*" if set(row["what"]) <= attributes else "~"
        assert line[0] == signs.get(row["change"], modified), line
    assert {line[0] for line in lines} == set("+~*-=")
