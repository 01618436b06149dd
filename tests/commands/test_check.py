"""``layertui check``: its text, exit statuses, baselines and files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from layertui.commands.check_text import TOP
from layertui.text.sanitize import visible
from tests import hostile
from tests.commands.running import Run
from tests.commands.samples import HOSTILE, eventful, image, tar
from tests.layouts import OciLayout, docker_archive
from tests.ui.terminal import Terminal


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the rules stand."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def rules(text: str) -> None:
    Path(".layertui.toml").write_text(f"[rules]\n{text}\n")


def test_what_people_read(run: Run, tmp_path: Path) -> None:
    rules('size = 150\nreclaimable = "30 B"\nforbidden-in-layers = ["*gone"]\nrequired-paths = ["/etc"]')
    done = run("check", eventful(tmp_path))
    assert (done.status, done.err) == (1, "")
    assert (
        done.text
        == """\
1: 143 B in 3 layers, rules of .layertui.toml

FAIL   reclaimable          36 B, at most 30 B
       /etc/conf  12 bytes, identical copy by layer 3  (layer 2: layer 2)
       /gone  7 bytes, deleted by layer 2  (layer 1: layer 1)
       /dir/below/file  5 bytes, replaced by layer 2  (layer 1: layer 1)
       /usr/lib/so  5 bytes, deleted by layer 3  (layer 1: layer 1)
       /opaque/old  4 bytes, deleted by layer 2  (layer 1: layer 1)
       /etc/bin  3 bytes, rewritten by layer 2  (layer 1: layer 1)
ok     size                 143 B, at most 150 B
FAIL   forbidden-in-layers  2 stored paths
       /gone  matches *gone  (layer 1: layer 1)
       /gone  matches *gone  (layer 3: layer 3)
ok     required-paths       1 glob matched

