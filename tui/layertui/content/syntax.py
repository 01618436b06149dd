"""Syntax highlighting: keywords, strings, names and comments of a source text."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

Piece = tuple[str, str]
"""Text and its style: ``keyword``, ``string``, ``name``, ``comment`` or empty."""

MAX_LEXED = 1 << 17
"""Characters lexed at once: lexers take microseconds for each and cannot be interrupted."""
_MAX_LEXED_LINE = 400
"""Characters of a line: some lexers take quadratic or cubic time on one."""
_LEXER_TIMEOUT = 1.0
"""Seconds; the text stays plain if the lexer takes longer."""

_TOKEN_STYLES = (
    ("Token.Comment.Preproc", "keyword"),
    ("Token.Comment", "comment"),
    ("Token.Keyword.Constant", "string"),
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Literal.String.Doc", "comment"),
    ("Token.Literal", "string"),
    ("Token.Name.Function", "name"),
    ("Token.Name.Class", "name"),
    ("Token.Name.Tag", "name"),
    ("Token.Name.Attribute", "name"),
    ("Token.Name.Decorator", "name"),
    ("Token.Name.Builtin", "name"),
    ("Token.Name.Namespace", "name"),
    ("Token.Name.Label", "name"),
    ("Token.Name.Property", "name"),
    ("Token.Generic.Heading", "keyword"),
    ("Token.Generic.Subheading", "keyword"),
)

_LANGUAGES = {
    ".env": "bash",
    "Containerfile": "docker",
    "authorized_keys": "",
    "os-release": "bash",
    "preinst": "bash",
    "prerm": "bash",
    "postinst": "bash",
    "postrm": "bash",
    "profile": "bash",
    "sources.list": "debsources",
}
"""Lexers of files whose names Pygments does not know; empty for none."""


def lexer_of(name: str, head: str) -> "Lexer | None":
    """Return the lexer for a file called ``name`` whose text starts with ``head``; ``None`` for plain text.

    Determined by the name, or else by the first line (``#!/bin/sh``).
    """
    import pygments.lexers as lexers
    from pygments.util import ClassNotFound

    options = {"stripnl": False, "ensurenl": False}
    first = head.partition("\n")[0][:200]
    try:
        if name in _LANGUAGES:
            return lexers.get_lexer_by_name(_LANGUAGES[name], **options) if _LANGUAGES[name] else None
        # Some extensions belong to several languages: the text helps to choose.
        found = lexers.get_lexer_for_filename(name, head[:2000], **options)
    except ClassNotFound:
        shell = re.match(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*)?([a-z]+)", first)
        words = {"sh": "bash", "dash": "bash", "ash": "bash", "node": "javascript"}
        try:
            if shell:
                alias = words.get(shell[1], shell[1])
                return lexers.get_lexer_by_name(alias, **options)
            return lexers.get_lexer_by_name("xml", **options) if first.startswith("<?xml") else None
        except ClassNotFound:
            return None
    except Exception:  # any exception of a lexer that analyses the text
        return None
    return None if "text" in found.aliases else found


def colored(lexer: "Lexer | None", lines: Sequence[str]) -> Iterator[list[Piece]]:
    """Yield each of ``lines`` (without newlines) in pieces; plain without a lexer or with too much text.

    Lexes the lines as if the file started there: constructs opened before them are unknown.
    """
    if (
        lexer is None
        or sum(map(len, lines)) + len(lines) > MAX_LEXED
        or any(len(line) > _MAX_LEXED_LINE for line in lines)
    ):
        yield from ([(line, "")] for line in lines)
        return
    try:
        found = list(_pieces(lexer, "\n".join(lines)))
    except Exception:  # hundreds of lexers, not written for hostile text
        found = []
    if ["".join(text for text, _kind in line) for line in found] == list(lines):
        yield from found
    else:
        yield from ([(line, "")] for line in lines)


def _pieces(lexer: "Lexer", text: str) -> Iterator[list[Piece]]:
    known: dict[object, str] = {}
    line: list[Piece] = []
    deadline = time.monotonic() + _LEXER_TIMEOUT
    for _at, token, value in lexer.get_tokens_unprocessed(text):
        if time.monotonic() > deadline:
            raise TimeoutError
        kind = known.get(token)
        if kind is None:
            kind = known[token] = next((kind for start, kind in _TOKEN_STYLES if _is(str(token), start)), "")
        first, *others = value.split("\n")
        if first:
            line.append((first, kind))
        for other in others:
            yield line
            line = [(other, kind)] if other else []
    yield line


def _is(token: str, start: str) -> bool:
    return token == start or token.startswith(start + ".")
