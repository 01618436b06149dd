"""``docker-archive:``: archives of ``docker save`` and compatible programs.

Archives since Docker 1.10 have a ``manifest.json`` that lists images with config and
layers; older ones only ``repositories`` and a directory with ``json`` and ``layer.tar`` per
layer (image/spec/v1.2.md and v1.md of Docker).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from layertui import TYPE_CHECKING
from layertui.model import media_types, platforms
from layertui.model.digest import digest_of
from layertui.model.errors import LayertuiError
from layertui.model.image import MAX_LAYERS, Descriptor, Image, ImageSummary, Layer, Link, Platform
from layertui.model.numbers import LayerNumber
from layertui.model.reference import Reference
from layertui.sources import documents, oci
from layertui.sources.assemble import (
    config_list,
    created_of,
    diff_ids_of,
    full_names,
    history_of,
    labels_of,
    make_layers,
    platform_of,
    readable_blob,
    step_of_v1,
)
from layertui.sources.docker_archive_items import (
    Item,
    LegacyItem,
    item_named,
    items,
    only_item,
    own_selector,
    selects,
)
from layertui.sources.files import Files, files_of, parse_object
from layertui.sources.oci_groups import platform_of_image
from layertui.sources.oci_layout import IMAGE_NAME, FilesLayout, config_and_layers, manifests_of, ways_to
from layertui.sources.oci_subjects import attests

if TYPE_CHECKING:
    from typing import Any

    from layertui.sources.attachments import Attachment


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`."""
    files = files_of(reference)
    try:
        return _with_manifest(files, open_item(files, reference, platform))._replace(file=files.state)
    except LayertuiError:
        if platform is None or reference.selector.startswith("@") or files.get("index.json") is None:
            raise
        # Docker's containerd store saves all platforms but lists only one in manifest.json.
        layout = Reference("oci-archive", reference.location, reference.selector)
        return oci.open_layout(FilesLayout(files, "oci-archive"), layout, platform)