FAIL: 2 rules passed, 2 failed
"""
    )


def test_the_last_line_and_the_status(run: Run, tmp_path: Path) -> None:
    path = image(tmp_path, tar(("/a", b"1")))
    for text, status, last in (
        ("size = 1", 0, "PASS: 1 rule passed"),
        ("size = 0", 1, "FAIL: 0 rules passed, 1 failed"),
        ("growth = 0", 2, "FAIL: 0 rules passed, 1 could not be evaluated"),
        (
            "size = 0\nreclaimable = 0\ngrowth = 0",
            2,
            "FAIL: 1 rule passed, 1 failed, 1 could not be evaluated",
        ),
    ):
        rules(text)
        done = run("check", path)
        assert (done.status, done.lines[-1]) == (status, last)


def test_dives_defaults_where_there_are_no_rules(run: Run, tmp_path: Path) -> None:
    done = run("check", image(tmp_path, tar(("/a", b"1"))))
    assert done.lines[0] == "1: 1 B in 1 layer, dive's default rules"
    assert (done.status, done.lines[-1]) == (0, "PASS: 2 rules passed, 1 skipped")


def test_a_file_of_dives(run: Run, tmp_path: Path) -> None:
    path = eventful(tmp_path)
    (tmp_path / "ci").write_text("rules:\n  highestWastedBytes: 1B\n  other: 1\n")
    done = run("check", path, "--config", tmp_path / "ci")
    assert (done.status, done.lines[-1]) == (1, "FAIL: 0 rules passed, 3 failed")
    assert done.lines.count("       same findings as above") == 2
    assert done.err == f"layertui: warning: {tmp_path}/ci: other is not a rule of dive, ignored as by dive\n"
    assert run("check", path, "--config", tmp_path / "ci", "--quiet").err == ""


def test_for_machines(run: Run, tmp_path: Path) -> None:
    rules('forbidden-paths = ["/etc/conf"]\nsize = 1000')
    path = eventful(tmp_path)
    done = run("check", path, "--json")
    assert done.objects == [
        {
            "reference": f"oci:{path}",
            "rules_file": ".layertui.toml",
            "status": "fail",
            "passed": 1,
            "failed": 1,
            "errors": 0,
            "skipped": 0,
            "rules": [
                {
                    "rule": "size",
                    "status": "pass",
                    "message": "143 B, at most 1.00 kB",
                    "value": 143,
                    "findings": [],
                },
                {
                    "rule": "forbidden-paths",
                    "status": "fail",
                    "message": "1 path",
                    "value": None,
                    "findings": [
                        {
                            "message": "matches /etc/conf",
                            "path": "/etc/conf",
                            "layer": 3,
                            "step": "layer 3",
                            "line": None,
                        }
                    ],
                },
            ],
        }
    ]
    assert run("check", path, "--format", "json").out == done.out


def test_many_findings_are_cut_short_for_people_alone(run: Run, tmp_path: Path) -> None:
    rules('forbidden-paths = ["/x*"]')
    path = image(tmp_path, tar(*((f"/x{number}", b"") for number in range(TOP + 3))))
    done = run("check", path)
    assert "       … and 3 more, see --json" in done.lines
    assert len(run("check", path, "--json").objects[0]["rules"][0]["findings"]) == TOP + 3


def test_reports_beside_the_text(run: Run, tmp_path: Path) -> None:
    rules("size = 0")
    path = image(tmp_path, tar(("/a", b"1")))
    done = run(
        "check", path, "--report", "junit=a.xml", "--report", "sarif=a.sarif", "--report", "markdown=a.md"
    )
    assert done.lines[-1].startswith("FAIL")
    assert ElementTree.parse("a.xml").getroot()[0].get("failures") == "1"
    assert json.loads(Path("a.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "size"
    assert Path("a.md").read_text().startswith("### `1`: FAIL: 0 rules passed, 1 failed\n")
    assert {file.name for file in Path().iterdir()} == {".layertui.toml", "a.xml", "a.sarif", "a.md"}


def test_a_report_that_cannot_be_written_does_not_hide_the_verdict(run: Run, tmp_path: Path) -> None:
    rules("size = 9")
    done = run("check", image(tmp_path, tar(("/a", b"1"))), "--report", "json=no/where.json")
    assert (done.status, done.lines[-1]) == (2, "PASS: 1 rule passed")
    assert done.err == "layertui: cannot write no/where.json, No such file or directory\n"


@pytest.mark.parametrize(
    "words, told",
    [
        (
            ["--report", "xml=a"],
            "no format 'xml' for --report, the formats are json, junit, sarif, github, markdown",
        ),
        (["--report", "junit"], "--report junit has no file, write --report junit=FILE"),
        (["--json", "--format", "text"], "--json cannot be combined with --format"),
        (
            ["--update-baseline"],
            "nothing to update, no baseline FILE.json given, add --baseline FILE.json",
        ),
        (["--baseline", "demo:", "--update-baseline"], "nothing to update, no baseline FILE.json given, "),
        (["--baseline", "demo:"], "nothing to compare, no rule growth is set, "),
        (["--config", "gone.toml"], "cannot read gone.toml, No such file or directory"),
    ],
)
def test_what_cannot_be_asked(words: list[str], told: str, run: Run) -> None:
    done = run("check", "demo:", *words)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith(f"layertui: {told}") and done.err.count("\n") == 1


def test_a_baseline_in_a_file(run: Run, tmp_path: Path) -> None:
    old = image(tmp_path / "old", tar(("/a", b"x" * 100)))
    new = image(tmp_path / "new", tar(("/a", b"x" * 100)), tar(("/b", b"y" * 6)))
    Path(".layertui.toml").write_text("baseline = 'gate.json'\n[rules]\ngrowth = '5%'\n")
    missing = run("check", old)
    assert missing.status == 2 and "no baseline gate.json, write it with --update-baseline" in missing.text
    first = run("check", old, "--update-baseline")
    assert (first.status, first.lines[-2:]) == (
        0,
        ["baseline gate.json written", "PASS: 0 rules passed, 1 skipped"],
    )
    kept = json.loads(Path("gate.json").read_text())
    assert (kept["size_bytes"], [part["size_bytes"] for part in kept["layers"]]) == (100, [100])
    assert run("check", old).status == 0
    grown = run("check", new)
    assert grown.status == 1
    assert "       6 bytes of files, not in the baseline  (layer 2: layer 2)" in grown.lines
    # The rule fails once more, and the larger image becomes the baseline of the next check.
    assert run("check", new, "--update-baseline").status == 1
    assert run("check", new).status == 0


def test_a_baseline_stays_where_a_rule_cannot_be_evaluated(run: Run, tmp_path: Path) -> None:
    rules("growth = 0")
    path = image(tmp_path, tar(("/a", b"1")))
    for text in (
        "{",
        "[]",
        '{"image": "a"}',
        '{"image": "a", "id": "", "size_bytes": 1, "layers": [], "version": 2}',
    ):
        Path("gate.json").write_text(text)
        done = run("check", path, "--baseline", "gate.json", "--update-baseline")
        assert done.status == 2 and "rewrite it with --update-baseline" in done.text
        assert done.lines[-2] == "baseline gate.json not updated: not every rule could be evaluated"
        assert Path("gate.json").read_text() == text


def test_a_baseline_that_is_an_image(run: Run, tmp_path: Path) -> None:
    rules("growth = '5 B'")
    old = image(tmp_path / "old", tar(("/a", b"x" * 100)))
    new = image(tmp_path / "new", tar(("/a", b"x" * 100)), tar(("/b", b"y" * 6)))
    assert run("check", new, "--baseline", old).status == 1
    assert run("check", old, "--baseline", new).status == 0
    missing = run("check", new, "--baseline", "gone")
    assert missing.status == 2 and "no image gone" in missing.text


def test_how_layers_are_packed_does_not_matter(run: Run, tmp_path: Path) -> None:
    rules("growth = 0")
    layout = OciLayout(tmp_path / "image")
    for packing in ("", "gzip", "zstd"):
        layout.add(packing or "plain", [tar(("/a", b"x" * 1000)), tar(("/b", b"y" * 1000))], packing)
    for packing in ("gzip", "zstd"):
        words = (f"oci:{tmp_path}/image:{packing}", "--baseline", f"oci:{tmp_path}/image:plain")
        assert "+0 bytes (+0.00%) on the 2.00 kB of plain, at most 0 B" in run("check", *words).text


def test_a_damaged_image_does_not_pass(run: Run, tmp_path: Path) -> None:
    rules("size = '1 GB'")
    path = image(tmp_path, tar(("/a", b"a")), tar(("/b", b"b" * 5000)))
    for blob in (path / "blobs/sha256").iterdir():
        if b"bbbbb" in (data := blob.read_bytes()):
            blob.write_bytes(data[:2000])
    done = run("check", path)
    assert (done.status, done.lines[-1]) == (2, "FAIL: 0 rules passed, 1 could not be evaluated")
    assert "ERROR  size  layer 2 could not be read completely" in done.text


def test_nothing_of_an_image_is_a_command_to_a_runner(run: Run, tmp_path: Path) -> None:
    evil = "/x\n::add-mask::y##[add-mask]z"
    rules("forbidden-paths = ['/**']")
    path = image(tmp_path, tar((evil, b""), (HOSTILE, b"")))
    text = run("check", path)
    assert all(line == "" or re.match(r"1: |FAIL|       /", line) for line in text.lines)
    done = run("check", path, "--format", "github")
    error, stop, *rest, start, last = done.lines
    assert error.startswith("::error file=.layertui.toml,title=forbidden-paths::1: ") and "%0A" in error
    token = stop.removeprefix("::stop-commands::")
    assert len(token) == 32 and start == f"::{token}::"
    assert [*rest, last] == text.lines and last == "FAIL: 0 rules passed, 1 failed"


def test_a_hostile_image_in_every_format(run: Run, tmp_path: Path) -> None:
    docker_archive(tmp_path / "hostile.tar", hostile.image())
    rules("""secrets = true
        setuid = []
        forbidden-paths = ["/**"]
        forbidden-in-layers = ["/**"]
        forbidden-packages = ["*"]
        size = 0
        reclaimable = 0""")
    for form in ("text", "github", "markdown", "junit", "sarif", "json"):
        done = run("check", tmp_path / "hostile.tar", "--format", form)
        assert done.status in (1, 2) and hostile.NUMBER in done.text
        text = done.out.decode()  # no byte that is no UTF-8
        assert not [char for char in text if char != "\n" and visible(char) != char]
        if form in ("sarif", "json"):
            json.loads(text)
        elif form == "junit":
            ElementTree.fromstring(text)


def test_in_ci_an_image_is_checked_where_there_is_no_terminal(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "layertui"]
    environment = {**os.environ, "CI": "true", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    path = image(tmp_path, tar(("/a", b"1")))
    rules("size = 0")

    def status(*words: str) -> tuple[int, str]:
        done = subprocess.run([*program, *words], env=environment, capture_output=True, text=True)
        return done.returncode, (done.stdout + done.stderr).splitlines()[-1]

    assert status(str(path), "--no-cache") == (1, "FAIL: 0 rules passed, 1 failed")
    no_terminal = "layertui: cannot open the app, standard input or output is not a terminal, see layertui --help for commands"
    assert status() == (2, no_terminal)
    assert status("demo") == (2, no_terminal)
    environment["CI"] = "True"
    assert status(str(path), "--no-cache") == (1, "FAIL: 0 rules passed, 1 failed")
    environment["CI"] = "false"
    assert status(str(path)) == (2, no_terminal)


def test_on_a_terminal_it_fits_and_is_coloured(tmp_path: Path) -> None:
    rules("forbidden-paths = ['/**']\nsize = '1 MB'")
    path = image(tmp_path, tar(("/" + "long" * 40, b""), (HOSTILE, b"")))
    with Terminal("check", str(path), columns=80) as terminal:
        assert terminal.end() == 1
        lines = terminal.raw.decode().splitlines()
    plain = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    assert max(map(len, plain)) <= 80 and any(line.endswith("…") for line in plain)
    assert lines[-1] == "\x1b[31mFAIL\x1b[m: 1 rule passed, 1 failed" and any("␛" in line for line in plain)
