"""Write the table of actions in docs/settings.md, from the bindings of the app."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding

from layertui.ui.keys import key_that_sends, known_actions

PAGE = Path(__file__).with_name("settings.md")
HEAD = "| action | keys | does |\n|---|---|---|\n"
CHARACTERS = {key_that_sends(character).key: character for character in string.punctuation}
"""What Textual's names of keys stand for."""


def settings() -> str:
    """Return the page with the table of all actions."""
    text, head, _ = PAGE.read_text().partition(HEAD)
    return "".join([text, head, *(f"{row}\n" for row in _rows())])


def _rows() -> Iterator[str]:
    for name, bindings in sorted(known_actions().items()):
        bindings.sort(key=lambda binding: (_text(binding), binding.key))  # modules are imported in any order
        keys = dict.fromkeys(key for binding in bindings for key in binding.key.split(","))
        shown = ", ".join(f"`{CHARACTERS.get(key, key)}`" for key in keys)
        yield f"| `{name}` | {shown} | {'; '.join(_texts(bindings))} |"


def _texts(bindings: list[Binding]) -> list[str]:
    """Return what an action does in the panes that have it; no text that another one begins or ends."""
    said = dict.fromkeys(map(_text, bindings))
    return [text for text in said if not any(text != other and _contains(text, other) for other in said)]


def _text(binding: Binding) -> str:
    text = binding.tooltip or binding.description
    return text[:1].upper() + text[1:]


def _contains(text: str, other: str) -> bool:
    return text.startswith((f"{other},", f"{other};")) or text.lower().endswith(f": {other.lower()}")


if __name__ == "__main__":
    PAGE.write_text(settings())
