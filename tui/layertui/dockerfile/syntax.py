"""Split a Dockerfile into instructions with their lines, as BuildKit does (frontend/dockerfile/parser/parser.go)."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_DIRECTIVES = {"syntax", "escape", "check"}
_HEREDOC_WORD = re.compile(r"\d*<<(-?)\s*([^<]+)")
_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*")+""", re.DOTALL)
_HEREDOC_KEYWORDS = ("ADD", "COPY", "RUN")
_VARIABLE = re.compile(
    r"\\(?P<literal>.)|\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::(?P<sign>[-+])(?P<word>[^{}]*))?\})"
)
_MAX_NAME = 4096
"""Longest name of an image after expansion; values can double it at each ARG."""


@dataclass(frozen=True, slots=True)
class Written:
    """An instruction as it is written in a Dockerfile."""

    keyword: str
    """In capitals."""
    arguments: str
    """The rest of the logical line, without continuations, comments and heredocs' texts."""
    start: int
    """Its first line, from 1."""
    end: int
    """Its last line."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A build stage: ``FROM`` and the instructions after it."""

    number: int
    """From 0."""
    name: str
    """Empty if it has none."""
    image: str
    """The name after ``FROM``, as written."""
    written: Sequence[Written]
    """``FROM`` first."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a Dockerfile without their ends, unlike ``splitlines`` split at line feeds only."""
    lines = text.removesuffix("\n").split("\n")
    return [line.removesuffix("\r") for line in lines]


def written_in(text: str) -> list[Written]:
    """Return the instructions of a Dockerfile in order."""
    return list(_Parser(lines_of(text.removeprefix("\ufeff"))).run())


class _Parser:
    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._at = 0
        escape = re.escape("`" if ("escape", "`") in directives_of(lines) else "\\")
        # A backslash that is itself escaped continues nothing.
        self._continued = re.compile(rf"(?:(?<=[^{escape}])|^){escape}[ \t]*$")

    def run(self) -> Iterator[Written]:
        while self._at < len(self._lines):
            start = self._at + 1
            line = self._logical_line()
            keyword, _, arguments = line.strip().partition(" ")
            if not keyword:
                continue
            keyword, tab, rest = keyword.partition("\t")
            arguments = f"{rest} {arguments}" if tab else arguments
            found = Written(keyword.upper(), arguments.strip(), start, self._at)
            for name, has_tabs in _heredocs(found.keyword, found.arguments):
                self._skip_heredoc(name, has_tabs)
            yield Written(found.keyword, found.arguments, start, self._at)

    def _logical_line(self) -> str:
        """Return the next line and those that continue it; empty for a comment or an empty line."""
        line = self._lines[self._at].lstrip()
        self._at += 1
        if line.startswith("#"):
            return ""
        parts = []
        while self._continued.search(line):
            parts.append(self._continued.sub("", line))
            line = ""
            while self._at < len(self._lines):
                following = self._lines[self._at]
                self._at += 1
                if following.strip() and not following.lstrip().startswith("#"):
                    line = following
                    break
        return "".join([*parts, line])

    def _skip_heredoc(self, name: str, has_tabs: bool) -> None:
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip("\r")
            self._at += 1
            if (line.lstrip("\t") if has_tabs else line) == name:
                return


def directives_of(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names, in lower case, and values of the parser directives: the first lines of a Dockerfile."""
    found = []
    for line in lines:
        directive = _DIRECTIVE.match(line.lstrip())
        if directive is None or directive[1].lower() not in _DIRECTIVES:
            break
        found.append((directive[1].lower(), directive[2]))
    return found


def _heredocs(keyword: str, arguments: str) -> Iterator[tuple[str, bool]]:
    """Yield the ends of the heredocs of an instruction, and whether tabs before them count for nothing."""
    if keyword == "ONBUILD":
        keyword, _, arguments = arguments.partition(" ")
    if keyword.upper() not in _HEREDOC_KEYWORDS or "<<" not in arguments or _is_json(arguments):
        return
    words = list(_WORD.finditer(arguments))
    if arguments[words[-1].end() :].strip() or any(map(str.strip, _between(arguments, words))):
        return  # a quote without an end
    for word in words:
        found = _HEREDOC_WORD.fullmatch(word[0])
        if found is not None:
            yield re.sub(r"""\\(.)|['"]""", r"\1", found[2]), bool(found[1])


def _between(text: str, words: Sequence[re.Match[str]]) -> Iterator[str]:
    """Yield what is before each word."""
    end = 0
    for word in words:
        yield text[end : word.start()]
        end = word.end()


def _is_json(arguments: str) -> bool:
    words = arguments.split()
    while words and words[0].startswith("--"):
        words.pop(0)
    if not words or not words[0].startswith("["):
        return False
    try:
        return isinstance(json.loads(arguments[arguments.index(words[0]) :]), list)
    except (ValueError, RecursionError):
        return False


def stages_of(written: Sequence[Written]) -> list[Stage]:
    """Return the stages of a Dockerfile; what is before the first ``FROM`` is of none."""
    stages: list[Stage] = []
    own: list[Written] = []
    for each in written:
        if each.keyword == "FROM":
            words = [word for word in each.arguments.split() if not word.startswith("--")]
            name = words[2] if len(words) == 3 and words[1].upper() == "AS" else ""
            own = []
            stages.append(Stage(len(stages), name, words[0] if words else "", own))
        own.append(each)
    return stages


def argument_names(each: Written) -> list[str]:
    """Return the names that an ``ARG`` declares."""
    return [word.partition("=")[0] for word in _WORD.findall(each.arguments)]


def global_arguments(written: Sequence[Written], given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the ``ARG`` before the first ``FROM``; ``given`` replaces theirs."""
    values = dict(given)
    for each in written:
        if each.keyword == "FROM":
            break
        if each.keyword == "ARG":
            for word in _WORD.findall(each.arguments):
                name, equals, value = word.partition("=")
                if name not in given and equals:
                    values[name] = substituted(value, values)
    return values


def substituted(text: str, values: Mapping[str, str]) -> str:
    """Return a word with variables replaced and quotes removed; a variable that is not known is empty."""

    def value(found: re.Match[str]) -> str:
        if found["literal"] is not None:
            return found["literal"]
        known = values.get(found["plain"] or found["name"], "")
        if found["sign"] == "-":
            return known or found["word"]
        if found["sign"] == "+":
            return found["word"] if known else ""
        return known

    return re.sub(r"""['"]""", "", _VARIABLE.sub(value, text))[:_MAX_NAME]


def way_to(
    stages: Sequence[Stage], target: str, values: Mapping[str, str], replaced: Collection[str]
) -> list[Stage]:
    """Return the stages that an image is built on, base first: the target and what it is ``FROM``.

    ``target`` is a name, empty for the last stage; ``replaced`` are the names, in lower case, of stages
    that the build used another context for.
    """
    named: dict[str, list[Stage]] = {}
    for each in stages:
        named.setdefault(each.name.lower(), []).append(each)
    found = (named.get(target.lower()) if target else stages) or ()
    stage = found[-1] if found else None
    way: list[Stage] = []
    while stage is not None and stage.name.lower() not in replaced:
        way.append(stage)
        image = substituted(stage.image, values).lower()
        below = named.get(image, []) if image else []
        number = bisect_left(below, stage.number, key=lambda each: each.number)
        stage = below[number - 1] if number else None
    return way[::-1]
