"""The chain from a reference to an image's layers, as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from layertui.anatomy.chain import HOST, ChainPart, System, origins
from layertui.dockerfile.base import BASE_FACTS, Base, base_facts
from layertui.model.errors import LayertuiError
from layertui.model.numbers import LayerNumber
from layertui.text.format import exact_size
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.detail.page import Page, PageBuilder, message

BASE_TITLE = "base image"
SYSTEM = "distribution"
"""The end of the chain."""
_GUTTER = 13
_FIELD = 17
_IDENTITIES = ("digest", "diff ID", "image ID")
"""Facts by which others reference a part."""
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


def chain_of(
    found: Sequence[ChainPart], base: Base | LayertuiError | None, system: System | LayertuiError | None
) -> Chain:
    """Return the parts under their titles, a line per fact, then the base image and the distribution.

    It has the same lines before the base image is known (``None``) and after.
    """
    page, chain = PageBuilder(_GUTTER), Chain()
    by_digest: dict[str, int] = {}
    by_title = {part.title: number for number, part in enumerate(found)}
    below = base.layers if isinstance(base, Base) and not base.guess else 0
    naming = [(number, part.title, set(part.refers)) for number, part in enumerate(found) if part.refers]
    for number, part in enumerate(found):
        for digest in _digests(part):
            by_digest.setdefault(digest, number)
    for number, part in enumerate(found):
        layer = number_of_layer(part)
        title = [("▌ ", f"layer:{layer}")] if layer else []
        about = ("  of the base image" if 0 < layer <= below else "", "quiet")
        chain.stops.append(
            page.add(*title, (visible(part.title), "bold"), about, value=part.title, event=layer or -1)
        )
        chain.parts[chain.stops[-1]] = number
        facts = [*part.facts, *(("refers to", each) for each in part.refers if part.kind == "reference")]
        for name, value in facts:
            leads = by_title.get(name, -1) if part.kind == "history" else by_digest.get(value, -1)
            _add_fact(page, chain, (name, value), number, leads, LayerNumber(layer))
        for each, (name, where, value) in zip(part.fields, origins(part.fields), strict=True):
            leads = by_digest.get(each.value, -1) if name == "Parent" else -1
            body = [("→ ", "accent")] if leads != -1 else []
            body += [(f"{name:{_FIELD}}", ""), (visible(where), "accent"), (f"  {_brief(value)}", "quiet")]
            line = page.add(*body, gutter=[("  field", "quiet")], value=each.file)
            chain.parts[line] = number
            if leads != -1:
                chain.leads[line] = leads
        for at, other, named in naming:
            if at != number and not named.isdisjoint(_digests(part)):
                _add_fact(page, chain, ("referenced by", other), number, at, LayerNumber(layer))
        page.add()
    _add_base(page, chain, base, by_title)
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


def _add_base(
    page: PageBuilder, chain: Chain, base: Base | LayertuiError | None, by_title: Mapping[str, int]
) -> None:
    """Add the base image; its layers lead to the last of them."""
    number = len(chain.stops)
    chain.stops.append(page.add((BASE_TITLE, "bold"), value=BASE_TITLE))
    chain.parts[chain.stops[-1]] = number
    if isinstance(base, Base):
        facts = base_facts(base)
    else:
        facts = {**dict.fromkeys(BASE_FACTS, ""), BASE_FACTS[0]: str(base) if base else "looking …"}
    for name, value in facts.items():
        last = base.layers if isinstance(base, Base) and name == "layers" else 0
        leads = by_title.get(f"layer {last}", -1)
        _add_fact(page, chain, (name, value), number, leads, LayerNumber(0))
    page.add()


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
    """Return the digests and IDs by which others reference a part."""
    return [value for name, value in part.facts if part.kind != "reference" and name in _IDENTITIES]


def number_of_layer(part: ChainPart) -> int:
    """Return the layer number of a part; 0 if it is not a layer."""
    return int(part.title.removeprefix("layer ")) if part.kind == "layer" else 0
