"""An entry's metadata as the screens write it."""

from layertui.text.format import exact_size, moment, owner, permissions

__all__ = ["exact_size", "moment", "owner", "permissions"]
