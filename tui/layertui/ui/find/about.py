"""What a result is, in full, where its row has no room for it."""

from layertui.find.found import FoundDigest, FoundItem, FoundLine, FoundPackage, FoundPath
from layertui.text.format import count_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.subject import chip
from layertui.ui.find.results import ResultRow
from layertui.ui.widgets.lines import Span, folds

ABOUT_LINES = 3
"""Lines about a result, at most."""


def about(row: ResultRow, width: int) -> list[list[Span]]:
    """Return sanitized lines of ``width`` cells about a result."""
    image = row.image
    if row.problem:
        problem = visible(row.problem)
        starts = folds(problem, width)
        parts = [problem[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
        return [[(part, "")] for part in parts]
    if row.item is None:
        layers = "not read" if image.identity is None else count_text(len(image.steps), "layer")
        return [[(visible(image.reference), "bold")], [(layers, "quiet")]]
    layer = row.item.layer
    lines = [[(visible(_what(row.item)), "bold")], [(visible(_facts(row.item)), "quiet")]]
    if layer:
        step = image.steps[layer - 1] if layer <= len(image.steps) else ""
        lines.append([*chip(layer), ("  ", ""), (visible(step), "")])
    return lines


def what_of(row: ResultRow) -> str:
    """Return the text to copy: the path, package or digest, else the reference or the problem; not sanitized."""
    return _what(row.item) if row.item is not None else row.problem or row.image.reference


def _what(item: FoundItem) -> str:
    match item:
        case FoundPath():
            return item.path
        case FoundPackage():
            return f"{item.name}={item.version}"
        case FoundDigest():
            return item.digest
    raise TypeError(type(item))


def _facts(item: FoundItem) -> str:
    match item:
        case FoundLine():
            return f"line {item.line:,}, {size_text(item.size)}{_hidden(item.visible)}"
        case FoundPath():
            size = f", {size_text(item.size)}" if item.type == "file" else ""
            return f"{item.type}{size}{_hidden(item.visible)}"
        case FoundPackage():
            removed = "" if item.visible else ", removed or upgraded by a later layer"
            return f"{item.kind} package {item.architecture}".rstrip() + removed
        case FoundDigest():
            return item.what
    raise TypeError(type(item))


def _hidden(is_visible: bool) -> str:
    return "" if is_visible else ", overwritten or deleted by a later layer"