def list_images(reference: Reference) -> list[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    return summaries(files_of(reference), reference)


def attachments_of(image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    # Without the manifest that archives have since Docker 25, there is nothing to attach them to.
    return oci.attachments_of(image) if image.manifest_digest else iter(())


def open_item(files: Files, reference: Reference, platform: str | None) -> Image:
    """Open the image that a reference selects."""
    found = items(files)

    if reference.selector:
        item = item_named(found, reference.selector, str(files.path))
    else:

        def platform_of_item(each: Item) -> Platform:
            numbered = Reference("docker-archive", reference.location, f"@{each.number}")
            return open_item(files, numbered, None).platform

        item = only_item(found, str(files.path), platform, platform_of_item)
    selector = reference.selector or own_selector(item, found)
    named = Reference("docker-archive", reference.location, selector)
    if isinstance(item, LegacyItem):
        return _legacy_image(files, named, item, platform)
    config_name = item.manifest.get("Config")
    if not isinstance(config_name, str) or not config_name:
        raise LayertuiError(f"manifest.json of {files.path} has no config")
    blob = files.get(config_name)
    if blob is None:
        raise LayertuiError(f"{files.path} has no {config_name}", "the config of the image")
    config, config_bytes = parse_object(blob, f"{config_name} of {files.path}", documents.CONFIG_SCHEMA)
    image_id = digest_of(config_bytes)
    warnings = []
    claimed = re.search(r"(?:^|[/:])([0-9a-f]{64})(?:\.json)?$", config_name)
    named_digest = f"sha256:{claimed[1]}" if claimed else ""
    if claimed and image_id != f"sha256:{claimed[1]}":
        # Docker loads it nevertheless: it does not verify the config against its name.
        warnings.append(f"the config is named sha256:{claimed[1]}, but its digest is {image_id}")
    diff_ids = diff_ids_of(config)
    sources = item.manifest.get("LayerSources")
    stored = []
    for name, diff_id in zip(
        names := config_list(item.manifest, "Layers"), [*diff_ids, *[""] * len(names)], strict=False
    ):
        layer = files.get(name) if isinstance(name, str) else None
        source = sources.get(diff_id) if isinstance(sources, dict) else None
        stored.append((_descriptor(source, name, layer.size if layer else -1), layer))
    layers, more = make_layers(stored, diff_ids)
    layers = [
        layer if blob or layer.descriptor.digest else layer._replace(missing=f"the archive has no {name}")
        for layer, name, (_, blob) in zip(layers, names, stored, strict=True)
    ]
    history, odd = history_of(config, len(layers))
    return Image(
        reference=str(named),
        transport="docker-archive",
        name=item.tags[0] if item.tags else files.path.name,
        tags=item.tags,
        repo_digests=(),
        id=image_id,
        config=config,
        config_bytes=config_bytes,
        manifest=item.manifest,
        manifest_bytes=b"",
        manifest_digest="",
        platform=_checked(platform_of(config), platform, str(named)),
        history=history,
        layers=layers,
        warnings=[*warnings, *more, *odd, *_damage(files)],
        damage=files.damage,
        links=[
            *_manifest_link(files),
            Link("config", Descriptor("", named_digest, -1), config_bytes, blob.location),
        ],
    )


def summaries(files: Files, reference: Reference) -> list[ImageSummary]:
    """Return a row for each tag of each image, or of the one that a reference selects.

    Images that cannot be read are omitted. Raises :class:`LayertuiError` if no image can be read.
    """
    found = items(files)
    location = reference.location
    rows: list[ImageSummary] = []
    problems = []
    for item in [item_named(found, reference.selector, str(files.path))] if reference.selector else found:
        try:
            image = open_item(files, Reference("docker-archive", location, f"@{item.number}"), None)
        except LayertuiError as problem:
            problems.append(problem)
            continue
        stored = _stored_platforms(files, image)
        for tag in item.tags or ("",):
            name, _, label = tag.rpartition(":")
            is_own = bool(tag) and selects(tag, item, found)
            selector = tag if is_own else f"@{item.number}" if len(found) > 1 else ""
            rows.append(
                ImageSummary(
                    reference=str(Reference("docker-archive", location, selector)),
                    transport="docker-archive",
                    name=name or tag,
                    tag=label if name else "",
                    id=image.id,
                    digest="",
                    size=image.size if image.size >= 0 else None,
                    created=created_of(image.config),
                    layers=len(image.layers) if len(stored) == 1 else None,
                    platforms=stored,
                    labels=labels_of(image.config),
                )
            )
    if problems and not rows:
        raise problems[0]
    return rows


def _stored_platforms(files: Files, image: Image) -> tuple[Platform, ...]:
    """Return the platforms that ``--platform`` opens; manifest.json has only the first of them.

    Docker's containerd store saves an index with all platforms that are stored.
    """
    found = _with_manifest(files, image)
    index = next((link.descriptor for link in found.links if link.name == "index"), None)
    if index is None:
        return (image.platform,)
    layout = FilesLayout(files, "oci-archive")
    try:
        others = [
            platform_of_image(layout, each)
            for each in manifests_of(layout, [index])
            if each.digest != found.manifest_digest and layout.has(each) and not attests(layout, each)
        ]
    except LayertuiError:  # reported when it is opened
        others = []
    return tuple(dict.fromkeys([image.platform, *others]))


def _with_manifest(files: Files, image: Image) -> Image:
    """Add manifest, attestations and the indexes that lead there, which archives have since Docker 25."""
    if files.get("index.json") is None:
        return image
    layout = FilesLayout(files, "oci-archive")
    try:
        wanted = {full for tag in image.tags for full in full_names(tag)}
        top = sorted(layout.top(), key=lambda each: each.annotations.get(IMAGE_NAME) not in wanted)
        for *indexes, found in ways_to(layout, top):
            if found.media_type in media_types.INDEXES or not layout.has(found) or attests(layout, found):
                continue
            manifest, data = layout.fetch(found, "manifest")
            config, layers = config_and_layers(manifest)
            if config is None or config.digest != image.id:
                continue
            links = [layout.link("index", each, layout.fetch(each, "index")[1]) for each in indexes]
            links.append(layout.link("manifest", found, data))
            types = {each.digest: each.media_type for each in layers}
            return image._replace(
                manifest=manifest,
                manifest_bytes=data,
                manifest_digest=found.digest,
                attestations=oci.attestations_of(layout, manifests_of(layout, top), found.digest),
                layers=[_typed(layer, types) for layer in image.layers],
                links=[*image.links[:-1], *layout.entrance(), *links, *image.links[-1:]],
            )
    except LayertuiError as problem:
        return image._replace(warnings=[*image.warnings, f"its index.json cannot be read: {problem}"])
    return image


def _typed(layer: Layer, types: Mapping[str, str]) -> Layer:
    """Return a layer with its media type in the manifest, if that has the same blob."""
    media_type = types.get(layer.descriptor.digest) or layer.descriptor.media_type
    return layer._replace(descriptor=layer.descriptor._replace(media_type=media_type))


def _manifest_link(files: Files) -> list[Link]:
    blob = files.get("manifest.json")
    if blob is None:
        return []
    return [Link("manifest.json", Descriptor("", "", -1), blob.pread(blob.size, 0), blob.location)]


def _descriptor(source: object, name: object, size: int) -> Descriptor:
    """Return a layer's descriptor, from LayerSources if the archive has it (since Docker 25)."""
    if isinstance(source, dict):
        digest, media_type = source.get("digest"), source.get("mediaType")
        in_blobs = (
            isinstance(name, str) and isinstance(digest, str) and name.endswith(digest.partition(":")[2])
        )
        if isinstance(media_type, str) and in_blobs and digest:
            return Descriptor(media_type, str(digest), size)
    blob = re.fullmatch(r"blobs/(sha256|sha512)/([0-9a-f]+)", name) if isinstance(name, str) else None
    return Descriptor(media_types.DOCKER_LAYER, f"{blob[1]}:{blob[2]}" if blob else "", size)


def _checked(found: Platform, wanted: str | None, name: str) -> Platform:
    return platforms.choose_platform([(found, found)], wanted, name) if wanted else found


def _damage(files: Files) -> list[str]:
    return [f"the archive is damaged: {files.damage}"] if files.damage else []


# Docker up to 1.9


def _legacy_image(files: Files, reference: Reference, item: LegacyItem, platform: str | None) -> Image:
    chain: list[tuple[str, dict[str, Any], Link]] = []
    current: object = item.top
    while isinstance(current, str) and current and len(chain) <= MAX_LAYERS:
        blob = files.get(f"{current}/json")
        if blob is None:
            raise LayertuiError(f"{files.path} has no {current}/json", "a layer of the image")
        value, data = parse_object(blob, f"{current}/json of {files.path}", documents.CONFIG_SCHEMA)
        chain.append((current, value, Link("json", Descriptor("", "", -1), data, blob.location)))
        current = value.get("parent")
    if len(chain) > MAX_LAYERS:
        raise LayertuiError(f"the layers of {files.path} form a cycle")
    identity, top, document = chain[0]
    chain.reverse()
    layers, history = [], []
    for number, (layer_id, value, written) in enumerate(chain, 1):
        blob = files.get(f"{layer_id}/layer.tar")
        descriptor = Descriptor(media_types.DOCKER_LAYER, "", blob.size if blob else -1)
        present, missing = readable_blob(descriptor, blob)
        layers.append(
            Layer(
                LayerNumber(number),
                descriptor,
                "",
                "",
                present,
                missing and f"the archive has no {layer_id}/layer.tar",
            )
        )
        history.append(step_of_v1(layer_id, value, number, written))
    return Image(
        reference=str(reference),
        transport="docker-archive",
        name=item.tags[0] if item.tags else files.path.name,
        tags=item.tags,
        repo_digests=(),
        id=f"sha256:{identity}",
        config=top,
        config_bytes=document.data,
        manifest={},
        manifest_bytes=b"",
        manifest_digest="",
        platform=_checked(platform_of(top), platform, str(reference)),
        history=history,
        layers=layers,
        warnings=["an archive of Docker 1.9 or older, without digests", *_damage(files)],
        damage=files.damage,
        # The ID of such an image is no digest of anything.
        links=[Link("config", Descriptor("", "", -1), document.data, document.location)],
    )
