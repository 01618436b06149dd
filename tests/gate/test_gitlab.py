"""The job of the GitLab component, run as a runner does, and a server with GitLab's endpoints of comments."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml

from layertui.gate.gitlab_comment import MARK, TOKEN
from tests.commands.samples import tar
from tests.layouts import OciLayout

ROOT = Path(__file__).parent.parent.parent
SECRET = "glpat-of-the-project"
OWN, OTHER = 7, 8
"""Users: that of the token, and another one."""


class GitLab(ThreadingHTTPServer):
    """Comments of merge request 5 of project 42, as docs.gitlab.com/api/notes has them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.notes: list[dict[str, Any]] = []
        self.asked: list[str] = []

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v4"

    def add(self, body: str, author: int) -> dict[str, Any]:
        self.notes.append({"id": 300 + len(self.notes), "body": body, "author": {"id": author}})
        return self.notes[-1]


class Api(BaseHTTPRequestHandler):
    server: GitLab

    def _answer(self, status: int, value: Any, **headers: str) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _handle(self) -> None:
        place = urlsplit(self.path)
        self.server.asked.append(f"{self.command} {self.path}")
        data = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        found = re.fullmatch(r"/api/v4/projects/([^/]+)/merge_requests/5/notes(?:/(\d+))?", place.path)
        if self.headers["PRIVATE-TOKEN"] != SECRET:
            self._answer(401, {"message": "401 Unauthorized"})
        elif place.path == "/api/v4/user":
            self._answer(200, {"id": OWN})
        elif not found or unquote(found[1]) not in ("42", "acme/app"):
            self._answer(404, {"message": "404 Project Not Found"})
        elif self.command == "GET":
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            page, size = int(asked.get("page", 1)), min(int(asked.get("per_page", 20)), 100)
            following = {}
            if page * size < len(self.server.notes):
                target = f"{self.server.api}{place.path[7:]}?page={page + 1}&per_page={size}&sort=asc"
                following = {"Link": f'<{target}>; rel="next", <{target}>; rel="last"'}
            self._answer(200, self.server.notes[(page - 1) * size : page * size], **following)
        elif self.command == "POST":
            self._answer(201, self.server.add(data["body"], OWN))
        else:
            [note] = [note for note in self.server.notes if note["id"] == int(found[2])]
            note["body"] = data["body"]
            self._answer(200, note)

    do_GET = do_POST = do_PUT = _handle

    def log_message(self, format: str, *arguments: Any) -> None: ...


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with GitLab() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Runner:
    """Runs the job of the component as a runner does: script, then after_script in a shell of its own."""

    def __init__(self, folder: Path, api: str) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        for name, command in (("python", sys.executable), ("layertui", f"{sys.executable} -m layertui")):
            (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            (folder / "bin" / name).chmod(0o755)
        _, document = yaml.safe_load_all((ROOT / "templates/check.yml").read_text())
        self._job = document["layertui-check"]
        assert set(self._job["variables"]) == {"LAYERTUI_IMAGE", "LAYERTUI_CONFIG"}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CI_")},
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tui"), os.environ.get("PYTHONPATH", "")]),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "LAYERTUI_CONFIG": "",
            "CI": "true",
            "CI_API_V4_URL": api,
            "CI_PROJECT_ID": "41",
        }

    def run(self, tag: str, **variables: str) -> tuple[int, subprocess.CompletedProcess[str]]:
        """Return the status of the check, and what was said of the comment."""
        given = {**self._environment, "LAYERTUI_IMAGE": f"oci:image:{tag}", **variables}
        install, *script = self._job["script"]
        assert install.startswith("pip install ")
        checked, commented = (
            subprocess.run(
                ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
                cwd=self.folder,
                env=given,
                capture_output=True,
                text=True,
                check=False,
            )
            for lines in (script, self._job["after_script"])
        )
        return checked.returncode, commented


MERGE_REQUEST = {"CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "5", TOKEN: SECRET}


@pytest.fixture
def runner(tmp_path: Path, gitlab: GitLab) -> Runner:
    layout = OciLayout(tmp_path / "image")
    layout.add("small", [tar(("/a", b"x" * 1000))])
    layout.add("large", [tar(("/a", b"x" * 1000), ("/b\n/close", b"y" * 1000))])
    (tmp_path / ".layertui.toml").write_text('[rules]\nforbidden-paths = ["/b*/**", "/b*"]\n')
    return Runner(tmp_path, gitlab.api)


def test_the_comment_on_a_merge_request_is_renewed(runner: Runner, gitlab: GitLab) -> None:
    forged = gitlab.add(f"{MARK}\nnot ours", OTHER)
    for number in range(150):
        gitlab.add(f"comment {number}", OTHER)
    status, done = runner.run("large", **MERGE_REQUEST)
    assert (status, done.returncode, done.stdout) == (1, 0, "layertui: comment added\n")
    added = gitlab.notes[-1]
    assert added["body"] == f"{MARK}\n{(runner.folder / 'layertui.md').read_text()}"
    assert "**fail**" in added["body"]
    # GitLab executes a line that begins with a slash (quick actions).
    assert "close" in added["body"] and not [
        line for line in added["body"].split("\n") if line.startswith("/")
    ]
    status, done = runner.run("small", **MERGE_REQUEST)
    assert (status, done.returncode, done.stdout) == (0, 0, "layertui: comment updated\n")
    assert "**fail**" not in added["body"] and "pass" in added["body"]
    assert len(gitlab.notes) == 152 and forged["body"].endswith("not ours")
    assert any("page=2" in asked for asked in gitlab.asked)


def test_a_pipeline_of_a_branch_comments_on_its_merge_request(runner: Runner, gitlab: GitLab) -> None:
    _, done = runner.run("small", CI_OPEN_MERGE_REQUESTS="acme/app!5,acme/other!6", **{TOKEN: SECRET})
    assert done.stdout == "layertui: comment added\n" and len(gitlab.notes) == 1


@pytest.mark.parametrize(
    ("tag", "variables", "said"),
    [
        ("small", {TOKEN: ""}, f"no comment: the variable {TOKEN} is not set"),
        ("small", {"CI_MERGE_REQUEST_IID": ""}, "no comment: this pipeline is not of a merge request"),
        ("missing", {}, "no comment: the image was not checked"),
    ],
)
def test_why_there_is_no_comment(
    runner: Runner, gitlab: GitLab, tag: str, variables: dict[str, str], said: str
) -> None:
    status, done = runner.run(tag, **{**MERGE_REQUEST, **variables})
    assert (status, done.returncode, done.stdout) == (0 if tag == "small" else 2, 0, f"layertui: {said}\n")
    assert not gitlab.asked


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({TOKEN: "expired"}, f"status 401, {TOKEN} has expired or was revoked"),
        ({"CI_MERGE_REQUEST_PROJECT_ID": "43"}, f"status 404, {TOKEN} is not of this project"),
        ({"CI_API_V4_URL": "http://127.0.0.1:1"}, "Connection refused"),
    ],
)
def test_a_comment_that_cannot_be_written(runner: Runner, variables: dict[str, str], why: str) -> None:
    status, done = runner.run("small", **{**MERGE_REQUEST, **variables})
    assert (status, done.returncode, done.stdout) == (0, 2, "")
    assert "cannot write the comment on the merge request" in done.stderr and why in done.stderr
    assert SECRET not in done.stderr and len(done.stderr.splitlines()) == 1


def test_github_has_the_same_mark() -> None:
    [line] = [line for line in (ROOT / "action/comment").read_text().splitlines() if line.startswith("mark=")]
    assert line.partition("=")[2].strip('"').replace("$NAME", "") == MARK
