"""``oci:``, ``oci-archive:`` and ``dir:``: image layouts with manifests and digests.

Rules from the OCI image specification: image-layout.md, image-index.md, manifest.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from layertui import TYPE_CHECKING
from layertui.model import media_types, platforms
from layertui.model.errors import LayertuiError, NoImage, few
from layertui.model.identity import identity_of
from layertui.model.image import Descriptor, Image, ImageSummary, Platform
from layertui.model.reference import Reference, parse_reference
from layertui.sources.assemble import (
    created_of,
    diff_ids_of,
    history_of,
    labels_of,
    make_layers,
    platform_of,
)
from layertui.sources.files import files_of
from layertui.sources.oci_groups import groups_of, platform_of_image, select_group
from layertui.sources.oci_layout import (
    IMAGE_NAME,
    REF_NAME,
    DirectoryLayout,
    FilesLayout,
    ImageLayout,
    config_and_layers,
    descriptor_of,
    layer_descriptors,
    manifests_of,
    ways_to,
)
from layertui.sources.oci_subjects import attests, subject_of
from layertui.sources.pinned import open_pinned

if TYPE_CHECKING:
    from layertui.sources.attachments import Attachment

BUILD_CACHE = "it is a build cache of BuildKit"
CACHE_CONFIG = "buildkit.cacheconfig"
"""In the media type of what BuildKit needs to find its layers again (cache/remotecache, ``image-manifest``)."""
MAX_OTHER_CONFIG = 1 << 20
"""Largest config of an artifact that is read, in bytes."""


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`."""
    return open_layout(layout_of(reference), reference, platform)


