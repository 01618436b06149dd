"""Syntax colours: the right language, every character kept, nothing that fails or takes long."""

import random

import pytest

from layertui.content import syntax
from layertui.content.syntax import colored, lexer_of


@pytest.mark.parametrize(
    ("name", "head", "language"),
    [
        ("app.py", "", "Python"),
        ("Dockerfile", "", "Docker"),
        ("entrypoint", "#!/bin/sh\nset -e\n", "Bash"),
        ("tool", "#!/usr/bin/env -S python3 -u\n", "Python"),
        ("tool", "#! /usr/bin/perl -w\n", "Perl"),
        ("postinst", "", "Bash"),
        ("os-release", "", "Bash"),
        ("a.json", "", "JSON"),
        ("page", "<?xml version='1.0'?>", "XML"),
        ("notes.txt", "", ""),
        ("passwd", "root:x:0:0", ""),
        ("tool", "#!/usr/bin/made-up\n", ""),
        ("", "", ""),
        ("\x1b[2J\udcff", "\udcff", ""),
    ],
)
def test_language(name: str, head: str, language: str) -> None:
    lexer = lexer_of(name, head)
    assert (lexer.name if lexer else "") == language


def test_pieces() -> None:
    lines = ["def f():  # why", "    return 'a'"]
    first, second = colored(lexer_of("a.py", ""), lines)
    assert ("def", "keyword") in first and ("f", "name") in first and ("# why", "comment") in first
    assert [kind for text, kind in second if text == "a"] == ["string"]


@pytest.mark.parametrize(
    "name", ["a.py", "a.json", "a.sh", "a.js", "a.md", "a.html", "a.yml", "a.c", "a.toml"]
)
def test_no_character_is_lost(name: str) -> None:
    for seed in range(30):
        chance = random.Random(seed)
        text = "".join(chance.choice("ab \t\r\x0b\x00\u2028\udcff\"'`{}[]()<>/*#-=\\é\n") for _ in range(300))
        lines = text.split("\n")
        found = list(colored(lexer_of(name, text), lines))
        assert ["".join(piece for piece, _kind in line) for line in found] == lines


def test_long_lines_and_long_texts_are_not_lexed() -> None:
    class Unasked:
        def get_tokens_unprocessed(self, _text: str) -> object:
            pytest.fail("asked to lex what it would be slow on")

    for lines in (["{" * 200_000], ["x = 1;"] * (syntax.MAX_LEXED // 4)):
        assert list(colored(Unasked(), lines)) == [[(line, "")] for line in lines]


@pytest.mark.parametrize(
    ("name", "text"), [("a.js", '\\"'), ("a.ts", "a."), ("a.service", '"'), ("a.yml", "`")]
)
@pytest.mark.timeout(60)
def test_what_lexers_are_slow_on_ends(name: str, text: str) -> None:
    """A second or two of work each; without the limits it would be hours."""
    lines = [(text * 400)[:390]] * 160
    assert len(list(colored(lexer_of(name, ""), lines))) == 160


def test_a_lexer_that_fails_leaves_the_text_plain() -> None:
    class Failing:
        def get_tokens_unprocessed(self, _text: str) -> object:
            raise RecursionError

    assert list(colored(Failing(), ["a", "b"])) == [[("a", "")], [("b", "")]]
