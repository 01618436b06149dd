"""Unified diffs of texts, and the changes inside changed lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from layertui.content.edit_script import CONTEXT, Edit, shortest_script

_WORD_TOKENS = re.compile(r"\w+|\s+|.", re.DOTALL)
_MAX_DIFFED_LINE = 2000
"""Characters of a line; the inside of longer ones is not compared."""
_MIN_SHARED = 0.4
"""Share that two lines must have in common to count as one changed line."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changes that are shown together; line numbers from 0, context included."""

    changes: Sequence[Edit]
    before: int
    before_end: int
    after: int
    after_end: int

    def header(self, before: int = 0, after: int = 0) -> str:
        """Return ``@@ -1,3 +1,4 @@``; ``before`` and ``after`` lines precede the texts compared."""
        old = _hunk_range(self.before + before, self.before_end + before)
        return f"@@ -{old} +{_hunk_range(self.after + after, self.after_end + after)} @@"


def unified_diff(before: bytes, after: bytes, before_name: str, after_name: str) -> Iterator[bytes]:
    """Yield the lines of ``diff -u``, with newlines; none if the texts are equal.

    The names follow ``---`` and ``+++``, without times; pass ``/dev/null`` for a side that does
    not exist. In names, bytes that are not UTF-8 are lone surrogates (PEP 383).
    """
    if before == after:
        return
    yield b"--- " + _quoted_name(before_name) + b"\n"
    yield b"+++ " + _quoted_name(after_name) + b"\n"
    old, new = split_lines(before), split_lines(after)
    for hunk in hunks(shortest_script(old, new), len(old)):
        yield hunk.header().encode() + b"\n"
        for sign, number in hunk_lines(hunk):
            line = (new if sign == "+" else old)[number]
            yield sign.encode() + line
            if not line.endswith(b"\n"):
                yield b"\n\\ No newline at end of file\n"


def split_lines(data: bytes) -> list[bytes]:
    """Split into lines with their newlines; only LF ends a line."""
    lines = data.split(b"\n")
    rest = lines.pop()
    return [line + b"\n" for line in lines] + ([rest] if rest else [])


def hunks(found: Sequence[Edit], before_lines: int) -> Iterator[Hunk]:
    """Yield changes with :data:`CONTEXT` lines around them, combined where those meet."""
    start = 0
    for number, change in enumerate(found):
        if number + 1 < len(found) and found[number + 1].before - change.before_end <= 2 * CONTEXT:
            continue
        first = found[start]
        leading = min(CONTEXT, first.before)
        following = min(CONTEXT, before_lines - change.before_end)
        yield Hunk(
            found[start : number + 1],
            first.before - leading,
            change.before_end + following,
            first.after - leading,
            change.after_end + following,
        )
        start = number + 1


def hunk_lines(hunk: Hunk) -> Iterator[tuple[str, int]]:
    """Yield sign and number of each line of a hunk: ``-`` and the number before, ``+`` and the number
    after, or a space and the number before."""
    at = hunk.before
    for change in hunk.changes:
        yield from ((" ", number) for number in range(at, change.before))
        yield from (("-", number) for number in range(change.before, change.before_end))
        yield from (("+", number) for number in range(change.after, change.after_end))
        at = change.before_end
    yield from ((" ", number) for number in range(at, hunk.before_end))


def _hunk_range(start: int, end: int) -> str:
    if end - start == 1:
        return str(end)
    return f"{start + 1 if end > start else start},{end - start}"


_LETTERS = dict(zip(b'\a\b\t\n\v\f\r"\\', b'abtnvfr"\\', strict=True))


def _quoted_name(name: str) -> bytes:
    """Quote and escape a name as diff and git do, unless it is ASCII without spaces and control characters.

    diff quotes DEL from diffutils 3.12 on.
    """
    raw = name.encode("utf-8", "surrogateescape")
    if not any(byte <= 0x20 or byte >= 0x7F or byte in _LETTERS for byte in raw):
        return raw
    quoted = bytearray(b'"')
    for byte in raw:
        if byte in _LETTERS:
            quoted += b"\\" + bytes([_LETTERS[byte]])
        elif byte < 0x20 or byte >= 0x7F:
            quoted += b"\\%03o" % byte
        else:
            quoted.append(byte)
    return bytes(quoted + b'"')


# Inside lines


def inline_changes(before: str, after: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
    """Return the ranges of characters that differ in each line; ``None`` if too little is equal.

    Compares whole words.
    """
    if max(len(before), len(after)) > _MAX_DIFFED_LINE:
        return None
    old, new = _WORD_TOKENS.findall(before), _WORD_TOKENS.findall(after)
    ranges: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for change in shortest_script(old, new):
        for side, words, start, end in (
            (0, old, change.before, change.before_end),
            (1, new, change.after, change.after_end),
        ):
            if start < end:
                first = sum(map(len, words[:start]))
                ranges[side].append((first, first + sum(map(len, words[start:end]))))
    kept = len(before.strip()) - sum(len(before[start:end].strip()) for start, end in ranges[0])
    if kept < _MIN_SHARED * max(len(before.strip()), len(after.strip())):
        return None
    return ranges
