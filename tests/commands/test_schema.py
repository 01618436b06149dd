"""The JSON Schemas in docs/schema are those of what the commands print; the matrix checks more images against them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from layertui.cli import main
from layertui.commands import COMMANDS
from layertui.commands.parsers import JSON_VERSION, command_parser
from tests import every_entry_type, hostile
from tests.commands.running import Run
from tests.commands.samples import eventful
from tests.layouts import OciLayout, docker_archive
from tests.other_projects import docker_root, engine_fixture
from tests.schema import FOLDER, complaints, name_of

WITHOUT = {"build", "cat", "completion", "demo", "mcp", "report", "serve"}
"""Commands without JSON."""
CALLS: Sequence[Sequence[str]] = [
    ["images", "demo:"],
    ["history", "IMAGE"],
    ["dockerfile", "IMAGE"],
    ["inspect", "IMAGE"],
    ["tree", "IMAGE"],
    ["changes", "IMAGE", "--layer", "2"],
    ["changes", "IMAGE", "--from", "0", "--to", "2"],
    ["compare", "IMAGE", "demo:"],
    ["log", "IMAGE", "PATH"],
    ["log", "IMAGE", "PATH", "--lines"],
    ["diff", "IMAGE", "PATH", "--from", "1", "--to", "2"],
    ["search", "IMAGE", "e", "--hidden", "--config"],
    ["find", "*a*", "IMAGE"],
    ["find", "a", "IMAGE", "--content"],
    ["find", "*", "IMAGE", "--package"],
    ["find", "sha256", "IMAGE", "--digest"],
    ["extract", "IMAGE", "/", "OUT", "--force", "--owner"],
    ["size", "IMAGE"],
    ["insight", "IMAGE"],
    ["check", "IMAGE"],
    ["verify", "IMAGE"],
    ["anatomy", "IMAGE"],
    ["cache", "list"],
    ["cache", "prune"],
]
"""A call of every command, for each image; those about stores are below."""


@pytest.fixture
def images(tmp_path: Path) -> dict[str, tuple[str, str]]:
    """Images, each with a path that has several versions."""
    layout = OciLayout(tmp_path / "layout")
    docker_archive(tmp_path / "entries.tar", every_entry_type.image())
    layout.add_image("hostile", hostile.image())
    return {
        "sample": ("demo:", "/etc/passwd"),
        "eventful": (str(eventful(tmp_path)), "/gone"),
        "entries": (str(tmp_path / "entries.tar"), "/"),
        "hostile": (f"oci:{layout.directory}:hostile", hostile.FILE),
    }


def test_every_command_has_a_schema() -> None:
    """All with ``--json`` are called below or in the matrix."""
    with_json = {name for name in COMMANDS if "--json" in command_parser(name)._option_string_actions}
    assert with_json == set(COMMANDS) - WITHOUT
    shared = {"entry", "version"}
    names = {path.stem for path in FOLDER.glob("*.json")} - shared
    assert names == {*map(name_of, CALLS), "attachments", "containers", "store"}
    assert {name.partition("-")[0] for name in names} == with_json


def test_the_schemas_are_schemas() -> None:
    for path in FOLDER.glob("*.json"):
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"].endswith(f"/schema/{JSON_VERSION}/{path.name}")
        assert schema["title"]


@pytest.mark.parametrize("name", ["sample", "eventful", "entries", "hostile"])
def test_what_is_printed_about_an_image(
    name: str, images: dict[str, tuple[str, str]], run: Run, tmp_path: Path
) -> None:
    image, path = images[name]
    for words in CALLS:
        given = {"IMAGE": image, "PATH": path, "OUT": str(tmp_path / "out")}
        call = [given.get(word, word) for word in words]
        done = run(*call, "--json", "--quiet") if "cache" not in call else run(*call, "--json")
        assert done.objects or call[0] in ("changes", "log", "diff", "search", "find"), (call, done.err)
        assert not complaints(call, done.objects), call


def test_what_is_printed_about_stores(run: Run, tmp_path: Path) -> None:
    stores = [
        f"containerd:{engine_fixture('containerd24-root', tmp_path)}",
        f"containers-storage:{engine_fixture('storage165-6', tmp_path)}",
        f"docker-root:{engine_fixture('docker29-root', tmp_path)}",
        f"docker-root:{docker_root('overlay2.v2', tmp_path)}",
    ]
    for store in stores:
        for command in ("images", "containers", "store"):
            done = run(command, store, "--json")
            assert not complaints([command], done.objects), (command, store)
            assert done.objects or command == "containers", (command, store, done.err)
    assert run("containers", stores[-1], "--json").objects
    images = [row["Reference"] for row in run("images", stores[2], "--json").objects]
    documents = [row for image in images for row in run("attachments", image, "--json").objects]
    assert documents and not complaints(["attachments"], documents)


def test_a_schema_finds_what_is_wrong(run: Run) -> None:
    (first, *_) = run("tree", "demo:", "--json").objects
    for change, told in (
        ({"mode": 0o755}, "$.mode: 493 is not of type 'string'"),
        ({"type": "door"}, "$.type: 'door' is not one of"),
        ({"colour": "red"}, "Additional properties are not allowed ('colour' was unexpected)"),
        ({"mtime": "yesterday"}, "$.mtime: 'yesterday' does not match"),
    ):
        (found,) = complaints(["tree"], [{**first, **change}])
        assert told in found
    del first["layer"]
    assert complaints(["tree"], [first]) == ["$: 'layer' is a required property"]


def test_the_version_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version", "--json"], ["--json", "--version"]):
        assert main(words) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["schema"] == JSON_VERSION and not complaints(["version"], [found])
