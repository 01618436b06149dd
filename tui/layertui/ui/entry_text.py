"""An entry's metadata as the screens write it."""

from layertui.text.format import exact_size, mode_text, moment, owner

__all__ = ["exact_size", "mode_text", "moment", "owner"]
