"""What ``graph/<id>`` of Docker up to 1.9 notes of an image.

Rules from the tag v1.9.1 of moby: graph/graph.go (``loadImage``, ``storeImage``,
``GenerateV1CompatibilityChain``), graph/pull_v2.go, image/image.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from layertui.model.blob import BytesBlob, FileBlob
from layertui.model.errors import LayertuiError
from layertui.model.image import InspectField
from layertui.sources import documents
from layertui.sources.docker_root.files import read_document
from layertui.sources.files import MAX_JSON, parse_object, read_text
from layertui.text.format import parse_time

COMPATIBILITY = "v1Compatibility"
OWN = ("id", "parent", "parent_id", "layer_id", "Size")
"""Keys that need not be the same in ``json`` and ``v1Compatibility``: a pull by digest gives new IDs."""


class _Read(NamedTuple):
    """The file that counts of an image."""

    path: Path
    value: Mapping[str, Any]
    data: bytes
    problem: str = ""
    """Why it is not ``json``."""


class LegacyEntry:
    """One image's directory. Nothing is read before it is asked for, and then once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    @property
    def value(self) -> Mapping[str, Any]:
        """The image as JSON. Raises :class:`LayertuiError` if no file of it can be read."""
        return self._read.value

    @property
    def document(self) -> Path:
        """The file that the value is from: ``json``, or ``v1Compatibility`` where that cannot be read."""
        return self._read.path

    @property
    def data(self) -> bytes:
        """That file."""
        return self._read.data

    @cached_property
    def compatibility(self) -> Mapping[str, Any]:
        """``v1Compatibility``, as registries know the image: empty where there is none.

        Raises :class:`LayertuiError` if it cannot be read.
        """
        if self.compatibility_data is None:
            return {}
        path = str(self.folder / COMPATIBILITY)
        return parse_object(BytesBlob(self.compatibility_data, path), path, documents.CONFIG_SCHEMA)[0]

    @cached_property
    def compatibility_data(self) -> bytes | None:
        """Its bytes. Raises :class:`LayertuiError`."""
        path = self.folder / COMPATIBILITY
        if not path.exists():
            return None
        blob = FileBlob(path)
        return blob.pread(min(blob.size, MAX_JSON + 1), 0)

    @cached_property
    def _read(self) -> _Read:
        path = self.folder / "json"
        try:
            return _Read(path, *read_document(path, documents.CONFIG_SCHEMA))
        except LayertuiError as error:
            try:
                if self.compatibility:
                    compatible = self.folder / COMPATIBILITY
                    return _Read(compatible, self.compatibility, self.compatibility_data or b"", str(error))
            except LayertuiError:
                pass  # what is wrong with ``json`` is said
            raise

    @cached_property
    def size(self) -> int:
        """Bytes as ``layersize`` has them; -1 if it does not tell, as Docker takes it."""
        text = read_text(self.folder / "layersize")
        return int(text) if text.isdecimal() else -1

    @cached_property
    def parent(self) -> InspectField:
        """The file ``parent`` counts, then ``parent`` of the JSON, then its ``parent_id``."""
        if parent := read_text(self.folder / "parent"):
            return InspectField("Parent", parent, str(self.folder / "parent"))
        try:
            value = self.value
        except LayertuiError:
            return InspectField("Parent", "")
        key = "parent" if value.get("parent") or not value.get("parent_id") else "parent_id"
        found = value.get(key)
        parent = found.rpartition(":")[2] if isinstance(found, str) else ""
        return InspectField("Parent", parent, str(self.document), key)

    def places(self) -> Iterator[tuple[str, str]]:
        """Yield where it is stored, and what is noted there beside the JSON."""
        yield "graph", str(self.folder)
        if self.parent.file == str(self.folder / "parent"):
            yield "parent", str(self.parent.value)
        if text := read_text(self.folder / "checksum"):
            yield "checksum", text
        if (path := self.folder / COMPATIBILITY).exists():
            yield COMPATIBILITY, str(path)

    def problems(self) -> Iterator[str]:
        """Yield what in it contradicts itself, a sentence each."""
        if self.document.name == COMPATIBILITY:
            yield f"{self._read.problem}: shown is what its {COMPATIBILITY} says"
            return
        named = self.value.get("id")
        if named and named != self.id:
            yield f"{self.document} is of the image {named}: Docker does not open it"
        try:
            differ = [key for key in sorted(self.compatibility) if key not in OWN and self._differs(key)]
        except LayertuiError as error:
            yield str(error)
            return
        if differ:
            yield f"{self.folder / COMPATIBILITY} has another {', '.join(differ)} than json: shown is that of json"

    def _differs(self, key: str) -> bool:
        if key not in self.value:
            return False
        here, there = self.value[key], self.compatibility[key]
        if key == "created" and isinstance(here, str) and isinstance(there, str):
            return here != there and (parse_time(here) is None or parse_time(here) != parse_time(there))
        return not _is_same(here, there)


def _is_same(one: object, other: object) -> bool:
    """Return whether Docker reads the same out of two values: what is empty may be left out, and so may what it does not know.

    A command of one word may be text in place of a list (pkg/stringutils, ``StrSlice``).
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_is_same(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, str) != isinstance(other, str):
        one, other = ([each] if isinstance(each, str) else each for each in (one, other))
    return one == other or (not one and not other)
