"""What the detail pane tells about."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layertui.content.read import Contents
    from layertui.image import Image
    from layertui.union import Union


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One path of an image, seen from one of its layers."""

    image: "Image"
    union: "Union"
    contents: "Contents"
    merged_layer: int
    """The chosen layer, 1 at the base."""
    node: int
    """The path, as ``union`` numbers it."""
