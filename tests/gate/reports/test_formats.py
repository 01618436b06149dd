"""Reports are what their readers take, whatever an image holds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from markdown_it import MarkdownIt

from layertui.gate.reports import FORMATS, render
from layertui.gate.reports.sarif import MAX_SARIF_RESULTS
from layertui.gate.rules import Outcome, Result, Status, Verdict, Violation
from layertui.model.numbers import LayerNumber

SCHEMAS = Path(__file__).parent / "schemas"
NAMES = [
    "/plain/path",
    "/e\x1b[2J\u202e\udcff\nx",
    "/x\n::error::y\r\n::stop-commands::z %0A,:",
    "/``` `a` | b \\| c\\",
    "/<img src=x onerror=alert(1)> [a](http://evil.example) @octocat **b** &amp; www.evil.example #1",
    "/]]> <failure/> \x00\x08\x0b\ufffe\uffff\U0001fffe \ud800",
    "/ ",
    "/`",
]


def verdict(results: Sequence[Result], name: str = "app:1", file: str | None = ".layertui.toml") -> Verdict:
    return Verdict(f"docker-archive:{name}.tar", name, None if file is None else Path(file), results)


def path_of(text: str) -> str:
    """A path comes from bytes, so it holds no half of a character; other text comes from JSON."""
    return text.replace("\ud800", "")


def hostile(text: str) -> Verdict:
    """Text from an image wherever a verdict has any."""
    findings = [
        Violation(f"matches {text}", path_of(text), LayerNumber(3), f"RUN {text}", 7),
        Violation(text),
        Violation(text, layer=LayerNumber(1)),
    ]
    results = [
        Result("forbidden-paths", Outcome(Status.FAIL, f"of {text}", findings)),
        Result("secrets", Outcome(Status.ERROR, text, findings)),
        Result("size", Outcome(Status.FAIL, "2 B, at most 1 B", (), 2)),
        Result("growth", Outcome(Status.SKIP, "no baseline yet")),
        Result("setuid", Outcome(Status.PASS, text)),
    ]
    return verdict(results, text)


@cache
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")


@cache
def sarif_schema() -> Any:
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text())
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("text", NAMES)
def test_junit_is_valid_whatever_a_name_holds(text: str) -> None:
    document = render(hostile(text), "junit").encode()
    junit_schema().validate(ElementTree.fromstring(document))
    (suite,) = ElementTree.fromstring(document)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite] == [
        ["failure"], ["error"], ["failure"], ["skipped"], ["system-out"]
    ]  # fmt: skip


def test_junit_tells_what_is_wrong_and_where() -> None:
    (suite,) = ElementTree.fromstring(render(hostile("/etc/x"), "junit"))
    failure = suite[0][0]
    assert suite[0].attrib == {"classname": "/etc/x", "name": "forbidden-paths"}
    assert failure.get("message") == "of /etc/x"
    assert (failure.text or "").splitlines()[0] == "/etc/x:7  matches /etc/x  (layer 3: RUN /etc/x)"


@pytest.mark.parametrize("text", NAMES)
def test_sarif_is_valid_whatever_a_name_holds(text: str) -> None:
    document = render(hostile(text), "sarif")
    log = json.loads(document)
    sarif_schema().validate(log)
    assert document.isascii() and "\\ud" not in document.replace("\\ud83f\\udffe", "")
    (run,) = log["runs"]
    uris = []
    for found in run["results"]:
        assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
        (location,) = found["locations"]  # GitHub refuses the whole file if one has none
        uris.append(location["physicalLocation"]["artifactLocation"]["uri"])
        assert location["physicalLocation"]["region"]["startLine"] >= 1
    assert unquote_to_bytes(uris[0]) == path_of(text)[1:].encode("utf-8", "surrogateescape")
    assert all(re.fullmatch(r"[\w./~%-]+", uri) for uri in uris)
    assert uris[1:] == [".layertui.toml"] * 3  # what is nowhere in the image


def test_sarif_tells_an_error_from_a_finding() -> None:
    (run,) = json.loads(render(hostile("/etc/x"), "sarif"))["runs"]
    assert [found["ruleId"] for found in run["results"]] == ["forbidden-paths"] * 3 + ["size"]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == "secrets: /etc/x"
    assert len({found["partialFingerprints"]["primaryLocationLineHash"] for found in run["results"]}) == 3
    (run,) = json.loads(render(verdict([Result("size", Outcome(Status.PASS, "ok"))]), "sarif"))["runs"]
    assert run["invocations"][0]["executionSuccessful"] and run["results"] == []


def test_sarif_is_not_endless() -> None:
    many = [Violation("x", f"/{number}") for number in range(MAX_SARIF_RESULTS + 3)]
    (run,) = json.loads(render(verdict([Result("setuid", Outcome(Status.FAIL, "many", many))]), "sarif"))[
        "runs"
    ]
    (invocation,) = run["invocations"]
    assert len(run["results"]) == MAX_SARIF_RESULTS and invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "3 more results omitted"


@pytest.mark.parametrize("text", NAMES)
def test_annotations_are_one_line_a_rule_whatever_a_name_holds(text: str) -> None:
    lines = render(hostile(text), "github").split("\n")
    assert lines.pop() == "" and len(lines) == 3
    for line in lines:
        assert re.fullmatch(r"::error file=\.layertui\.toml,title=[a-z-]+::[^\r\n]*", line)
        # Nothing undoes its escapes but the runner: each per cent sign is one of them.
        assert set(re.findall("%..", line)) <= {"%25", "%0A"}


def test_annotations_escape_what_the_runner_undoes() -> None:
    (first, *_) = render(hostile("/100%,:"), "github").split("\n")
    assert first.startswith(
        "::error file=.layertui.toml,title=forbidden-paths::/100%25,:: forbidden-paths failed: of /100%25,:%0A"
    )
    told = render(verdict(hostile("x").results, file="a,b:c%.toml"), "github")
    assert "::error file=a%2Cb%3Ac%25.toml,title=" in told
    assert render(verdict([Result("size", Outcome(Status.PASS, "ok"))]), "github") == ""


def test_annotations_are_not_endless() -> None:
    many = [Violation("x", f"/{number}") for number in range(12)]
    text = render(verdict([Result("forbidden-paths", Outcome(Status.FAIL, "12 paths", many))]), "github")
    assert "%0A/9  x%0A… and 2 more\n" in text and "/10" not in text


@pytest.mark.parametrize("text", NAMES)
def test_markdown_is_text_whatever_a_name_holds(text: str) -> None:
    parser = MarkdownIt("gfm-like", {"html": True})
    plain = parser.parse(render(hostile("x"), "markdown"))
    tokens = parser.parse(render(hostile(text), "markdown"))
    # The same headings, tables, lists and emphasis as with a harmless name, and nothing within them.
    assert [token.type for token in tokens] == [token.type for token in plain]
    inline = [child.type for token in tokens for child in token.children or ()]
    assert set(inline) <= {"text", "code_inline", "strong_open", "strong_close", "text_special"}
    assert inline.count("strong_open") == [c.type for t in plain for c in t.children or ()].count(
        "strong_open"
    )


def test_markdown_shows_names_as_they_are() -> None:
    parser = MarkdownIt("gfm-like")
    for text in ("/a*b_c", "/``` `x`", "/a|b", "/<b>"):
        tokens = parser.parse(render(hostile(text), "markdown"))
        shown = [child.content for token in tokens for child in token.children or ()]
        assert f"{text}:7" in shown and f"RUN {text}" in shown
        assert f" matches {text}, layer 3 " in "".join(shown)


def test_json_keeps_names_as_they_are() -> None:
    for text in NAMES:
        line = render(hostile(text), "json")
        assert line.isascii() and line.count("\n") == 1
        assert json.loads(line)["rules"][0]["findings"][0]["path"] == path_of(text)
        assert json.loads(line)["rules"][0]["message"] == f"of {text}"


@pytest.mark.parametrize("text", NAMES)
def test_every_format_takes_dives_defaults(text: str) -> None:
    """Then there is no file of rules to point at."""
    for form in FORMATS:
        assert isinstance(render(verdict(hostile(text).results, text, None), form), str)
    sarif_schema().validate(json.loads(render(verdict(hostile(text).results, text, None), "sarif")))
