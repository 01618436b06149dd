"""Break the one-line shell commands of histories into readable lines."""

from __future__ import annotations

import re

LONG = 60
"""Length in characters from which a command is broken at its operators."""
_CONTINUATION = "    "
_PART = re.compile(
    r"'[^']*'"
    r'|"(?:[^"\\$`]|\\.|\$(?!\())*"'
    r"|\\."
    r"|(?P<run>[ \t]{2,})(?P<hash>#?)"  # a line beginning with # would be a comment
    r"|(?P<before> )(?=(?:&&|\|\|) )"
    r"|(?P<after>(?<!;); )(?!then\b|do\b|#)"
    r"|(?P<odd>['\"`])"
    r"|[^\s'\"\\`;]+|.",
    re.DOTALL,
)


def broken(command: str, escape: str = "\\") -> str:
    """Return a one-line command with line breaks, each after ``escape``, which a Dockerfile parser removes.

    A run of blanks is what a line's end and the next one's indent became: taking the breaks
    out there gives the very same command. A long command without any is broken at ``&&``,
    ``||`` and ``;``, unless its quotes are too intricate, and gets an indent that no shell sees.
    """
    parts = list(_PART.finditer(command))
    is_clear = not any(part["odd"] for part in parts)
    has_runs = any(part["run"] and not part["hash"] for part in parts)
    lines = ""
    for part in parts:
        if part["run"] and not part["hash"]:
            lines += f"{part[0][0]}{escape}\n{part[0][1:]}"
        elif (part["before"] or part["after"]) and is_clear and not has_runs and len(command) >= LONG:
            lines += f"{part[0]}{escape}\n{_CONTINUATION}"
        else:
            lines += part[0]
    return lines
