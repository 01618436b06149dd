"""What all sources share: from a config and layers to an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from layertui.model import media_types
from layertui.model.blob import Blob
from layertui.model.digest import HEX
from layertui.model.image import Descriptor, HistoryEntry, Image, Layer, Platform, Unpacked, chain_ids
from layertui.model.numbers import LayerNumber


def platform_of(config: Mapping[str, Any]) -> Platform:
    """The platform that a config or an index's ``platform`` names; ``unknown`` where it does not."""

    def text(name: str) -> str:
        value = config.get(name)
        return value if isinstance(value, str) else ""

    return Platform(
        text("os") or "unknown", text("architecture") or "unknown", text("variant"), text("os.version")
    )


def config_list(config: Mapping[str, Any], *path: str) -> list[Any]:
    """A list in a config, by its path; empty where it is missing, null or something else."""
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def full_names(name: str) -> list[str]:
    """What a name may stand for: without a tag it means ``latest``, without a registry Docker's."""
    names = [name, f"{name}:latest"]
    return [
        prefix + each for prefix in ("", "docker.io/library/", "docker.io/", "localhost/") for each in names
    ]


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The labels of an image, those that are text."""
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
    """When the image was made, as its config says; ``None`` if it does not."""
    value = config.get("created")
    return value if isinstance(value, str) and value else None


def history_of(config: Mapping[str, Any], layers: int) -> tuple[list[HistoryEntry], list[str]]:
    """The config's history with layer numbers, and what does not add up.

    Every entry without ``empty_layer`` made the next layer (OCI config, ``history``). Layers
    that are left over get entries of their own, steps that are left over get no layer.
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
                _text(step, "created") or None,
                _text(step, "created_by"),
                _text(step, "author"),
                _text(step, "comment"),
                number,
            )
        )
    warnings = []
    if surplus:
        warnings.append(f"the history tells of {used + surplus} layers, the image has {layers}")
    elif entries and used < layers:
        warnings.append(f"the history tells of {used} layers, the image has {layers}")
    entries += [
        HistoryEntry(None, "", "", "", LayerNumber(number), recorded=False)
        for number in range(used + 1, layers + 1)
    ]
    return entries, warnings


def step_of_v1(value: Mapping[str, Any], number: int) -> HistoryEntry:
    """The build step that an image of Docker 1.9 or older tells of (image/spec/v1.md): each made a layer."""
    command = config_list(value, "container_config", "Cmd")
    return HistoryEntry(
        _text(value, "created") or None,
        " ".join(part for part in command if isinstance(part, str)),
        _text(value, "author"),
        _text(value, "comment"),
        LayerNumber(number),
    )


def make_layers(
    stored: Sequence[tuple[Descriptor, Blob | None]], diff_ids: Sequence[str]
) -> tuple[list[Layer], list[str]]:
    """Layers from what is stored of each and the config's diff IDs, and what does not add up."""
    warnings = []
    if len(diff_ids) != len(stored):
        warnings.append(f"the config names {len(diff_ids)} layers, the image has {len(stored)}")
    diff_ids = [*diff_ids, *[""] * len(stored)][: len(stored)]
    layers = [
        Layer(LayerNumber(number), descriptor, diff_id, chain_id, *readable_blob(descriptor, blob))
        for number, ((descriptor, blob), diff_id, chain_id) in enumerate(
            zip(stored, diff_ids, chain_ids(diff_ids), strict=True), 1
        )
    ]
    return layers, warnings


def readable_blob(descriptor: Descriptor, blob: Blob | None) -> tuple[Blob | None, str]:
    """The blob if entries can be read from it, and else why not."""
    media_type = descriptor.media_type
    if media_types.is_encrypted(media_type):
        return None, "it is encrypted: its entries cannot be read without the key"
    if blob is None:
        if descriptor.urls:
            return None, f"a foreign layer, not stored here: it is fetched from {descriptor.urls[0]}"
        if media_types.is_foreign(media_type):
            return None, "a layer that may not be distributed: it is not stored here"
        return None, f"its blob {descriptor.digest} is not here"
    base = media_type.partition("+")[0]
    if not media_type or any(base == known or base.startswith(known + ".") for known in media_types.LAYERS):
        return blob, ""
    if is_tar(blob):
        return blob, ""
    kind = "a SquashFS file system" if blob.pread(4, 0) == b"hsqs" else media_type
    return None, f"no tar but {kind}: its entries cannot be read"


def is_tar(blob: Blob) -> bool:
    """Whether a blob seems to be a tar, as its first bytes tell: of a compressed one, that it is compressed."""
    from layertui.layers.compression.format import compression_of

    head = blob.pread(512, 0)
    return bool(compression_of(head)) or head[257:262] == b"ustar"


def no_image(reference: str, transport: str) -> Image:
    """What a container stands on whose image is not known, or that was begun from scratch."""
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


ALONE = "opened as layers without an image, which do not tell what made them, when and for which platform"


def layers_alone(
    reference: str, transport: str, name: str, layers: Sequence[Layer], warnings: Sequence[str] = ()
) -> Image:
    """A layer of a store with those below it, the base first, as an image that nothing tells of.

    ``name`` is what the store calls the layer.
    """
    return no_image(reference, transport)._replace(
        name=f"layer {short_layer(name)}",
        history=[HistoryEntry(None, "", "", "", layer.number, recorded=False) for layer in layers],
        layers=layers,
        warnings=[ALONE, *warnings],
    )


def short_layer(identity: str) -> str:
    """What a store calls a layer, for people: of a digest twelve digits, as Docker shows IDs."""
    digits = identity.removeprefix("sha256:")
    return digits[:12] if HEX.fullmatch(digits) else identity


def with_own_layer(
    image: Image, unpacked: Unpacked | None, missing: str, text: str, created: str | None
) -> Image:
    """An image with the layer that a container wrote on top; ``text`` says so in the history."""
    number = len(image.layers) + 1
    layer = Layer(LayerNumber(number), Descriptor("", "", -1), "", "", None, missing, unpacked)
    step = HistoryEntry(created, text, "", "", LayerNumber(number))
    return image._replace(layers=[*image.layers, layer], history=[*image.history, step])


def comparison_warnings(layers: Sequence[Layer]) -> list[str]:
    """Return a warning about the layers whose entries are known only by comparison of whole trees."""
    numbers = [
        str(layer.number) for layer in layers if layer.unpacked is not None and layer.unpacked.is_compared
    ]
    if not numbers:
        return []
    which = f"layer{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
    return [
        f"the store has no record of the tar of {which}: shown is what differs from the tree below in type, mode, "
        "owner, size, time or link target; what was stored again as it was, or changed without any of that, is not"
    ]


def incomplete_base_warnings(lowest: Layer) -> list[str]:
    """Return a warning about the lowest layer of a store if it may be a whole tree of several layers."""
    if lowest.unpacked is None or not lowest.unpacked.is_full_tree:
        return []
    return ["layer 1 is a whole tree: what of it is of layers below is not known"]


def _text(step: Mapping[str, Any], name: str) -> str:
    value = step.get(name)
    return value if isinstance(value, str) else ""
