"""An engine's image, opened (Docker Engine API, "Image"; Podman answers the same requests)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from layertui.layers.unpacked.id_mapping import id_mapping_of
from layertui.layers.unpacked.overlay_directory import UnpackedDirectory
from layertui.layers.unpacked.tar_split import RecordedDirectory
from layertui.model import media_types
from layertui.model.errors import LayertuiError, NotFound
from layertui.model.image import (
    Descriptor,
    Image,
    Layer,
    Recorded,
    Unpacked,
    chain_ids,
)
from layertui.model.numbers import LayerNumber
from layertui.sources.assemble import config_list
from layertui.sources.docker_root.files import overlay_places
from layertui.sources.documents import CONFIG_SCHEMA, decode
from layertui.sources.engine import store_files
from layertui.sources.engine.client import Engine
from layertui.sources.engine.description import describe_image, names_of
from layertui.sources.engine.save_stream import SavedBlob, SaveStream
from layertui.sources.engine.saved_image import SavedImage, known_links
from layertui.sources.engine.steps import history_of_steps
from layertui.sources.engine.values import integer
from layertui.sources.files import read_text

IMAGE_TRANSPORTS = {"Docker": "docker-daemon", "Podman": "podman"}


def open_image(engine: Engine, name: str, platform: str | None = None, manifest: str = "") -> Image:
    """Return the image that the engine knows by a name, tag, digest or ID.

    It is the one for a platform, or of a manifest's digest; by default for the platform that the
    engine chooses. Nothing but its description is fetched, so that the answer does not depend on what
    the cache has; the engine hands out the documents with the layers only. Raises :class:`LayertuiError`.
    """
    try:
        described = describe_image(engine, name, platform, manifest)
    except NotFound as error:
        raise NotFound(
            f"{engine.endpoint.engine} has no image {name}",
            "",
            f"{engine.endpoint.engine.lower()} pull fetches it, docker:// looks into its registry",
        ) from error
    inspected, identity, diff_ids = described.inspected, described.identity, described.diff_ids
    directories = _directories(engine, inspected, len(diff_ids))
    config_bytes = store_files.config_bytes(identity, directories)
    config = decode(config_bytes, CONFIG_SCHEMA) if config_bytes else _config_of(inspected)
    warnings = []
    try:
        steps = engine.get_list("/images/{0}/history", identity or name, **described.query)[::-1]
    except LayertuiError as error:  # Podman 4.3 fails where the config has no dates
        steps = []
        if not config_bytes:
            warnings.append(
                f"{engine.endpoint.engine} does not report the history: {error.why or error.what}"
            )
    if not diff_ids and any(integer(step, "Size") > 0 for step in steps):
        raise LayertuiError(
            f"{engine.endpoint.engine} does not list the layers of {name}", "its history has some"
        )
    history, odd = history_of_steps(steps, config if config_bytes else None, len(diff_ids))
    stream = SaveStream(engine, identity or name, diff_ids, integer(inspected, "Size"), described.query)
    sizes: dict[int, int] = {entry.layer: entry.size for entry in history if entry.layer is not None}
    counted: Literal["tar", "members", "directory"] = "directory" if directories else "members"
    if engine.endpoint.engine == "Podman":
        counted = "tar"
    transport = IMAGE_TRANSPORTS[engine.endpoint.engine]
    chosen = described.manifest
    return Image(
        reference=f"{transport}:{name}",
        transport=transport,
        name=described.tags[0] if described.tags else name,
        tags=described.tags,
        repo_digests=names_of(inspected.get("RepoDigests")),
        id=identity,
        config=config,
        config_bytes=config_bytes,
        manifest={},
        manifest_bytes=b"",
        manifest_digest=chosen.descriptor.digest if chosen is not None else "",
        platform=described.platform,
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
        attestations=described.attestations,
        warnings=[*warnings, *odd],
        inspected=inspected,
        arrival=None if directories else SavedImage(stream, described),
        pinned=f"{transport}:{identity}" if identity else "",
        pinned_platform=str(chosen.platform)
        if chosen is not None and described.identity != chosen.descriptor.digest
        else None,
        links=() if config_bytes else known_links(described),
    )


def digest_id(identity: str) -> str:
    """Return an image's ID as a digest: Podman leaves the algorithm out."""
    return identity if ":" in identity or not identity else f"sha256:{identity}"


def _config_of(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """Return as much of the config as ``inspect`` repeats."""
    config = {name: inspected.get(key) for name, key in (
        ("created", "Created"), ("author", "Author"), ("architecture", "Architecture"), ("os", "Os"),
        ("variant", "Variant"), ("os.version", "OsVersion"), ("config", "Config"),
        ("docker_version", "DockerVersion"),
    )}  # fmt: skip
    diff_ids = config_list(inspected, "RootFS", "Layers")
    return {**config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}


def _directories(engine: Engine, inspected: Mapping[str, Any], layers: int) -> list[Path]:
    """Return the directories of all layers of an image; none unless all can be read."""
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
    """Return the layer in a directory, with the record of its tar if there is one."""
    record = store_files.record_of(directory, chain_id)
    is_overlaid = directory.name == "diff"
    return RecordedDirectory(record, directory, is_overlaid=is_overlaid) if record else unpacked_in(directory)


def _places(directory: Path, chain_id: str) -> list[tuple[str, str]]:
    """Return where a layer is stored, and its record."""
    record = store_files.record_of(directory, chain_id)
    return [*overlay_places(directory), *([("tar-split", str(record))] if record else [])]


def unpacked_in(directory: Path, below: tuple[Path, ...] = ()) -> UnpackedDirectory:
    """Return a layer's directory; ``below`` are those below it, the nearest first.

    The driver's directory, which contains all of them, records whether it was written by fuse-overlayfs,
    and the files' owners where the engine runs without root's privileges.
    """
    driver = directory.parents[1]
    fuse = driver.name == "fuse-overlayfs" or read_text(driver / ".has-mount-program") == "true"
    return UnpackedDirectory(directory, fuse, below, id_mapping_of(driver))
