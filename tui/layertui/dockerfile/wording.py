"""How what a history records of a step is written in a Dockerfile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layertui.dockerfile.shell import broken
from layertui.model.history_step import SENT, SHELL, quoted_words, split_arguments, written

PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}
"""Build arguments that need no ``ARG`` (Dockerfile reference)."""
_SAFE = re.compile(r"[\w./:@%+,=~-]+")
_ASSIGNED = re.compile(r"(?:^| )([A-Za-z_][\w./-]*)=")
_HEREDOC = re.compile(r"(?:^|\s)\d*<<-?[^<\s]")
_SOURCES = {"file": "<file>", "dir": "<directory>", "multi": "<files>"}


@dataclass(frozen=True, slots=True)
class Wording:
    """An instruction's arguments as a Dockerfile has them."""

    text: str
    """Empty if they cannot be told."""
    guesses: Sequence[str] = ()
    """What of it is not certain, a clause each."""
    unknown: Sequence[str] = ()
    """What is missing of it."""


class InstructionWriter:
    """Writes one instruction after the other: some change how the next are read."""

    def __init__(self, is_windows: bool, known: Mapping[str, Mapping[str, str]]) -> None:
        """``known`` are the values of ``ENV`` and ``LABEL`` that the config ends up with."""
        self.escape = "`" if is_windows else "\\"
        self._shell = ["cmd", "/S", "/C"] if is_windows else ["/bin/sh", "-c"]
        self._known = known

    def as_it_stands(self, keyword: str, text: str) -> Wording:
        """Return what is recorded as it was written, which Buildah and kaniko do but for what was copied."""
        if "\n" in text:
            return _with_line_ends(text)
        if keyword == "SHELL" and (words := quoted_words(text[1:-1])):
            self._shell = words
        return _copied(text) if keyword in ("ADD", "COPY") else Wording(text)

    def of(self, keyword: str, text: str) -> Wording:
        """Return what is recorded with variables put in and quotes taken off, of all but ``RUN``."""
        match keyword:
            case "CMD" | "ENTRYPOINT":
                return self._command(text)
            case "SHELL":
                return self._set_shell(text)
            case _ if "\n" in text:
                return _with_line_ends(text)
            case "ENV" | "LABEL" | "ARG":
                return self._assignments(text, self._known.get(keyword, {}))
            case "ADD" | "COPY":
                return _copied(text.replace("$", self.escape + "$"))
            case "MAINTAINER" | "ONBUILD" | "HEALTHCHECK":
                return Wording(written(keyword, text))
        return Wording(written(keyword, text).replace("$", self.escape + "$"))

    def run(self, text: str) -> Wording:
        """Return what a ``RUN`` ran, without its build arguments."""
        prefix = " ".join(self._shell) + " "
        if text.startswith(prefix):
            return self.script(text.removeprefix(prefix).strip(" \t"))
        shell = SHELL.match(text)
        if shell is not None:
            return Wording(_json([*shell[0].split(), text[shell.end() :]]))
        if text.startswith("/dev/pipes/"):
            return Wording("", unknown=["a script that stood in the Dockerfile itself, by a <<EOF"])
        words = text.split(" ")
        guesses = ["where its words begin and end"] if len(words) > 1 else []
        return Wording(_json(words), guesses)

    def script(self, command: str) -> Wording:
        """Return a command for the shell; one of several lines can only have been a heredoc (or hold one)."""
        command = command.rstrip("\n")
        if "\n" not in command and not command.endswith(self.escape) and not _HEREDOC.search(command):
            return Wording(broken(command, self.escape))
        lines = command.split("\n")
        end, number = "EOF", 1
        while end in lines:
            end, number = f"EOF{number}", number + 1
        return Wording("\n".join([f"<<{end}", *lines, end]))

    def _command(self, text: str) -> Wording:
        words = quoted_words(text[1:-1]) if text.startswith("[") and text.endswith("]") else None
        if words is None:
            return Wording(text) if "\n" not in text else _with_line_ends(text)
        if words[:-1] == self._shell and "\n" not in words[-1] and not words[-1].startswith("["):
            return Wording(words[-1])
        return Wording(_json(words))

    def _set_shell(self, text: str) -> Wording:
        words = quoted_words(text[1:-1]) or text.removeprefix("[").removesuffix("]").split()
        self._shell = words
        return Wording(_json(words))

    def _assignments(self, text: str, known: Mapping[str, str]) -> Wording:
        """``A=1 B=two words`` with quotes where they are needed."""
        pairs, is_sure = assigned(text, known)
        if not pairs:
            return Wording(text)
        guesses = [] if is_sure else ["where one value ends and the next name begins"]
        return Wording(" ".join(f"{name}={self.quoted(value)}" for name, value in pairs), guesses)

    def quoted(self, value: str) -> str:
        """Return a value without line ends, variables in it not put in once more."""
        if _SAFE.fullmatch(value):
            return value
        for char in (self.escape, '"', "$"):
            value = value.replace(char, self.escape + char)
        return f'"{value}"'


def assigned(text: str, known: Mapping[str, str]) -> tuple[list[tuple[str, str]], bool]:
    """Name and values of ``A=1 B=two words``, and whether they can only be these.

    Nothing tells a blank of a value from one between two: ``known`` values do, and of those
    that are not known the next name ends them.
    """
    found = list(_ASSIGNED.finditer(text))
    if not found or found[0].start():
        return [], True
    pairs: list[tuple[str, str]] = []
    is_sure, at, ended = True, 0, text + " "
    for number, name in enumerate(found):
        if name.start() < at:
            continue  # it stands in a value that is known
        start = name.end()
        value = known.get(name[1])
        if value is None or not ended.startswith(value + " ", start):
            end = found[number + 1].start() if number + 1 < len(found) else len(text)
            value = text[start:end]
            is_sure = is_sure and (len(found) == 1 or " " not in value)
        at = start + len(value)
        pairs.append((name[1], value))
    return pairs, is_sure


def build_arguments(text: str) -> tuple[dict[str, str], str]:
    """Return the build arguments that a ``RUN`` was given, and what it ran; names alone stand for no value."""
    given, command = split_arguments(text)
    pairs, _ = assigned(given, {})
    return dict(pairs), command


def _copied(text: str) -> Wording:
    """``ADD`` and ``COPY``: of what was sent to the builder a classic one keeps the checksum alone."""
    sent = SENT.search(text)
    if sent is not None:
        flags, target = text[: sent.start()].strip(), sent["rest"].removeprefix(" in ").strip()
        words = " ".join(filter(None, (flags, _SOURCES[sent["kind"]], target)))
        checksum = sent[0].partition(" ")[0][:17]
        return Wording(words, unknown=[f"what was copied; the history has its checksum alone ({checksum}…)"])
    if "<<" in text:
        return Wording("", unknown=[f"the text of {text}"])
    source = next((word for word in text.split() if not word.startswith("--")), "")
    if source.startswith("/") and "--from" not in text:
        return Wording(text, ["copied from another stage or image, which no history names"])
    return Wording(text)


def _with_line_ends(text: str) -> Wording:
    return Wording("", unknown=["how to write a value of several lines: " + " ⏎ ".join(text.split("\n"))])


def _json(words: Sequence[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)
