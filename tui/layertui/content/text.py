"""Detect whether a file is text, and its encoding."""

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charset_normalizer.models import CharsetMatch

DECODE_ERRORS = "backslashreplace"
"""Error handler for decoding: invalid bytes become ``\\xNN``, with any codec."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with BOM"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32LE"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16BE"),
)
WIDE_MARKS = tuple(mark for mark, codec, _ in _BOMS if not codec.startswith("utf-8"))
"""Byte order marks of encodings in which most text has NULs."""
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\b\x1b"))
_MAX_CONTROLS = 1 / 100
"""Share of control characters in text; random bytes have a tenth."""
_MAX_HIGH = 0.3
"""Share of non-ASCII bytes in text of an unrecognized legacy encoding."""
_WESTERN = "cp1252"
_GUESS_SAMPLE = 4096
"""Bytes from which the encoding is guessed."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a text."""

    codec: str
    """Name of Python's codec, one that removes a byte order mark."""
    name: str
    """Human-readable name."""
    guessed: bool = False
    """Whether the bytes are valid in other encodings, too."""
    newline: str = "LF"
    """Line endings in the part examined: ``LF``, ``CRLF``, ``CR`` or ``mixed``."""

    def decode(self, data: bytes) -> str:
        """Decode the whole text; never fails."""
        return data.decode(self.codec, DECODE_ERRORS)


def is_text(head: bytes) -> bool:
    """Return whether ``diff -u`` treats a file as text: its start has no NUL."""
    return b"\0" not in head


def marked_encoding(head: bytes) -> tuple[str, str] | None:
    """Return codec and name of the encoding of a byte order mark; ``None`` without one."""
    return next(((codec, name) for bom, codec, name in _BOMS if head.startswith(bom)), None)


def encoding_of(head: bytes, size: int) -> Encoding | None:
    """Detect the encoding of a file of ``size`` bytes that starts with ``head``; ``None`` if it is binary.

    A character cut by the end of ``head`` counts as valid unless the file ends there.
    """
    found = _encoding(head, len(head) >= size)
    if found is None:
        return None
    codec, name, guessed = found
    text = codecs.getincrementaldecoder(codec)(DECODE_ERRORS).decode(head)
    return Encoding(codec, name, guessed, _newline(text))


def _encoding(head: bytes, whole: bool) -> tuple[str, str, bool] | None:
    if (marked := marked_encoding(head)) is not None:
        return *marked, False
    if b"\0" in head:
        return _wide(head)
    if len(head) - len(head.translate(None, _CONTROLS)) > _MAX_CONTROLS * len(head):
        return None
    if head.isascii():
        return "utf-8", "ASCII", False
    broken = 0

    def count(error: UnicodeError) -> tuple[str, int]:
        nonlocal broken
        assert isinstance(error, UnicodeDecodeError)
        broken += 1
        return "", error.end

    codecs.register_error("layertui.count", count)
    text = codecs.getincrementaldecoder("utf-8")("layertui.count").decode(head, whole)
    if not broken:
        return "utf-8", "UTF-8", False
    if sum(not char.isascii() for char in text) > broken:
        return "utf-8", "UTF-8, damaged", True
    return _legacy(head)


def _wide(head: bytes) -> tuple[str, str, bool] | None:
    """Detect UTF-16 without a byte order mark, by its zeros: Western scripts have high bytes of 0."""
    for codec, name, high in (("utf-16-le", "UTF-16LE", 1), ("utf-16-be", "UTF-16BE", 0)):
        zeros, others = head[high::2].count(0), head[1 - high :: 2].count(0)
        if zeros * 2 < len(head) // 2 or others:
            continue
        text = codecs.getincrementaldecoder(codec)("replace").decode(head)
        odd = sum(not char.isprintable() and char not in "\t\n\r\f" for char in text)
        if odd <= _MAX_CONTROLS * len(text) and len(text) > 1:
            return codec, name, True
    return None


def _legacy(head: bytes) -> tuple[str, str, bool] | None:
    """Detect a legacy encoding; an unrecognized one is Latin-1 if most of the text is ASCII."""
    high = len(head) - len(head.translate(None, bytes(range(0x80, 0x100))))
    # Only lines with non-ASCII bytes: the others are equal in all encodings.
    samples = b"\n".join(re.findall(rb"[^\n]{0,200}[\x80-\xff][^\n]{0,200}", head))[:_GUESS_SAMPLE]
    matches = _language_matches(samples)
    best = max((match.coherence for match in matches), default=0.0)
    western = _decodes(head, _WESTERN) and high <= _MAX_HIGH * len(head)
    # If no language is recognized, or a Western one as well, the most common encoding is the best guess.
    if western and (not best or any(_is_western(match) and match.coherence * 2 >= best for match in matches)):
        return _WESTERN, "Windows-1252", True
    for match in matches:
        if match.coherence == best and not match.encoding.startswith(("utf", "ascii")):
            return match.encoding, match.encoding.replace("_", "-"), True
    return ("latin-1", "Latin-1", True) if high <= _MAX_HIGH * len(head) else None


def _language_matches(samples: bytes) -> "list[CharsetMatch]":
    """Return the encodings in which the samples are a language; none if no library knows languages."""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return []
    return list(from_bytes(samples, steps=2, chunk_size=_GUESS_SAMPLE // 2, threshold=0.2))


def _is_western(match: "CharsetMatch") -> bool:
    return _WESTERN in match.could_be_from_charset or "latin_1" in match.could_be_from_charset


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _newline(text: str) -> str:
    both, feeds, returns = text.count("\r\n"), text.count("\n"), text.count("\r")
    if both == feeds == returns or not returns:
        return "CRLF" if both else "LF"
    if not feeds:
        # A CR at the end of a sample may be half of a CRLF.
        return "CR" if returns > 1 else "LF"
    return "CRLF" if both == feeds and returns == both + text.endswith("\r") else "mixed"
