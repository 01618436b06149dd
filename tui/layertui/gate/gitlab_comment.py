"""The comment on a merge request of GitLab: each run of the job updates the one of earlier runs.

``python -m layertui.gate.gitlab_comment FILE`` writes the Markdown of ``layertui check --report markdown=FILE``; the job of
``templates/check.yml`` does. Read from the environment: the variables that GitLab sets, and the user's token. API:
docs.gitlab.com/api/notes, docs.gitlab.com/api/rest (pagination).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from layertui.model.errors import LayertuiError
from layertui.sources.connection_errors import broken_answer

TOKEN = "LAYERTUI_GITLAB_TOKEN"
"""The variable with a token of the user: that of the job cannot write comments."""
MARK = "<!-- layertui check  -->"
"""The first line of the comment, as the action writes it on GitHub (``action/comment``)."""
API_PATIENCE = 30
"""Seconds to wait for an answer."""
MAX_NOTE_PAGES = 1000
"""Pages of comments that are read at most, of a hundred each."""


class MergeRequest:
    """The comments of a merge request that a token can write."""

    def __init__(self, api: str, project: str, number: str, token: str) -> None:
        """``api`` is the address of the API, ``project`` the ID or the path of the project."""
        self._api = api
        self._notes = f"{api}/projects/{quote(project, safe='')}/merge_requests/{number}/notes"
        self._session = requests.Session()
        self._session.headers["PRIVATE-TOKEN"] = token

    def renew(self, text: str) -> str:
        """Write a comment in place of an earlier one; return what was done. Raises :class:`LayertuiError`.

        An earlier one begins with :data:`MARK`, and is the token's own: anyone may have written that line.
        """
        body = {"body": f"{MARK}\n{text}"}
        own = self._ask("GET", f"{self._api}/user").json()["id"]
        for note in self._all():
            if note["body"].startswith(MARK) and note["author"]["id"] == own:
                self._ask("PUT", f"{self._notes}/{note['id']}", json=body)
                return "comment updated"
        self._ask("POST", self._notes, json=body)
        return "comment added"

    def _all(self) -> Iterator[dict[str, Any]]:
        query = "sort=asc&per_page=100"
        for _ in range(MAX_NOTE_PAGES):
            answer = self._ask("GET", f"{self._notes}?{query}")
            yield from answer.json()
            following = answer.links.get("next", {}).get("url", "")
            if not following:
                return
            query = urlsplit(following).query  # the token is sent nowhere else

    def _ask(self, method: str, url: str, json: Mapping[str, str] | None = None) -> requests.Response:
        what = "cannot write the comment on the merge request"
        try:
            answer = self._session.request(
                method, url, json=json, timeout=API_PATIENCE, allow_redirects=False
            )
        except (requests.RequestException, OSError) as error:
            raise LayertuiError(what, f"{url}: {broken_answer(error)}") from error
        if answer.status_code not in (200, 201):
            remedies = {
                401: f"{TOKEN} has expired or was revoked: renew it",
                403: f"{TOKEN} needs the scope api, and a role that may comment",
                404: f"{TOKEN} is not of this project, or has no access to it",
            }
            raise LayertuiError(
                what, f"{url}: status {answer.status_code}", remedies.get(answer.status_code, "")
            )
        return answer


def comment_on_merge_request(file: Path, environment: Mapping[str, str]) -> str:
    """Write the comment; return what was done, or why nothing was. Raises :class:`LayertuiError`."""
    project, number = (
        environment.get("CI_MERGE_REQUEST_PROJECT_ID", ""),
        environment.get("CI_MERGE_REQUEST_IID", ""),
    )
    if not number:  # a pipeline of a branch, which may have a merge request: PROJECT!NUMBER,…
        project, _, number = environment.get("CI_OPEN_MERGE_REQUESTS", "").partition(",")[0].rpartition("!")
    if not number:
        return "no comment: this pipeline is not of a merge request"
    if not environment.get(TOKEN):
        return f"no comment: the variable {TOKEN} is not set"
    if not file.exists():
        return "no comment: the image was not checked"
    text = file.read_text(encoding="utf-8")
    try:
        return MergeRequest(environment["CI_API_V4_URL"], project, number, environment[TOKEN]).renew(text)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LayertuiError(
            "cannot write the comment on the merge request", "the answer is not that of GitLab"
        ) from error


def main() -> int:
    try:
        print(f"layertui: {comment_on_merge_request(Path(sys.argv[1]), os.environ)}")
    except LayertuiError as error:
        print(f"layertui: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
