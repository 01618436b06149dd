"""Text from images made safe for a terminal or a log: shown, never obeyed.

Textual and Rich pass escape sequences, C1 controls, bidi overrides and lone
surrogates through to the terminal, so whatever comes from an image goes through
:func:`visible` before it reaches a widget or a terminal.
"""

import unicodedata
from functools import lru_cache

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_CONTROL_PICTURES = 0x2400
_DELETE = "\x7f"
_C_ESCAPES = {'"': '\\"', "\\": "\\\\"} | {
    char: f"\\{letter}" for char, letter in zip("\a\b\t\n\v\f\r", "abtnvfr", strict=True)
}
_C_TABLE = str.maketrans(_C_ESCAPES)


def visible(text: str) -> str:
    """Return text as one line without anything that a terminal would act on.

    C0 controls become control pictures (``␛``, ``␊``), bytes that were not UTF-8
    (lone surrogates ``\\udc80``-``\\udcff``) become ``\\xNN``, and every other character
    of the categories Cc, Cf, Cs, Zl and Zp becomes ``<U+202E>``.
    """
    if text.isprintable():  # true for no character of the hidden categories
        return text
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def visible_lines(text: str, tab_size: int = 8) -> list[str]:
    """Return the lines of a text, split at newlines alone, tabs expanded, each :func:`visible`."""
    return [visible(line.expandtabs(tab_size)) for line in text.split("\n")]


def quoted(path: str) -> str:
    """Return a path as git prints it: in double quotes, with C's escapes, if it needs any (git, ``quote.c``).

    Printable characters beyond ASCII are left as they are (``core.quotePath=false``).
    """
    if path.isprintable() and not set(path) & _C_ESCAPES.keys():
        return path
    return (
        '"' + "".join(char if char.isprintable() else _octal(char) for char in path.translate(_C_TABLE)) + '"'
    )


def _octal(char: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    """Return the visible form of one character that is not printable."""
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if char == _DELETE:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"<U+{code:04X}>"
