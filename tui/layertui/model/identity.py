"""Which image a name led to when it was opened."""

from __future__ import annotations

from layertui.model.blob import FileState
from layertui.model.image import Image
from layertui.model.typed import NamedTuple


class Identity(NamedTuple):
    """One image, whatever its name refers to later. A container's read-write layer may change."""

    name: str
    """For display."""
    reference: str
    """What names it."""
    pinned: str
    """What leads to it as long as it exists; the reference itself where the source has nothing better."""
    platform: str | None
    """To be asked for along with ``pinned``, ``os/arch[/variant]``."""
    digests: tuple[str, ...]
    """Of its manifest, its config and its layers (diff IDs), empty where unknown."""
    file: FileState | None
    """Of the archive that contains it."""


def identity_of(image: Image) -> Identity:
    """Return the identity of an image that has just been opened."""
    diff_ids = (layer.diff_id for layer in image.layers)
    return Identity(
        image.name,
        image.reference,
        image.pinned or image.reference,
        image.pinned_platform if image.pinned else image.asked_platform,
        (image.manifest_digest, image.id, *diff_ids),
        image.file,
    )
