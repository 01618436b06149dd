"""The texts about a place and its boxes in the part Size; sanitized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from layertui.insight.leftovers import rule_above
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, share_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.cells import clip, clip_start
from layertui.ui.detail.subject import chip
from layertui.ui.insight.size_browser import Level, SizeBrowser, Tile
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.insight.size_rows import SizedFile, SizeItem
    from layertui.model.sizes import Bytes

_STEP = 30
"""Cells of a label's name in the legend."""


class SizeWords:
    """Names places, boxes and colors of a browser."""

    def __init__(self, browser: SizeBrowser, steps: Mapping[LayerNumber, str]) -> None:
        """``steps``: sanitized."""
        self._browser = browser
        self._steps = steps

    def name(self, tile: Tile) -> str:
        """Return the name of a box: ``lib/``, ``python3``, ``+214 smaller``."""
        return f"+{len(tile.items):,} smaller" if tile.is_rest else self._item(tile.items[0])

    def _item(self, item: SizeItem) -> str:
        if not item.is_group:
            return visible(item.name) + ("/" if item.is_directory else "")
        if self._browser.by == "layer":
            return f"{item.name} {self._steps.get(LayerNumber(int(item.name)), '')}".rstrip()
        return visible(item.name)

    def title(self, level: Level) -> str:
        """Return what is shown, and how many bytes that is."""
        browser, place = self._browser, self._browser.place
        names = [visible(name) for name in browser.titles()]
        if place.group >= 0 and browser.by == "layer":
            names[0] = f"layer {names[0]}"
        if place.skipped:
            names.append(f"{count_text(len(level.tiles), 'smaller one', 'smaller ones')}")
        said = size_text(level.size.live) + " live"
        if browser.with_dead:
            said = f"{size_text(level.size.size)} = {said} + {size_text(level.size.dead)} dead"
        return f"{' · '.join(names) or 'by ' + browser.by}  {said}"

    def about(self, tile: Tile, level: Level, room: int) -> tuple[list[Span], list[Span]]:
        """Return the path of a box and its facts."""
        browser, item = self._browser, tile.items[0]
        path = "" if item.is_group else visible(browser.sizes.union.path(item.node))
        if tile.is_rest:
            above = (
                browser.titles()[-1:] if tile.place.node < 0 else [browser.sizes.union.path(tile.place.node)]
            )
            name = f"{self.name(tile)[1:]} in {visible(above[0])}" if above else self.name(tile)[1:]
        elif item.is_group:
            name = self._item(item)
        else:
            name = path if item.node == 0 else path + ("/" if item.is_directory else "")
        shown, whole = browser.shown(tile.size), browser.shown(level.size)
        facts: list[Span] = [(size_text(tile.size.live), "bold"), (" live", "quiet")]
        if browser.with_dead and tile.size.dead:
            facts += [(" + ", "quiet"), (size_text(tile.size.dead), "bold"), (" dead", "quiet")]
        facts.append((f" · {share_text(shown, whole)}", "quiet"))
        files = browser.shown(tile.files)
        if tile.is_rest or item.is_directory:
            facts.append((f" · {count_text(files, 'file')}", "quiet"))
        facts.append(("  ", ""))
        rule, _ = rule_above(path) if tile.size.live and not tile.is_rest else (None, "")
        if rule is not None:
            facts += [(f"{rule.name}: ", "modified"), (f"{rule.remedy}  ", "")]
        facts += self._labels(tile, room - sum(cell_len(text) for text, _ in facts))
        return [(clip_start(name, room), "bold")], fitting(facts, room)

    def legend(self, level: Level, room: int) -> list[Span]:
        """Return the colors of a place, that of its largest part first."""
        return self._shares(level.shares, room)

    def _labels(self, tile: Tile, room: int) -> list[Span]:
        return self._shares(tile.shares, room, len(tile.shares) > 1)

    def _shares(self, shares: Mapping[int, Bytes], room: int, sized: bool = True) -> list[Span]:
        """Return as many labels with their bytes as fit, and how many do not."""
        found: list[Span] = []
        left = len(shares)
        for label, size in shares.items():
            said = f" {size_text(self._browser.shown(size))}" if sized else ""
            name = [*self.label(label, _STEP), (said, "quiet"), ("  ", "")]
            more = len(self._more(left)) if left > 1 else 0
            if sum(cell_len(text) for text, _ in [*found, *name]) + more > room + 2:
                break
            found += name
            left -= 1
        return [*found, (self._more(left), "quiet")] if left else found

    def _more(self, labels: int) -> str:
        return f"+{count_text(labels, self._browser.colored)}"

    def label(self, label: int, room: int) -> list[Span]:
        """Return the name of a color, in that color; of a layer with its step."""
        if label < 0:
            return []
        if self._browser.colored == "layer":
            step = self._steps.get(LayerNumber(label), "")
            return [*chip(LayerNumber(label)), (clip(f" {step}", room), "quiet")]
        hue = self._browser.hue(label)
        style = f"layer:{hue}" if hue else "quiet"
        return [("▌", style), (clip(visible(self._browser.label_name(label)), room), style)]

    def short_label(self, tile: Tile) -> str:
        """Return the labels of a box in a few cells."""
        labels = list(tile.shares)
        if self._browser.colored == "layer":
            return ("layer " if len(labels) == 1 else "layers ") + "+".join(map(str, sorted(labels)))
        return visible(self._browser.label_name(labels[0])) if labels else ""


def file_spans(file: SizedFile, room: int) -> list[Span]:
    """Return the path of a file, its directory cut where there is no room; a dead one is struck through."""
    struck = "" if file.is_live else " strike"
    directory, _, name = visible(file.path).rpartition("/")
    left = room - cell_len(name) - 1
    if left < 2:
        return [(clip_start(name, room), struck.strip())]
    return [(clip_start(directory, left) + "/", "quiet" + struck), (name, struck.strip())]


def fitting(spans: Sequence[Span], room: int) -> list[Span]:
    """Return spans that end with … where they would be longer than the room."""
    found: list[Span] = []
    for text, style in spans:
        if cell_len(text) > room:
            found.append((clip(text, room), style))
            break
        found.append((text, style))
        room -= cell_len(text)
    return found
