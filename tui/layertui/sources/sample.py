"""``demo:``: the sample image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from layertui import demo
from layertui.model import platforms
from layertui.model.errors import LayertuiError
from layertui.model.image import Image, ImageSummary
from layertui.model.reference import Reference
from layertui.sources.assemble import created_of, labels_of

if TYPE_CHECKING:
    from layertui.sources.attachments import Attachment


def open_image(reference: Reference, platform: str | None) -> Image:
    """See :class:`layertui.sources.Source`."""
    if reference.location:
        raise LayertuiError(f"{reference} does not exist", "demo: is a single image", "open demo:")
    image = demo.image()
    return platforms.choose_platform([(image.platform, image)], platform, "demo:") if platform else image


def list_images(reference: Reference) -> list[ImageSummary]:
    """See :class:`layertui.sources.Source`."""
    image = open_image(reference, None)
    name, _, tag = image.name.rpartition(":")
    return [
        ImageSummary(
            image.reference, "demo", name, tag, image.id, image.manifest_digest, image.size,
            created_of(image.config), len(image.layers), (image.platform,), labels_of(image.config),
        )
    ]  # fmt: skip


def attachments_of(_image: Image) -> Iterator[Attachment]:
    """See :class:`layertui.sources.attachments.AttachmentSource`."""
    return iter(())
