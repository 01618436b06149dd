"""The images that an archive of ``docker save`` lists, and which one a reference selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from layertui import TYPE_CHECKING
from layertui.model import platforms
from layertui.model.errors import LayertuiError, NotFound, SeveralImages, few
from layertui.model.image import Platform
from layertui.model.reference import Reference
from layertui.model.typed import NamedTuple
from layertui.sources import documents
from layertui.sources.assemble import config_list, full_names
from layertui.sources.files import Files, read_json

if TYPE_CHECKING:
    from typing import Any


class ManifestItem(NamedTuple):
    """One image of an archive, as an item of ``manifest.json``."""

    number: int
    """Position in the archive, from 0."""
    tags: tuple[str, ...]
    manifest: Mapping[str, Any]


class LegacyItem(NamedTuple):
    """One image of an archive of Docker 1.9 or older, as an entry of ``repositories``."""

    number: int
    tags: tuple[str, ...]
    top: str
    """ID of its top layer, which is also the image's."""


Item = ManifestItem | LegacyItem


def items(files: Files) -> Sequence[Item]:
    """Return the images of an archive, in its order.

    Raises :class:`LayertuiError` if neither manifest.json nor repositories can be read.
    """
    if files.get("manifest.json") is None:
        return legacy_items(files)
    value, _ = read_json(files, "manifest.json", documents.ARCHIVE_SCHEMA)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise LayertuiError(f"manifest.json of {files.path} is not a list of images")
    if not value:
        raise LayertuiError(f"{files.path} contains no image", "its manifest.json is empty")
    return [
        ManifestItem(
            number, tuple(tag for tag in config_list(item, "RepoTags") if isinstance(tag, str)), item
        )
        for number, item in enumerate(value)
    ]


def legacy_items(files: Files) -> list[LegacyItem]:
    if files.get("repositories") is None and (tops := _untagged(files)):
        return [LegacyItem(number, (), top) for number, top in enumerate(tops)]
    if files.get("repositories") is None:
        missing = "it has neither manifest.json nor index.json nor repositories"
        why = f"{missing}, and is damaged: {files.damage}" if files.damage else missing
        raise LayertuiError(f"{files.path} is not an image archive", why)
    value, _ = read_json(files, "repositories")
    tags: dict[str, list[str]] = {}
    for name, versions in value.items() if isinstance(value, dict) else ():
        for tag, top in versions.items() if isinstance(versions, dict) else ():
            if isinstance(top, str) and top:
                tags.setdefault(top, []).append(f"{name}:{tag}")
    if not tags:
        raise LayertuiError(f"repositories of {files.path} lists no image")
    return [LegacyItem(number, tuple(names), top) for number, (top, names) in enumerate(tags.items())]


def _untagged(files: Files) -> list[str]:
    """Return the IDs of the layers that no other stands on, in an archive of images saved by ID."""
    layers = files.legacy_layers()
    below = set()
    for layer in layers:
        value, _ = read_json(files, f"{layer}/json", documents.CONFIG_SCHEMA)
        below.add(value.get("parent") if isinstance(value, dict) else None)
    return [layer for layer in layers if layer not in below]


def item_named(found: Sequence[Item], selector: str, name: str) -> Item:
    """Return the image that a name or position selects. Raises :class:`NotFound`."""
    if selector.startswith("@"):
        number = selector[1:]
        if number.isdecimal() and int(number) < len(found):
            return found[int(number)]
        raise NotFound(f"{name} has no image {selector}", f"available: @0 to @{len(found) - 1}")
    for full in full_names(selector):
        named = [item for item in found if full in item.tags]
        if len(named) > 1:
            raise _several(f"{name}:{selector} could be several images", named, found, name)
        if named:
            return named[0]
    listed = few(tag for item in found for tag in item.tags) or "no names"
    raise NotFound(f"{name} has no image {selector}", f"available: {listed}")


def only_item(
    found: Sequence[Item], name: str, platform: str | None, platform_of_item: Callable[[Item], Platform]
) -> Item:
    """Return the only image, or the only one for a platform. Raises :class:`LayertuiError`."""
    fitting = list(found)
    if len(found) > 1 and platform is not None:
        wanted = platforms.parse_platform(platform)
        fitting = [item for item in found if platforms.fits(wanted, platform_of_item(item))]
    if len(fitting) == 1:
        return fitting[0]
    raise _several(f"{name} contains {len(found)} images", found, found, name)


def _several(what: str, choices: Sequence[Item], found: Sequence[Item], name: str) -> SeveralImages:
    """Return the error that lists the selectors of images to choose from."""
    names = [own_selector(item, found) for item in choices]
    how = "@INDEX" if all(each.startswith("@") for each in names) else "NAME:TAG"
    references = {each: str(Reference("docker-archive", name, each)) for each in names}
    return SeveralImages(what, references, f"choose one: docker-archive:{name}:{how}")


def own_selector(item: Item, found: Sequence[Item]) -> str:
    """Return the selector of an image; empty if it is the archive's only one."""
    if len(found) == 1:
        return ""
    return next((tag for tag in item.tags if selects(tag, item, found)), f"@{item.number}")


def selects(tag: str, item: Item, found: Sequence[Item]) -> bool:
    """Return whether a name is that of one image alone."""
    return all(other is item or tag not in other.tags for other in found)
