"""The disk usage of a store as a page: each thing in a line, two numbers before its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layertui.model.reference import Reference
from layertui.text.format import size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.images.image_row import NO_NAME, short_digest
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.sources.store_usage import ImageUse, LayerUse, StoreUsage

_NUMBER = 9
"""Cells of a number column; two precede each name."""

Target = tuple[str, str]
"""What a line leads to: a reference, and the ID of a layer to begin at (empty for none)."""


def usage_page(found: StoreUsage, store: Reference) -> tuple[Page, list[Target]]:
    """Return the page of a store, and what can be explored: events of the page are numbers of that."""
    page = _UsagePage()
    for problem in found.problems:
        page.add((visible(problem), "deleted"))
    if found.problems:
        page.add()
    _add_parts(page, found)
    _add_images(page, found)
    _add_shared_layers(page, found)
    _add_held(page, found)
    _add_unnamed_layers(page, found)
    _add_strays(page, found)
    _add_links(page, found, store)
    return page.page(), page.targets


class _UsagePage(PageBuilder):
    """Collects lines and what they lead to."""

    def __init__(self) -> None:
        super().__init__(2 * _NUMBER + 2)
        self.targets: list[Target] = []

    def head(self, first: str, second: str, what: str, before: bool = True) -> None:
        """Name the columns of what follows, after an empty line."""
        if before:
            self.add()
        self.add((what, "quiet"), gutter=_numbers(first, second, "quiet"))

    def row(
        self, *body: Span, value: str, target: Target | None = None, first: str = "", second: str = ""
    ) -> None:
        """Add a thing: its numbers, its name, what is copied, what it leads to."""
        event = len(self.targets) if target is not None else -1
        self.add(*body, gutter=_numbers(first, second), event=event, value=value)
        if target is not None:
            self.targets.append(target)

    def layer(self, layer: LayerUse, target: Target, about: str, count: str = "") -> None:
        """Add a layer; ``about`` may be hostile."""
        from layertui.sources.assemble import short_layer

        name, more = (visible(short_layer(layer.id)), "bold"), (visible(f"  {about}"), "quiet")
        self.row(name, more, value=layer.id, target=target, first=size_text(layer.size), second=count)


def _add_parts(page: _UsagePage, found: StoreUsage) -> None:
    page.head("ON DISK", "ENTRIES", "PART", before=False)
    width = max((len(part.name) for part in found.parts if part.about), default=0)
    for part in found.parts:
        page.row(
            (f"{visible(part.name):{width}}", "bold"),
            (f"  {part.about or 'not known'}", "quiet"),
            value=str(found.root / part.name),
            first=size_text(part.size),
            second="" if part.entries is None else f"{part.entries:,}",
        )


def _add_images(page: _UsagePage, found: StoreUsage) -> None:
    page.head("SIZE", "RECLAIMABLE", "IMAGE")
    if not found.images:
        page.add(("none", "quiet"), gutter=_numbers("", ""))
    for image in found.images:
        kept = f"  used by {', '.join(image.containers)}" if image.containers else ""
        page.row(
            (visible(_name(image)), "bold"),
            (visible(f"  {short_digest(image.id)}{kept}"), "quiet"),
            value=image.id,
            target=(image.reference, ""),
            first=size_text(image.size),
            second=size_text(image.frees),
        )


def _add_shared_layers(page: _UsagePage, found: StoreUsage) -> None:
    from layertui.sources.store_usage import users

    shared = [layer for layer in found.layers if len(layer.images) > 1]
    if shared:
        page.head("SIZE", "IMAGES", "SHARED LAYER")
    for layer in shared:
        by = ", ".join(users(found, layer))
        page.layer(layer, (layer.images[0], layer.id), by, str(len(layer.images)))


def _add_held(page: _UsagePage, found: StoreUsage) -> None:
    if found.held:
        page.head("SIZE", "", "HELD BY")
    for each in found.held:
        about = (visible(f"  {short_digest(each.id)[:25]}  {each.about}".rstrip()), "quiet")
        target = (each.reference, "") if each.reference else None
        page.row((each.kind, "bold"), about, value=each.id, target=target, first=size_text(each.size))


def _add_unnamed_layers(page: _UsagePage, found: StoreUsage) -> None:
    from layertui.sources.assemble import short_layer
    from layertui.sources.store_usage import unnamed

    alone = unnamed(found)
    if alone:
        page.head("SIZE", "", "DANGLING LAYER")
    for layer in alone:
        on = f"on {short_layer(layer.parent)}" if layer.parent else ""
        page.layer(layer, (layer.reference, ""), on)


def _add_strays(page: _UsagePage, found: StoreUsage) -> None:
    if found.strays:
        page.head("", "", "UNREFERENCED DIRECTORY (may be build cache)")
    for stray in found.strays:
        name = str(stray.path).removeprefix(f"{found.root}/")
        target = (stray.reference, "") if stray.reference else None
        page.row((visible(name), ""), value=str(stray.path), target=target)


def _add_links(page: _UsagePage, found: StoreUsage, store: Reference) -> None:
    if found.links:
        page.head("", "", "CONTAINER BY NAME OR LINK (linkgraph.db)")
    for name, identity in found.links:
        target = (str(store._replace(selector=f"/{identity}")), "")
        short = (visible(f"  {identity[:12]}"), "quiet")
        page.row((visible(name), "bold"), short, value=identity, target=target)


def _numbers(first: str, second: str, style: str = "") -> list[Span]:
    return [(f"{first:>{_NUMBER}}{second:>{_NUMBER}}  ", style)]


def _name(image: ImageUse) -> str:
    return ", ".join(image.tags) or NO_NAME
