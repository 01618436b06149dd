"""Secrets in the files of every layer, hidden ones too, and in what an image's config says."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from layertui.content.read import Contents
from layertui.errors import LayertuiError
from layertui.image import Image
from layertui.insight.secret_rules import ASSIGNMENTS, DOTENV, FILES, TOKENS, Rule
from layertui.layers.index import Kind
from layertui.union.union import Union

MAX_SIZE = 4 << 20
"""Bytes of the largest file that is looked into."""
_HEAD = 8000
"""Bytes in which a NUL makes a file binary, as git has it (``buffer_is_binary``)."""
_SHOWN = 4
"""Characters that a mask leaves."""
_MOST = 100
"""Findings of one rule in one text; more tell nothing new."""

_IN_FILES = [
    (re.compile(end + r"\Z"), rules)
    for end, rules in [*((end, (rule,)) for end, rule in FILES), (DOTENV, ASSIGNMENTS)]
]
_NAMED = re.compile("(?:" + "|".join([*(end for end, _ in FILES), DOTENV]) + r")\Z")


@dataclass(frozen=True, slots=True)
class Secret:
    """One finding."""

    rule: str
    where: str
    """``file``, ``environment``, ``label`` or ``history``."""
    name: str
    """The path of a file, the name of a variable or label, the build step without its secrets."""
    layer: int | None
    """That stores the file, or that the step made."""
    line: int | None
    """Of a file, from 1."""
    is_visible: bool
    """Whether the final tree shows the file; what the config says is always there."""
    text: str
    event: int | None = None

    @property
    def masked(self) -> str:
        """Its beginning, where enough stays unsaid."""
        return self.text[:_SHOWN] + "…" if len(self.text) >= 4 * _SHOWN else "…"

    def to_json(self, is_shown: bool) -> dict[str, Any]:
        """The row as the command line prints it; ``is_shown`` says whether with the secret itself."""
        return {
            "rule": self.rule,
            "where": self.where,
            "name": self.name,
            "layer": self.layer,
            "line": self.line,
            "visible": self.is_visible,
            "secret": self.text if is_shown else self.masked,
        }


@dataclass(frozen=True, slots=True)
class Secrets:
    found: Sequence[Secret]
    """What is visible first, else in the order of the layers."""
    too_large: int
    """Files that were not looked into for their size."""
    unreadable: int


def secrets(
    image: Image,
    union: Union,
    contents: Contents,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Secrets:
    """All secrets of an image. Reads every text file of every layer, of binary ones the beginning.

    ``progress`` is told the bytes of files behind and in all. Raises
    :class:`~layertui.layers.decompress.Cancelled` once ``cancelled`` is set.
    """
    found = list(_of_config(image))
    events = [
        event
        for event, (kind, inode) in enumerate(zip(union.ev_kind, union.ev_inode, strict=True))
        if kind == Kind.FILE and inode == event and union.size(event)
    ]
    shown = {union.ev_inode[event] for event in union.last if union.shows(event)}
    total = sum(map(union.size, events))
    small = [event for event in events if union.size(event) <= MAX_SIZE]
    done = total - sum(map(union.size, small))
    unreadable = 0
    for event, pieces in contents.in_order(small, cancelled):
        try:
            text = _text(pieces)
        except LayertuiError:
            unreadable += 1
        else:
            path = union.path(union.ev_node[event])
            for rule, position, secret in _in_file(path, text):
                line = text.count(b"\n", 0, position) + 1
                layer = union.ev_layer[event]
                found.append(Secret(rule, "file", path, layer, line, event in shown, secret, event))
        done += union.size(event)
        if progress is not None:
            progress(done, total)
    found.sort(key=lambda secret: not secret.is_visible)
    return Secrets(found, len(events) - len(small), unreadable)


def _text(pieces: Iterator[bytes]) -> bytes:
    """A file's content; empty if it is binary."""
    first = next(pieces, b"")
    return b"" if b"\0" in first[:_HEAD] else first + b"".join(pieces)


def _in_file(path: str, text: bytes) -> Iterator[tuple[str, int, str]]:
    if not text:
        return
    yield from _matches(TOKENS, text)
    if _NAMED.search(path):
        for end, rules in _IN_FILES:
            if end.search(path):
                yield from _matches(rules, text)


def _matches(rules: Sequence[Rule], text: bytes) -> Iterator[tuple[str, int, str]]:
    """Rule, position and secret of each match; a secret that stands there again is left out."""
    for rule in rules:
        if not any(literal in text for literal in rule.literals):
            continue
        seen: set[bytes] = set()
        for match in rule.pattern.finditer(text):
            secret = next((group for group in match.groups()[::-1] if group), match[0])
            if secret not in seen:
                seen.add(secret)
                yield rule.name, match.start(), secret.decode("utf-8", "surrogateescape")
            if len(seen) == _MOST:
                break


def _of_config(image: Image) -> Iterator[Secret]:
    """Environment, labels, and the commands and build arguments of the history."""
    config = image.config.get("config")
    settings = config if isinstance(config, dict) else {}
    texts: list[tuple[str, str, int | None, str]] = []
    variables = settings.get("Env")
    for text in variables if isinstance(variables, list) else []:
        texts.append(("environment", str(text).partition("=")[0], None, str(text)))
    labels = settings.get("Labels")
    for name, value in labels.items() if isinstance(labels, dict) else []:
        texts.append(("label", str(name), None, f"{name}={value}"))
    texts += [("history", "", entry.layer, entry.created_by) for entry in image.history]
    for where, name, layer, text in texts:
        matches = list(_matches((*TOKENS, *ASSIGNMENTS), _bytes(text)))
        if where == "history":
            name = text
            for _, _, secret in matches:
                name = name.replace(secret, "…")
        for rule, _, secret in matches:
            yield Secret(rule, where, name, layer, None, True, secret)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON can spell it
        return text.encode("utf-8", "replace")
