"""No character of a hostile name may reach the terminal as it is."""

import sys
import unicodedata

import pytest

from layertui.text.sanitize import quoted, visible, visible_lines


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("größe/日本語", "größe/日本語"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("a\tb\nc\rd\x00e\x08", "a␉b␊c␍d␀e␈"),
        ("\x7f", "␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("safe\u202egnp.exe", "safe<U+202E>gnp.exe"),
        ("\u2066x\u2069\u200b\ufeff", "<U+2066>x<U+2069><U+200B><U+FEFF>"),
        ("a\u2028b\u2029c", "a<U+2028>b<U+2029>c"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "<U+D800>"),
        ("e\u0301", "e\u0301"),
        ("no\u00a0break", "no\u00a0break"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_shows_what_it_does_not_obey(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [  # git diff --no-index of such files, core.quotePath=false
        ("layer1/etc/größe x", "layer1/etc/größe x"),
        ("a\n::error::b", r'"a\n::error::b"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\t\r\x1b\x7f", r'"\t\r\033\177"'),
        ("caf\udce9", r'"caf\351"'),
        ("\u202e", r'"\342\200\256"'),
    ],
)
def test_quotes_as_git(path: str, shown: str) -> None:
    assert quoted(path) == shown


def test_no_character_of_the_hidden_categories_is_let_through() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            shown = visible(char)
            assert shown.isprintable() and shown != char, hex(code)
            shown.encode()  # a lone surrogate would not encode


def test_every_other_character_stays() -> None:
    kept = "".join(
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    assert visible(kept) == kept


def test_is_idempotent() -> None:
    hostile = "\x1b[2J\u202e\udcff\x85"
    assert visible(visible(hostile)) == visible(hostile)


def test_lines_are_cut_at_newlines_alone_and_tabs_expanded() -> None:
    assert visible_lines("a\tb\r\nc\x0bd\u2028e\n") == ["a       b␍", "c␋d<U+2028>e", ""]
    assert visible_lines("a\tb", tab_size=4) == ["a   b"]
