"""The chain from an image's reference to its stored layers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from layertui.anatomy.chain import HOST, ChainPart, System, origins, parts
from layertui.content.syntax import colored, lexer_of
from layertui.model.errors import LayertuiError
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.text.format import count_text, exact_size
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.clipboard import copy, copy_text
from layertui.ui.detail.page import Page, PageBuilder, failure, message
from layertui.ui.keys import Legend
from layertui.ui.stack import Origin
from layertui.ui.widgets.key_bar import KeyBar
from layertui.ui.widgets.lines import Document, Line
from layertui.ui.widgets.text_view import TextView
from layertui.ui.worker.background import background

if TYPE_CHECKING:
    from layertui.model.image import Image

WIDE = 120
"""Width in columns from which the JSON is beside the chain."""
LAID_OUT = "formatted; y copies the stored bytes"
SYSTEM = "distribution"
"""The end of the chain."""
_GUTTER = 13
_FIELD = 17
_VALUE = 32
"""Cells for the name and for the value of a field of docker inspect."""


@dataclass(slots=True)
class Chain:
    """The chain as a page; its events are layer numbers."""

    page: Page = field(default_factory=lambda: message(""))
    parts: dict[int, int] = field(default_factory=dict)
    """The number of a line's part."""
    stops: list[int] = field(default_factory=list)
    """The line that each part begins with."""
    leads: dict[int, int] = field(default_factory=dict)
    """The number of the part that a line leads to."""


_STEP_KEYS = Binding.Group("step")


