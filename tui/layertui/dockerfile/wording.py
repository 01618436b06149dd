"""Convert the record of a history entry to the syntax of a Dockerfile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layertui.dockerfile.shell import broken
from layertui.model.history_step import SENT, SHELL, health_check, quoted_words, split_arguments, written

PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}
"""Build arguments that need no ``ARG`` (Dockerfile reference)."""
UNSURE_WORDS = "the boundaries of its arguments"
_SAFE = re.compile(r"[\w./:@%+,=~-]+")
_ASSIGNED = re.compile(r"(?:^| )([A-Za-z_][\w./-]*)=")
_HEREDOC = re.compile(r"(?:^|\s)\d*<<-?[^<\s]")
_NAMES = {"file": "the file's name", "dir": "the directory's name", "multi": "the files' names"}
_SOURCES = {"file": "<file>", "dir": "<directory>", "multi": "<files>"}


@dataclass(frozen=True, slots=True)
class Wording:
    """The arguments of an instruction in Dockerfile syntax."""

    text: str
    """Empty if unknown."""
    guesses: Sequence[str] = ()
    """Uncertain parts, a clause each."""
    unknown: Sequence[str] = ()
    """Missing parts, a clause each."""


class InstructionWriter:
    """Writes instructions in order, as some change the meaning of later ones."""

    def __init__(
        self, is_windows: bool, known: Mapping[str, Mapping[str, str]], words: Mapping[str, Sequence[str]]
    ) -> None:
        """``known`` are the final values of ``ENV`` and ``LABEL`` in the config.

        ``words`` are those of ``HEALTHCHECK``, ``SHELL`` and ``VOLUME`` there: builders record them joined by blanks.
        """
        self.escape = "`" if is_windows else "\\"
        self._shell = ["cmd", "/S", "/C"] if is_windows else ["/bin/sh", "-c"]
        self._known = known
        self._words = words

    def as_it_stands(self, keyword: str, text: str) -> Wording:
        """Return arguments recorded as written, as Buildah and kaniko record all but ``COPY`` and ``ADD``."""
        if "\n" in text:
            return _with_line_ends(text)
        if keyword == "SHELL" and (words := quoted_words(text[1:-1])):
            self._shell = words
        return _copied(text) if keyword in ("ADD", "COPY") else Wording(text)

    def of(self, keyword: str, text: str) -> Wording:
        """Return arguments recorded after expansion and unquoting; not for ``RUN``."""
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
            case "HEALTHCHECK":
                check, is_sure = health_check(text, self._words.get(keyword, ()))
                return Wording(check, [] if is_sure else [UNSURE_WORDS])
            case "VOLUME" if text.startswith("[") and text.endswith("]") and '"' not in text:
                return self._volumes(text[1:-1])
            case "MAINTAINER" | "ONBUILD":
                return Wording(written(keyword, text))
        return Wording(written(keyword, text).replace("$", self.escape + "$"))

    def run(self, text: str) -> Wording:
        """Return the command of a ``RUN`` without its build arguments."""
        prefix = " ".join(self._shell) + " "
        if text.startswith(prefix):
            return self.script(text.removeprefix(prefix).strip(" \t"))
        shell = SHELL.match(text)
        if shell is not None:
            return Wording(_json([*shell[0].split(), text[shell.end() :]]))
        if text.startswith("/dev/pipes/"):
            return Wording("", unknown=["the text of a heredoc (<<EOF)"])
        words = text.split(" ")
        guesses = [UNSURE_WORDS] if len(words) > 1 else []
        return Wording(_json(words), guesses)

    def script(self, command: str) -> Wording:
        """Return a shell command; one of several lines was, or contained, a heredoc."""
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
        joined, known = text.removeprefix("[").removesuffix("]"), list(self._words.get("SHELL", ()))
        words = quoted_words(joined) or (known if " ".join(known) == joined else joined.split())
        self._shell = words
        return Wording(_json(words))

    def _volumes(self, text: str) -> Wording:
        """Return paths that blanks separate, and may contain: those in the config decide."""
        known = sorted(self._words.get("VOLUME", ()), key=len, reverse=True)
        paths: list[str] = []
        is_sure, rest = " " not in text, f"{text} "
        while rest:
            path = next((each for each in known if rest.startswith(f"{each} ")), "")
            path = path or rest.partition(" ")[0]
            paths.append(path)
            rest = rest[len(path) + 1 :]
        is_sure = is_sure or all(path in known for path in paths)
        escaped = [path.replace("$", self.escape + "$") for path in paths]
        is_plain = not any(" " in path for path in paths)
        return Wording(" ".join(escaped) if is_plain else _json(escaped), [] if is_sure else [UNSURE_WORDS])

    def _assignments(self, text: str, known: Mapping[str, str]) -> Wording:
        """Return ``A=1 B=two words`` with quotes where needed."""
        pairs, is_sure = assigned(text, known)
        if not pairs:
            return Wording(text)
        guesses = [] if is_sure else ["the boundary between a value and the next name"]
        return Wording(" ".join(f"{name}={self.quoted(value)}" for name, value in pairs), guesses)

    def quoted(self, value: str) -> str:
        """Return a one-line value, quoted so that variables in it are not expanded again."""
        if _SAFE.fullmatch(value):
            return value
        for char in (self.escape, '"', "$"):
            value = value.replace(char, self.escape + char)
        return f'"{value}"'


def assigned(text: str, known: Mapping[str, str]) -> tuple[list[tuple[str, str]], bool]:
    """Return names and values of ``A=1 B=two words``, and whether no other split is possible.

    A space may be part of a value or separate two pairs: ``known`` values decide, and of those
    that are not known the next name ends them.
    """
    found = list(_ASSIGNED.finditer(text))
    if not found or found[0].start():
        return [], True
    pairs: list[tuple[str, str]] = []
    is_sure, at, ended = True, 0, text + " "
    for number, name in enumerate(found):
        if name.start() < at:
            continue  # part of a known value
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
    """Return build arguments and command of a ``RUN``; an argument without ``=`` has no value."""
    given, command = split_arguments(text)
    pairs, _ = assigned(given, {})
    return dict(pairs), command


def _copied(text: str) -> Wording:
    """Return the arguments of ``ADD`` or ``COPY``; the classic builder records only a checksum of the sources."""
    sent = SENT.search(text)
    if sent is not None:
        flags, target = text[: sent.start()].strip(), sent["rest"].removeprefix(" in ").strip()
        words = " ".join(filter(None, (flags, _SOURCES[sent["kind"]], target)))
        return Wording(words, unknown=[_NAMES[sent["kind"]]])
    if "<<" in text:
        return Wording("", unknown=[f"the text of {text}"])
    source = next((word for word in text.split() if not word.startswith("--")), "")
    if source.startswith("/") and "--from" not in text:
        return Wording(text, ["from another stage or image, which is not recorded"])
    return Wording(text)


def _with_line_ends(text: str) -> Wording:
    return Wording("", unknown=["how to write a value of several lines: " + " ⏎ ".join(text.split("\n"))])


def _json(words: Sequence[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)
