"""Who wrote each line, judged by ``git blame`` on a repository of the same versions."""

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from layertui.content.blame import MAX_BLAMED, blame
from layertui.content.edit_script import unmatched_lines
from layertui.model.errors import LayertuiError
from layertui.model.job import Cancelled, Job
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import Event
from tests.union.small import Entry, layer, union

Text = bytes | None
"""The content of a version; ``None``: the layer deletes the file."""


class Blamed(NamedTuple):
    """A blame with layers in place of events."""

    lines: list[bytes]
    layers: list[int]
    doubts: dict[int, str]


def blamed(*versions: Text | Entry | LayerIndex) -> Blamed:
    """The blame of the file ``f`` that each layer stores, deletes, or has an entry of its own for."""
    layers = []
    for version in versions:
        entry: Entry = ("wh", "f") if version is None else ("-", "f")
        if isinstance(version, bytes):
            entry = ("-", "f", {"size": len(version)})
        elif isinstance(version, tuple):
            entry = version
        layers.append(version if isinstance(version, LayerIndex) else layer(entry))
    tree = union(*layers)

    def read(event: Event, offset: int, length: int, job: Job) -> bytes:
        text = versions[tree.ev_layer[event] - 1]
        if not isinstance(text, bytes):
            raise LayertuiError("cannot read /f", "it is gone")
        return text

    events = [event for event in tree.versions(tree.find("/f")) if tree.shows(event)]
    found = blame(tree, read, events[-1])
    return Blamed(
        list(found.lines),
        [tree.ev_layer[event] for event in found.events],
        {tree.ev_layer[event]: why for event, why in found.doubts.items()},
    )


def layers_of(*versions: Text | Entry | LayerIndex) -> list[int]:
    return blamed(*versions).layers


def lines(*each: str) -> bytes:
    return "".join(f"{line}\n" for line in each).encode()


# The judge


class Repository:
    """Files of several versions each, a commit per version."""

    def __init__(self, folder: Path, files: Sequence[Sequence[Text]]) -> None:
        self._git = ["git", "-C", str(folder)]
        subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
        stream = []
        for number in range(max(map(len, files))):
            stream.append(
                b"commit refs/heads/main\nmark :%d\ncommitter a <a@b> %d +0000\ndata 0\n"
                % ((number + 1,) * 2)
            )
            if number:
                stream.append(b"from :%d\n" % number)
            for name, versions in enumerate(files):
                if number < len(versions):
                    text = versions[number]
                    if text is None:
                        stream.append(b"D %d\n" % name)
                    else:
                        stream.append(b"M 100644 inline %d\ndata %d\n%b\n" % (name, len(text), text))
        subprocess.run([*self._git, "fast-import", "--quiet"], input=b"".join(stream), check=True)

    def blame(self, name: int) -> list[int]:
        """The number of the version that wrote each line."""
        command = [*self._git, "blame", "--line-porcelain", "main", "--", str(name)]
        told = subprocess.run(command, capture_output=True, check=True).stdout
        return [int(line.split()[1]) for line in told.split(b"\n") if line.startswith(b"committer-time ")]


INSTRUCTIONS = (
    "", "# comment", "}", "  }", "COPY . /srv", "if x:\n    y()\n",
    "RUN apt-get update \\\n    && apt-get install -y gcc \\\n    && rm -rf /var/lib/apt/lists/*",
    "\tone\n\t\ttwo\n\tthree", "    \n  \n", "ENV A=1", "ENV A=2", "def f():\n    return 1\n", "def g():\n    return 1\n",
)  # fmt: skip