class AnatomyScreen(Origin[LayerNumber]):
    """The chain of ``image``; dismissed with a layer number if one was opened.

    ``system`` identifies the distribution, in a thread; ``None`` if
    the layers have not been read.
    """

    HELP: ClassVar[str] = (
        "Manifest, config and layers: the reference points to an index or manifest, which references the "
        "config and the layers. For each, the chain shows where it is stored, digest, size and references; for "
        "each layer also the diff ID (digest of its tar) and the chain ID (digest of the stack up to it). The "
        "JSON of the selected step is shown beside it. An image contains only a root file system and a config: "
        "the end of the chain names its distribution; the kernel is the host's."
    )
    LEGEND: ClassVar[Legend] = (
        ("▌", "$accent", "a layer, in its color"),
        ("→", "$accent", "a reference to another step: enter follows it"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "follow", "follow", tooltip="Follow the reference, or open the layer in the explorer"
        ),
        Binding("n", "step(1)", "next step", tooltip="Next step of the chain", group=_STEP_KEYS),
        Binding("N", "step(-1)", "previous step", tooltip="Previous step of the chain", group=_STEP_KEYS),
        Binding("y", "copy", "copy", tooltip="Copy the selected value; in the JSON, the stored document"),
    ]
    CSS_PATH = Path(__file__).with_name("screen.tcss")

    def __init__(self, image: "Image", system: Callable[[], System] | None) -> None:
        super().__init__()
        self.ready = False
        """Whether the chain is there; tests wait for it."""
        self._image = image
        self._system = system
        self._chain: Chain | None = None
        self._documents: list[tuple[str, Document, str]] = []
        """For each part: name of its JSON, formatted, and as stored (if it is)."""
        self._part = -1  # whose JSON is shown

    crumb = "Anatomy"

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            yield TextView(id="chain", classes="pane")
            yield TextView(id="json", classes="pane")
        yield KeyBar()

    def on_mount(self) -> None:
        for name, title in (("chain", f"Anatomy of {visible(self._image.name)}"), ("json", "JSON")):
            self._view(name).border_title = Content(title)
        self._view("json").folding = True
        self._view("chain").focus()
        self._view("chain").open(message("Reading …").document)
        background(self, self._read, self._show_chain, self._fail, name="anatomy")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    def _view(self, name: str) -> TextView:
        return self.query_one(f"#{name}", TextView)

    def _read(self, _job: Job) -> tuple[Chain, list[tuple[str, Document, str]]]:
        """Return the chain, and the JSON of each of its parts; highlights long JSON, and reads a file of the image."""
        found = list(parts(self._image))
        system: System | LayertuiError | None = None
        if self._system is not None:
            try:
                system = self._system()
            except LayertuiError as error:
                system = error
        documents = [(*json_document(*json_of(self._image, part)), stored(part)) for part in found]
        documents.append((*json_document(SYSTEM, None), ""))
        return chain_of(found, system), documents

    def _fail(self, error: LayertuiError) -> None:
        self._view("chain").open(failure(error).document)

    def _show_chain(self, read: tuple[Chain, list[tuple[str, Document, str]]]) -> None:
        self._chain, self._documents = read
        self._view("chain").open(self._chain.page.document)
        self._view("chain").border_subtitle = Content(count_text(len(self._documents), "step"))
        self._show()
        self.ready = True

    def on_text_view_cursor_moved(self) -> None:
        self._show()

    def _show(self) -> None:
        """Show the JSON of the selected step."""
        self.refresh_bindings()
        if self._chain is None:
            return
        part = self._chain.parts[self._line]
        if part != self._part:
            self._part = part
            title, document, stored = self._documents[part]
            self._view("json").open(document)
            self._view("json").border_title = Content(title)
            self._view("json").border_subtitle = Content(LAID_OUT if stored else "")

    # Keys

    @property
    def _line(self) -> int:
        return self._view("chain").cursor

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable only what can be done with the selected line."""
        if action not in ("follow", "copy", "step"):
            return True
        if self._chain is None:
            return False
        if action == "follow":
            return self._line in self._chain.leads or self._line in self._chain.page.events
        if action == "copy" and self._in_json:
            return bool(self._documents[self._part][2])
        return action == "step" or self._line in self._chain.page.values

    def action_follow(self) -> None:
        """Follow the line's reference, or open its layer in the explorer."""
        assert self._chain is not None
        if self._line in self._chain.leads:
            self._to_step(self._chain.stops[self._chain.leads[self._line]])
        else:
            self.dismiss(LayerNumber(self._chain.page.events[self._line]))

    def action_step(self, by: int) -> None:
        """Go to the first line of the next step, or of the previous one."""
        assert self._chain is not None
        stops = self._chain.stops
        found = [stop for stop in stops if (stop > self._line if by > 0 else stop < self._line)]
        if found:
            self._to_step(found[0] if by > 0 else found[-1])

    def _to_step(self, line: int) -> None:
        """Move to the first line of a step, and show all of it."""
        view = self._view("chain")
        view.go_to(line)
        view.scroll_to(y=view.rows_of(line)[0], animate=False, immediate=True)

    @property
    def _in_json(self) -> bool:
        return self.focused is self._view("json")

    def action_copy(self) -> None:
        """Copy the value of the selected line, or the JSON byte for byte."""
        assert self._chain is not None
        if self._in_json:
            title, _, stored = self._documents[self._part]
            copy_text(self, stored, f"{title} as stored")
            return
        copy(self, self._chain.page.values[self._line])


def chain_of(found: Sequence[ChainPart], system: System | LayertuiError | None) -> Chain:
    """Return the parts under their titles, a line per fact, and the distribution."""
    page, chain = PageBuilder(_GUTTER), Chain()
    by_digest: dict[str, int] = {}
    by_title = {part.title: number for number, part in enumerate(found)}
    naming = [(number, part.title, set(part.refers)) for number, part in enumerate(found) if part.refers]
    for number, part in enumerate(found):
        for digest in _digests(part):
            by_digest.setdefault(digest, number)
    for number, part in enumerate(found):
        layer = _layer(part)
        title = [("▌ ", f"layer:{layer}")] if layer else []
        chain.stops.append(
            page.add(*title, (visible(part.title), "bold"), value=part.title, event=layer or -1)
        )
        chain.parts[chain.stops[-1]] = number
        facts = [*part.facts, *(("refers to", each) for each in part.refers if part.kind == "reference")]
        for name, value in facts:
            leads = by_title.get(name, -1) if part.kind == "history" else by_digest.get(value, -1)
            _add_fact(page, chain, (name, value), number, leads, LayerNumber(layer))
        for each, (name, where, value) in zip(part.fields, origins(part.fields), strict=True):
            body = (f"{name:{_FIELD}}", ""), (visible(where), "accent"), (f"  {_brief(value)}", "quiet")
            chain.parts[page.add(*body, gutter=[("  field", "quiet")], value=each.file)] = number
        for at, other, named in naming:
            if at != number and not named.isdisjoint(_digests(part)):
                _add_fact(page, chain, ("referenced by", other), number, at, LayerNumber(layer))
        page.add()
    _add_system(page, chain, system)
    chain.page = page.page()
    return chain


