"""The Python API: what docs/api.md shows, and what it does of images that are damaged or absent."""

from __future__ import annotations

import doctest
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import layertui
from layertui import demo
from tests.commands.running import Run, runner
from tests.commands.samples import HOSTILE, eventful, tar
from tests.layouts import OciLayout

PAGE = Path(__file__).parent.parent / "docs/api.md"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    return next(runner(capsysbinary))


def test_the_examples_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layout = OciLayout(tmp_path / "quarry")
    layout.add_base("1.0", demo.image(), 1)
    layout.add_image("1.1", demo.image())
    done = doctest.testfile(str(PAGE), module_relative=False)
    assert done.failed == 0 and done.attempted > 15


def test_the_page_tells_of_every_promised_attribute() -> None:
    page = PAGE.read_text()
    for kind in (layertui.OpenedImage, layertui.Insight, layertui.LayerFacts, layertui.PathVersion):
        told = [name for name in dir(kind) if not name.startswith("_")]
        assert told
        assert not [name for name in told if f"`{name}" not in page], kind


def test_importing_it_imports_nothing_else() -> None:
    """Every command imports the package, and no program that uses the API needs the app."""
    program = (
        "import sys; before = set(sys.modules); import layertui; print(*set(sys.modules) - before);"
        "image = layertui.open('demo:', cache=False); image.layers; image.insight.secrets; image.compare(image);"
        "print(*(name for name in sys.modules if name.split('.')[0] in ('textual', 'rich') or name.startswith('layertui.ui')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "layertui\n\n"


def test_every_name_is_there() -> None:
    for name in layertui.__all__:
        assert getattr(layertui, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'opne'"):
        layertui.opne  # type: ignore[attr-defined]  # noqa: B018


def test_it_answers_as_the_commands_do(tmp_path: Path, run: Run) -> None:
    folder = eventful(tmp_path)
    image = layertui.open(folder)  # a path, not the text of a reference
    for layer in (1, 2, 3):
        tree = run("tree", folder, "--layer", layer, "--json").objects
        assert (
            sorted((entry.to_json() for entry in image.tree(layer=layer)), key=lambda row: row["path"])
            == tree
        )
        changed = run("changes", folder, "--layer", layer, "--json").objects
        found = sorted((each.to_json() for each in image.changes(layer)), key=lambda row: row["path"])
        assert found == changed
    between = run("changes", folder, "--from", 1, "--to", 3, "--json").objects
    assert {each.path for each in image.changes(3, since=1)} == {row["path"] for row in between}
    versions = image.versions("/gone")
    assert [(each.layer, each.deleted) for each in versions] == [(1, None), (2, "file"), (3, None)]
    assert image.read("/gone", 1) == b"secret\n" and image.read("/hard") == b"one\ntwo\nthree\n"
    assert HOSTILE in [entry.path for entry in image.tree()]
    sizes = [(row["Size"], row["LiveSize"]) for row in run("history", folder, "--json").objects]
    assert [(layer.size, layer.live) for layer in reversed(image.layers)] == sizes
    report = run("insight", folder, "--json").objects[0]
    waste = image.insight.waste.to_json() | image.insight.efficiency.to_json()
    assert waste == report["waste"]
    assert [row.to_json() for row in image.insight.duplicates.groups] == report["duplicates"]


def test_a_comparison_ignores_what_it_is_asked_to(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "image")
    layout.add("1", [tar(("/a", b""))])
    later = tarfile.TarInfo()
    later.mtime = 1_800_000_000
    layout.add("2", [tar(("/a", later))])
    one, two = (layertui.open(f"oci:{tmp_path}/image:{tag}") for tag in "12")
    assert [(row.path, row.what) for row in one.compare(two).changes()] == [("/a", ["mtime"])]
    assert one.compare(two, ["mtime"]).are_equal


def test_a_damaged_image_is_an_error_unless_a_part_will_do(tmp_path: Path) -> None:
    folder = eventful(tmp_path)
    blob = max((folder / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:3000])
    image = layertui.open(folder)
    for ask in (image.tree, image.changes, lambda: image.read("/etc/conf"), lambda: image.layers):
        with pytest.raises(layertui.LayertuiError, match=r"cannot read all of .*, layer 1: .*partial=True"):
            ask()
    part = layertui.open(folder, partial=True)
    assert "/etc/conf" in [entry.path for entry in part.tree()]
    assert part.layers[0].size is None and part.layers[1].size is not None
    assert any("layer 1 could not be read completely" in text for text in part.warnings)


def test_an_image_without_layers(tmp_path: Path) -> None:
    OciLayout(tmp_path / "image").add("1", [], config={"history": []})
    image = layertui.open(tmp_path / "image")
    assert [*image.layers, *image.tree(), *image.changes()] == []
    with pytest.raises(layertui.LayertuiError, match="no /x at layer 0"):
        image.read("/x")
    with pytest.raises(layertui.LayertuiError):
        image.read("/")
    with pytest.raises(layertui.LayertuiError, match="no layer 1"):
        image.tree(layer=1)


def test_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for engine in ("DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.setenv(engine, f"unix://{tmp_path}/no.sock")
    OciLayout(tmp_path / "image").add("1", [tar(("/a", b"1"))])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/oci-layout").write_text("{")
    (tmp_path / "broken/index.json").write_text("{")
    errors: list[layertui.LayertuiError] = []
    assert {row.transport for row in layertui.list(onerror=errors.append)} == {"oci", "demo"}
    assert all(any(name in str(error) for error in errors) for name in ("broken", "Docker", "Podman"))
    assert [row.tag for row in layertui.list(f"oci:{tmp_path}/image")] == ["1"]
    with pytest.raises(layertui.LayertuiError):
        next(layertui.list("nowhere.tar"))


def test_a_secret_is_not_in_its_repr(tmp_path: Path) -> None:
    secrets = layertui.open("demo:").insight.secrets
    assert secrets.found and not [row for row in secrets.found if row.text in repr(secrets)]