def list_images(reference: Reference) -> list[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    return summaries(layout_of(reference), reference)


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    from layertui.sources.attachments import attachments_in, subjects
    from layertui.sources.simple_signatures import MAX_SIGNATURE, signature_attachment

    open_pinned(identity_of(image))  # the path may be another archive or layout by now
    layout = layout_of(parse_reference(image.reference))
    yield from attachments_in(layout, image)
    if isinstance(layout, DirectoryLayout):
        for subject in subjects(image):
            for blob in layout.signatures(subject):
                yield signature_attachment(blob.pread(MAX_SIGNATURE, 0), blob.location, subject)


def layout_of(reference: Reference) -> ImageLayout:
    """Return the layout of a reference. Raises :class:`LayertuiError` if there is none."""
    files = files_of(reference)
    if reference.transport != "dir" and files.get("index.json") is None:
        raise LayertuiError(f"{files.path} is not an OCI layout", "no index.json")
    return DirectoryLayout(files) if reference.transport == "dir" else FilesLayout(files, reference.transport)


def open_layout(layout: ImageLayout, reference: Reference, platform: str | None) -> Image:
    """Open the image of a reference for one platform."""
    named = Reference(layout.transport, reference.location, reference.selector)
    top = select_group(layout, reference.selector, str(named), platform)
    manifests = list(manifests_of(layout, top))
    images = [each for each in manifests if not attests(layout, each)]
    # Docker's containerd store saves indexes of all platforms, but only the blobs that were pulled.
    images = [each for each in images if layout.has(each)] or images
    choices = [(platform_of_image(layout, each), each) for each in images]
    known = [choice for choice in choices if choice[0].os != "unknown"] or choices
    if not known:
        raise _no_image(layout, top)
    chosen = platforms.choose_platform(known, platform, str(named))
    attestations = attestations_of(layout, manifests, chosen.digest)
    image = _image(layout, named, chosen, _tags(top), attestations)
    image = image._replace(warnings=[*_other_versions(known, chosen, platform), *image.warnings])
    *indexes, last = next(way for way in ways_to(layout, top) if way[-1].digest == chosen.digest)
    links = [
        *layout.entrance(),
        *(layout.link("index", each, layout.fetch(each, "index")[1]) for each in indexes),
    ]
    links.append(layout.link("manifest", last, image.manifest_bytes))
    if config := descriptor_of(image.manifest.get("config")):
        links.append(layout.link("config", config, image.config_bytes))
    return image._replace(links=links, pinned=layout.pinned(reference, chosen.digest), file=layout.file)


def _other_versions(
    known: Sequence[tuple[Platform, Descriptor]], chosen: Descriptor, platform: str | None
) -> list[str]:
    """Return a warning if an image is the first of several for OS versions of which none was asked for."""
    if platform is None or platforms.parse_platform(platform).os_version:
        return []
    found = next(offered for offered, each in known if each == chosen)
    same = [str(offered) for offered, _ in known if offered[:3] == found[:3] and offered != found]
    if not same:
        return []
    return [f"the first image for {platform}, {found}: choose another with --platform: {few(same)}"]


def _no_image(layout: ImageLayout, top: Iterable[Descriptor]) -> NoImage:
    """Return why an index leads to no image: it is empty, or lists other things."""
    types = {way[-1].media_type: None for way in ways_to(layout, top)}
    others = [each for each in types if each and "manifest" not in each and each not in media_types.INDEXES]
    why = "its index lists no manifests"
    if any(CACHE_CONFIG in each for each in others):
        why = BUILD_CACHE
    elif others:
        why = f"{why}, but {few(others)}"
    return NoImage(f"{layout.place} contains no image", why)


def attestations_of(layout: ImageLayout, manifests: Iterable[Descriptor], digest: str) -> list[Descriptor]:
    """Return those of the manifests that are attestations of the one with a digest."""
    return [each for each in manifests if attests(layout, each) and subject_of(layout, each) == digest]


def summaries(layout: ImageLayout, reference: Reference) -> list[ImageSummary]:
    """Return a row for each name of a layout and each image without one, or for the selected one.

    Images that cannot be read are omitted. Raises :class:`LayertuiError` if no image can be
    read, and :class:`NoImage` if there is none.
    """
    if reference.selector:
        groups = {reference.selector: select_group(layout, reference.selector, str(reference), None)}
    else:
        groups = groups_of(layout)
    rows, problems = [], []
    for selector, group in groups.items():
        try:
            manifests = [each for each in manifests_of(layout, group) if not attests(layout, each)]
        except LayertuiError as problem:
            problems.append(problem)
            continue
        images: list[ImageSummary] = []
        for each in [each for each in manifests if layout.has(each)] or manifests:
            try:
                image = _image(layout, reference, each, (), ())
                config = descriptor_of(image.manifest.get("config"))
                if config is not None and CACHE_CONFIG in config.media_type:
                    raise NoImage(f"{layout.place} contains no image", BUILD_CACHE)
                images.append(_row(image))
            except LayertuiError as problem:
                problems.append(problem)
        if images:
            name, tag = _name(group[0])
            own = Reference(layout.transport, reference.location, selector)
            rows.append(
                _together(images)._replace(reference=str(own), name=name, tag=tag, digest=group[0].digest)
            )
    if not rows:
        raise problems[0] if problems else _no_image(layout, layout.top())
    return rows


def _row(image: Image) -> ImageSummary:
    """Return what a list shows of an image: of one index there may be too many to keep them whole."""
    return ImageSummary(
        reference="",
        transport=image.transport,
        name="",
        tag="",
        id=image.id,
        digest="",
        size=image.size if image.size >= 0 else None,
        created=created_of(image.config),
        layers=len(image.layers),
        platforms=(image.platform,),
        labels=labels_of(image.config),
    )


def _together(rows: list[ImageSummary]) -> ImageSummary:
    """Return one row of the images for several platforms; that of the first where they differ."""
    sizes = [row.size for row in rows]
    known = [size for size in sizes if size is not None]
    return rows[0]._replace(
        size=sum(known) if len(known) == len(sizes) else None,
        created=next((row.created for row in rows if row.created), None),
        layers=rows[0].layers if len(rows) == 1 else None,
        platforms=tuple(dict.fromkeys(platform for row in rows for platform in row.platforms)),
        labels={key: each for row in rows for key, each in row.labels.items()},
    )


def _image(
    layout: ImageLayout,
    reference: Reference,
    found: Descriptor,
    tags: tuple[str, ...],
    attestations: list[Descriptor] | tuple[()],
) -> Image:
    """Return the image of a manifest. Raises :class:`LayertuiError`."""
    manifest, data = layout.fetch(found, "manifest")
    if manifest.get("schemaVersion") == 1:
        raise LayertuiError(
            f"{reference} has a schema 1 manifest", "schema 1 is not supported", "pull it again"
        )
    described, _ = config_and_layers(manifest)
    if described is None:
        raise LayertuiError(f"the manifest of {layout.place} has no config", "not an image manifest")
    warnings = []
    is_image = described.media_type in media_types.CONFIGS
    if is_image:
        config, config_bytes = layout.fetch(described, "config")
    else:
        config, config_bytes = {}, b""
        blob = layout.blob(described)
        with suppress(LayertuiError):  # only for display: an artifact can be opened without it
            if blob is not None and blob.size <= MAX_OTHER_CONFIG:
                config_bytes = blob.pread(blob.size, 0)
        kind = f"an artifact, not a container image: its config is {described.media_type}"
        warnings.append(BUILD_CACHE if CACHE_CONFIG in described.media_type else kind)
    stored = [(each, layout.blob(each) if each.digest else None) for each in layer_descriptors(manifest)]
    layers, more = make_layers(stored, diff_ids_of(config) if is_image else [""] * len(stored))
    history, odd = history_of(config, len(layers))
    damaged = [f"the archive is damaged: {layout.damage}"] if layout.damage else []
    platform = platform_of(config)
    if found.platform is not None and found.platform[:2] == platform[:2]:
        platform = platform._replace(os_version=platform.os_version or found.platform.os_version)
    return Image(
        reference=str(reference),
        transport=layout.transport,
        name=tags[0] if tags else Path(layout.place).name,
        tags=tags,
        repo_digests=(),
        id=described.digest,
        config=config,
        config_bytes=config_bytes,
        manifest=manifest,
        manifest_bytes=data,
        manifest_digest=found.digest,
        platform=platform,
        history=history,
        layers=layers,
        attestations=attestations,
        warnings=[*warnings, *more, *odd, *damaged],
        damage=layout.damage,
    )


def _name(top: Descriptor) -> tuple[str, str]:
    """Return repository and tag, as far as the layout records them."""
    full = top.annotations.get(IMAGE_NAME, "").removeprefix("docker.io/library/")
    for each in (full, top.annotations.get(REF_NAME, "")):
        name, _, tag = each.rpartition(":")
        if name and "/" not in tag:
            return name, tag
    return "", top.annotations.get(REF_NAME) or full


def _tags(top: list[Descriptor]) -> tuple[str, ...]:
    names = (found.annotations.get(IMAGE_NAME) or found.annotations.get(REF_NAME) for found in top)
    return tuple(dict.fromkeys(name for name in names if name))
