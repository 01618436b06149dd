"""The gate in pipelines: the steps of the action are run, the other files say what the program takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from layertui.cli import main
from tests.commands.samples import tar
from tests.layouts import OciLayout

ROOT = Path(__file__).parent.parent.parent
GH = f'''#!{sys.executable}
"""Stands in for gh where the GitHub of a test is a file: comments of a pull request, by number."""
import json, os, pathlib, sys
words, file = sys.argv[1:], pathlib.Path(os.environ["COMMENTS"])
comments = json.loads(file.read_text()) if file.exists() else {{}}
if "--jq" in words:
    mark = words[words.index("--jq") + 1].partition('startswith("')[2].partition('")')[0]
    print(*(number for number, body in comments.items() if body.startswith(mark)), sep="\\n")
else:
    body = pathlib.Path(words[words.index("--field") + 1].partition("@")[2]).read_text()
    where = words[words.index("--method") + 2]
    number = where.rpartition("/")[2] if "PATCH" in words else str(len(comments) + 1)
    file.write_text(json.dumps(comments | {{number: body}}))
'''


def steps() -> dict[str, dict[str, Any]]:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    return {step["name"]: step for step in action["runs"]["steps"]}


class Workflow:
    """Runs steps of the action as a runner does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary, self.output = folder / "summary", folder / "output"
        (folder / "bin").mkdir()
        programs = {"gh": GH, "layertui": f'#!/bin/sh\nexec {sys.executable} -m layertui "$@"\n'}
        for name, text in programs.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tui"), os.environ.get("PYTHONPATH", "")]),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_REPOSITORY": "acme/app",
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(folder),
            "COMMENTS": str(folder / "comments"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }

    def run(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step; its ``env`` has to be given whole."""
        step = steps()[name]
        assert set(step["env"]) - {"GH_TOKEN"} == set(environment)
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def check(self, image: str, baseline: str = "auto", config: str = "") -> Any:
        return self.run("Check", IMAGE=image, CONFIG=config, BASELINE=baseline)


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    layout = OciLayout(tmp_path / "image")
    layout.add("small", [tar(("/a", b"x" * 1000))])
    layout.add("large", [tar(("/a", b"x" * 1000), ("/b", b"y" * 1000))])
    (tmp_path / ".layertui.toml").write_text('[rules]\ngrowth = "5%"\n')
    return Workflow(tmp_path)


def test_a_pull_request_is_measured_against_what_a_push_kept(workflow: Workflow) -> None:
    kept = workflow.folder / ".layertui-baseline.json"
    first = workflow.check("oci:image:small")
    assert first.returncode == 0 and "growth" in first.stdout and kept.exists()
    of_push = kept.read_bytes()
    grown = workflow.check("oci:image:large")
    assert grown.returncode == 1 and "::error" in grown.stdout
    kept.write_bytes(of_push)
    assert workflow.check("oci:image:small").returncode == 0
    assert workflow.check("oci:image:large", baseline="oci:image:small").returncode == 1
    unknown = workflow.check("oci:image:large", baseline="none")
    assert unknown.returncode == 2 and "growth" in unknown.stdout


def test_reports_are_there_for_the_next_steps(workflow: Workflow) -> None:
    workflow.check("oci:image:large")
    outputs = dict(line.partition("=")[::2] for line in workflow.output.read_text().splitlines())
    assert Path(outputs["markdown"]).read_text() == workflow.summary.read_text() != ""
    assert Path(outputs["sarif"]).exists()


def test_what_cannot_be_checked_fails(workflow: Workflow) -> None:
    done = workflow.check("oci:image:missing")
    assert done.returncode == 2 and "missing" in done.stderr and not workflow.output.exists()
    assert workflow.check("oci:image:small", config="nowhere.toml").returncode == 2


def test_the_comment_is_renewed(workflow: Workflow) -> None:
    text = workflow.folder / "text.md"
    for name, body in (("", "first"), ("web", "of another image"), ("", "second")):
        text.write_text(body)
        assert workflow.run("Comment", NAME=name, NUMBER="7", MARKDOWN=str(text)).returncode == 0
    comments = (workflow.folder / "comments").read_text()
    assert "first" not in comments and "second" in comments and "of another image" in comments


def test_other_pipelines_run_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    _, job = yaml.safe_load_all((ROOT / "templates/check.yml").read_text())
    commands = [hook["entry"], *job["layertui-check"]["script"][1:]]
    assert main(["check", "--help"]) == 0
    told = capsys.readouterr().out
    for command in commands:
        words = command.split()
        assert words[:2] == ["layertui", "check"]
        assert all(word in told for word in words if word.startswith("--"))
