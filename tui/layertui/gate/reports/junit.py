"""JUnit XML for Jenkins, GitLab and others: each rule is a test case."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from layertui.gate.rules import Result, Status, Verdict
from layertui.text.sanitize import visible

_ELEMENTS = {Status.FAIL: "failure", Status.ERROR: "error", Status.SKIP: "skipped"}


def render(verdict: Verdict) -> str:
    """Return XML that is valid by Jenkins' ``junit-10.xsd``."""
    suites = Element("testsuites")
    suite = SubElement(
        suites,
        "testsuite",
        name=_xml(f"layertui check {verdict.name}"),
        tests=str(len(verdict.results)),
        failures=str(verdict.count(Status.FAIL)),
        errors=str(verdict.count(Status.ERROR)),
        skipped=str(verdict.count(Status.SKIP)),
    )
    for result in verdict.results:
        _case(suite, verdict, result)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _case(suite: Element, verdict: Verdict, result: Result) -> None:
    case = SubElement(suite, "testcase", classname=_xml(verdict.name), name=result.rule)
    outcome = result.outcome
    if outcome.status in _ELEMENTS:
        about = SubElement(case, _ELEMENTS[outcome.status], message=_xml(outcome.message))
        about.text = "\n".join(_xml(finding.line_of_text()) for finding in outcome.findings)
    else:
        SubElement(case, "system-out").text = _xml(outcome.message)


def _xml(text: str) -> str:
    """Return sanitized text without the two visible characters that XML 1.0 forbids."""
    return visible(text).replace("\ufffe", "<U+FFFE>").replace("\uffff", "<U+FFFF>")
