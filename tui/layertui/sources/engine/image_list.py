"""The lists of an engine's images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from layertui.model.errors import NotFound
from layertui.model.image import ImageSummary
from layertui.sources.assemble import config_list, known_time
from layertui.sources.engine.client import Engine
from layertui.sources.engine.description import (
    NO_PLATFORM,
    manifests_of_answer,
    names_of,
    platform_of_answer,
)
from layertui.sources.engine.images import IMAGE_TRANSPORTS, digest_id
from layertui.sources.engine.values import integer, objects, unix_time

SHARED_SIZE_VERSION = (1, 42)
"""API version from which on the list of images says what they share."""
MANIFEST_LIST_VERSION = (1, 47)
"""API version from which on the list of images has the manifests of each."""


def list_images(engine: Engine) -> Iterator[ImageSummary]:
    """Yield a row for each name of each image.

    Intermediate images of the classic builder are left out, as ``docker images`` does.
    """
    parameters = {"manifests": "1"} if engine.api_version >= MANIFEST_LIST_VERSION else {}
    inspected: dict[str, Mapping[str, Any]] = {}
    for item in engine.get_list("/images/json", **parameters):
        identity = str(item.get("Id", ""))
        if identity not in inspected:
            try:
                answer = engine.get("/images/{0}/json", identity)
            except NotFound:
                continue  # removed since
            inspected[identity] = answer if isinstance(answer, dict) else {}
        yield from _summaries(engine, item, inspected[identity])


def shared_sizes(engine: Engine) -> dict[str, int]:
    """Return bytes of each image, by its ID, that others have too. Takes the engine longer than the list."""
    if engine.api_version >= SHARED_SIZE_VERSION:
        rows: object = engine.get_list("/images/json", **{"shared-size": "1"})
    else:
        rows = engine.get_object("/system/df").get("Images")
    return {
        digest_id(str(item.get("Id", ""))): integer(item, "SharedSize")
        for item in objects(rows)
        if integer(item, "SharedSize") >= 0
    }


def _summaries(
    engine: Engine, item: Mapping[str, Any], inspected: Mapping[str, Any]
) -> Iterator[ImageSummary]:
    identity = digest_id(str(item.get("Id", "")))
    transport = IMAGE_TRANSPORTS[engine.endpoint.engine]
    labels = item.get("Labels")
    size = integer(item, "Size")
    own = platform_of_answer(inspected)
    stored = [each.platform for each in manifests_of_answer(item) if each.is_stored]
    platforms = sorted(dict.fromkeys(stored or [own]), key=lambda platform: platform != own)
    is_described = own != NO_PLATFORM or not stored
    layers = len(config_list(inspected, "RootFS", "Layers"))
    for full, name, tag, digest in _names(item):
        yield ImageSummary(
            reference=f"{transport}:{full or identity}",
            transport=transport,
            name=name,
            tag=tag,
            id=identity,
            digest=digest,
            size=size if size >= 0 else None,
            created=_created(item, inspected),
            layers=layers if len(platforms) == 1 and is_described else None,
            platforms=tuple(platforms),
            labels=labels if isinstance(labels, dict) else {},
        )


def _names(item: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the full names of an image, each with its repository, tag and digest.

    As in ``docker images``, a repository that has only a digest is named, without a tag.
    """
    digests: dict[str, tuple[str, str]] = {}
    for each in names_of(item.get("RepoDigests")):
        name, _, digest = each.partition("@")
        digests.setdefault(name, (each, digest))
    rows = []
    for full in names_of(item.get("RepoTags")):
        if "@" not in full:  # Docker's containerd store lists digests among the tags, too
            name, _, tag = full.rpartition(":")
            rows.append((full, name, tag, digests.get(name, ("", ""))[1]))
    named = {name for _, name, _, _ in rows}
    rows += [(full, name, "", digest) for name, (full, digest) in digests.items() if name not in named]
    return rows or [("", "", "", "")]


def _created(item: Mapping[str, Any], inspected: Mapping[str, Any]) -> str | None:
    """Return when an image was created; the list has a time even where the config has none."""
    listed = integer(item, "Created")
    return unix_time(listed) if listed > 0 else known_time(inspected.get("Created"))
