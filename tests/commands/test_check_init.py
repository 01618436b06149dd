"""``layertui check --init``: rules that the image passes as it is."""

from __future__ import annotations

import tarfile
import tomllib
from pathlib import Path

import pytest

from layertui.gate.rules import DESCRIPTIONS
from tests.commands.running import Run
from tests.commands.samples import HOSTILE, image, tar
from tests.other_projects import fixture


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def setuid() -> tarfile.TarInfo:
    header = tarfile.TarInfo()
    header.mode = 0o4755
    return header


def written(file: str = ".layertui.toml") -> dict[str, object]:
    rules: dict[str, object] = tomllib.loads(Path(file).read_text())["rules"]
    return rules


def test_the_sample_passes_what_is_written(run: Run) -> None:
    done = run("check", "demo:", "--init")
    assert (done.status, done.lines) == (0, [".layertui.toml written: rules that quarry:1.1 passes"])
    assert written() == {
        "lowest-efficiency": 0.74,
        "highest-wasted-bytes": "1 MB",
        "highest-user-wasted-percent": 0.57,
        "reclaimable": "1 MB",
        "size": "1 MB",
        "setuid": ["/usr/bin/su"],
    }
    text = Path(".layertui.toml").read_text()
    assert "contains a secret; now 6 secrets, listed by layertui insight\n# secrets = true\n" in text
    for rule in DESCRIPTIONS:
        assert f"\n{rule} = " in text or f"\n# {rule} = " in text
    assert run("check", "demo:").status == 0
    # Every example is valid: without the comment signs, the file is read too.
    Path("all.toml").write_text(
        "\n".join(
            line.removeprefix("# ") if " = " in line else line
            for line in text.splitlines()
            if "baseline" not in line
        )
    )
    done = run("check", "demo:", "--config", "all.toml", "--json")
    assert {rule["rule"] for rule in done.objects[0]["rules"]} == set(DESCRIPTIONS)


def test_another_file_and_never_over_one(run: Run) -> None:
    archive = fixture("wagoodman+dive/.data/test-docker-image.tar")
    assert run("check", archive, "--init", "--config", "rules.toml").status == 0
    assert written("rules.toml")["size"] == "1300 kB"
    assert written("rules.toml")["secrets"] is True
    before = Path("rules.toml").read_bytes()
    done = run("check", "demo:", "--init", "--config", "rules.toml")
    assert (done.status, done.err) == (
        2,
        "layertui: rules.toml exists, delete it, or name another with --config\n",
    )
    assert Path("rules.toml").read_bytes() == before
    assert run("check", "demo:", "--init", "--config", ".dive-ci").status == 2
    assert not Path(".dive-ci").exists()
    assert run("check", archive, "--config", "rules.toml").status == 0


def test_odd_images_pass_too(run: Run, tmp_path: Path) -> None:
    for number, layers in enumerate(
        (
            [],
            [tar(("/a", b"1"))],
            [tar(("/a", b"1")), tar(("/a", b""))],  # waste, and nothing to divide it by
            [tar(("/a", b"1")), tar(("/a", b"22")), tar(("/a", b"3"))],  # a ratio above 1
            [tar((HOSTILE, setuid()), ("/a", b""))],
            [tar(("/s\"'\\é", setuid()), ("/b*", b""))],
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = image(folder, *layers)
        rules = folder / "rules.toml"
        assert run("check", path, "--init", "--config", rules).status == 0
        assert run("check", path, "--config", rules).status == 0, rules.read_text()
        assert "\x1b" not in rules.read_text()
    assert written(str(tmp_path / "5/rules.toml"))["setuid"] == ["/s\"'\\é"]


def test_of_an_incomplete_image_nothing_is_written(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    layer = max((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    layer.write_bytes(layer.read_bytes()[:2000])
    done = run("check", path, "--init")
    assert done.status == 2 and "no rules written, layer 1 could not be read completely" in done.err
    assert not Path(".layertui.toml").exists()