def edited(seed: int) -> list[Text]:
    """Versions of a text: blocks as in a Dockerfile, few words, or many, put in, taken out, changed and moved."""
    chance = random.Random(seed)
    words = chance.choice([INSTRUCTIONS, ["a", "b", "", "}"], [f"word {number}" for number in range(400)]])

    def fresh(count: int) -> list[str]:
        return "\n".join(chance.choice(words) for _ in range(count)).split("\n") if count else []

    text = fresh(chance.choice([0, 2, 10, 40, 120]) if len(words) > 4 else chance.randrange(30))
    found: list[Text] = []
    for _ in range(chance.randint(2, 10)):
        found.append(("\n".join(text) + chance.choice(["\n", "\n", ""])).encode())
        text = list(text)
        for _ in range(chance.randrange(6)):
            what, at = chance.random(), chance.randrange(len(text) + 1)
            if what < 0.45:
                text[at:at] = fresh(chance.randint(1, 4))
            elif what < 0.75:
                del text[at : at + chance.randint(1, 5)]
            elif what < 0.9:
                text[at : at + 1] = fresh(1)
            else:
                moved = text[at : at + 4]
                del text[at : at + 4]
                to = chance.randrange(len(text) + 1)
                text[to:to] = moved
    return found


@pytest.mark.engine
def test_lines_are_those_of_git_blame(tmp_path: Path) -> None:
    files = [versions for seed in range(300) if (versions := edited(seed))[-1]]
    git = Repository(tmp_path, files)
    for number, versions in enumerate(files):
        assert layers_of(*versions) == git.blame(number), versions


@pytest.mark.engine
def test_where_git_is_not_minimal_both_have_as_many_new_lines_or_git_more(tmp_path: Path) -> None:
    """In large texts with many repeated lines, git uses a heuristic (XDF_NEED_MINIMAL is not set)."""
    chance = random.Random(7)
    files: list[list[Text]] = []
    for _ in range(12):
        old = [chance.choice("abcdefgh") for _ in range(chance.choice([150, 400]))]
        new = [word for word in old if chance.random() < 0.7]
        new[50:50] = [chance.choice("abcxy") for _ in range(60)]
        files.append([lines(*old), lines(*new)])
    git = Repository(tmp_path, files)
    for number, (before, after) in enumerate(files):
        assert before is not None
        assert after is not None
        ours, judged = layers_of(before, after), git.blame(number)
        marks = unmatched_lines(before.split(b"\n"), after.split(b"\n"))
        assert ours.count(2) == marks.added.count(1)
        assert ours.count(2) <= judged.count(2)


@pytest.mark.engine
def test_deleted_and_added_again_as_in_git(tmp_path: Path) -> None:
    versions: list[Text] = [lines("a", "b"), None, lines("a", "b", "c"), lines("a", "c")]
    assert layers_of(*versions) == [3, 3] == Repository(tmp_path, [versions]).blame(0)


# By example


def test_a_changed_line_belongs_to_the_layer_that_changed_it() -> None:
    assert layers_of(lines("a", "b", "c"), lines("a", "B", "c"), lines("a", "B", "c", "d")) == [1, 2, 1, 3]


def test_layers_that_store_the_same_again_wrote_nothing() -> None:
    text = lines("a", "b")
    assert layers_of(text, ("-", "other"), text, lines("a", "b", "c"), lines("a", "b", "c")) == [1, 1, 4]


def test_only_attributes_changed() -> None:
    assert layers_of(lines("a"), ("h", "other", {"to": "f"}), lines("a")) == [1]


def test_a_symlink_between_two_files_ends_the_history() -> None:
    assert layers_of(lines("a"), ("l", "f", {"to": "x"}), lines("a", "b")) == [3, 3]


def test_a_file_that_is_deleted_in_the_same_layer_is_a_new_version_of_it() -> None:
    again = layer(("wh", "f"), ("-", "f", {"size": 4}))
    tree = union(layer(("-", "f", {"size": 2})), again)
    texts = {1: b"a\n", 2: b"a\nb\n"}
    found = blame(tree, lambda event, *_: texts[tree.ev_layer[event]], tree.last[tree.find("/f")])
    assert [tree.ev_layer[event] for event in found.events] == [1, 2]