def _add_fact(
    page: PageBuilder, chain: Chain, fact: tuple[str, str], number: int, leads: int, layer: LayerNumber
) -> None:
    """Add a fact of part ``number``, which may reference another part (else -1) or a layer (else 0)."""
    name, value = fact
    label, _, other = name.partition(" ") if name.startswith("or ") else (name, "", "")
    shown = exact_size(int(value)) if name in ("size", "offset") and value.isdigit() else visible(value)
    body = [("→ ", "accent")] if leads not in (-1, number) else []
    body += [(f"{visible(other)} ", "quiet")] if other else []
    line = page.add(
        *body, (shown, ""), gutter=[(f"  {visible(label)}", "quiet")], value=value, event=layer or -1
    )
    chain.parts[line] = number
    if leads not in (-1, number):
        chain.leads[line] = leads


def _add_system(page: PageBuilder, chain: Chain, system: System | LayertuiError | None) -> None:
    """Add the distribution and its kernels: the end of the chain."""
    number = len(chain.stops)
    chain.stops.append(page.add((SYSTEM, "bold"), value=HOST))
    chain.parts[chain.stops[-1]] = number
    page.add((HOST, ""))
    if system is None:
        page.add(("Distribution unknown until the layers have been read.", "quiet"))
    elif isinstance(system, LayertuiError):
        page.add((visible(f"Distribution unknown: {system}"), "deleted"))
    else:
        name = f"{system.name or 'no name'}, as {system.source} says" if system.source else ""
        gutter = [("  system", "quiet")]
        said = visible(name or "unknown: no os-release")
        chain.parts[page.add((said, ""), gutter=gutter, value=system.name or said)] = number
        for path in system.kernels:
            about = (": not used by containers", "quiet")
            gutter = [("  unused", "quiet")]
            chain.parts[page.add((visible(path), ""), about, gutter=gutter, value=path)] = number


def _brief(value: str) -> str:
    """Return JSON laid out for few columns."""
    return "{…}" if value.startswith("{") else shorten(visible(value), _VALUE)


def _digests(part: ChainPart) -> list[str]:
    """Return the digest by which others reference a part."""
    return [value for name, value in part.facts if part.kind != "reference" and name in ("digest", "diff ID")]


def _layer(part: ChainPart) -> int:
    """Return the layer number of a part; 0 if it is not a layer."""
    return int(part.title.removeprefix("layer ")) if part.kind == "layer" else 0


def json_of(image: "Image", part: ChainPart) -> tuple[str, Any]:
    """Return the name of a part's JSON, and the JSON; ``None`` if it has none."""
    if part.kind == "history":
        history = image.config.get("history")
        return "history, in the config" if history else part.title, history
    if part.kind == "layer":
        listed = image.manifest.get("layers")
        if isinstance(listed, list) and len(listed) == len(image.layers):
            return f"{part.title}, in the manifest", listed[_layer(part) - 1]
        return part.title, None
    return visible(part.title), part.document


def stored(part: ChainPart) -> str:
    """Return the stored bytes of a part's JSON; empty if it is assembled here."""
    return "" if part.document is None else part.data.decode(errors="replace")


def json_document(title: str, value: Any) -> tuple[str, Document]:
    """Return formatted JSON with syntax colors."""
    if value is None:
        return title, message("No JSON for this item.").document
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    pieces = colored(lexer_of("it.json", ""), lines)
    return title, Document([Line([(visible(text), kind) for text, kind in line]) for line in pieces])
