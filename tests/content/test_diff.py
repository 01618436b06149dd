"""Unified diffs against the real ``diff -u`` and ``patch``; what differs inside lines."""

import random
import subprocess
from pathlib import Path

import pytest

from layertui.content import edit_script
from layertui.content.diff import hunks, inline_changes, split_lines, unified_diff
from layertui.content.edit_script import shortest_script
from layertui.model.job import Cancelled, Job
from tests.programs import need


def real(folder: Path, before: bytes, after: bytes) -> bytes:
    (folder / "before").write_bytes(before)
    (folder / "after").write_bytes(after)
    command = ["diff", "-au", "--label", "a", "--label", "b", "before", "after"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout


def ours(before: bytes, after: bytes) -> bytes:
    return b"".join(unified_diff(before, after, "a", "b"))


EDGES = {
    "same": (b"a\nb\n", b"a\nb\n"),
    "empty_before": (b"", b"a\nb\n"),
    "empty_after": (b"a\n", b""),
    "newline_gone": (b"a\nb\n", b"a\nb"),
    "newline_come": (b"a\nb", b"a\nb\n"),
    "neither_has_newline": (b"a\nb", b"a\nc"),
    "grown_behind_no_newline": (b"a", b"a\nb"),
    "only_newline": (b"", b"\n"),
    "carriage_returns": (b"a\r\nb\r\n", b"a\nb\r\nc\rd\n"),
    "no_utf8": (b"\xff\xfe\n\x85\n", b"\xff\xfe\n\x85\x0c\n\xe2\x80\xa8\n"),
    "nul": (b"a\0b\n", b"a\0c\n"),
    "gap_of_six": (
        b"".join(b"%d\n" % n for n in range(20)),
        b"".join(b"%d\n" % (n if n not in (5, 12) else 99) for n in range(20)),
    ),
    "gap_of_seven": (
        b"".join(b"%d\n" % n for n in range(20)),
        b"".join(b"%d\n" % (n if n not in (5, 13) else 99) for n in range(20)),
    ),
}


@pytest.mark.parametrize("case", EDGES)
def test_edges_are_as_diff_prints_them(tmp_path: Path, case: str) -> None:
    before, after = EDGES[case]
    assert ours(before, after) == real(tmp_path, before, after)


def edited(seed: int) -> tuple[bytes, bytes]:
    """Lines that repeat a lot or a little, some of them put in, taken out, changed and moved."""
    chance = random.Random(seed)
    words = [b"line %d" % number for number in range(chance.choice([1, 2, 4, 10, 50, 1000]))]
    count = chance.choice([0, 1, 3, 10, 40, 200, 1500 if seed % 20 == 0 else 60])
    old = [chance.choice(words) for _ in range(count)]
    new = list(old)
    for _ in range(chance.choice([0, 1, 2, 5, 20, count // 2])):
        what, at = chance.random(), chance.randrange(len(new) + 1)
        if what < 0.35:
            fresh = [b"new %d" % chance.randrange(99), chance.choice(words)]
            new[at:at] = [chance.choice(fresh) for _ in range(chance.randrange(1, 8))]
        elif what < 0.7:
            del new[at : at + chance.randrange(1, 6)]
        elif what < 0.9:
            new[at : at + 1] = [chance.choice(words)]
        else:
            moved = new[at : at + 5]
            del new[at : at + 5]
            to = chance.randrange(len(new) + 1)
            new[to:to] = moved
    ends = [chance.choice([b"\n", b"\n", b""]) for _ in range(2)]
    return b"\n".join(old) + ends[0], b"\n".join(new) + ends[1]


def changed_lines(printed: bytes) -> int:
    return sum(line[:1] in (b"+", b"-") for line in printed.split(b"\n")[2:])


def test_no_script_of_diff_is_shorter(tmp_path: Path) -> None:
    for seed in range(200):
        before, after = edited(seed)
        assert changed_lines(ours(before, after)) <= changed_lines(real(tmp_path, before, after)), seed


def test_patch_makes_one_from_the_other(tmp_path: Path) -> None:
    need("patch")
    for seed in range(80):
        patched(tmp_path / "file", *edited(seed))


def patched(path: Path, before: bytes, after: bytes) -> None:
    path.write_bytes(before)
    if said := ours(before, after):
        command = ["patch", "-s", path.name]
        subprocess.run(command, cwd=path.parent, input=said, capture_output=True, check=True)
        assert (path.read_bytes() if path.exists() else b"") == after


def test_names_are_quoted_as_diff_quotes_them(tmp_path: Path) -> None:
    need("diff")
    for name in (
        b"plain",
        b"with blank",
        b"tab\tline\n",
        b'quote"back\\',
        b"\x01",
        b"\xff",
        "ü".encode(),
    ):
        folder = tmp_path / name.hex()
        folder.mkdir()
        command = [b"diff", b"-u", b"/dev/null", name]
        Path(folder / name.decode("utf-8", "surrogateescape")).write_bytes(b"x\n")
        said = subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout
        wanted = said.split(b"\n")[1].rpartition(b"\t")[0]
        text = name.decode("utf-8", "surrogateescape")
        assert list(unified_diff(b"", b"x\n", "/dev/null", text))[1] == wanted + b"\n"
    # As git and newer versions of diff: that of Debian 12 leaves it as it is.
    assert list(unified_diff(b"", b"x\n", "/dev/null", "a\x7f"))[1] == b'+++ "a\\177"\n'


def test_patch_makes_one_from_the_other_beyond_the_effort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it no longer looks for the shortest script, it is still a right one."""
    need("patch")
    monkeypatch.setattr(edit_script, "MAX_EFFORT", 20)
    for seed in range(60):
        patched(tmp_path / "file", *edited(seed))


def test_the_worst_there_is_ends() -> None:
    chance = random.Random(1)
    lines = [b"%d\n" % number for number in range(20_000)]
    mixed = list(lines)
    chance.shuffle(mixed)
    (found,) = shortest_script(lines, mixed)
    assert found.before_end - found.before <= 20_000


def test_changes_stand_behind_their_like_or_where_both_sides_have_one() -> None:
    assert shortest_script("abcc", "abccc") == [(4, 4, 4, 5)]
    assert shortest_script(["}", "", "f", "}"], ["}", "", "g", "}", "", "f", "}"]) == [(2, 2, 2, 5)]
    assert shortest_script("axb", "ayb") == [(1, 2, 1, 2)]


def test_is_cancelled() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        shortest_script("abc", "bca", job)


def test_lines_end_at_line_feeds_alone() -> None:
    assert split_lines(b"a\r\nb\x0cc\x85\nd") == [b"a\r\n", b"b\x0cc\x85\n", b"d"]
    assert split_lines(b"") == []
    assert split_lines(b"\n") == [b"\n"]


def test_hunk_headers() -> None:
    found = list(hunks(shortest_script("abcdefgh", "abcdeFgh"), 8))
    assert [hunk.header() for hunk in found] == ["@@ -3,6 +3,6 @@"]
    assert found[0].header(100, 200) == "@@ -103,6 +203,6 @@"


@pytest.mark.parametrize(
    ("before", "after", "ranges"),
    [
        ("port = 80", "port = 8080", ([(7, 9)], [(7, 11)])),
        ("a b c", "a b c d", ([], [(5, 7)])),
        ("let x = f(y)", "let x = g(y)", ([(8, 9)], [(8, 9)])),
        ("nothing alike", "quite another", None),
        ("x" * 3000, "x" * 3001, None),
        ("", "", ([], [])),
    ],
)
def test_inside(before: str, after: str, ranges: object) -> None:
    assert inline_changes(before, after) == ranges
