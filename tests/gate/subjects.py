"""Images under a gate."""

from __future__ import annotations

from typing import Any

from layertui import demo
from layertui.content.read import Contents
from layertui.gate.baseline import Baseline
from layertui.gate.checked_image import CheckedImage
from layertui.gate.config import Config
from layertui.gate.evaluate import evaluate
from layertui.gate.globs import Globs
from layertui.gate.rules import Result, Rules, Verdict
from layertui.layers.load import index_layer
from layertui.model.image import Image
from layertui.union.builder import UnionBuilder
from tests.images import layers_of


def image_of(*tars: bytes, **facts: Any) -> Image:
    """An image of these layers, with the sample's history."""
    layers = layers_of(tars)
    sample = demo.image()
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return sample._replace(**{"layers": layers, "config": {**sample.config, "rootfs": rootfs}, **facts})


def judged(
    image: Image,
    config: Config | None = None,
    baseline: Baseline | None = None,
    ignore: tuple[str, ...] = (),
    **rules: Any,
) -> Verdict:
    """How these rules turn out for an image."""
    builder = UnionBuilder()
    for layer in image.layers:
        builder.add(index_layer(layer, None))
    union = builder.freeze()
    subject = CheckedImage(
        image, union, Contents(image, union.indexes, union), Globs(ignore, below=True), lambda: baseline
    )
    return evaluate(config or Config(None, Rules(**rules)), subject)


def result(image: Image, *args: Any, **rules: Any) -> Result:
    """How the one rule turns out."""
    (only,) = judged(image, *args, **rules).results
    return only


def found(image: Image, **rules: Any) -> list[tuple[str | None, int | None, str]]:
    """Path, layer and message of all that is against the one rule."""
    return [
        (finding.path, finding.layer, finding.message) for finding in result(image, **rules).outcome.findings
    ]
