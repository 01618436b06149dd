"""What an engine reports about an image for one platform (Docker Engine API, "ImageInspect").

Docker's containerd store has an image for several platforms under one ID, the digest of its
index, and mostly not all of them. Since API 1.48 the engine lists its manifests, and which of them
are stored; since 1.49 it describes any of these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from layertui.model import platforms
from layertui.model.errors import LayertuiError, NotFound, few
from layertui.model.image import Descriptor, Platform
from layertui.sources.assemble import config_list, platform_of
from layertui.sources.engine.client import Engine
from layertui.sources.engine.values import objects
from layertui.sources.oci_layout import descriptor_of

INSPECTED_IMAGE = "/images/{0}/json"
MANIFESTS_VERSION = (1, 48)
"""API version from which on an engine lists an image's manifests, and sends the layers of one."""
PLATFORM_VERSION = (1, 49)
"""API version from which on an engine describes any of the platforms."""


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """A manifest of an image, for one platform."""

    descriptor: Descriptor
    platform: Platform
    query: str
    """The platform as the API takes it."""
    is_stored: bool


@dataclass(frozen=True, slots=True)
class Description:
    """What an engine reports about an image for one platform."""

    inspected: Mapping[str, Any]
    identity: str
    """The image's ID: the digest of its config, or of its index or manifest in the containerd store."""
    tags: Sequence[str]
    top: Descriptor | None = None
    """What the ID is the digest of, in the containerd store, if the engine says so."""
    manifest: PlatformManifest | None = None
    """The manifest that is described; ``None`` if the engine does not list any."""
    is_only: bool = True
    """Whether the image has no other manifests, stored or not."""
    attestations: Sequence[Descriptor] = field(default=())
    """Manifests of the attestations of ``manifest``."""

    @property
    def platform(self) -> Platform:
        found = platform_of_answer(self.inspected)
        return found._replace(os_version=str(self.inspected.get("OsVersion") or ""))

    @property
    def is_config_id(self) -> bool:
        """Whether the ID is the config's digest: in the containerd store a repository has it, too."""
        digests = names_of(self.inspected.get("RepoDigests"))
        return self.top is None and not any(each.endswith(f"@{self.identity}") for each in digests)

    @property
    def diff_ids(self) -> list[str]:
        return [each for each in config_list(self.inspected, "RootFS", "Layers") if isinstance(each, str)]

    @property
    def query(self) -> Mapping[str, Any]:
        """Parameters that restrict a request to this platform, if the image has others, too.

        Docker 29 does not send an image as a whole if the platform is not stored that it would choose.
        """
        return {} if self.manifest is None or self.is_only else {"platform": self.manifest.query}


def describe_image(engine: Engine, name: str, wanted: str | None = None, manifest: str = "") -> Description:
    """Return what an engine reports about an image for a platform, or for the one of a manifest's digest.

    By default that is the platform that the engine itself chooses, or else the one that is stored.
    Raises :class:`LayertuiError` if the platform is not stored.
    """
    lists_manifests = engine.api_version >= MANIFESTS_VERSION
    answer = engine.get_object(INSPECTED_IMAGE, name, **({"manifests": "1"} if lists_manifests else {}))
    inspected: Mapping[str, Any] = {key: value for key, value in answer.items() if key != "Manifests"}
    found = Description(
        inspected,
        str(answer.get("Id", "")),
        names_of(answer.get("RepoTags")),
        descriptor_of(answer.get("Descriptor")),
    )
    manifests = manifests_of_answer(answer)
    if not manifests:
        if wanted is not None:
            platforms.choose_platform([(found.platform, None)], wanted, name)
        if not found.diff_ids and platform_of_answer(inspected) == NO_PLATFORM:
            raise LayertuiError(
                f"{engine.endpoint.engine} does not describe {name}",
                "it reports neither a platform nor layers",
                f"{engine.endpoint.engine.lower()} pull {name} fetches it for this platform",
            )
        return found
    stored = [each for each in manifests if each.is_stored]
    own = [each for each in stored if _is_own(each, inspected)]
    if not manifest and wanted is None and len(own) != 1 and found.diff_ids:
        return found  # the engine's own choice among several that cannot be distinguished
    chosen = own[0] if len(own) == 1 else None
    if manifest or wanted is not None or chosen is None:
        chosen = _choose(engine, name, manifests, wanted, manifest)
    if chosen not in own or len(own) > 1:
        inspected = _inspect_platform(engine, name, chosen)
    return Description(
        inspected,
        found.identity,
        found.tags,
        found.top,
        chosen,
        len(manifests) == 1,
        attestations_in(answer, chosen.descriptor.digest),
    )


