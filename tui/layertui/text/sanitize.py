"""Text from images made fit for a terminal: shown, never obeyed.

Textual and Rich pass escape sequences, C1 controls, bidi overrides and lone
surrogates through to the terminal, so whatever comes from an image goes through
:func:`visible` before it reaches a widget or a terminal.
"""

import unicodedata
from functools import lru_cache

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_CONTROL_PICTURES = 0x2400
_DELETE = "\x7f"


def visible(text: str) -> str:
    """``text`` as one line that holds nothing a terminal would act on.

    C0 controls become control pictures (``␛``, ``␊``), bytes that were not UTF-8
    (lone surrogates ``\\udc80``-``\\udcff``) become ``\\xNN``, and every other character
    of the categories Cc, Cf, Cs, Zl and Zp becomes ``<U+202E>``.
    """
    if text.isprintable():  # true for no character of the hidden categories
        return text
    return "".join(char if char.isprintable() else _shown(char) for char in text)


def visible_lines(text: str, tab_size: int = 8) -> list[str]:
    """``text`` cut at its newlines alone, tabs expanded, each line made :func:`visible`."""
    return [visible(line.expandtabs(tab_size)) for line in text.split("\n")]


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
