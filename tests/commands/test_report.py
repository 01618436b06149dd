"""``layertui report``: a page that says what the commands say, and obeys nothing of an image."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from layertui.text.format import size_text
from tests import hostile
from tests.commands.running import Run
from tests.commands.samples import tar
from tests.layouts import OciLayout, docker_archive

VOID = {"meta", "br"}


class Page(HTMLParser):
    """The elements and texts of a page; fails where an element is not closed as it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def check_loads_nothing(page: Page) -> None:
    assert page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"} == set()
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "srcset") and (name != "href" or value.startswith("#"))
        assert name != "style" or re.fullmatch(r"width:[\d.]+%", value)


def test_says_what_the_commands_say(run: Run) -> None:
    done = run("report", "demo:")
    assert (done.status, done.err) == (0, "")
    page = Page(done.text)
    check_loads_nothing(page)
    (size,) = run("size", "demo:", "--json").objects
    (insight,) = run("insight", "demo:", "--json", "--show-secrets").objects
    (dockerfile,) = run("dockerfile", "demo:", "--json").objects
    text = page.text
    assert f"{size_text(size['live'])} live" in text and f"{size_text(size['dead'])} dead" in text
    for row in insight["waste"]["paths"][:12]:
        assert row["path"] in page.texts
    for row in size["files"][:12]:
        assert row["path"] in page.texts
    for package in size["packages"]:
        assert f"{package['name']} {package['version']}" in page.texts
    for piece in dockerfile["advice"]:
        assert all(line.lstrip() in text for line in piece["change"].split("\n"))
    found = [row["secret"] for row in insight["secrets"]]
    assert found and not [secret for secret in found if secret in done.text]
    widths = [float(value[6:-1]) for tag, name, value in page.attributes if tag == "a" and name == "style"]
    assert sum(widths) == pytest.approx(100, abs=0.01)


def test_written_to_a_file_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert run("report", "demo:", "-o", path).out == b""
    assert path.read_bytes() == run("report", "demo:").out
    failed = run("report", "demo:", "-o", tmp_path / "missing/page.html")
    assert failed.status == 2 and failed.err.startswith(f"layertui: cannot write {tmp_path}/missing")


def test_a_secret_in_a_step_is_masked(run: Run, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    history = [{"created_by": f"RUN git clone https://{token}@example.org/x"}]
    OciLayout(tmp_path / "image").add("1", [tar(("/a", b"x"))], config={"history": history})
    done = run("report", tmp_path / "image")
    assert "git clone" in done.text and token not in done.text


def test_what_was_not_read_is_said_first(run: Run, tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "image")
    whole = gzip.compress(tar(("/a", b"x" * 9000), ("/b", b"y" * 9000)), mtime=0)
    layout.add_blob("1", "application/vnd.oci.image.layer.v1.tar+gzip", whole[:-20], b"")
    done = run("report", tmp_path / "image")
    assert done.status == 2
    page = Page(done.text)
    said = next(
        number for number, text in enumerate(page.texts) if text.startswith("Not read, so not covered")
    )
    assert said < page.texts.index("What to change")


def test_nothing_of_an_image_is_obeyed(run: Run, tmp_path: Path) -> None:
    docker_archive(tmp_path / "app.tar", hostile.image())
    done = run("report", tmp_path / "app.tar")
    page = Page(done.text)
    check_loads_nothing(page)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", done.text)


def test_markup_is_text(run: Run, tmp_path: Path) -> None:
    name = '<img src=x onerror="alert(1)">&amp;</style></svg>'
    history = [{"created_by": f"RUN {name}"}]
    OciLayout(tmp_path / "image").add(
        "1", [tar((f"/{name.replace('/', '|')}", b"x" * 100))], config={"history": history}
    )
    page = Page(run("report", tmp_path / "image").text)
    check_loads_nothing(page)
    assert f"RUN {name}" in page.texts and f"/{name.replace('/', '|')}" in page.texts
