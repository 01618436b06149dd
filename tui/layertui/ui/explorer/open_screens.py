"""Open the other screens about an explorer's image, from what has been read of it."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from layertui.model.history_step import step_text
from layertui.model.numbers import EMPTY, LayerNumber
from layertui.text.format import count_text
from layertui.text.sanitize import visible
from layertui.ui.cells import shorten
from layertui.ui.explorer.layer_facts import ImageWarning, image_page, warnings_document
from layertui.ui.navigator import navigator
from layertui.ui.stack import Destination, Origin, open_above

if TYPE_CHECKING:
    from layertui.ui.explorer.layer_list import LayerList
    from layertui.ui.worker.reading import Reading


def facts(reading: "Reading", layers: "LayerList", base: str) -> Screen[None] | None:
    """Return the facts of the image and the selected step; None if there is no image. ``base``: empty if unknown."""
    from layertui.ui.dialogs.reader import ReaderDialog

    image = reading.image
    if image is None:
        return None
    number = image.history[layers.step].layer if layers.step >= 0 else None
    state = layers.states[number] if number is not None else None
    page = image_page(image, base, layers.step, state, reading.indexes.get(number or 0))
    title = "Image" if layers.step < 0 else f"Image and layer {number}" if number else "Image and step"
    return ReaderDialog(title, page.document, "i", values=page.values)


def warnings(found: Sequence[ImageWarning]) -> Screen[None]:
    """Warnings."""
    from layertui.ui.dialogs.reader import ReaderDialog

    return ReaderDialog(count_text(len(found), "warning"), warnings_document(found), "exclamation_mark")


def anatomy(reading: "Reading") -> Origin[LayerNumber]:
    """Return the chain of documents; dismissed with the selected layer."""
    from layertui.anatomy.chain import system
    from layertui.ui.anatomy.screen import AnatomyScreen

    assert reading.image is not None
    told = None
    if reading.ended and reading.union is not None and reading.contents is not None:
        told = partial(system, reading.union, reading.contents)
    return AnatomyScreen(reading.image, told)


def insight(reading: "Reading", cache: bool) -> Origin[Destination]:
    """Return the insight screen; dismissed with the selected path and layer."""
    from layertui.ui.insight.screen import InsightScreen

    return InsightScreen(reading, cache)


OTHER = "Another image or container …"
_CHOICE = 80
"""Cells of a layer's step at most."""
_BESIDE_STEP = 24
"""Cells of the screen that a layer's step cannot have: its number, and the frame of the dialog."""


def compare(
    screen: Screen[None], reading: "Reading", reference: str, platform: str | None, layer: LayerNumber
) -> None:
    """Ask what to compare with: another image, or another layer of ``reading``."""
    from layertui.compare.comparison import Side
    from layertui.model.identity import identity_of
    from layertui.ui.compare.screen import CompareScreen
    from layertui.ui.compare.side_header import Chosen
    from layertui.ui.dialogs.choose import ChooseDialog

    image, union = reading.image, reading.union
    assert image is not None

    def at(number: LayerNumber) -> Chosen:
        """Return this image at a layer, as read if it has been."""
        side = Side(image, union, number) if reading.complete and union is not None else None
        return Chosen(reference, platform, number, side, identity_of(image))

    steps = {entry.layer: entry for entry in image.history}
    choices: dict[str, LayerNumber] = {OTHER: EMPTY}
    digits = len(str(len(image.layers)))
    room = min(screen.size.width - _BESIDE_STEP, _CHOICE)
    for other in image.layers[::-1]:
        if other.number != layer:
            step = visible(step_text(steps[other.number]))
            choices[f"layer {other.number:>{digits}}  {shorten(step, room)}"] = other.number

    def chosen(choice: str | None) -> None:
        if choice is None:
            return
        if number := choices[choice]:
            open_above(screen, CompareScreen(at(min(number, layer)), at(max(number, layer))))
        else:
            navigator(screen).ask(
                f"Compare {visible(image.name)} with …",
                lambda other: open_above(
                    screen, CompareScreen(at(LayerNumber(len(image.layers))), Chosen(other))
                ),
                reference,
            )

    open_above(
        screen,
        ChooseDialog(f"Compare layer {layer} with" if layer else "Compare with", list(choices)),
        chosen,
    )
