"""Texts of images in Markdown (CommonMark, GitHub's and GitLab's flavours), where none of them is markup."""

from __future__ import annotations

import re

from layertui.text.sanitize import visible


def escaped(text: str) -> str:
    """Return text of which nothing is markup, a link or a mention, inside HTML too.

    What could be is written as entities (CommonMark 2.5): HTML blocks know no backslash escapes.
    """
    return re.sub(
        r"[!#&*<>@\[\\\]_`{}|~]|:(?! )|(?<=www)\.", lambda match: f"&#{ord(match[0])};", visible(text)
    )


def code(text: str) -> str:
    """Return a code span (CommonMark 6.1), in which nothing but its own fence means anything; empty for blanks."""
    text = visible(text)
    if not text.strip():
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    edge = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{edge}{text}{edge}{fence}"
