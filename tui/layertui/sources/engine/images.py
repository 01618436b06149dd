"""An engine's images (Docker Engine API, "Image"; Podman answers the same questions)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from layertui.cache.blobs import BlobCache
from layertui.layers.unpacked.id_mapping import id_mapping_of
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.tar_split import RecordedDirectory
from layertui.model import media_types, platforms
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import (
    Descriptor,
    Image,
    ImageSummary,
    Layer,
    Platform,
    Recorded,
    Unpacked,
    chain_ids,
)
from layertui.model.numbers import LayerNumber
from layertui.sources.assemble import config_list, platform_of
from layertui.sources.docker_root.files import overlay_places
from layertui.sources.documents import CONFIG_SCHEMA, decode
from layertui.sources.engine import store_files
from layertui.sources.engine.client import Engine
from layertui.sources.engine.save_stream import SavedBlob, SaveStream
from layertui.sources.engine.steps import history_of_steps
from layertui.sources.engine.values import integer, objects, unix_time
from layertui.sources.files import read_text

IMAGE_TRANSPORTS = {"Docker": "docker-daemon", "Podman": "podman"}
NAMELESS = ("<none>:<none>", "<none>@<none>")
SHARED_SIZE_VERSION = (1, 42)
"""From which on the list of images can tell what they share."""


def list_images(engine: Engine) -> Iterator[ImageSummary]:
    """Yield a row for each name of each image.

    Intermediate images of the classic builder are left out, as ``docker images`` does.
    """
    inspected: dict[str, Mapping[str, Any]] = {}
    for item in objects(engine.get("/images/json")):
        identity = str(item.get("Id", ""))
        if identity not in inspected:
            try:
                inspected[identity] = engine.get("/images/{0}/json", identity)
            except NotFound:
                continue  # removed since
        yield from _summaries(engine, item, inspected[identity])


def shared_sizes(engine: Engine) -> dict[str, int]:
    """Return bytes of each image, by its ID, that others have too. Takes the engine longer than the list."""
    if engine.api_version >= SHARED_SIZE_VERSION:
        rows = engine.get("/images/json", **{"shared-size": "1"})
    else:
        rows = engine.get("/system/df").get("Images")
    return {
        digest_id(str(item.get("Id", ""))): integer(item, "SharedSize")
        for item in objects(rows)
        if integer(item, "SharedSize") >= 0
    }


def open_image(engine: Engine, name: str, platform: str | None = None) -> Image:
    """Return the image that the engine knows by a name, tag, digest or ID.

    Nothing but its description is fetched. Raises :class:`LayertuiError`.
    """
    try:
        inspected = engine.get("/images/{0}/json", name)
    except NotFound as error:
        raise NotFound(
            f"{engine.endpoint.engine} has no image {name}",
            "",
            f"{engine.endpoint.engine.lower()} pull fetches it, docker:// looks into its registry",
        ) from error
    if not isinstance(inspected, dict):
        raise LayertuiError(f"{engine.endpoint.engine} does not describe {name}")
    identity = str(inspected.get("Id", ""))
    diff_ids = [each for each in config_list(inspected, "RootFS", "Layers") if isinstance(each, str)]
    warnings = []
    directories = _directories(engine, inspected, len(diff_ids))
    config_bytes = _config_bytes(identity, directories)
    config = decode(config_bytes, CONFIG_SCHEMA) if config_bytes else _config_of(inspected)
    try:
        steps = objects(engine.get("/images/{0}/history", identity or name))[::-1]
    except LayertuiError as error:  # Podman 4.3 fails where the config has no dates
        steps = []
        if not config_bytes:
            warnings.append(f"{engine.endpoint.engine} does not tell the history: {error.why or error.what}")
    history, odd = history_of_steps(steps, config if config_bytes else None, len(diff_ids))
    stream = SaveStream(engine, identity or name, {identity, *diff_ids}, integer(inspected, "Size"))
    sizes: dict[int, int] = {entry.layer: entry.size for entry in history if entry.layer is not None}
    counted: Literal["tar", "members", "directory"] = "directory" if directories else "members"
    if engine.endpoint.engine == "Podman":
        counted = "tar"
    tags = names_of(inspected.get("RepoTags"))
    transport = IMAGE_TRANSPORTS[engine.endpoint.engine]
    found = _platform(inspected)
    if platform is not None:
        platforms.choose_platform([(found, None)], platform, f"{transport}:{name}")
    return Image(
        reference=f"{transport}:{name}",
        transport=transport,
        name=tags[0] if tags else name,
        tags=tags,
        repo_digests=names_of(inspected.get("RepoDigests")),
        id=identity,
        config=config,
        config_bytes=config_bytes,
        manifest={},
        manifest_bytes=b"",
        manifest_digest="",
        platform=found,
        history=history,
        layers=[
            Layer(
                LayerNumber(number),
                Descriptor(media_types.DOCKER_LAYER, "", sizes.get(number, -1)),
                diff_id,
                chain_id,
                None if directories else SavedBlob(stream, diff_id),
                unpacked=_unpacked(directories[number - 1], chain_id) if directories else None,
                places=_places(directories[number - 1], chain_id) if directories else (),
                recorded=Recorded(sizes.get(number, -1), counted),
            )
            for number, (diff_id, chain_id) in enumerate(zip(diff_ids, chain_ids(diff_ids), strict=True), 1)
        ],
        warnings=[*warnings, *odd],
        inspected=inspected,
        arrival=None if directories else stream,
        pinned=f"{transport}:{identity}" if identity else "",
    )


# Lists


def _summaries(
    engine: Engine, item: Mapping[str, Any], inspected: Mapping[str, Any]
) -> Iterator[ImageSummary]:
    identity = digest_id(str(item.get("Id", "")))
    digests = names_of(item.get("RepoDigests"))
    labels = item.get("Labels")
    size = integer(item, "Size")
    transport = IMAGE_TRANSPORTS[engine.endpoint.engine]
    for full in names_of(item.get("RepoTags")) or [""]:
        name, _, tag = full.rpartition(":")
        yield ImageSummary(
            reference=f"{transport}:{full or identity}",
            transport=transport,
            name=name,
            tag=tag,
            id=identity,
            digest=next((each.partition("@")[2] for each in digests if each.startswith(f"{name}@")), ""),
            size=size if size >= 0 else None,
            created=unix_time(item.get("Created")),
            layers=len(config_list(inspected, "RootFS", "Layers")),
            platforms=(_platform(inspected),),
            labels=labels if isinstance(labels, dict) else {},
        )


def digest_id(identity: str) -> str:
    """Return an image's ID as a digest: Podman leaves the algorithm out."""
    return identity if ":" in identity or not identity else f"sha256:{identity}"


