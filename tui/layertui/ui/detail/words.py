"""Phrases and spans that several tabs share."""

from collections.abc import Mapping

from layertui.content.text import Encoding
from layertui.model.history_step import step_text
from layertui.model.numbers import Event, LayerNumber, Node
from layertui.text.format import exact_size, size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.subject import Subject
from layertui.ui.widgets.lines import Span
from layertui.union.changes import Mark
from layertui.union.model import Absence

CHANGE_MARKS = {
    Mark.NONE: ("", "quiet"),
    Mark.ADDED: ("+", "added"),
    Mark.MODIFIED: ("~", "modified"),
    Mark.DELETED: ("−", "deleted"),
    Mark.REPEATED: ("=", "quiet"),
    Mark.REWRITTEN: ("?", "quiet"),
    Mark.ATTRIBUTES: ("*", "attributes"),
    Mark.ATTRIBUTES_AT_LEAST: ("?", "quiet"),
    Mark.STORED: ("", "quiet"),
}
"""What stands for a change, and its style."""

HOW_DELETED = {
    Absence.WHITEOUT: " with a whiteout",
    Absence.OPAQUE: " with an opaque whiteout of a parent directory",
    Absence.REPLACED: ", which replaced a parent directory",
}


def change_spans(counts: Mapping[Mark, int]) -> list[Span]:
    """Return numbers of changes: ``+3 ~1 *20 −4``."""
    spans: list[Span] = []
    for mark, count in counts.items():
        sign, style = CHANGE_MARKS[mark]
        spans += [(" ", "quiet")] * bool(spans) + [(f"{sign}{count:,}", style if count else "quiet")]
    return spans


def layers(first: int, last: int) -> str:
    """``layer 1``, ``layers 1–8``."""
    return f"layer {first}" if first == last else f"layers {first}–{last}"


def sizes(size: int) -> str:
    """``1.2 kB (1,204 bytes)``."""
    return exact_size(size) if size < 1000 else f"{size_text(size)} ({exact_size(size)})"


def encoding_facts(encoding: Encoding) -> list[str]:
    """``UTF-8``, ``CRLF line ends``."""
    name = f"{encoding.name}, guessed" if encoding.guessed else encoding.name
    return [name] if encoding.newline == "LF" else [name, f"{encoding.newline} line ends"]


def path_of(subject: Subject, event: Event) -> str:
    """Return the safe path of an event."""
    return visible(subject.union.path(subject.union.ev_node[event]))


def step_of(subject: Subject, layer: LayerNumber) -> str:
    """Return the step that made a layer, safe, on one line."""
    for entry in subject.image.history:
        if entry.layer == layer:
            return visible(step_text(entry)) or "not recorded"
    return "not recorded"


def absence(subject: Subject, node: Node) -> str:
    """Return why a path is not in the merged tree of the selected layer."""
    union, layer = subject.union, subject.merged_layer
    gone = union.last_by(node, layer)
    if gone >= 0:
        how = HOW_DELETED.get(Absence(union.ev_entry[gone]), "")
        return f"deleted by layer {union.ev_layer[gone]}{how}"
    first = next(event for event in union.versions(node))
    return f"not yet present: added by layer {union.ev_layer[first]}"
