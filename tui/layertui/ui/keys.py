"""The keys of a screen, for help and command palette; keys and what they send."""

import importlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual import events
from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS
from textual.screen import Screen
from textual.widget import Widget

Legend = Sequence[tuple[str, str, str]]
"""Marks of a screen: text, style (``$added``), meaning."""

_BOUND: dict[str, list[Binding]] = {}
"""The bindings of the modules that are imported, by the names of their actions."""
_BY_ONE = re.compile(r"(\w+)\((-?)1\)")
_OF_A_NUMBER = re.compile(r"(tab|part)\((\d)\)")
_OF_A_NAME = re.compile(r"\w+\('(\w+)'\)")


def bind(
    keys: str,
    action: str,
    description: str = "",
    show: bool = True,
    *,
    priority: bool = False,
    tooltip: str = "",
    group: Binding.Group | None = None,
) -> Binding:
    """Return the binding of an action to keys, separated by commas, that the user's settings can replace."""
    name = name_of(action)
    binding = Binding(keys, action, description, show, None, priority, tooltip, name, group=group)
    _BOUND.setdefault(name, []).append(binding)
    return binding


def name_of(action: str) -> str:
    """Return what the settings call an action: ``layer(1)`` is ``next_layer``, ``ask('filter')`` is ``filter``."""
    called = action.removeprefix("screen.").removeprefix("app.")
    if numbered := _OF_A_NUMBER.fullmatch(called):
        return f"{numbered[1]}_{int(numbered[2]) + 1}"
    if step := _BY_ONE.fullmatch(called):
        return f"{'previous' if step[2] else 'next'}_{step[1]}"
    named = _OF_A_NAME.fullmatch(called)
    return named[1] if named else called


def known_actions() -> dict[str, list[Binding]]:
    """Return the bindings of all actions that the settings can name, of every screen and pane."""
    import pkgutil

    import layertui.ui

    for module in pkgutil.walk_packages(layertui.ui.__path__, "layertui.ui."):
        importlib.import_module(module.name)
    return {name: bindings for name, bindings in _BOUND.items() if name.isidentifier()}


SHARED = ("This screen", "Every screen")
"""Sections that belong to no pane."""

CHANGE_KEYS = Binding.Group("change")
"""Group of next and previous change, shown as one in the footer."""


MATCH_KEYS = Binding.Group("match")
"""Group of next and previous match, shown as one in the footer."""

PLACE_KEYS = Binding.Group("finding")
"""Group of next and previous place of the screen that the user came from, shown as one in the footer."""


TASKS = {
    "Move": (
        "move page first last scroll_up scroll_down scroll_home scroll_end side focus_next focus_previous layer "
        "change match step jump image choose close to_field to_list"
    ),
    "Look": "",
    "Filter and sort": "filter ask view kind tree sort reverse turn fold raw ignore switch press dead expand_all collapse_all",
    "Go to": (
        "ask('jump') open find_in_images explore enter go follow insight search dockerfile anatomy attachments verify warnings facts platform "
        "compare usage containers images out registry"
    ),
    "Copy and extract": "copy copy_all extract mark",
    "Everywhere": (
        "help command_palette quit end leave_screen back leave suspend_process toggle_theme reload look count dismiss cancel"
    ),
}
"""The task of each action, in the order of the help; all others are for looking."""


class KeyUse(NamedTuple):
    """One action and its keys, as written in the help."""

    node: DOMNode
    action: str
    description: str
    tooltip: str
    keys: tuple[str, ...]


def key_sections(screen: Screen[object]) -> list[tuple[str, list[KeyUse]]]:
    """Return the keys of the screen, of each focusable pane, and of every screen.

    A pane is named by its class's ``HELP_NAME``, else its border title, and has the keys
    of its own containers. Panes with the same keys are merged.
    """
    sections: list[tuple[str, list[KeyUse]]] = []
    around = [set(_around(widget)) for widget in screen.focus_chain]
    shared = set.intersection(*around) if len(around) > 1 else set[Widget]()
    for widget in screen.focus_chain:
        uses = [use for node in (widget, *_around(widget)) if node not in shared for use in _uses(node)]
        actions = [(use.action, use.keys) for use in uses]
        for number, (name, others) in enumerate(sections):
            if [(use.action, use.keys) for use in others] == actions:
                sections[number] = (f"{name}, {_name(widget)}", others)
                break
        else:
            if uses:
                sections.append((_name(widget), uses))
    here = [use for node in (*shared, screen) for use in _uses(node)]
    shadowed = {use.action.removeprefix("app.") for use in here}
    everywhere = [use for use in _uses(screen.app) if use.action not in shadowed]
    sections = [(SHARED[0], here), *sections, (SHARED[1], everywhere)]
    return [(name, uses) for name, uses in sections if uses]