def names_of(value: object) -> list[str]:
    """Name as a list has them, without the placeholders for none."""
    names = value if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str) and name not in NAMELESS]


def _platform(inspected: Mapping[str, Any]) -> Platform:
    return platform_of({name.lower(): inspected.get(name) for name in ("Os", "Architecture", "Variant")})


# One image


def _config_of(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """Return as much of the config as ``inspect`` repeats."""
    config = {name: inspected.get(key) for name, key in (
        ("created", "Created"), ("author", "Author"), ("architecture", "Architecture"), ("os", "Os"),
        ("variant", "Variant"), ("config", "Config"), ("docker_version", "DockerVersion"),
    )}  # fmt: skip
    diff_ids = config_list(inspected, "RootFS", "Layers")
    return {**config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}


def _directories(engine: Engine, inspected: Mapping[str, Any], layers: int) -> list[Path]:
    """Return where the engine keeps each layer of an image, if all of that can be read here and now."""
    paths = readable_directories(engine, inspected)
    return paths if len(paths) == layers else []


def readable_directories(engine: Engine, inspected: Mapping[str, Any]) -> list[Path]:
    """Return the layers' directories of an image or container, base first; none unless all can be read."""
    driver = inspected.get("GraphDriver")
    data = driver.get("Data") if isinstance(driver, dict) else None
    if engine.endpoint.socket is None or not isinstance(data, dict) or not data.get("UpperDir"):
        return []
    lower = str(data.get("LowerDir") or "")
    names = [*reversed(lower.split(":") if lower else []), str(data["UpperDir"])]
    paths = [Path(name) for name in names]
    readable = all(path.is_dir() and os.access(path, os.R_OK | os.X_OK) for path in paths)
    return paths if readable else []


def _unpacked(directory: Path, chain_id: str) -> Unpacked:
    """Return what a layer is read from that is in a directory."""
    record = store_files.record_of(directory, chain_id)
    return RecordedDirectory(record, directory) if record else unpacked_in(directory)


def _places(directory: Path, chain_id: str) -> list[tuple[str, str]]:
    """Return where it is stored, and what else is noted of it."""
    record = store_files.record_of(directory, chain_id)
    return [*overlay_places(directory), *([("tar-split", str(record))] if record else [])]


def unpacked_in(directory: Path, below: tuple[Path, ...] = ()) -> UnpackedDirectory:
    """Return a layer's directory; ``below`` are those that it lies on, the nearest first.

    That of the driver, in which all lie, tells whether it was written by fuse-overlayfs, and
    whose the files are where the engine runs without root's privileges.
    """
    driver = directory.parents[1]
    fuse = driver.name == "fuse-overlayfs" or read_text(driver / ".has-mount-program") == "true"
    return UnpackedDirectory(directory, fuse, below, id_mapping_of(driver))


def _config_bytes(identity: str, directories: Sequence[Path]) -> bytes:
    """Return the config itself, from the engine's store or from the cache; empty if it is in neither."""
    if found := store_files.config_bytes(identity, directories):
        return found
    kept = BlobCache().get(identity)
    return kept.pread(kept.size, 0) if kept else b""
