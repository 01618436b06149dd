"""Which keys do what on a screen: for the help and the command palette."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

Legend = Sequence[tuple[str, str, str]]
"""Marks of a screen: how each looks, its style (``$added``), what it means."""

SHARED = ("This screen", "Every screen")
"""Names of the sections that belong to no pane."""

CHANGE_KEYS = Binding.Group("change")
"""To the next change of a layer, and to the one before; the foot of a screen names both at once."""


class KeyUse(NamedTuple):
    """One action and the keys that lead to it, as people write them."""

    node: DOMNode
    action: str
    description: str
    tooltip: str
    keys: tuple[str, ...]


def key_sections(screen: Screen[object]) -> list[tuple[str, list[KeyUse]]]:
    """The keys of the screen, of each pane that can have the focus, and of every screen.

    A pane is named by its class's ``HELP_NAME``, else by its border's title, and has the keys
    of what it alone lies in. Panes with the same keys stand together.
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


def _around(widget: Widget) -> list[Widget]:
    """What a pane lies in, up to the screen."""
    return [node for node in widget.ancestors if isinstance(node, Widget) and not isinstance(node, Screen)]


def _uses(node: DOMNode) -> Iterator[KeyUse]:
    """The described actions that the classes of this program bind on ``node``, in their order."""
    by_action: dict[str, list[Binding]] = {}
    for kind in type(node).__mro__:
        if kind.__module__.startswith("textual."):
            continue
        for _key, binding in BindingsMap(kind.__dict__.get("BINDINGS")):
            if binding.description:
                by_action.setdefault(binding.action, []).append(binding)
    for action, bound in by_action.items():
        keys = tuple(dict.fromkeys(node.app.get_key_display(binding) for binding in bound))
        yield KeyUse(node, action, bound[0].description, bound[0].tooltip, keys)


def _name(widget: Widget) -> str:
    """What people call a pane."""
    name = getattr(widget, "HELP_NAME", "")
    if name:
        return str(name)
    for node in widget.ancestors_with_self:
        if isinstance(node, Widget) and node.border_title:
            return str(node.border_title)
    return type(widget).__name__
