"""What the selected item of the finder is: of an image its size and layers, of a path its versions."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from layertui.model.errors import LayertuiError, NoImage
from layertui.model.job import Job
from layertui.model.numbers import LayerNumber
from layertui.model.reference import FILE_TRANSPORTS, parse_reference
from layertui.text.format import age_text, count_text, mode_text, moment, owner, parts_text, size_text
from layertui.text.sanitize import visible
from layertui.ui.detail.subject import chip
from layertui.ui.finder.items import Findable, Inside
from layertui.ui.widgets.bars import two_part_bar
from layertui.ui.widgets.lines import Span

if TYPE_CHECKING:
    from layertui.model.image import ImageSummary

PREVIEWED = 3
"""Lines of a preview, at most."""
_BAR = 20
_SMALL = 64 << 20
"""Bytes of a compressed archive that is decompressed for a preview, at most."""

Preview = Sequence[Sequence[Span]]


def preview_of(item: Findable, inside: Inside | None, with_cache: bool, job: Job) -> Preview:
    """Return sanitized lines about an item. Asks engines and reads the headers of files, but no registry."""
    if item.reference and item.kind != "transport":
        try:
            return _images(item.reference, with_cache)
        except LayertuiError as error:
            is_folder = item.text.endswith("/") and isinstance(error, NoImage)
            why = "directory" if is_folder else ", ".join(filter(None, (error.what, error.why)))
            return [[(visible(why), "quiet")]]
    if inside is None or inside.union is None:
        return []
    if item.kind == "path":
        return _path(inside, item.text, job)
    if item.kind == "layer":
        return _layer(inside, LayerNumber(int(item.text.partition(" ")[0])), item.text)
    return []


def _images(reference: str, with_cache: bool) -> Preview:
    from layertui.sources import list_images

    if why := _why_not(reference):
        return [[(why, "quiet")]]
    images = list(list_images(reference))
    if not images:
        return [[("no image", "quiet")]]
    by_id = {each.id or each.reference: each for each in reversed(images)}  # one may have several names
    if len(by_id) == 1:
        return _image(images[0], ", ".join(visible(_name(each)) for each in images), with_cache)
    # Not their sum: it would count the layers that they share again.
    names = (
        visible(_name(each)) + (f" ({size_text(each.size)})" if each.size is not None else "")
        for each in images
    )
    return [[(count_text(len(by_id), "image"), "")], [(", ".join(names), "quiet")]]


def _why_not(reference: str) -> str:
    """Return why a reference is not followed for a preview; empty if it is.

    A pipe can be read but once, and what a registry is asked for should have been meant.
    """
    from layertui.layers.compression.format import compression_of

    parsed = parse_reference(reference)
    if parsed.transport == "docker":
        return "in a registry, fetched when opened"
    if parsed.transport not in ("", *FILE_TRANSPORTS):
        return ""
    try:
        file = Path(parsed.location)
        facts = file.stat()
        if stat.S_ISDIR(facts.st_mode):
            return ""
        if not stat.S_ISREG(facts.st_mode):
            return "a pipe or device, read when opened"
        with file.open("rb") as stream:
            compression = compression_of(stream.read(16))
    except (OSError, ValueError):
        return ""  # a name
    is_large = compression and facts.st_size > _SMALL
    return f"{compression} archive of {size_text(facts.st_size)}, decompressed when opened" * bool(is_large)


def _name(image: ImageSummary) -> str:
    """Return the name and tag of an image, else its ID."""
    return ":".join(part for part in (image.name, image.tag) if part) or image.id


def _image(image: ImageSummary, names: str, with_cache: bool) -> Preview:
    from layertui.cache.image_bytes import recall_bytes
    from layertui.cache.indexes import IndexCache

    platforms = [str(each) for each in image.platforms]
    facts = [
        count_text(image.layers, "layer") if image.layers is not None else "",
        f"{len(platforms)} platforms" if len(platforms) > 1 else "".join(platforms),
        f"created {age_text(image.created)}" if image.created else "",
    ]
    about: list[Span] = [(visible("  ".join(filter(None, facts))), "quiet")]
    known = recall_bytes(IndexCache(), image.reference, image.id) if with_cache else None
    if known is not None:
        size = [*two_part_bar(known, known.size, _BAR, "accent"), (f" {parts_text(known)}", "")]
    else:
        size = [(f"{size_text(image.size)} as stored" if image.size is not None else "", "")]
    return [[(names, "bold")], size, about]


def _path(inside: Inside, path: str, job: Job) -> Preview:
    union = inside.union
    assert union is not None
    node = union.find(path)
    shown = union.last_by(node, union.layers)
    while shown >= 0 and not union.shows(shown):
        job.check()
        shown = union.ev_prev[shown]
    if shown < 0:
        return [[(visible(path), "bold")]]
    entry = union.entry(shown)
    size = f"{size_text(entry.size)}  " if entry.type == "file" else ""
    layers: list[Span] = [("stored by ", "quiet")]
    for event in union.versions(node):
        if union.shows(event):
            layers += [*chip(union.ev_layer[event]), ("  ", "")]
    return [
        [(visible(path), "bold")],
        [(f"{entry.type}  {size}{mode_text(entry)}  {owner(entry)}  {moment(entry)}", "quiet")],
        layers,
    ]


def _layer(inside: Inside, number: LayerNumber, text: str) -> Preview:
    sizes = inside.sizes
    size: list[Span] = []
    if sizes:
        bytes_ = sizes[number - 1]
        largest = max(each.size for each in sizes)
        size = [*two_part_bar(bytes_, largest, _BAR, f"layer:{number}"), (f" {parts_text(bytes_)}", "")]
    return [[*chip(number), ("  ", ""), (visible(text.partition(" ")[2]), "")], size]
