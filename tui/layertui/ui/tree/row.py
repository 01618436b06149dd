"""One row of the file tree, and the layout of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from layertui.model.numbers import NO_EVENT, LayerNumber, Node
from layertui.model.sizes import Bytes
from layertui.text.format import growth_text, mode_text, moment, owner, size_text
from layertui.text.matching import text_positions
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.detail.subject import chip
from layertui.ui.detail.words import CHANGE_MARKS, change_spans
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Span
from layertui.union.changes import Mark

if TYPE_CHECKING:
    from layertui.model.entry import Entry
    from layertui.ui.tree.presenter import RowPresenter
    from layertui.union.tree_rows import Sort, TreeRows, View

_GAP = 2
_ROOM = {"layer": 10, "growth": 10, "size": 14, "bar": 40, "time": 60}
"""Least cells for names, by column."""
_EARLY = 20
"""The same for bars among all paths: hidden ones have dead bytes."""
_MARK = 2
"""Cells for the mark and a blank."""
_INDENT = 1
_USUAL = {"file": (0o644, 0o755), "directory": (0o755,)}
"""Modes that are not shown; nor is the owner 0:0."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns, and the cells for names."""

    columns: tuple[tuple[str, int], ...]
    names: int
    presenter: RowPresenter


def layout(width: int, presenter: RowPresenter, sort: Sort = "name", view: View = "merged") -> Layout:
    """Return the columns that fit in ``width`` cells; the time early if rows are sorted by it."""
    room = (
        _ROOM
        | ({"time": _ROOM["size"]} if sort == "time" else {})
        | ({"bar": _EARLY} if view == "all" else {})
    )
    possible = presenter.columns
    names, columns = width - _MARK, []
    for name in sorted(possible, key=room.__getitem__):
        cells = possible[name] + _GAP
        if names - cells < room[name]:
            break
        names -= cells
        columns.append(name)
    fitting = tuple(column for column in possible.items() if column[0] in columns)
    return Layout(fitting, max(names, 0), presenter)


def arrow_at(rows: TreeRows, node: Node, names: int) -> int:
    """Return the cell of a directory's arrow, if names have ``names`` cells."""
    deepest = max(names - _ROOM["size"], 0)  # keeps room for names at any depth
    return _MARK + min(rows.depth(node) * _INDENT, deepest - deepest % _INDENT)


def spans(rows: TreeRows, node: Node, place: Layout) -> Sequence[Span]:
    """Return the row of a node, as wide as the layout."""
    merged = rows.merged
    event = merged.version(node)
    if event < 0:  # the empty tree's root
        return [("    /", "quiet")]
    entry = merged.union.entry(event, merged.layer)
    mark = Mark(merged.marks[node])
    here = bool(merged.visible[node])
    closed = not rows.is_open(node) and rows.has_children(node)
    below = _subtree_changes(rows, node) if closed else []
    sign, style = CHANGE_MARKS[mark] if node else ("", "quiet")
    if mark == Mark.REPEATED and rows.view == "merged" and entry.type == "directory":
        sign = ""  # layers repeat the directories above what they store
    if below and not sign:
        sign = "·"
    indent = arrow_at(rows, node, place.names) - _MARK
    arrow = "▸ " if closed else "▾ " if rows.has_children(node) else "  "
    row: list[Span] = [(f"{sign:<{_MARK}}", style), (" " * indent, ""), (arrow, "quiet")]
    name = _name(place.presenter, rows, node, entry, here)
    notes = [*_notes(place.presenter, rows, node, entry, mark, here), *below]
    row += _fitted(name, notes, _unusual(entry), place.names - indent - len(arrow))
    struck = "" if here else " strike"
    for column, width in place.columns:
        row.append((" " * _GAP, ""))
        if column == "layer":
            row += chip(entry.layer)
            continue
        if column == "bar":
            known = place.presenter.bytes_below(rows, node)
            size, largest = known or (Bytes(0, 0), 0)
            row += two_part_bar(size, largest, width, f"layer:{entry.layer}")
            continue
        text = shorten(_cell(place.presenter, rows, node, column, entry, here), width)
        blanks = (" " * (width - cell_len(text)), "")
        row += [blanks, (text, ("" if column == "size" and here else "quiet") + struck)]
    return row