NO_PLATFORM = Platform("unknown", "unknown")


def platform_of_answer(inspected: Mapping[str, Any]) -> Platform:
    return platform_of({name.lower(): inspected.get(name) for name in ("Os", "Architecture", "Variant")})


def manifests_of_answer(answer: Mapping[str, Any]) -> list[PlatformManifest]:
    """Return the manifests of images, stored or not, that an engine lists with an image."""
    manifests = []
    for each in objects(answer.get("Manifests")):
        descriptor = descriptor_of(each.get("Descriptor"))
        data = each.get("ImageData")
        known = data.get("Platform") if isinstance(data, dict) else None
        if each.get("Kind") == "image" and descriptor is not None and isinstance(known, dict):
            is_stored = each.get("Available") is True
            manifests.append(PlatformManifest(descriptor, platform_of(known), json.dumps(known), is_stored))
    return manifests


def attestations_in(answer: Mapping[str, Any], digest: str) -> list[Descriptor]:
    """Return the manifests of the attestations of the manifest with a digest."""
    found = []
    for each in objects(answer.get("Manifests")):
        about = each.get("AttestationData")
        descriptor = descriptor_of(each.get("Descriptor"))
        if descriptor is not None and isinstance(about, dict) and about.get("For") == digest:
            found.append(descriptor)
    return found


NAMELESS = ("<none>:<none>", "<none>@<none>")


def names_of(value: object) -> list[str]:
    """Return the names in a list of an engine's, without its placeholders for none."""
    names = value if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str) and name not in NAMELESS]


def _is_own(manifest: PlatformManifest, inspected: Mapping[str, Any]) -> bool:
    """Return whether a manifest is for the platform that an answer describes."""
    described = platform_of_answer(inspected)
    return platforms.fits(described, manifest.platform) or platforms.fits(manifest.platform, described)


def _choose(
    engine: Engine, name: str, manifests: Sequence[PlatformManifest], wanted: str | None, digest: str
) -> PlatformManifest:
    """Return the stored manifest of a digest, of a platform, or the one that is stored."""
    stored = [(each.platform, each) for each in manifests if each.is_stored]
    if digest:
        chosen = next((each for each in manifests if each.descriptor.digest == digest), None)
        if chosen is None:
            raise NotFound(f"{name} has no manifest {digest}", "the image has changed since")
    elif wanted is None and stored:
        return platforms.choose_platform(stored, None, name)
    else:
        chosen = platforms.choose_platform(
            stored + [(each.platform, each) for each in manifests], wanted, name
        )
    if not chosen.is_stored:
        listed = few(str(platform) for platform, _ in stored) or "no platform"
        command = f"{engine.endpoint.engine.lower()} pull --platform {chosen.platform} {name}"
        raise LayertuiError(
            f"{name} is not stored for {chosen.platform}", f"stored: {listed}", f"{command} fetches it"
        )
    return chosen


def _inspect_platform(engine: Engine, name: str, manifest: PlatformManifest) -> Mapping[str, Any]:
    if engine.api_version < PLATFORM_VERSION:
        version = ".".join(map(str, engine.api_version))
        raise LayertuiError(
            f"{engine.endpoint.engine} does not describe {name} for {manifest.platform}",
            f"its API has version {version}, since 1.49 it does",
            f"docker save --platform {manifest.platform} {name} | layertui -",
        )
    return engine.get_object(INSPECTED_IMAGE, name, platform=manifest.query)
