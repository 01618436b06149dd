"""dive's command line: figures, JSON and exit statuses are those of dive itself.

Run as dive 0.13.2-0.20250516191726-d6c691947f8f on the same images.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from layertui.model.image import Image
from tests import every_entry_type
from tests.commands.running import Run
from tests.commands.samples import HOSTILE, image, tar
from tests.layouts import docker_archive
from tests.other_projects import fixture

ARCHIVE = "wagoodman+dive/.data/test-docker-image.tar"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_report_is_dives(run: Run) -> None:
    done = run("--ci", fixture(ARCHIVE))
    assert (done.status, done.err) == (1, "")
    assert done.text == (
        "Analysis:\n"
        "  efficiency:        98.44 %\n"
        "  wastedBytes:       32025 bytes (32 kB)\n"
        "  userWastedPercent: 48.35 %\n\n"
        "Inefficient Files:\n"
        "  Count  Wasted Space  File Path\n"
        "  2      13 kB         /root/saved.txt\n"
        "  2      13 kB         /root/example/somefile1.txt\n"
        "  2      6.4 kB        /root/example/somefile3.txt\n\n"
        "Evaluation:\n"
        "  FAIL  highestUserWastedPercent (0.483491, at most 0.1)\n"
        "  SKIP  highestWastedBytes (disabled)\n"
        "  PASS  lowestEfficiency (0.984421, at least 0.9)\n\n"
        "FAIL [pass:1 fail:1 skip:1]\n"
    )


def test_limits_and_their_files(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = fixture(ARCHIVE)
    passing = ("--highestUserWastedPercent", "0.5")
    assert run(archive, "--ci", *passing, "--highestWastedBytes=33kB").lines[-1] == "PASS [pass:3]"
    assert run(archive, "--ci", *passing, "--lowestEfficiency", "0.99").status == 1
    monkeypatch.setenv("CI", "true")
    assert run(archive, *passing).status == 0
    (tmp_path / ".dive-ci").write_text("rules:\n  highestUserWastedPercent: 0.6\n")
    assert run(archive).lines[-1] == "PASS [pass:2 skip:1]"
    (tmp_path / "other").write_text("rules:\n  lowestEfficiency: 0.99\n  highestUserWastedPercent: off\n")
    assert run(archive, "--ci-config", "other").lines[-1] == "FAIL [fail:1 skip:2]"
    # The command line comes before a file, as up to dive 0.12.
    assert run(archive, "--ci-config", "other", "--lowestEfficiency", "disabled").lines[-1] == "PASS [skip:3]"
    assert run("check", archive, "--highestUserWastedPercent", "0.1").status == 1


def test_rules_of_layertui_have_its_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".layertui.toml").write_text("[rules]\nlowest-efficiency = 1\nsize = '1 GB'\n")
    done = run("--ci", "--lowestEfficiency", "0.5", "demo:")
    assert done.status == 0 and done.lines[-1] == "PASS: 2 rules passed"
    assert "at least 0.5" in done.text


def test_an_image_without_waste_or_bytes_above_the_base(run: Run, tmp_path: Path) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    for folder in (once, twice):
        folder.mkdir()
    done = run("--ci", image(once, tar(("/a", b"1"))))
    assert done.status == 0
    assert "wastedBytes:       0 bytes \n" in done.text and "userWastedPercent: 0 %\n" in done.text
    assert "Inefficient Files: (None)\n" in done.text
    done = run("--ci", image(twice, tar((HOSTILE, b"1")), tar((HOSTILE, b""))))
    assert done.status == 1 and "userWastedPercent: +Inf %\n" in done.text
    assert "\x1b" not in done.text and "␛[2J" in done.text


def test_what_cannot_be_checked_never_passes(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"a" * 5000)))
    layer = max((path / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    layer.write_bytes(layer.read_bytes()[:2000])
    done = run("--ci", path)
    assert done.status == 2 and done.lines[-1] == "FAIL [error:2 skip:1]"
    assert run(path, "-j", "out.json").status == 2 and (tmp_path / "out.json").exists()


def test_options_without_effect_are_errors(run: Run) -> None:
    for words, told in (
        (("--lowestEfficiency", "1", "demo:"), "--lowestEfficiency has no effect, the image is not checked"),
        (("--ci-config", "x", "demo:"), "--ci-config has no effect, the image is not checked"),
        (("--ci",), "no image given"),
        (("-j", "x.json"), "no image given"),
        (("--ci", "--lowestEfficiency", "95%", "demo:"), "--lowestEfficiency has an invalid value, '95%' is"),
        (("--ci", "--ci-config", "none", "demo:"), "cannot read none, No such file or directory"),
        (("demo:", "-j", "none/x.json"), "cannot write none/x.json, No such file or directory"),
        (("--source", "kubernetes", "demo:"), "argument --source: invalid choice: 'kubernetes'"),
    ):
        done = run(*words)
        assert (done.status, done.out) == (2, b"") and done.err.startswith(f"layertui: {told}"), done.err


def test_sources(run: Run) -> None:
    archive = fixture(ARCHIVE)
    for words in (
        ("--source", "docker-archive", archive),
        ("--source=docker-tar", archive),
        (f"docker-archive://{archive}",),
        ("--source", "podman", f"docker-archive:{archive}"),  # the image's own comes first
    ):
        assert run("--ci", *words).lines[-1] == "FAIL [pass:1 fail:1 skip:1]"
    done = run("--ci", "--source", "podman", "nothing:1", "--platform", "linux/amd64")
    assert done.status == 2 and "Podman" in done.err


def turned() -> Image:
    """An image whose layers have what dive counts oddly."""
    layers = (
        (("/etc", None), ("/a/b/c", b"one"), ("/a/b/d", b"12345"), ("/o/old", b"old"), ("/usr/lib/so", b"so"),
         ("/lib", "->usr/lib"), ("/hard", "=a/b/c"), ("/<&>é", b"x")),
        (("/a/.wh.b", b""), ("/o/.wh..wh..opq", b""), ("/n/.wh..wh..opq", b""), ("/o/new", b"new"),
         ("/a", b"now a file"), ("/.wh..wh.plnk", b"")),
        (("/etc", b"file"), ("/a/b/c", b"one"), ("/hard", b"")),
    )  # fmt: skip
    return every_entry_type.image_of("turns:1", [tar(*members) for members in layers])


def normal(text: str) -> str:
    """JSON with sorted fields, and one form of numbers."""
    return json.dumps(json.loads(text, parse_int=float), sort_keys=True)


@pytest.mark.parametrize(
    "name, of_dives",
    [
        ("docker", "c1fc492ba4eb8ce6a5ce0d85aa19aa57c413ac68ee040c68b87fd5a743d26409"),
        ("kaniko", "cc26b862324efd7bca4cf767a614f6759ccae0159bab10761f073b7067183e35"),
        ("oci-gzip", "ace922c8410e74e05e14a8baf12b58c45e2d365b273eca709e7cae3570abc0fc"),
        ("oci-estargz", "329f6aae1e1cb438aea20682fa667add3a7ca65b38759014f8456f6e39730a8d"),
        ("every type", "d918dab3d76179e545089479c434958152791a76b8fe0909d4bd0092dc6913f9"),
        ("turned", "b7a6f264af1985937b7bc229c2bb14006378a54793ac1de97079c1d9688c2555"),
    ],
)
def test_the_json_equals_dives(name: str, of_dives: str, run: Run, tmp_path: Path) -> None:
    """By the digest of the normal form of what ``dive --json`` wrote of the same archive."""
    if name in ("every type", "turned"):
        archive = tmp_path / "image.tar"
        docker_archive(archive, every_entry_type.image() if name == "every type" else turned())
    else:
        archive = fixture(f"wagoodman+dive/.data/test-{name}-image.tar")
    for words in ((archive, "-j", "out.json"), ("--ci", f"--json={tmp_path}/out.json", archive)):
        done = run(*words)  # dive checks nothing then
        assert (done.status, done.out) == (0, b"")
        written = (tmp_path / "out.json").read_text()
        assert hashlib.sha256(normal(written).encode()).hexdigest() == of_dives, written[:2000]


def test_a_value_called_like_a_command(run: Run, tmp_path: Path) -> None:
    assert run("-j", "tree", "demo:").status == 0
    assert re.match(r'{\s+"layer"', (tmp_path / "tree").read_text())
    assert run("--json", "tree", "demo:", "/etc").objects  # a boolean before a command, as ever
