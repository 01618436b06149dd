"""The texts of an image besides its files: the config, item by item, and the build steps."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from layertui.model.image import Image
from layertui.model.numbers import EMPTY, LayerNumber

_NO_TEXT = frozenset({"rootfs", "history", "container_config"})
"""Fields of the config that are shown elsewhere, or repeat others."""


class Setting(NamedTuple):
    """An item of the config, or a build step."""

    where: str
    """``config`` or ``history``."""
    field: str
    """``config.Env``, ``author``, ``history``."""
    item: int
    """Its number in the field, from 1."""
    layer: LayerNumber
    """The layer of a build step; 0 for none."""
    text: str


def settings(image: Image) -> Iterator[Setting]:
    """Yield the items of the config, then the build steps."""
    for name, value in image.config.items():
        if name == "config" and isinstance(value, dict):
            for field, items in value.items():
                yield from _items(f"config.{field}", items)
        elif name not in _NO_TEXT:
            yield from _items(name, value)
    for number, step in enumerate(image.history, 1):
        text = f"{step.created_by}\n{step.comment}".strip("\n")
        yield Setting("history", "history", number, step.layer or EMPTY, text)


def _items(field: str, value: Any) -> Iterator[Setting]:
    if isinstance(value, dict):
        texts = [f"{name}={_text(each)}" for name, each in value.items()]
    else:
        texts = list(map(_text, value if isinstance(value, list) else [value]))
    for number, text in enumerate(texts, 1):
        yield Setting("config", field, number, EMPTY, text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
