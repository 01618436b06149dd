"""Every command on an image without layers: what docker builds from FROM scratch and LABEL."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from layertui.commands import COMMANDS
from tests.commands.running import Run
from tests.layouts import OciLayout

IMAGE = "IMAGE"
CONFIG = {
    "config": {"Labels": {"a": "b"}},
    "history": [{"created_by": "LABEL a=b", "empty_layer": True}],
    "rootfs": {"type": "layers", "diff_ids": []},
}
NO_X = "layertui: no /x at layer 0, the image has no layers\n"
NO_ROOT = "layertui: no / at layer 0, the image has no layers\n"
EXPECTED: Mapping[str, Sequence[tuple[int, Sequence[str], str, str]]] = {
    "images": [(0, [IMAGE], "REPOSITORY", "")],
    "history": [(0, [IMAGE], "LABEL a=b", "")],
    "dockerfile": [(0, [IMAGE], "LABEL a=b", "")],
    "inspect": [(0, [IMAGE], '"Layers": []', "")],
    "tree": [(0, [IMAGE], "MODE", ""), (0, [IMAGE, "/"], "MODE", ""), (2, [IMAGE, "/x"], "", NO_X), (0, [IMAGE, "--json"], "", "")],
    "changes": [(0, [IMAGE], "LAYER", ""), (0, [IMAGE, "--json"], "", "")],
    "compare": [(0, [IMAGE, IMAGE], "same", ""), (1, [IMAGE, "demo:"], "differ", "")],
    "log": [
        (2, [IMAGE, "/x"], "", NO_X),
        (2, [IMAGE, "/"], "", NO_ROOT),
        (2, [IMAGE, "/x", "--lines"], "", NO_X),
    ],
    "diff": [(2, [IMAGE, "/x"], "", NO_X), (2, [IMAGE, "/"], "", NO_ROOT)],
    "cat": [(2, [IMAGE, "/x"], "", NO_X), (2, [IMAGE, "/"], "", NO_ROOT)],
    "search": [(1, [IMAGE, "x"], "", ""), (1, [IMAGE, "x", "--hidden"], "", ""), (1, [IMAGE, "xyzzy", "--config"], "", "")],
    "find": [(1, ["x", IMAGE], "", ""), (1, ["--content", "x", IMAGE], "", ""), (1, ["--package", "x", IMAGE], "", "")],
    "extract": [(0, [IMAGE, "/", "out"], "", "0 files, 0 bytes\n"), (2, [IMAGE, "/x", "out"], "", NO_X)],
    "insight": [(0, [IMAGE], "Permissions: nothing unusual", ""), (0, [IMAGE, "--json"], "", "")],
    "report": [(0, [IMAGE], "There are no dead bytes.", "")],
    "check": [(0, [IMAGE], "PASS", "")],
    "verify": [(0, [IMAGE], "0 wrong", "")],
    "size": [(0, [IMAGE], "0 B = 0 B live + 0 B dead", ""), (2, [IMAGE, "/x"], "", NO_X)],
    "attachments": [(0, [IMAGE], "TITLE", "")],
    "anatomy": [(0, [IMAGE], "config", "")],
}  # fmt: skip
"""Status, arguments, a part of the output, and all of standard error."""


def test_every_command_is_here() -> None:
    assert set(EXPECTED) == set(COMMANDS) - {
        "containers",
        "store",
        "build",
        "demo",
        "cache",
        "completion",
        "mcp",
        "serve",
    }


@pytest.mark.parametrize("form", ["oci", "docker-archive"])
@pytest.mark.parametrize("command", EXPECTED)
def test_commands(command: str, form: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if form == "oci":
        OciLayout(tmp_path / "image").add("1", [], config=CONFIG)
    else:
        config = {"architecture": "amd64", "os": "linux", **CONFIG}
        (tmp_path / "c.json").write_text(json.dumps(config))
        (tmp_path / "manifest.json").write_text(
            json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": []}])
        )
        with tarfile.open(tmp_path / "image", "w") as archive:
            archive.add("c.json")
            archive.add("manifest.json")
    for status, words, out, err in EXPECTED[command]:
        done = run(command, *(word.replace(IMAGE, "image") for word in words))
        assert (done.status, done.err) == (status, err), words
        assert out in done.text
        assert "-1" not in done.text.split()


def test_insight_has_nothing(run: Run, tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add("1", [], config=CONFIG)
    (found,) = run("insight", tmp_path / "image", "--json").objects
    assert found["permissions"] == found["packages"] == found["duplicates"] == found["secrets"] == []
    assert (found["waste"]["size_bytes"], found["waste"]["reclaimable_bytes"]) == (0, 0)


def test_the_empty_tree_has_no_paths(run: Run) -> None:
    """Layer 0 of an image that has layers is empty too."""
    (found,) = run("compare", "demo:", "--from", "0", "--to", "9", "--json").objects
    assert found["a"]["paths"] == 0 < found["b"]["paths"]