def tasks(sections: Sequence[tuple[str, list[KeyUse]]]) -> list[tuple[str, list[tuple[KeyUse, list[str]]]]]:
    """Return the keys by task, each once, with its panes unless it works in all."""
    shared = [use for name, uses in sections if name in SHARED for use in uses]
    found: dict[tuple[tuple[str, ...], str], tuple[KeyUse, list[str]]] = {}
    for name, uses in sections:
        for use in uses:
            if name not in SHARED and any(_repeats(use, other) for other in shared):
                continue
            said = (use.keys, use.tooltip or use.description)
            found.setdefault(said, (use, []))[1].append(name)
    of_action = {action: task for task, actions in TASKS.items() for action in actions.split()}
    by_task: dict[str, list[tuple[KeyUse, list[str]]]] = {task: [] for task in TASKS}
    own = [name for name, _uses in sections if name not in SHARED]
    for use, panes in found.values():
        action = use.action.partition("(")[0].rpartition(".")[2]
        everywhere = bool({*panes} & {*SHARED}) or len(panes) == len(own)
        task = of_action.get(use.action) or of_action.get(action, "Look")
        by_task[task].append((use, [] if everywhere else panes))
    return [(task, uses) for task, uses in by_task.items() if uses]


def _repeats(use: KeyUse, other: KeyUse) -> bool:
    """Return whether the screen itself binds the key of a pane, whichever pane has the focus."""
    return bool({*use.keys} & {*other.keys}) and (
        use.action == other.action or f"'{use.action}'" in other.action
    )


def _around(widget: Widget) -> list[Widget]:
    """Return the ancestors of a pane, up to the screen."""
    return [node for node in widget.ancestors if isinstance(node, Widget) and not isinstance(node, Screen)]


def _uses(node: DOMNode) -> Iterator[KeyUse]:
    """Return the described actions bound on ``node`` by this program's classes, in order."""
    by_action: dict[str, list[Binding]] = {}
    for kind in type(node).__mro__:
        if kind.__module__.startswith("textual."):
            continue
        bindings = BindingsMap(kind.__dict__.get("BINDINGS"))
        bindings.apply_keymap(getattr(node.app, "keymap", {}))
        for _key, binding in bindings:
            if binding.description:
                by_action.setdefault(binding.action, []).append(binding)
    for action, bound in by_action.items():
        keys = tuple(dict.fromkeys(node.app.get_key_display(binding) for binding in bound))
        yield KeyUse(node, action, bound[0].description, bound[0].tooltip, keys)


def _name(widget: Widget) -> str:
    """Return the name of a pane."""
    name = getattr(widget, "HELP_NAME", "")
    if name:
        return str(name)
    for node in widget.ancestors_with_self:
        if isinstance(node, Widget) and node.border_title:
            return str(node.border_title)
    return type(widget).__name__


_CONTROL_KEYS = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", " ": "space"}


def key_that_sends(character: str) -> events.Key:
    """Return the key that sends a character, named as Textual does."""
    if character in _CONTROL_KEYS or character.isalnum():
        return events.Key(_CONTROL_KEYS.get(character, character), character)
    if character < " ":
        return events.Key(f"ctrl+{chr(ord(character) + 96)}", character)
    name = unicodedata.name(character, "unknown").lower().replace("-", "_").replace(" ", "_")
    return events.Key(KEY_NAME_REPLACEMENTS.get(name, name), character)


def text_of(key: events.Key) -> str:
    """Return what the terminal sent: Textual replaces an unknown sequence by ``^`` and its characters."""
    if key.key == "circumflex_accent":
        return "\x1b"
    text = "\x07" if key.key == "ctrl+g" else key.character or ""
    return f"\x1b{text}" if key.key.startswith("alt+") else "" if text == "\x1b" else text
