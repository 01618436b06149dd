"""Warnings about the layers of a union."""

from __future__ import annotations

from layertui.model.numbers import LayerNumber
from layertui.model.typed import NamedTuple


class UnionWarning(NamedTuple):
    """A violation of the specification, or a layer that engines are known to apply differently."""

    layer: LayerNumber
    code: str
    """``hardlink-dangling``, ``opaque-root``, …: stable, for scripts."""
    path: str
    text: str
