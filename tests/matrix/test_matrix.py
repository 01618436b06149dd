"""Every command on every image and store: an answer or one line that says why not, and twice the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from layertui.commands import COMMANDS
from tests.commands.running import Result, Run
from tests.matrix.images import SOURCES
from tests.schema import complaints

ON_IMAGES: dict[str, list[list[str]]] = {
    "history": [["{image}"], ["--json", "{image}"]],
    "dockerfile": [["{image}"]],
    "inspect": [["{image}"]],
    "tree": [["--json", "{image}"], ["{image}", "{path}"]],
    "changes": [["{image}"], ["--json", "{image}"]],
    "compare": [["{image}", "{image}"], ["--json", "{image}", "demo:"]],
    "log": [["{image}", "{path}"], ["{image}", "{path}", "--lines"]],
    "diff": [["{image}", "{path}"]],
    "cat": [["{image}", "{path}"]],
    "search": [["{image}", "a"]],
    "extract": [["{image}", "/", "{folder}"]],
    "size": [["{image}"], ["--json", "{image}"], ["--dead", "{image}", "/"]],
    "insight": [["{image}"], ["--json", "{image}"]],
    "report": [["{image}"]],
    "check": [["{image}"], ["--format", "json", "{image}"]],
    "verify": [["{image}"], ["--json", "{image}"]],
    "attachments": [["{image}"], ["--json", "{image}"]],
    "anatomy": [["{image}"], ["--json", "{image}"]],
}
ON_SOURCES: dict[str, list[list[str]]] = {
    "images": [["{source}"], ["--json", "{source}"]],
    "containers": [["{source}"], ["--json", "{source}"]],
    "store": [["{source}"], ["--json", "{source}"]],
    "find": [["--json", "--content", "a", "{source}"]],
}
APART = {"build", "demo", "cache", "completion", "mcp", "serve"}
"""They open the app, or are about no image."""
MAY_BE_EMPTY = {"attachments", "changes", "diff", "cat", "search", "compare", "extract", "containers", "find"}
"""With status 0 (or 1): nothing differs or matches, no container is there, or it is written elsewhere."""
HAVE_NO_FILES = {
    "without-layers",
    "empty-layer",
    "only-a-whiteout",
    "sylabs+oci-tools/test/images/root-dir-entry",
}
"""Their trees are empty."""
MOST_IMAGES = 12
"""Images of one source that are asked about."""


def test_all_commands_are_in_the_matrix() -> None:
    assert {*ON_IMAGES, *ON_SOURCES, *APART} == set(COMMANDS)


@pytest.mark.parametrize("name", SOURCES)
def test_commands(name: str, run: Run, tmp_path: Path) -> None:
    source = SOURCES[name](tmp_path)
    may_be_empty = MAY_BE_EMPTY | {"tree"} if name in HAVE_NO_FILES else MAY_BE_EMPTY
    wrong = [
        problem for call in calls(source, run, tmp_path) for problem in problems(call, run, may_be_empty)
    ]
    assert not wrong, "\n".join(wrong)


def calls(source: str, run: Run, folder: Path) -> Iterator[list[str]]:
    """Every command with each of its arguments, for a source and the images in it."""
    for command, forms in ON_SOURCES.items():
        yield from ([command, *(word.format(source=source) for word in form)] for form in forms)
    listed = run("images", "--json", source)
    images = [row["Reference"] for row in listed.objects if row["Reference"]] or [source]
    for number, image in enumerate(images[:MOST_IMAGES]):
        words = {
            "image": image,
            "path": a_file_of(run("tree", "--json", image)),
            "folder": str(folder / f"{number}"),
        }
        for command, forms in ON_IMAGES.items():
            for form in forms:
                yield [command, *(word.format(**words) for word in form)]


def a_file_of(tree: Result) -> str:
    """A regular file of a tree, the first with content; one that is not there if it has none."""
    files = [json.loads(line) for line in tree.lines]
    found = sorted((entry["size"] == 0, entry["path"]) for entry in files if entry["type"] == "file")
    return found[0][1] if found else "/none"


def problems(call: list[str], run: Run, may_be_empty: set[str]) -> Iterator[str]:
    """What is wrong with the answers to a call; an exception fails the test by itself."""
    extra = ["--force"] if call[0] == "extract" else []
    first, second = run(*call), run(*call, *extra)
    what = " ".join(call)
    if first.status not in (0, 1, 2):
        yield f"{what}: status {first.status}"
    if first.status == 2 and not first.err.startswith("layertui: "):
        yield f"{what}: status 2 without a reason: {first.err[:200]}"
    if first.status != 2 and not first.out and call[0] not in may_be_empty:
        yield f"{what}: status {first.status} and nothing printed"
    if "--json" in call:
        yield from (f"{what}: {wrong}" for wrong in complaints(call, first.objects))
    if call[0] != "extract" and (first.status, first.out) != (second.status, second.out):
        yield f"{what}: {first.status}, then {second.status}; {difference(first, second)}"


def difference(first: Result, second: Result) -> str:
    """The first line that differs."""
    lines = zip([*first.lines, ""], [*second.lines, ""], strict=False)
    return next(
        (f"{one[:200]!r}, then {other[:200]!r}" for one, other in lines if one != other), "more lines"
    )
