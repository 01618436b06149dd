"""Media types of indexes, manifests, configs and layers.

OCI: image-spec, media-types.md. Docker: distribution, manifest-v2-2.md and manifest-list.
"""

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
"""Of a config without content (OCI manifest.md, "Guidance for an Empty Descriptor")."""
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar"

ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
"""Artifact type of BuildKit's attestation manifests (buildkit, attestation-storage.md)."""

INDEXES = (OCI_INDEX, DOCKER_INDEX)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
CONFIGS = (OCI_CONFIG, DOCKER_CONFIG, "")
"""Of image configs; some descriptors leave it out."""
LAYERS = (OCI_LAYER, OCI_FOREIGN_LAYER, DOCKER_LAYER, DOCKER_FOREIGN_LAYER)
"""Of layers that are tars, without suffix (``+gzip``, ``+zstd``)."""


def is_foreign(media_type: str) -> bool:
    """Return whether a layer may not be distributed and is fetched from its ``urls``."""
    return "nondistributable" in media_type or "foreign" in media_type


def is_encrypted(media_type: str) -> bool:
    """Return whether a layer is encrypted (containers/ocicrypt)."""
    return media_type.endswith("+encrypted")
