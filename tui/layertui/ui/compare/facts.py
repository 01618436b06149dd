"""The results of a comparison besides files: packages, config, growth, layers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from layertui.compare.growth import growth_by_directory
from layertui.compare.summary import config_text, layers_text, packages_text
from layertui.model.history_step import step_text
from layertui.model.numbers import LayerNumber
from layertui.model.sizes import Bytes
from layertui.text.format import growth_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.compare.comparison import Comparison, Side

_GUTTER = 2
_GREW = 10
"""Directories that are listed."""
_BAR = 8
"""Cells of the longest bar."""
_LONG = 400
"""Most cells of a value or a step."""
_SIGNS = {"+": "added", "−": "deleted", "~": "modified"}


def facts_page(found: Comparison) -> Page:
    """Return the page; its events are the nodes of grown directories."""
    page = PageBuilder(_GUTTER)
    _packages(page, found)
    page.add()
    page.add(("Config ", "bold"), (config_text(found), "quiet"))
    for row in found.config:
        sign = "+" if row.a is None else "−" if row.b is None else "~"
        _line(
            page, sign, visible(row.field), [_value(value) for value in (row.a, row.b) if value is not None]
        )
    page.add()
    _growth(page, found)
    page.add()
    page.add(("Layers ", "bold"), (layers_text(found), "quiet"))
    _layers(page, "−", found.a, found.layers.only_a)
    _layers(page, "+", found.b, found.layers.only_b)
    if found.unread:
        page.add()
        page.add(("Not compared ", "bold"), ("contents unreadable", "quiet"))
        for path, error in found.unread.items():
            page.add((visible(f"{path}: {error}"), "deleted"), value=path)
    return page.page()


def _packages(page: PageBuilder, found: Comparison) -> None:
    page.add(("Packages ", "bold"), (packages_text(found), "quiet"))
    for change in sorted(found.packages, key=lambda row: (row.package.kind, row.package.name)):
        sign = {"added": "+", "removed": "−", "upgraded": "~"}[change.change]
        versions = [visible(each.version) for each in (change.before, change.after) if each is not None]
        _line(page, sign, f"{change.package.kind} {visible(change.package.name)}", versions)
    for error in found.unread_packages:
        page.add((visible(str(error)), "deleted"))


def _growth(page: PageBuilder, found: Comparison) -> None:
    rows = growth_by_directory(found)
    total = f"{growth_text(found.sums.growth, '−')} live · enter: open" if rows else "none"
    page.add(("Growth ", "bold"), (total, "quiet"))
    for row in rows[:_GREW]:
        style = "added" if row.size > 0 else "deleted"
        bar = two_part_bar(Bytes(abs(row.size), 0), abs(rows[0].size), _BAR, style)
        page.add(
            (f"{growth_text(row.size, '−'):>9} ", style),
            *bar,
            (f" {visible(row.path)}", ""),
            *([(" (rest)", "quiet")] if row.is_rest else []),
            gutter=[(" ", "")],
            event=row.node,
            value=row.path,
        )
    if len(rows) > _GREW:
        page.add((f"and {len(rows) - _GREW:,} more (s in the tree: sort by growth)", "quiet"))


def _line(page: PageBuilder, sign: str, name: str, values: Sequence[str]) -> None:
    """Add a name with its value in A and in B."""
    style = _SIGNS[sign]
    body: list[Span] = [(name, "")]
    if sign == "~":
        body += [(f" {values[0]}", "deleted"), (" → ", "quiet"), (values[-1], "added")]
    elif values:
        body.append((f" {values[0]}", style))
    page.add(*body, gutter=[(sign, style)], value=f"{name} {values[-1] if values else ''}".rstrip())


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shorten(visible(text), _LONG)


def _layers(page: PageBuilder, sign: str, side: Side, numbers: Sequence[LayerNumber]) -> None:
    steps = {entry.layer: step_text(entry) for entry in side.image.history}
    for number in numbers:
        size = side.image.layers[number - 1].descriptor.size
        step = shorten(visible(steps.get(number, "")), _LONG)
        page.add(
            (f"{number} ", "quiet"),
            (step or "not recorded", ""),
            (f" {size_text(size)}" if size >= 0 else "", "quiet"),
            gutter=[(sign, _SIGNS[sign])],
            value=step,
        )