def test_a_last_line_without_end_is_another_line() -> None:
    assert layers_of(b"a\nb", b"a\nb\nc") == [1, 2, 2]


def test_an_empty_text_has_no_lines() -> None:
    assert layers_of(lines("a"), b"") == []


def test_a_binary_file_has_no_lines() -> None:
    with pytest.raises(LayertuiError, match="no lines of /f, it is binary"):
        layers_of(lines("a"), b"\x00\x01\xff" * 99)


def test_the_lines_of_a_binary_predecessor_are_compared() -> None:
    assert layers_of(b"\x00\xff\nkept\n", lines("kept", "new")) == [1, 2]


def test_utf16_is_compared_by_characters() -> None:
    found = blamed("one\ntwo\n".encode("utf-16"), "one\nzwei\n".encode("utf-16"))
    assert (found.layers, found.lines) == ([1, 2], [b"one\n", b"zwei\n"])


def test_carriage_returns_end_lines_where_nothing_else_does() -> None:
    assert layers_of(b"one\rtwo\rthree\r", b"one\r2\rthree\r") == [1, 2, 1]


def test_what_is_no_file_has_no_lines() -> None:
    tree = union(layer(("d", "f")))
    with pytest.raises(LayertuiError, match="stores no file there"):
        blame(tree, lambda *_: b"", tree.last[tree.find("/f")])


def test_lines_of_a_version_whose_predecessor_cannot_be_read_are_doubtful() -> None:
    found = blamed(("-", "f", {"size": 3}), lines("a"), lines("a", "b"))
    assert found.layers == [2, 3]
    assert list(found.doubts.items()) == [(2, "cannot read /f, it is gone")]


def test_a_damaged_layer_between_two_versions_makes_the_newer_one_doubtful() -> None:
    damaged = layer()
    damaged.damage = "it ends after 512 bytes"
    found = blamed(lines("a"), damaged, lines("a", "b"), lines("a", "b", "c"))
    assert found.layers == [1, 3, 4]
    assert list(found.doubts.items()) == [
        (3, "layer 2 could not be read completely: it ends after 512 bytes")
    ]


def test_a_large_predecessor_is_not_compared() -> None:
    found = blamed(b"x\n" * (MAX_BLAMED // 2 + 1), lines("x", "y"))
    assert found.layers == [2, 2]
    assert list(found.doubts) == [2]
    with pytest.raises(LayertuiError, match=r"too large to compare its lines, 8\.39 MB, more than 8\.39 MB"):
        blamed(b"x\n" * (MAX_BLAMED // 2 + 1))


def test_can_be_cancelled() -> None:
    job = Job()
    job.cancel()
    tree = union(layer(("-", "f", {"size": 2})))
    with pytest.raises(Cancelled):
        blame(tree, lambda *_: b"a\n", tree.last[tree.find("/f")], job)


def test_each_version_is_read_once() -> None:
    texts = [lines(*map(str, range(number))) for number in range(1, 30)]
    tree = union(*(layer(("-", "f", {"size": len(text)})) for text in texts))
    read: list[int] = []

    def reading(event: Event, offset: int, length: int, job: Job) -> bytes:
        read.append(tree.ev_layer[event])
        return texts[tree.ev_layer[event] - 1]

    found = blame(tree, reading, tree.last[tree.find("/f")])
    assert [tree.ev_layer[event] for event in found.events] == list(range(1, 30))
    assert read == list(range(29, 0, -1))


def test_reads_no_version_older_than_the_last_line() -> None:
    texts = [lines("a"), lines("b"), lines("c"), lines("c", "d")]
    tree = union(*(layer(("-", "f", {"size": len(text)})) for text in texts))
    read: list[int] = []

    def reading(event: Event, offset: int, length: int, job: Job) -> bytes:
        read.append(tree.ev_layer[event])
        return texts[tree.ev_layer[event] - 1]

    blame(tree, reading, tree.last[tree.find("/f")])
    assert read == [4, 3, 2]
