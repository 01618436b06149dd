"""The images of a layout's index.json, and which of them a reference selects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from layertui.model import media_types, platforms
from layertui.model.digest import DIGEST
from layertui.model.errors import LayertuiError, NotFound, SeveralImages, few
from layertui.model.image import Descriptor, Platform
from layertui.sources.assemble import full_names, platform_of
from layertui.sources.oci_layout import (
    IMAGE_NAME,
    REF_NAME,
    ImageLayout,
    descriptor_of,
    manifests_of,
    ways_to,
)
from layertui.sources.oci_subjects import attests, is_attached


def select_group(layout: ImageLayout, selector: str, name: str, platform: str | None) -> list[Descriptor]:
    """Return the descriptors of index.json that a tag or digest selects, or a platform among several images."""
    if named := _group_of(layout, selector):
        return named
    groups = groups_of(layout)
    if selector in groups and selector:
        return groups[selector]
    if selector.startswith("@") and (found := _of_digest(layout, groups, selector[1:])):
        return found
    if not groups:
        raise LayertuiError(f"{layout.place} contains no image", "its index.json is empty")
    if not selector:
        return _only(layout, groups, name, platform)
    for full in full_names(selector):
        if full in groups:
            return groups[full]
    like = {
        other: group for other, group in groups.items() if any(selector in _names(each) for each in group)
    }
    if len(like) == 1:
        return next(iter(like.values()))
    if like:
        whole = name.removesuffix(f":{selector}")
        raise SeveralImages(
            f"{name} could be several images", _choices(whole, like), f"choose one: {whole}@DIGEST"
        )
    if attached := [each for each in layout.top() if selector in _names(each)]:
        return attached
    raise NotFound(f"{layout.place} has no image {selector}", f"available: {few(groups)}")


def _only(
    layout: ImageLayout, groups: Mapping[str, list[Descriptor]], name: str, platform: str | None
) -> list[Descriptor]:
    """Return the only image, under one name or several, or the only one for a platform."""
    distinct = {frozenset(found.digest for found in group): group for group in groups.values()}
    if len(distinct) > 1 and platform is not None:
        wanted = platforms.parse_platform(platform)
        distinct = {
            digests: group
            for digests, group in distinct.items()
            if any(platforms.fits(wanted, each) for each in _platforms_of(layout, group))
        } or distinct
    if len(distinct) > 1:
        how = f"{name}:TAG" if any(not each.startswith("@") for each in groups) else f"{name}@DIGEST"
        raise SeveralImages(
            f"{layout.place} contains {len(groups)} images", _choices(name, groups), f"choose one: {how}"
        )
    (digests,) = distinct
    same = [group for group in groups.values() if {found.digest for found in group} == digests]
    return [found for group in same for found in group]


def _choices(whole: str, groups: Iterable[str]) -> dict[str, str]:
    """Return the reference of each image of a layout, by its selector."""
    return {each: f"{whole}{each}" if each.startswith("@") else f"{whole}:{each}" for each in groups}


def _group_of(layout: ImageLayout, name: str) -> list[Descriptor]:
    """Return what :func:`groups_of` has under a name, without reading the manifests of the other names; or nothing."""
    if not name or name.startswith("@"):
        return []
    top = layout.top()
    group = [found for found in top if _names(found)[:1] == [name] and not is_attached(layout, found)]
    if not group or not _is_one(layout, group):
        return []
    return [*group, *(found for found in top if not _names(found) and attests(layout, found))]


def groups_of(layout: ImageLayout) -> dict[str, list[Descriptor]]:
    """Return the images of an index.json by their selector.

    Descriptors of one name are one image for several platforms if their platforms differ, and so
    are those without a name if they are all that there is; any other is ``@digest``. What is about
    another manifest, or without a name in an index of the layout, is no image of its own unless
    there is nothing else. Unnamed attestations are added to every group: they record their subject
    themselves.
    """
    attestations: list[Descriptor] = []
    others: list[Descriptor] = []
    for found in layout.top():
        is_attestation = not _names(found) and attests(layout, found)
        (attestations if is_attestation else others).append(found)
    images = [found for found in others if not is_attached(layout, found)] or others
    named: dict[str, list[Descriptor]] = {}
    unnamed = []
    for found in images:
        if names := _names(found):
            named.setdefault(names[0], []).append(found)
        else:
            unnamed.append(found)
    if unnamed and len(images) > 1:
        listed = _listed(layout, images)
        unnamed = [found for found in unnamed if found.digest not in listed]
    groups: dict[str, list[Descriptor]] = {}
    for name, group in named.items():
        groups |= {name: group} if _is_one(layout, group) else _by_digest(group)
    if named or (len(unnamed) > 1 and any(found.platform is None for found in unnamed)):
        groups |= _by_digest(unnamed)
    elif unnamed:
        groups |= {"": unnamed} if _is_one(layout, unnamed) else _by_digest(unnamed)
    return {selector: [*group, *attestations] for selector, group in groups.items()}


def _is_one(layout: ImageLayout, group: Sequence[Descriptor]) -> bool:
    """Return whether descriptors are one image, or one for several platforms."""
    distinct = {found.digest: found for found in group}
    if len(distinct) == 1:
        return True
    return len({platform_of_image(layout, found) for found in distinct.values()}) == len(distinct)


def _by_digest(group: Iterable[Descriptor]) -> dict[str, list[Descriptor]]:
    return {f"@{found.digest}": [found] for found in group}


def _listed(layout: ImageLayout, top: Iterable[Descriptor]) -> set[str]:
    """Return the digests that indexes list, those of nested ones too."""
    found: set[str] = set()
    for each in top:
        try:
            found.update(way[-1].digest for way in ways_to(layout, [each]) if len(way) > 1)
        except LayertuiError:
            continue  # reported when it is opened
    return found


def _platforms_of(layout: ImageLayout, group: Iterable[Descriptor]) -> list[Platform]:
    try:
        return [platform_of_image(layout, each) for each in manifests_of(layout, group)]
    except LayertuiError:
        return []  # reported when it is opened


def platform_of_image(layout: ImageLayout, descriptor: Descriptor) -> Platform:
    """Return an image's platform according to its index, else its config."""
    if descriptor.platform is not None:
        return descriptor.platform
    try:
        manifest, _ = layout.fetch(descriptor, "manifest")
        described = descriptor_of(manifest.get("config"))
        if described is not None and described.media_type in media_types.CONFIGS:
            return platform_of(layout.fetch(described, "config")[0])
    except LayertuiError:
        pass  # reported when it is opened; the wanted image may be another
    return Platform("unknown", "unknown")


def _of_digest(layout: ImageLayout, groups: Mapping[str, list[Descriptor]], digest: str) -> list[Descriptor]:
    """Return a manifest or index by its digest, referenced by index.json or not, and all attestations."""
    top = [each for group in groups.values() for each in group]
    manifests = list(manifests_of(layout, top))
    attestations = [each for each in manifests if attests(layout, each)]
    for found in [*top, *manifests]:
        if found.digest == digest:
            return [found, *attestations]
    stored = Descriptor("", digest, -1)
    return [stored, *attestations] if DIGEST.fullmatch(digest) and layout.has(stored) else []


def _names(found: Descriptor) -> list[str]:
    """Return the names of a descriptor, the fuller first: Docker 25 writes only the tag as ``ref.name``."""
    names = (found.annotations.get(IMAGE_NAME, ""), found.annotations.get(REF_NAME, ""))
    return [name for name in names if name]
