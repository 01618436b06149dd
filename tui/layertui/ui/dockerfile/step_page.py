"""The changes of an instruction, as a page."""

from typing import TYPE_CHECKING

from layertui.dockerfile import Instruction
from layertui.dockerfile.document import Dockerfile
from layertui.dockerfile.effect import Effect
from layertui.dockerfile.provenance import Provenance
from layertui.text.format import age_text, sentence, size_text
from layertui.text.sanitize import visible, visible_lines
from layertui.ui.detail.changes import counts
from layertui.ui.detail.page import Page, PageBuilder
from layertui.ui.detail.words import layers

if TYPE_CHECKING:
    from layertui.model.image import Image

_SIZE = 10


def step_page(
    image: "Image", dockerfile: Dockerfile, each: Instruction, effect: Effect | None, waits: str = ""
) -> Page:
    """Return the changes of an instruction, and how its step is recorded.

    ``waits`` says why there is no effect yet.
    """
    build = PageBuilder(_SIZE)
    if each.keyword == "FROM" and each.step < 0 and each.is_used:
        _tell_base(build, dockerfile, each)
        return build.page()
    if not each.is_used:
        build.add(("No layer: the image is not built on stage ", "quiet"), (visible(each.stage), ""))
    elif each.layer is None:
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
    if dockerfile.source == "provenance":
        _tell_facts(build, each)
    if each.step < 0:
        if each.is_used:
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


def _tell_facts(build: PageBuilder, each: Instruction) -> None:
    for fact in each.facts:
        build.add((visible(sentence(fact)) + ".", ""))


def _tell_base(build: PageBuilder, dockerfile: Dockerfile, each: Instruction) -> None:
    base, provenance = dockerfile.base, dockerfile.provenance
    if dockerfile.source == "provenance":
        if each is not next(other for other in dockerfile.found if other.keyword == "FROM" and other.is_used):
            build.add(("Built on another stage.", "quiet"))
            return
        _tell_facts(build, each)
    if base.name:
        build.add(("Built on ", ""), (visible(base.name), "bold"))
        build.add((visible(base.source), "quiet"))
    elif dockerfile.source == "history":
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
    if provenance is not None and provenance.why:
        build.add()
        build.add((visible(f"The provenance is not used: {provenance.why}."), "quiet"))
    elif provenance is not None:
        build.add()
        _tell_provenance(build, provenance)


def _tell_provenance(build: PageBuilder, provenance: Provenance) -> None:
    build.add(("As recorded by BuildKit", "quiet"))
    found = {"file": provenance.file, "stage": provenance.target, **provenance.build_arguments}
    for name, value in found.items():
        if value:
            build.add((visible(value), ""), gutter=[(visible(name), "quiet")], value=value)
    if provenance.is_by_position:
        build.add(("Layers are matched by position: they were compressed after that.", "quiet"))
    build.add((provenance.digest, ""), gutter=[("statement", "quiet")], value=provenance.digest)
