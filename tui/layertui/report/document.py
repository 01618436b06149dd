"""The page: what to know first comes first, long tables are folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from layertui import __version__
from layertui.dockerfile.advice import Advice, saved
from layertui.insight.secrets import without_secrets
from layertui.model.history_step import step_text
from layertui.model.numbers import ROOT, LayerNumber
from layertui.model.sizes import Bytes
from layertui.report.elements import element, folded, section, table, whole_page
from layertui.report.findings import ReportFindings
from layertui.report.map import map_of
from layertui.text.format import count_text, mode_text, owner, parts_text, sentence, share_text, size_text

_SHOWN_ROWS = 12
"""Rows of a table that are shown unfolded."""
_FOLDED_ROWS = 1000
"""Rows of a folded table; ``layertui insight --all`` lists all."""
_SHOWN_PIECES, _MOST_PIECES = 3, 30
"""Pieces of advice that are shown unfolded, and at all."""


def document(found: ReportFindings) -> str:
    """Return the page in HTML. The same image gives the same page."""
    sections = [
        _advice(found),
        _layers(found),
        _map(found),
        _waste(found),
        _secrets(found),
        _packages(found),
        _files(found),
        _permissions(found),
    ]
    links = [(each.get("id", ""), each.findtext("h2", "")) for each in sections]
    contents = element("nav", *(element("a", title, href=f"#{anchor}") for anchor, title in links))
    style = files("layertui.report").joinpath("style.css").read_text("utf-8")
    written = f"Written by layertui {__version__}: layertui report {found.image.reference}"
    return whole_page(
        f"{found.image.name} · layers",
        style,
        *_head(found),
        contents,
        *sections,
        element("footer", element("p", written)),
    )


def _head(found: ReportFindings) -> Iterable[Element]:
    image, total = found.image, found.sizes.total
    layers = count_text(len(image.layers), "layer")
    facts = [found.system.name, str(image.platform), layers, str(image.config.get("created") or ""), image.id]
    yield element("h1", image.name)
    yield element("p", " · ".join(fact for fact in facts if fact), class_="facts")
    dead = f"{size_text(total.dead)} dead ({share_text(total.dead, total.size)})"
    yield element(
        "p",
        f"{size_text(total.size)}: {size_text(total.live)} live, ",
        element("span", dead, class_="dead-text"),
        class_="figure",
    )
    yield element(
        "p",
        "Live bytes are those of files that the final tree shows; dead bytes those of files that a later layer "
        "overwrites or deletes: they are still stored and pulled.",
        class_="dim",
    )
    yield _strip(found.sizes.layers)
    for text in found.unread:
        yield element("p", f"Not read, so not covered here: {text}", class_="problem")


def _strip(layers: Sequence[Bytes]) -> Element:
    """Return all layers to scale, base first."""
    total = sum(size.size for size in layers) or 1
    return element(
        "div",
        *(
            element(
                "a",
                _part("live", size.live, size.size),
                _part("dead", size.dead, size.size),
                href=f"#layer-{number}",
                title=f"layer {number}: {parts_text(size)}",
                style=f"width:{size.size / total:.4%}",
            )
            for number, size in enumerate(layers, 1)
            if size.size
        ),
        class_="strip",
    )


def _part(kind: str, size: int, total: int) -> Element | None:
    return element("span", class_=kind, style=f"width:{size / total:.4%}") if size else None


def _advice(found: ReportFindings) -> Element:
    bill = found.bill
    pieces = bill.pieces or ()
    if not pieces:
        dead = found.sizes.total.dead
        none = "No change of the Dockerfile is known to save bytes." if dead else "There are no dead bytes."
        return section("What to change", element("p", none), id_="advice")
    head = f"{size_text(bill.saved)} of {size_text(bill.total.dead)} dead bytes can be saved."
    shown = [_piece(piece) for piece in pieces[:_MOST_PIECES]]
    rest = len(pieces) - len(shown)
    more = (
        element("p", f"{count_text(rest, 'more piece')}: layertui dockerfile", class_="dim") if rest else None
    )
    folds = (
        folded(
            f"{len(shown) - _SHOWN_PIECES:,} more for {size_text(saved(pieces[_SHOWN_PIECES:]))}",
            *shown[_SHOWN_PIECES:],
        )
        if shown[_SHOWN_PIECES:]
        else None
    )
    return section("What to change", element("p", head), *shown[:_SHOWN_PIECES], folds, more, id_="advice")


def _piece(piece: Advice) -> Element:
    return element(
        "div",
        element("p", element("b", size_text(piece.size)), f": {without_secrets(piece.finding)}."),
        element("p", f"{sentence(without_secrets(piece.remedy.text))}."),
        *(element("p", f"guess: {without_secrets(clause)}", class_="dim") for clause in piece.remedy.guesses),
        element("pre", *_lines(without_secrets(piece.remedy.change))),
        class_="advice",
    )


def _lines(text: str) -> Iterable[Element | str]:
    """Yield lines that stay lines: a newline inside of a text would be shown as a character."""
    for number, line in enumerate(text.split("\n")):
        if number:
            yield element("br")
        yield line


def _layers(found: ReportFindings) -> Element:
    steps = _steps(found)
    most = max((size.size for size in found.sizes.layers), default=0) or 1
    rows = []
    for number, size in reversed(list(enumerate(found.sizes.layers, 1))):
        bar = None
        if size.size:
            bar = element("div", _part("live", size.live, most), _part("dead", size.dead, most), class_="bar")
        remark = found.bill.remarks.get(LayerNumber(number))
        rows.append(
            element(
                "div",
                element("span", str(number), class_="no"),
                element(
                    "div",
                    element("div", element("code", steps.get(LayerNumber(number)) or "(not in the history)")),
                    bar,
                    element("span", parts_text(size) if size.size else "no bytes of files", class_="dim"),
                    element("span", f" · {remark}", class_="dead-text") if remark else None,
                ),
                class_="layer",
                id_=f"layer-{number}",
            )
        )
    return section("Layers", element("p", "Newest first, to scale.", class_="dim"), *rows, id_="layers")


def _map(found: ReportFindings) -> Element:
    rows = [
        (element("code", path), size_text(size.size), size_text(size.live), size_text(size.dead))
        for path, size in (
            (found.union.path(node), size) for node, size in found.sizes.children(ROOT)[:_SHOWN_ROWS]
        )
    ]
    return section(
        "Where the bytes are",
        map_of(found.sizes),
        element("p", "To scale; the grayer a box, the more of it is dead.", class_="dim"),
        table(("Directory", "Size", "Live", "Dead"), rows, (1, 2, 3)),
        id_="map",
    )


def _waste(found: ReportFindings) -> Element:
    wasted = found.waste
    if not wasted.paths:
        return section("Dead files", element("p", "None."), id_="waste")
    counts = Counter(row.reason for row in wasted.paths)
    reasons = table(
        ("Size", "Files", "Reason"),
        [
            (size_text(size), f"{counts[reason]:,}", reason.words)
            for reason, size in wasted.by_reason().items()
        ],
        (0, 1),
    )
    rows = [
        (
            size_text(row.size),
            str(row.layer),
            str(row.by),
            row.path if row.moved_to is None else f"{row.path} -> {row.moved_to}",
        )
        for row in wasted.paths
    ]
    heads = ("Size", "Layer", "Hidden by", "Path")
    return section("Dead files", reasons, *_rows(heads, rows, (0, 1, 2), "dead file"), id_="waste")


def _secrets(found: ReportFindings) -> Element:
    rows = [
        (
            row.rule,
            "" if row.layer is None else str(row.layer),
            ("visible" if row.is_visible else "deleted, still stored") if row.where == "file" else row.where,
            row.name if row.line is None else f"{row.name}:{row.line}",
            row.masked,
        )
        for row in found.secrets.found
    ]
    if not rows:
        return section("Secrets", element("p", "None found."), id_="secrets")
    heads = ("Rule", "Layer", "State", "Where", "Masked")
    return section("Secrets", *_rows(heads, rows, (1,), "secret"), id_="secrets")


def _packages(found: ReportFindings) -> Element:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.packages.installed.most_common())
    sizes = found.package_sizes
    rows = [
        (size_text(size), f"{package.name} {package.version}", package.kind)
        for package, size in sizes.packages
    ]
    about = f"{kinds or 'None found'} in the final tree."
    if rows:
        about += f" {size_text(sizes.unowned)} are owned by no package."
    return section(
        "Packages",
        element("p", about),
        *_rows(("Size", "Package", "Kind"), rows, (0,), "package"),
        id_="packages",
    )


def _files(found: ReportFindings) -> Element:
    largest = [
        (size_text(row.size), str(row.layer), row.path) for row in found.sizes.files(ROOT)[:_SHOWN_ROWS]
    ]
    left = [(size_text(row.size), row.rule.name, row.path, row.rule.remedy) for row in found.leftovers]
    return section(
        "Largest files",
        table(("Size", "Layer", "Path"), largest, (0, 1)),
        *_rows(("Size", "Leftover", "Path", "Remedy"), left, (0,), "leftover"),
        id_="files",
    )


def _permissions(found: ReportFindings) -> Element:
    counts = Counter(row.right for row in found.permissions)
    about = ", ".join(f"{count:,} {right}" for right, count in counts.items())
    rows = [
        (
            str(row.right),
            mode_text(row.entry),
            owner(row.entry),
            str(row.entry.layer),
            row.entry.path + (f" and {row.paths - 1:,} below" if row.paths > 1 else ""),
        )
        for row in found.permissions
    ]
    heads = ("Right", "Mode", "Owner", "Layer", "Path")
    return section(
        "Permissions",
        element("p", sentence(about or "nothing unusual") + "."),
        *_rows(heads, rows, (3,), "path"),
        id_="permissions",
    )


def _rows(
    heads: Sequence[str], rows: Sequence[Sequence[Element | str]], numbers: Sequence[int], noun: str
) -> Iterable[Element]:
    """Yield the first rows as a table, and the others folded."""
    if rows:
        yield table(heads, rows[:_SHOWN_ROWS], numbers)
    if rest := rows[_SHOWN_ROWS:]:
        yield folded(f"{count_text(len(rest), f'more {noun}')}", table(heads, rest[:_FOLDED_ROWS], numbers))
        if len(rest) > _FOLDED_ROWS:
            yield element("p", f"{len(rest) - _FOLDED_ROWS:,} more are not listed.", class_="dim")


def _steps(found: ReportFindings) -> dict[LayerNumber, str]:
    """Return the build step of each layer, without secrets."""
    return {
        entry.layer: without_secrets(step_text(entry))
        for entry in found.image.history
        if entry.layer is not None
    }