def _subtree_changes(rows: TreeRows, node: Node) -> list[Span]:
    """Return the changes below a directory: ``+3 ~1``."""
    counts = rows.merged.changes_below(node)
    found = {mark: count for mark, count in counts.items() if count}
    return [(" ", "quiet"), *change_spans(found)] if found else []


def _name(presenter: RowPresenter, rows: TreeRows, node: Node, entry: Entry, here: bool) -> list[Span]:
    """Return the name in its layer's hue, with the matches of the filter's plain words underlined.

    The type shows as in ls: directories bold and with a slash, links dim, executables with a star.
    """
    sign, weight = _look(entry)
    name = visible(rows.merged.union.name(node)) + (sign if node else "")
    above = "".join(f"{visible(rows.merged.union.name(each))}/" for each in rows.above(node))
    struck = "" if here else " strike"
    if not rows.is_found(node):
        return [(above + name, "quiet" + struck)]
    style = presenter.name_style(rows, node, entry) + weight + struck
    found: set[int] = set()
    for word in rows.query.split():
        if not any(char in word for char in "*?:/~"):
            found.update(text_positions(word, name) or ())
    before: list[Span] = [(above, "quiet")] if above else []
    if not found:
        return [*before, (name, style)]
    return [
        *before,
        *((char, f"{style} underline" if at in found else style) for at, char in enumerate(name)),
    ]


def _look(entry: Entry) -> tuple[str, str]:
    """Return the sign behind the name of an entry of its type, and the style of the name."""
    if entry.type == "directory":
        return "/", " bold"
    if entry.type == "symlink":
        return "", " dim"
    return ("*", "") if entry.type == "file" and entry.mode & 0o111 else ("", "")


def _notes(
    presenter: RowPresenter, rows: TreeRows, node: Node, entry: Entry, mark: Mark, here: bool
) -> list[Span]:
    """Return the notes: link target, previous type, deleting layer."""
    merged = rows.merged
    union = merged.union
    notes: list[Span] = []
    if entry.linkname is not None:
        notes.append((f" → {visible(entry.linkname)}", "quiet"))
    elif entry.hardlink is not None:
        notes.append((f" hardlink to {visible(entry.hardlink)}", "quiet"))
    before = union.at(node, LayerNumber(merged.layer - 1)) if mark == Mark.MODIFIED else NO_EVENT
    if before >= 0 and (was := union.entry(before)).type != entry.type:
        notes.append((f" was a {was.type}{presenter.where(was.layer)}", "modified"))
    if not here and mark != Mark.DELETED:
        gone = union.ev_layer[union.last_by(node, merged.layer)]
        notes.append((f" deleted by layer {gone}", "quiet"))
    return notes


def _unusual(entry: Entry) -> str:
    """Return mode and owner, if they are not those of most files."""
    is_usual = entry.type == "symlink" or entry.mode in _USUAL.get(
        entry.type, ()
    )  # a link's mode means nothing
    mode = "" if is_usual else mode_text(entry)
    return f"{mode} {owner(entry) if entry.uid or entry.gid else ''}".strip()


def _fitted(name: list[Span], notes: list[Span], attributes: str, width: int) -> list[Span]:
    """Return the name, shortened in its middle if necessary, and what fits: notes, at the end the attributes."""
    row = name
    room = width - sum(cell_len(text) for text, _style in name)
    if room < 0:
        row = [(shorten("".join(text for text, _style in name), width), name[-1][1])] if width > 0 else []
        room = 0
    row = list(row)
    for text, style in notes:
        if cell_len(text) > room:
            if room >= 6:
                text = shorten(text, room)
                row.append((text, style))
                room -= cell_len(text)
            break
        row.append((text, style))
        room -= cell_len(text)
    if not attributes or len(attributes) + _GAP > room:
        return [*row, (" " * room, "")]
    return [*row, (" " * (room - len(attributes)), ""), (attributes, "quiet")]


def _cell(presenter: RowPresenter, rows: TreeRows, node: Node, column: str, entry: Entry, here: bool) -> str:
    if column == "growth":
        growth = presenter.growth(rows, node)
        return growth_text(growth, "−") if growth else ""
    if column == "time":
        return moment(entry)[:16]
    if entry.type == "directory":
        return size_text(rows.subtree_size(node)) if here else ""
    if entry.device is not None:
        return f"{entry.device[0]}, {entry.device[1]}"
    return size_text(entry.size) if entry.type == "file" else ""
