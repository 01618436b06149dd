"""Assemble an image from a config and layers; shared by all sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from layertui import TYPE_CHECKING
from layertui.model import media_types
from layertui.model.blob import Blob
from layertui.model.digest import HEX
from layertui.model.image import (
    MISSING,
    Descriptor,
    HistoryEntry,
    Image,
    Layer,
    Link,
    Platform,
    Unpacked,
    chain_ids,
)
from layertui.model.numbers import LayerNumber

if TYPE_CHECKING:
    from typing import Any


ZERO_DAY = "0001-01-01T"
"""Go's zero time, in any zone."""


def platform_of(config: Mapping[str, Any]) -> Platform:
    """Return the platform in a config or an index's ``platform``; missing parts are ``unknown``."""

    def text(name: str) -> str:
        value = config.get(name)
        return value if isinstance(value, str) else ""

    return Platform(
        text("os") or "unknown", text("architecture") or "unknown", text("variant"), text("os.version")
    )


def config_list(config: Mapping[str, Any], *path: str) -> list[Any]:
    """Return the list at a path of a config; empty if it is missing, null or not a list."""
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def full_names(name: str) -> list[str]:
    """Return the names that a name may mean: default tag ``latest``, default registry Docker Hub, or without these."""
    familiar = familiar_name(name)
    names = dict.fromkeys([name, f"{name}:latest", familiar, f"{familiar}:latest"])
    return [
        prefix + each for prefix in ("", "docker.io/library/", "docker.io/", "localhost/") for each in names
    ]


def familiar_name(name: str) -> str:
    """Return a name without what it has of Docker Hub, as Docker prints it (distribution/reference, normalize.go)."""
    path = name.removeprefix("docker.io/")
    short = path.removeprefix("library/")
    return name if path == name else path if "/" in short.partition("@")[0] else short


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return an image's labels, without those that are not strings."""
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    return (
        {key: each for key, each in labels.items() if isinstance(each, str)}
        if isinstance(labels, dict)
        else {}
    )


def diff_ids_of(config: Mapping[str, Any]) -> list[str]:
    return [each if isinstance(each, str) else "" for each in config_list(config, "rootfs", "diff_ids")]


def created_of(config: Mapping[str, Any]) -> str | None:
    """Return the config's creation time; ``None`` if it has none."""
    return known_time(config.get("created"))


def known_time(value: object) -> str | None:
    """Return a recorded RFC 3339 time; ``None`` for none, and for Go's zero time, which stands for none."""
    is_known = isinstance(value, str) and value and not value.startswith(ZERO_DAY)
    return str(value) if is_known else None


def history_of(config: Mapping[str, Any], layers: int) -> tuple[list[HistoryEntry], list[str]]:
    """Return the config's history with layer numbers, and warnings about mismatches.

    Every entry without ``empty_layer`` made the next layer (OCI config, ``history``). Surplus
    layers get entries of their own, surplus steps get no layer.
    """
    entries: list[HistoryEntry] = []
    used = 0
    surplus = 0
    for step in config_list(config, "history"):
        step = step if isinstance(step, dict) else {}
        number: LayerNumber | None = None
        if step.get("empty_layer") is not True:
            if used < layers:
                used += 1
                number = LayerNumber(used)
            else:
                surplus += 1
        entries.append(
            HistoryEntry(
                known_time(step.get("created")),
                _text(step, "created_by"),
                _text(step, "author"),
                _text(step, "comment"),
                number,
            )
        )
    warnings = []
    if surplus:
        warnings.append(f"the history lists {used + surplus} layers, the image has {layers}")
    elif entries and used < layers:
        warnings.append(f"the history lists {used} layers, the image has {layers}")
    entries += [
        HistoryEntry(None, "", "", "", LayerNumber(number), recorded=False)
        for number in range(used + 1, layers + 1)
    ]
    return entries, warnings


def step_of_v1(identity: str, value: Mapping[str, Any], number: int, document: Link) -> HistoryEntry:
    """Return the build step of an image of Docker 1.9 or older (image/spec/v1.md), each of which made a layer.

    ``document`` is the image's JSON, and ``value`` what it says.
    """
    command = config_list(value, "container_config", "Cmd")
    return HistoryEntry(
        known_time(value.get("created")),
        " ".join(part for part in command if isinstance(part, str)),
        _text(value, "author"),
        _text(value, "comment"),
        LayerNumber(number),
        id=identity,
        document=document,
    )


def make_layers(
    stored: Sequence[tuple[Descriptor, Blob | None]], diff_ids: Sequence[str]
) -> tuple[list[Layer], list[str]]:
    """Return layers from their stored blobs and the config's diff IDs, and warnings about mismatches."""
    warnings = []
    if len(diff_ids) != len(stored):
        warnings.append(f"the config lists {len(diff_ids)} layers, the image has {len(stored)}")
    diff_ids = [*diff_ids, *[""] * len(stored)][: len(stored)]
    layers = []
    for number, ((descriptor, blob), diff_id, chain_id) in enumerate(
        zip(stored, diff_ids, chain_ids(diff_ids), strict=True), 1
    ):
        readable, missing = readable_blob(descriptor, blob)
        layer = Layer(LayerNumber(number), descriptor, diff_id, chain_id, readable, missing)
        layers.append(layer if readable else layer._replace(opaque=blob))
    return layers, warnings


