"""Baselines: sizes that an image's growth is measured against."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from layertui.cache.directory import save
from layertui.model.errors import LayertuiError
from layertui.model.image import Image
from layertui.union.model import LayerUnion

BASELINE_VERSION = 1


@dataclass(frozen=True, slots=True)
class BaselineLayer:
    """A layer of a baseline."""

    diff_id: str
    """Empty if the config has none."""
    size_bytes: int
    """Bytes of its files."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The sizes of an image when the baseline was written."""

    image: str
    """Human-readable name."""
    id: str
    size_bytes: int
    """Bytes of the files of all layers."""
    layers: tuple[BaselineLayer, ...]
    version: int = BASELINE_VERSION


def baseline_of(image: Image, union: LayerUnion) -> Baseline:
    """Return the baseline of an image as it is now."""
    parts = tuple(
        BaselineLayer(layer.diff_id, sum(index.size))
        for layer, index in zip(image.layers, union.indexes, strict=True)
    )
    return Baseline(image.name, image.id, sum(part.size_bytes for part in parts), parts)


def is_baseline_file(place: str) -> bool:
    """Return whether ``place`` is a file with a baseline, not an image."""
    return place.endswith(".json")


def read_baseline(file: Path) -> Baseline:
    """Read a baseline from its file. Raises :class:`LayertuiError`."""
    again = "rewrite it with --update-baseline"
    try:
        found = msgspec.convert(json.loads(file.read_bytes()), Baseline)
    except FileNotFoundError as error:
        raise LayertuiError(f"no baseline {file}", "", "write it with --update-baseline") from error
    except OSError as error:
        raise LayertuiError(f"cannot read the baseline {file}", error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise LayertuiError(f"{file} is not a baseline", str(error), again) from error
    if found.version != BASELINE_VERSION:
        raise LayertuiError(f"cannot read the baseline {file}", f"it has version {found.version}", again)
    return found


def write_baseline(file: Path, baseline: Baseline) -> None:
    """Write a baseline to a file. Raises :class:`LayertuiError`."""
    save(file, json.dumps(asdict(baseline), indent=2).encode() + b"\n")
