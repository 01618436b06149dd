"""The changes of an instruction, as a page."""

from typing import TYPE_CHECKING

from layertui.dockerfile import Instruction
from layertui.dockerfile.effect import Effect
from layertui.text.format import age_text, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.detail.changes import counts
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.words import layers

if TYPE_CHECKING:
    from layertui.dockerfile.base import Base
    from layertui.model.image import Image

_SIZE = 10


def step_page(
    image: "Image", base: "Base", each: Instruction, effect: Effect | None, waits: str = ""
) -> Page:
    """Return the changes of an instruction, and how its step is recorded.

    ``waits`` says why there is no effect yet.
    """
    build = PageBuilder(_SIZE)
    if each.keyword == "FROM" and each.step < 0:
        _tell_base(build, base)
        return build.page()
    if each.layer is None:
        build.add(("No layer: config only.", "quiet"))
    else:
        layer = image.layers[each.layer - 1]
        colour = f"layer:{each.layer}"
        build.add(
            ("▌", colour),
            (f"layer {each.layer}", colour),
            (f" of {len(image.layers)}, {size_text(layer.descriptor.size)} {layer.measured}", "quiet"),
        )
        if effect is None:
            build.add((waits, "quiet"))
        else:
            _tell_effect(build, effect)
    if each.step < 0:
        build.add(("The history does not record it.", "quiet"))
        return build.page()
    entry = image.history[each.step]
    build.add()
    build.add(
        (f"Step {each.step + 1} of {len(image.history)}", "quiet"),
        (", of the base image" if each.is_base else "", "quiet"),
    )
    if entry.created:
        build.add((age_text(entry.created), ""), gutter=[("created", "quiet")])
    label = "recorded"
    for line in visible_lines(entry.created_by) if entry.created_by else ["nothing"]:
        build.add((line, ""), gutter=[(label, "quiet")], value=entry.created_by if label else None)
        label = " "
    if entry.comment:
        build.add((visible(entry.comment), ""), gutter=[("comment", "quiet")])
    return build.page()


def _tell_effect(build: PageBuilder, effect: Effect) -> None:
    build.add(*counts(effect.counts))
    hidden = effect.counts.hidden_bytes
    hides = f", hides {size_text(hidden)} of lower layers" if hidden else ""
    build.add((f"Adds {size_text(effect.size)} of files{hides}.", "quiet"))
    if effect.largest:
        build.add()
        build.add(("Largest files", "quiet"))
    for path, size in effect.largest:
        build.add(
            (visible(path), ""),
            gutter=[(f"{size_text(size):>{_SIZE - 2}}", "")],
            value=path,
            event=effect.layer,
        )


def _tell_base(build: PageBuilder, base: "Base") -> None:
    if base.name:
        build.add(("Built on ", ""), (visible(base.name), "bold"))
        build.add((visible(base.source), "quiet"))
    else:
        build.add(
            (
                "Base image unknown: no label names it, and no local image has the same first layers.",
                "quiet",
            )
        )
    if base.layers > 0 and not base.guess:
        are = "is" if base.layers == 1 else "are"
        build.add((f"{layers(1, base.layers).capitalize()} {are} the base image's.", ""))
    elif base.layers > 0:
        build.add(("guess: ", "modified"), (f"{layers(1, base.layers)}: {base.guess}", "quiet"))