def readable_blob(descriptor: Descriptor, blob: Blob | None) -> tuple[Blob | None, str]:
    """Return the blob if entries can be read from it, else why not."""
    media_type = descriptor.media_type
    if media_types.is_encrypted(media_type):
        return None, "encrypted: cannot be read without the key"
    if blob is None:
        if descriptor.urls:
            return None, f"foreign layer, not stored: fetched from {descriptor.urls[0]}"
        if media_types.is_foreign(media_type):
            return None, "non-distributable layer: not stored"
        if not descriptor.digest:
            return None, "the manifest has no digest of it"
        return None, f"blob {descriptor.digest} not found"
    base = media_type.partition("+")[0]
    if not media_type or any(base == known or base.startswith(known + ".") for known in media_types.LAYERS):
        return blob, ""
    if is_tar(blob):
        return blob, ""
    kind = "a SquashFS file system" if blob.pread(4, 0) == b"hsqs" else media_type
    return None, f"not a tar but {kind}: entries cannot be read"


def is_tar(blob: Blob) -> bool:
    """Return whether a blob starts like a tar, or is compressed."""
    from layertui.layers.compression.format import compression_of

    head = blob.pread(512, 0)
    return bool(compression_of(head)) or head[257:262] == b"ustar"


def no_image(reference: str, transport: str) -> Image:
    """Return the image of a container without a base image, or whose image is unknown."""
    return Image(
        reference=reference,
        transport=transport,
        name="scratch",
        tags=(),
        repo_digests=(),
        id="",
        config={},
        config_bytes=b"",
        manifest={},
        manifest_bytes=b"",
        manifest_digest="",
        platform=Platform("unknown", "unknown"),
        history=(),
        layers=(),
    )


READ_WRITE = "read-write layer of container "
"""How the step of a container's read-write layer begins."""
INIT_LAYER = "init layer: stubs of what Docker mounts into every container"
"""The step of the layer between an image and the read-write layer."""
ALONE = "opened as layers without an image: steps, times and platform are unknown"


def layers_alone(
    reference: str, transport: str, name: str, layers: Sequence[Layer], warnings: Sequence[str] = ()
) -> Image:
    """Return layers of a store, base first, as an image without a config.

    ``name`` is the top layer's ID in the store.
    """
    return no_image(reference, transport)._replace(
        name=f"layer {short_layer(name)}",
        history=[HistoryEntry(None, "", "", "", layer.number, recorded=False) for layer in layers],
        layers=layers,
        warnings=[ALONE, *warnings],
    )


def short_layer(identity: str) -> str:
    """Return the display name of a layer ID: twelve digits of a digest, as Docker shortens IDs."""
    digits = identity.removeprefix("sha256:")
    return digits[:12] if HEX.fullmatch(digits) else identity


def container_step(created: object, text: str, number: LayerNumber, size: int = -1) -> HistoryEntry:
    """Return the step of a layer that a container has on top of its image's."""
    return HistoryEntry(known_time(created), text, "", "", number, id=MISSING, size=size)


def with_own_layer(
    image: Image, unpacked: Unpacked | None, missing: str, text: str, created: str | None
) -> Image:
    """Return an image with a container's read-write layer on top; ``text`` is its step in the history."""
    number = len(image.layers) + 1
    layer = Layer(LayerNumber(number), Descriptor("", "", -1), "", "", None, missing, unpacked)
    step = container_step(created, text, LayerNumber(number))
    return image._replace(layers=[*image.layers, layer], history=[*image.history, step], is_container=True)


def is_read_write(layer: Layer, entry: HistoryEntry) -> bool:
    """Return whether a layer is a container's read-write layer, which has no digest."""
    is_known = layer.descriptor.digest or layer.diff_id
    return not is_known and entry.id == MISSING and entry.created_by.startswith(READ_WRITE)


def comparison_warnings(layers: Sequence[Layer]) -> list[str]:
    """Return a warning about the layers whose entries are known only by comparison of whole trees."""
    numbers = [
        str(layer.number) for layer in layers if layer.unpacked is not None and layer.unpacked.is_compared
    ]
    if not numbers:
        return []
    which = f"layer{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
    return [
        f"no record of the tar of {which}: entries are differences to the tree below in type, mode, owner, size, "
        "time or link target; identical copies and other changes are not shown"
    ]


def incomplete_base_warnings(lowest: Layer) -> list[str]:
    """Return a warning about the lowest layer of a store if it may be a whole tree of several layers."""
    if lowest.unpacked is None or not lowest.unpacked.is_full_tree:
        return []
    return ["layer 1 is a whole tree, which may contain layers below it"]


def _text(step: Mapping[str, Any], name: str) -> str:
    value = step.get(name)
    return value if isinstance(value, str) else ""
